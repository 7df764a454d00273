package main

import (
	"sort"

	"github.com/arangodb/go-driver/v2/arangodb"
	"github.com/arangodb/go-driver/v2/arangodb/shared"
	"github.com/arangodb/go-driver/v2/connection"
)

func connecting() {
	jwt := connection.NewJWTAuthWrapper("root", password)(connect())
	for _, client := range []arangodb.Client{open("root", password), arangodb.NewClient(jwt)} {
		version := must(client.VersionWithOptions(ctx, &arangodb.GetVersionOptions{Details: ptr(true)}))
		same([]string{version.Server, version.License}, []string{"arango", "community"})
		same(version.Details["role"], "SINGLE")
		same(string(must(client.ServerRole(ctx))), "Single")
		same(must(must(client.GetDatabase(ctx, "_system", nil)).Info(ctx)).IsSystem, true)
		same(string(must(client.HandleAdminVersion(ctx, nil)).Version), string(version.Version))
	}
	fails(401, 11, failure(open("root", "wrong").Version(ctx)))
	wrong := arangodb.NewClient(connection.NewJWTAuthWrapper("root", "wrong")(connect()))
	same(failure(wrong.Version(ctx)) != nil, true)
	fails(404, 1228, failure(open("root", password).GetDatabase(ctx, "nowhere", nil)))
}

func databases() {
	client := open("root", password)
	same(must(client.DatabaseExists(ctx, "go_market")), false)
	owner := arangodb.CreateDatabaseUserOptions{UserName: "go_m", Password: "m", Active: ptr(true)}
	options := &arangodb.CreateDatabaseOptions{Users: []arangodb.CreateDatabaseUserOptions{owner}}
	must(client.CreateDatabase(ctx, "go_market", options))
	same(must(client.DatabaseExists(ctx, "go_market")), true)
	fails(409, 1207, failure(client.CreateDatabase(ctx, "go_market", nil)))
	fails(400, 1229, failure(client.CreateDatabase(ctx, "1 / bad", nil)))
	names := map[string]bool{}
	for _, db := range must(client.Databases(ctx)) {
		names[db.Name()] = true
	}
	same([]bool{names["_system"], names["go_market"]}, []bool{true, true})
	fails(401, 11, failure(open("go_m", "m").AccessibleDatabases(ctx))) // asks in _system
	own := must(open("go_m", "m").GetDatabase(ctx, "go_market", nil))
	info := must(own.Info(ctx))
	same([]interface{}{info.Name, info.IsSystem}, []interface{}{"go_market", false})
	market := must(client.GetDatabase(ctx, "go_market", nil))
	good(market.Remove(ctx))
	same(shared.IsNotFound(market.Remove(ctx)), true)
	good(client.RemoveUser(ctx, "go_m"))
}

func collections() {
	db := database("collections")
	keys := &arangodb.CollectionKeyOptions{Type: arangodb.KeyGeneratorAutoIncrement, Increment: 5, Offset: 10}
	trades := must(db.CreateCollectionV2(ctx, "trades",
		&arangodb.CreateCollectionPropertiesV2{WaitForSync: ptr(true), KeyOptions: keys}))
	edges(db, "edges")
	fails(409, 1207, failure(db.CreateCollectionV2(ctx, "trades", nil)))
	fails(400, 1208, failure(db.CreateCollectionV2(ctx, "1 bad", nil)))
	names := []string{}
	for _, c := range must(db.Collections(ctx)) {
		if c.Name()[0] != '_' {
			names = append(names, c.Name())
		}
	}
	sort.Strings(names)
	same(names, []string{"edges", "trades"})
	same(must(db.CollectionExists(ctx, "none")), false)
	properties := must(trades.Properties(ctx))
	same([]interface{}{properties.Name, properties.WaitForSync, properties.Type, properties.IsSystem},
		[]interface{}{"trades", true, arangodb.CollectionTypeDocument, false})
	same(properties.KeyOptions.Type, arangodb.KeyGeneratorAutoIncrement)
	good(trades.SetPropertiesV2(ctx, arangodb.SetCollectionPropertiesOptionsV2{WaitForSync: ptr(false)}))
	same(must(trades.Properties(ctx)).WaitForSync, false)
	same(must(must(db.GetCollection(ctx, "edges", nil)).Properties(ctx)).Type, arangodb.CollectionTypeEdge)
	same(must(trades.CreateDocument(ctx, doc{})).Key, "10")
	same(must(trades.CreateDocument(ctx, doc{})).Key, "15")
	same(must(trades.Count(ctx)), int64(2))
	before := must(trades.Revision(ctx)).Revision
	must(trades.CreateDocument(ctx, doc{}))
	same(must(trades.Revision(ctx)).Revision != before, true)
	must(trades.Statistics(ctx, true))
	same(must(trades.LoadIndexesIntoMemory(ctx)), true)
	counts, _, err := trades.RecalculateCount(ctx)
	same([]interface{}{counts, err}, []interface{}{true, nil})
	good(trades.Truncate(ctx))
	same(must(trades.Count(ctx)), int64(0))
	same(must(trades.Rename(ctx, arangodb.RenameCollectionRequest{Name: "ticks"})).Name, "ticks")
	ticks := must(db.GetCollection(ctx, "ticks", nil))
	good(ticks.Remove(ctx))
	fails(404, 1203, ticks.Remove(ctx))
	fails(404, 1203, failure(ticks.CreateDocument(ctx, doc{})))
	fails(404, 1203, failure(db.GetCollection(ctx, "ticks", nil)))
}

