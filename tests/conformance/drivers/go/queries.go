package main

import (
	"fmt"
	"strings"

	"github.com/arangodb/go-driver/v2/arangodb"
	"github.com/arangodb/go-driver/v2/arangodb/shared"
)

type importOptions = arangodb.CollectionDocumentImportOptions

func counts(c arangodb.Collection, text string, kind arangodb.CollectionDocumentImportDocumentType,
	options *importOptions) []int64 {
	got := must(c.ImportDocumentsWithOptions(ctx, text, kind, options))
	return []int64{got.Created, got.Errors, got.Empty, got.Updated, got.Ignored, int64(len(got.Details))}
}

func imports() {
	db := database("imports")
	c := collection(db, "c")
	lines := arangodb.ImportDocumentTypeDocuments
	rows := `{"_key":"1","v":1}` + "\n\n" + `{"_key":"2","v":2}` + "\n"
	same(counts(c, rows, lines, nil), []int64{2, 0, 1, 0, 0, 0})
	on := func(mode arangodb.CollectionDocumentImportOnDuplicate) *importOptions {
		return &importOptions{OnDuplicate: &mode}
	}
	same(counts(c, rows, lines, on("replace")), []int64{0, 0, 1, 2, 0, 0})
	same(counts(c, rows, lines, on("ignore")), []int64{0, 0, 1, 0, 2, 0})
	same(counts(c, `[{"_key":"1","w":1}]`, arangodb.ImportDocumentTypeArray, on("update")), []int64{0, 0, 0, 1, 0, 0})
	same(plain(read(c, "1")), doc{"v": 1.0, "w": 1.0})
	bad := `[{"_key":"3"},{"_key":"1"}]`
	auto := arangodb.ImportDocumentTypeAuto
	fails(409, 1210, failure(c.ImportDocumentsWithOptions(ctx, bad, auto, &importOptions{Complete: ptr(true)})))
	same(must(c.DocumentExists(ctx, "3")), false)
	same(counts(c, bad, auto, &importOptions{Details: ptr(true)}), []int64{1, 1, 0, 0, 0, 1})
	tabular := `["_key","v"]` + "\n" + `["t1",1]` + "\n" + `["t2",2]`
	same(counts(c, tabular, arangodb.ImportDocumentTypeTabular, nil), []int64{2, 0, 0, 0, 0, 0})
	same(counts(c, rows, lines, &importOptions{Overwrite: ptr(true)}), []int64{2, 0, 1, 0, 0, 0})
	same(must(c.Count(ctx)), int64(2))
	e := edges(db, "e")
	same(counts(e, `{"_key":"1","_from":"1","_to":"2"}`, lines,
		&importOptions{FromPrefix: ptr("c"), ToPrefix: ptr("c")}), []int64{1, 0, 0, 0, 0, 0})
	same(read(e, "1")["_to"], "c/2")
}

func indexes() {
	c := collection(database("indexes"), "c")
	options := &arangodb.CreatePersistentIndexOptions{Name: "by_time", Unique: ptr(true)}
	made, isNew, err := c.EnsurePersistentIndex(ctx, []string{"symbol", "ts"}, options)
	good(err)
	same([]interface{}{made.Name, made.Type, *made.Unique, *made.Sparse, made.RegularIndex.Fields, isNew},
		[]interface{}{"by_time", arangodb.PersistentIndexType, true, false, []string{"symbol", "ts"}, true})
	again, isNew, err := c.EnsurePersistentIndex(ctx, []string{"symbol", "ts"}, options)
	good(err)
	same([]interface{}{again.ID, isNew}, []interface{}{made.ID, false})
	other, _, err := c.EnsurePersistentIndex(ctx, []string{"v"}, &arangodb.CreatePersistentIndexOptions{Sparse: ptr(true)})
	good(err)
	same([]bool{*other.Sparse, *other.Unique, strings.HasPrefix(other.Name, "idx_")}, []bool{true, false, true})
	ttl, isNew, err := c.EnsureTTLIndex(ctx, []string{"expires"}, 3600, nil)
	good(err)
	same([]interface{}{*ttl.RegularIndex.ExpireAfter, isNew}, []interface{}{3600, true})
	_, _, err = c.EnsureTTLIndex(ctx, []string{"later"}, 1, nil)
	fails(400, 10, err)
	kinds := []arangodb.IndexType{}
	for _, index := range must(c.Indexes(ctx)) {
		kinds = append(kinds, index.Type)
	}
	same(kinds, []arangodb.IndexType{"primary", "persistent", "persistent", "ttl"})
	same(must(c.Index(ctx, "by_time")).ID, made.ID)
	same([]bool{must(c.IndexExists(ctx, "by_time")), must(c.IndexExists(ctx, "none"))}, []bool{true, false})
	must(c.CreateDocument(ctx, doc{"_key": "a", "symbol": "BTCUSDT", "ts": 1}))
	why := fails(409, 1210, failure(c.CreateDocument(ctx, doc{"symbol": "BTCUSDT", "ts": 1})))
	same(strings.Contains(why, "by_time") && strings.Contains(why, "conflicting key: a"), true)
	good(c.DeleteIndex(ctx, "by_time"))
	good(c.DeleteIndexByID(ctx, other.ID))
	same(shared.IsNotFound(c.DeleteIndex(ctx, "by_time")), true)
}

