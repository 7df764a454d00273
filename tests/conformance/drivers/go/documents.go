package main

import (
	"strings"

	"github.com/arangodb/go-driver/v2/arangodb"
	"github.com/arangodb/go-driver/v2/arangodb/shared"
)

type createOptions = arangodb.CollectionDocumentCreateOptions
type updateOptions = arangodb.CollectionDocumentUpdateOptions
type replaceOptions = arangodb.CollectionDocumentReplaceOptions
type deleteOptions = arangodb.CollectionDocumentDeleteOptions

var (
	ignore  = ptr(arangodb.CollectionDocumentCreateOverwriteModeIgnore)
	replace = ptr(arangodb.CollectionDocumentCreateOverwriteModeReplace)
	update  = ptr(arangodb.CollectionDocumentCreateOverwriteModeUpdate)
)

func read(c arangodb.Collection, key string) doc {
	got := doc{}
	must(c.ReadDocument(ctx, key, &got))
	return got
}

// create inserts @d and returns the new document as stored.
func create(c arangodb.Collection, d doc, options createOptions) doc {
	got := doc{}
	options.NewObject = &got
	must(c.CreateDocumentWithOptions(ctx, d, &options))
	return plain(got)
}

func documents() {
	db := database("documents")
	c := collection(db, "c")
	meta := must(c.CreateDocument(ctx, doc{"_key": "a", "x": 1.5, "s": "\u20ac\n\"", "n": nil}))
	same([]string{string(meta.ID), meta.Key}, []string{"c/a", "a"})
	same(read(c, "a"), doc{"_id": "c/a", "_key": "a", "_rev": meta.Rev, "x": 1.5, "s": "\u20ac\n\"", "n": nil})
	fails(404, 1202, failure(c.ReadDocument(ctx, "none", &doc{})))
	same([]bool{must(c.DocumentExists(ctx, "a")), must(c.DocumentExists(ctx, "none"))}, []bool{true, false})
	fails(409, 1210, failure(c.CreateDocument(ctx, doc{"_key": "a"})))
	fails(400, 1221, failure(c.CreateDocument(ctx, doc{"_key": "a b"})))

	same(create(c, doc{"x": 1}, createOptions{}), doc{"x": 1.0})
	same(must(c.CreateDocumentWithOptions(ctx, doc{"_key": "quiet"}, &createOptions{Silent: ptr(true)})).Key, "")
	again := must(c.CreateDocumentWithOptions(ctx, doc{"_key": "a", "y": 2}, &createOptions{OverwriteMode: ignore}))
	same(again.Rev, meta.Rev)
	old := doc{}
	want := doc{"o": doc{"p": 1.0}, "n": 1.0}
	same(create(c, doc{"_key": "a", "o": doc{"p": 1}, "n": 1}, createOptions{OverwriteMode: replace, OldObject: &old}), want)
	same(old["x"], 1.5)
	patch := doc{"_key": "a", "o": doc{"q": 2}, "n": nil}
	same(create(c, patch, createOptions{OverwriteMode: update, KeepNull: ptr(false)}),
		doc{"o": doc{"p": 1.0, "q": 2.0}})
	same(create(c, patch, createOptions{OverwriteMode: update, KeepNull: ptr(true), MergeObjects: ptr(false)}),
		doc{"o": doc{"q": 2.0}, "n": nil})

	old, now := doc{}, doc{}
	must(c.UpdateDocumentWithOptions(ctx, "a", doc{"o": doc{"r": nil}, "n": nil},
		&updateOptions{KeepNull: ptr(false), OldObject: &old, NewObject: &now}))
	same([]doc{plain(old), plain(now)}, []doc{{"o": doc{"q": 2.0}, "n": nil}, {"o": doc{"q": 2.0}}})
	must(c.UpdateDocumentWithOptions(ctx, "a", doc{"o": doc{"z": 0}}, &updateOptions{MergeObjects: ptr(false)}))
	same(plain(read(c, "a")), doc{"o": doc{"z": 0.0}})
	must(c.ReplaceDocumentWithOptions(ctx, "a", doc{"v": 2}, &replaceOptions{Silent: ptr(true)}))
	fails(404, 1202, failure(c.UpdateDocument(ctx, "none", doc{})))
	fails(404, 1202, failure(c.ReplaceDocument(ctx, "none", doc{})))
	old = doc{}
	must(c.DeleteDocumentWithOptions(ctx, "a", &deleteOptions{OldObject: &old}))
	same(plain(old), doc{"v": 2.0})
	fails(404, 1202, failure(c.DeleteDocument(ctx, "a")))

	create(c, doc{"_key": "v", "seq": 5}, createOptions{})
	create(c, doc{"_key": "v", "seq": 4}, createOptions{OverwriteMode: replace, VersionAttribute: "seq"})
	same(plain(read(c, "v")), doc{"seq": 5.0})

	e := edges(db, "e")
	must(e.CreateDocument(ctx, doc{"_key": "1", "_from": "c/v", "_to": "c/quiet"}))
	same(read(e, "1")["_from"], "c/v")
	fails(400, 1233, failure(e.CreateDocument(ctx, doc{"_from": "c/v"})))
	key := "a:b@(d)!$*'=;,"
	must(c.CreateDocument(ctx, doc{"_key": key, "v": 1}))
	same(plain(read(c, key)), doc{"v": 1.0})
}

