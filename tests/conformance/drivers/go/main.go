// The normal work of go-driver v2, in parts: main PART.
package main

import (
	"fmt"
	"os"
)

var parts = map[string]func(){
	"connect":     connecting,
	"databases":   databases,
	"collections": collections,
	"users":       users,
	"documents":   documents,
	"arrays":      arrays,
	"revisions":   revisions,
	"imports":     imports,
	"indexes":     indexes,
	"cursors":     cursors,
}

func main() {
	parts[os.Args[1]]()
	fmt.Printf("%d checks\n", counted)
}