func readAll(cursor arangodb.Cursor) []float64 {
	all := []float64{}
	for cursor.HasMore() {
		var value float64
		_, err := cursor.ReadDocument(ctx, &value)
		good(err)
		all = append(all, value)
	}
	good(cursor.Close())
	return all
}

func cursors() {
	db := database("cursors")
	c := collection(db, "c")
	rows, want := []doc{}, []float64{}
	for i := 0; i < 1000; i++ {
		rows = append(rows, doc{"_key": fmt.Sprintf("%04d", i), "symbol": string("AB"[i%2]), "ts": i})
	}
	must(c.CreateDocuments(ctx, rows))
	for ts := 998.0; ts >= 500; ts -= 2 {
		want = append(want, ts)
	}
	query := "FOR d IN @@c FILTER d.symbol == @s && d.ts >= @from SORT d.ts DESC RETURN d.ts"
	options := arangodb.QueryOptions{BatchSize: 100, Count: true, BindVars: doc{"@c": "c", "s": "A", "from": 500}}
	cursor := must(db.Query(ctx, query, &options))
	same(cursor.Count(), int64(250))
	same(readAll(cursor), want)
	options.BatchSize, options.Count, options.Options.Stream = 7, false, true
	same(readAll(must(db.Query(ctx, query, &options))), want)

	limited := arangodb.QueryOptions{Options: arangodb.QuerySubOptions{FullCount: true}}
	cursor = must(db.Query(ctx, "FOR d IN c FILTER d.ts < 50 LIMIT 5, 3 RETURN d.ts", &limited))
	same(cursor.Statistics().FullCountInt, uint64(50))
	same(readAll(cursor), []float64{5, 6, 7})

	retry := arangodb.QueryOptions{BatchSize: 2, Options: arangodb.QuerySubOptions{AllowRetry: true}}
	var batch []float64
	pages := must(db.QueryBatch(ctx, "FOR d IN c SORT d.ts LIMIT 5 RETURN d.ts", &retry, &batch))
	same(batch, []float64{0, 1})
	good(pages.ReadNextBatch(ctx, &batch))
	same(batch, []float64{2, 3})
	good(pages.RetryReadBatch(ctx, &batch))
	same(batch, []float64{2, 3})
	good(pages.ReadNextBatch(ctx, &batch))
	same([]interface{}{batch, pages.HasMoreBatches()}, []interface{}{[]float64{4}, false})
	good(pages.Close())

	var d doc
	cursor = must(db.Query(ctx, "FOR d IN c FILTER d._key == '0007' RETURN d", nil))
	same([]string{must(cursor.ReadDocument(ctx, &d)).Key, d["symbol"].(string)}, []string{"0007", "B"})
	same(shared.IsNoMoreDocuments(failure(cursor.ReadDocument(ctx, &d))), true)
	for _, bad := range []struct {
		code, num int
		text      string
		bind      doc
	}{
		{400, 1501, "FOR d IN", nil}, {400, 1502, "", nil}, {404, 1203, "FOR d IN nope RETURN d", nil},
		{400, 1551, "RETURN @x", nil}, {400, 1552, "RETURN 1", doc{"x": 1}}, {400, 1540, "RETURN NOPE(1)", nil},
		{400, 1541, "RETURN LENGTH()", nil},
	} {
		fails(bad.code, bad.num, failure(db.Query(ctx, bad.text, &arangodb.QueryOptions{BindVars: bad.bind})))
	}
}
