package main

import (
	"context"
	"fmt"
	"os"
	"reflect"

	"github.com/arangodb/go-driver/v2/arangodb"
	"github.com/arangodb/go-driver/v2/arangodb/shared"
	"github.com/arangodb/go-driver/v2/connection"
)

// doc is any document; the driver decodes into it as into a user's struct.
type doc = map[string]interface{}

var (
	ctx      = context.Background()
	url      = os.Getenv("STORE_URL")
	password = os.Getenv("STORE_PASSWORD")
	counted  int
)

// same stops the program unless both are deeply equal.
func same(got, want interface{}) {
	counted++
	if !reflect.DeepEqual(got, want) {
		panic(fmt.Sprintf("got %#v, expected %#v", got, want))
	}
}

// good stops the program on an error.
func good(err error) {
	if err != nil {
		panic(fmt.Sprintf("%+v", err))
	}
}

// must returns the value of a call that has to succeed.
func must[T any](value T, err error) T {
	good(err)
	return value
}

// fails wants an error of ArangoDB with this HTTP status and number.
func fails(code, num int, err error) string {
	is, why := shared.IsArangoError(err)
	if !is {
		panic(fmt.Sprintf("expected error %d, got %v", num, err))
	}
	same([]int{why.Code, why.ErrorNum}, []int{code, num})
	return why.ErrorMessage
}

// failure makes an error the only value of a call.
func failure[T any](_ T, err error) error { return err }

// results reads all answers of an array write; 0 stands for success.
func results[T any](docs []T, errs []error) ([]T, []int) {
	nums := make([]int, len(errs))
	for i, err := range errs {
		if is, why := shared.IsArangoError(err); is {
			nums[i] = why.ErrorNum
		} else {
			good(err)
		}
	}
	return docs, nums
}

// open makes a client with Basic authentication.
func open(user, secret string) arangodb.Client {
	conn := connect()
	good(conn.SetAuthentication(connection.NewBasicAuth(user, secret)))
	return arangodb.NewClient(conn)
}

func connect() connection.Connection {
	endpoint := connection.NewRoundRobinEndpoints([]string{url})
	return connection.NewHttpConnection(connection.DefaultHTTPConfigurationWrapper(endpoint, true))
}

// database makes a new one; the name tells driver and part.
func database(name string) arangodb.Database {
	return must(open("root", password).CreateDatabase(ctx, "go_"+name, nil))
}

func collection(db arangodb.Database, name string) arangodb.Collection {
	return must(db.CreateCollectionV2(ctx, name, nil))
}

func edges(db arangodb.Database, name string) arangodb.Collection {
	kind := arangodb.CollectionTypeEdge
	return must(db.CreateCollectionV2(ctx, name, &arangodb.CreateCollectionPropertiesV2{Type: &kind}))
}

// plain returns the attributes that are the user's own.
func plain(d doc) doc {
	own := doc{}
	for name, value := range d {
		if name[0] != '_' {
			own[name] = value
		}
	}
	return own
}

func ptr[T any](value T) *T { return &value }