func users() {
	client, db := open("root", password), database("users")
	collection(db, "trades")
	user := must(client.CreateUser(ctx, "go_u", &arangodb.UserOptions{Password: "p", Extra: doc{"desk": 7}}))
	extra := doc{}
	good(user.Extra(&extra))
	same([]interface{}{user.Name(), user.IsActive(), extra}, []interface{}{"go_u", true, doc{"desk": 7.0}})
	fails(409, 1702, failure(client.CreateUser(ctx, "go_u", nil)))
	same([]bool{must(client.UserExists(ctx, "go_u")), must(client.UserExists(ctx, "go_no"))}, []bool{true, false})
	names := map[string]bool{}
	for _, u := range must(client.Users(ctx)) {
		names[u.Name()] = true
	}
	same([]bool{names["root"], names["go_u"]}, []bool{true, true})
	changed := must(client.UpdateUser(ctx, "go_u", &arangodb.UserOptions{Extra: doc{"desk": 8}}))
	good(changed.Extra(&extra))
	same(extra, doc{"desk": 8.0})

	same(must(user.GetDatabaseAccess(ctx, db.Name())), arangodb.GrantNone)
	same(must(open("go_u", "p").User(ctx, "go_u")).Name(), "go_u") // without rights on _system
	good(user.SetDatabaseAccess(ctx, db.Name(), arangodb.GrantReadOnly))
	same(must(user.AccessibleDatabases(ctx))[db.Name()], arangodb.GrantReadOnly)
	same(must(user.AccessibleDatabasesFull(ctx))[db.Name()].Permission, arangodb.GrantReadOnly)
	own := must(open("go_u", "p").GetDatabase(ctx, db.Name(), nil))
	trades := must(own.GetCollection(ctx, "trades", nil))
	same(must(trades.Count(ctx)), int64(0))
	fails(403, 1004, failure(trades.CreateDocument(ctx, doc{})))
	good(user.SetCollectionAccess(ctx, db.Name(), "trades", arangodb.GrantReadWrite))
	same(must(user.GetCollectionAccess(ctx, db.Name(), "trades")), arangodb.GrantReadWrite)
	same(must(trades.CreateDocument(ctx, doc{"_key": "a"})).Key, "a")
	fails(403, 11, failure(own.CreateCollectionV2(ctx, "more", nil)))
	good(user.RemoveCollectionAccess(ctx, db.Name(), "trades"))
	same(must(user.GetCollectionAccess(ctx, db.Name(), "trades")), arangodb.GrantReadOnly)
	good(user.RemoveDatabaseAccess(ctx, db.Name()))
	same(must(user.GetDatabaseAccess(ctx, db.Name())), arangodb.GrantNone)

	replaced := must(client.ReplaceUser(ctx, "go_u", &arangodb.UserOptions{Password: "q", Active: ptr(false)}))
	same(replaced.IsActive(), false)
	fails(401, 11, failure(trades.Count(ctx)))
	good(client.RemoveUser(ctx, "go_u"))
	same(shared.IsNotFound(client.RemoveUser(ctx, "go_u")), true)
	fails(404, 1703, failure(client.User(ctx, "go_u")))
}