func arrays() {
	c := collection(database("arrays"), "c")
	metas, nums := results(must(c.CreateDocuments(ctx,
		[]doc{{"_key": "0", "v": 0}, {"_key": "1", "v": 1}, {"_key": "1"}, {"_key": "a b"}})).ReadAll())
	same([]string{metas[0].Key, metas[1].Key}, []string{"0", "1"})
	same(nums, []int{0, 0, 1210, 1221})
	same(strings.HasPrefix(*metas[2].ErrorMessage, "unique constraint violated"), true)

	now, old := doc{}, doc{}
	reader := must(c.CreateDocumentsWithOptions(ctx, []doc{{"_key": "0", "w": 1}, {"_key": "1", "v": nil}},
		&createOptions{OverwriteMode: update, KeepNull: ptr(true), NewObject: &now, OldObject: &old}))
	same(reader.Len(), 2)
	must(reader.Read())
	same([]doc{plain(now), plain(old)}, []doc{{"v": 0.0, "w": 1.0}, {"v": 0.0}})
	must(reader.Read())
	same([]doc{plain(now), plain(old)}, []doc{{"v": nil}, {"v": 1.0}})
	same(shared.IsNoMoreDocuments(failure(reader.Read())), true)

	_, nums = results(must(c.UpdateDocumentsWithOptions(ctx, []doc{{"_key": "0", "v": nil}, {"_key": "none"}},
		&updateOptions{KeepNull: ptr(false)})).ReadAll())
	same(nums, []int{0, 1202})
	same(plain(read(c, "0")), doc{"w": 1.0})
	_, nums = results(must(c.ReplaceDocuments(ctx, []doc{{"_key": "0", "r": 0}, {"_key": "none"}})).ReadAll())
	same(nums, []int{0, 1202})

	got := []doc{}
	_, nums = results(must(c.ReadDocuments(ctx, []string{"0", "1", "none"})).ReadAll(&got))
	same([]interface{}{nums, plain(got[0])}, []interface{}{[]int{0, 0, 1202}, doc{"r": 0.0}})
	deleted := must(c.DeleteDocumentsWithOptions(ctx, []string{"0", "none"}, &deleteOptions{OldObject: &old}))
	must(deleted.Read(&doc{}))
	same(plain(old), doc{"r": 0.0})
	fails(0, 1202, failure(deleted.Read(&doc{})))
	same(must(c.Count(ctx)), int64(1))
	_, nums = results(must(c.CreateDocumentsWithOptions(ctx, []doc{{"_key": "1"}, {"_key": "2"}},
		&createOptions{Silent: ptr(true)})).ReadAll())
	same(nums, []int{1210})
}

func revisions() {
	c := collection(database("revisions"), "c")
	first := must(c.CreateDocument(ctx, doc{"_key": "a", "v": 1}))
	second := must(c.UpdateDocumentWithOptions(ctx, "a", doc{"v": 2}, &updateOptions{IfMatch: first.Rev}))
	same(second.OldRev, first.Rev)
	fails(412, 1200, failure(c.UpdateDocumentWithOptions(ctx, "a", doc{"v": 3}, &updateOptions{IfMatch: first.Rev})))
	fails(412, 1200, failure(c.ReplaceDocumentWithOptions(ctx, "a", doc{}, &replaceOptions{IfMatch: first.Rev})))
	fails(412, 1200, failure(c.DeleteDocumentWithOptions(ctx, "a", &deleteOptions{IfMatch: first.Rev})))
	fails(412, 1200, failure(c.ReadDocumentWithOptions(ctx, "a", &doc{},
		&arangodb.CollectionDocumentReadOptions{IfMatch: first.Rev})))
	stale := []doc{{"_key": "a", "_rev": first.Rev, "v": 3}}
	check := &updateOptions{IgnoreRevs: ptr(false)}
	_, nums := results(must(c.UpdateDocumentsWithOptions(ctx, stale, check)).ReadAll())
	same(nums, []int{1200})
	_, nums = results(must(c.ReplaceDocumentsWithOptions(ctx, stale, &replaceOptions{IgnoreRevs: ptr(false)})).ReadAll())
	same(nums, []int{1200})
	metas, nums := results(must(c.UpdateDocuments(ctx, stale)).ReadAll())
	same([]interface{}{nums, metas[0].OldRev}, []interface{}{[]int{0}, second.Rev})
	same(read(c, "a")["v"], 3.0)
}
