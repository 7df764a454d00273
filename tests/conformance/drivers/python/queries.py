"""Imports, indexes and cursors."""

from arango import exceptions as e
from world import database, fails, plain, same


def counts(result):
    return {k: result[k] for k in ("created", "errors", "empty", "updated", "ignored")}


def imports():
    db = database("imports")
    c = db.create_collection("c")
    rows = [{"_key": str(i), "v": i} for i in range(100)]
    same(counts(c.import_bulk(rows)), {"created": 100, "errors": 0, "empty": 0, "updated": 0, "ignored": 0})
    same(counts(c.import_bulk(rows, on_duplicate="replace"))["updated"], 100)
    same(counts(c.import_bulk(rows, on_duplicate="ignore"))["ignored"], 100)
    same(counts(c.import_bulk([{"_key": "1", "w": 1}], on_duplicate="update"))["updated"], 1)
    same(plain(c.get("1")), {"v": 1, "w": 1})
    result = c.import_bulk([{"_key": "1"}, {"_key": "new"}], halt_on_error=False)
    same((result["created"], result["errors"], len(result["details"])), (1, 1, 1))
    same("unique constraint violated" in result["details"][0], True)
    fails(409, 1210, e.DocumentInsertError, c.import_bulk, [{"_key": "no"}, {"_key": "1"}], halt_on_error=True)
    same(c.has("no"), False)
    same(counts(c.import_bulk(rows[:7], overwrite=True))["created"], 7)
    same(c.count(), 7)
    same([r["created"] for r in c.import_bulk(rows[7:37], batch_size=10)], [10, 10, 10])
    edges = db.create_collection("e", edge=True)
    edges.import_bulk([{"_key": "1", "_from": "1", "_to": "2"}], from_prefix="c", to_prefix="c")
    same((edges.get("1")["_from"], edges.get("1")["_to"]), ("c/1", "c/2"))


def indexes():
    c = database("indexes").create_collection("c")
    made = c.add_index({"type": "persistent", "fields": ["symbol", "ts"], "unique": True, "name": "by_time"})
    same((made["type"], made["fields"], made["unique"], made["sparse"], made["name"], made["isNewlyCreated"]),
         ("persistent", ["symbol", "ts"], True, False, "by_time", True))
    again = c.add_index({"type": "persistent", "fields": ["symbol", "ts"], "unique": True, "name": "by_time"})
    same((again["id"], again["isNewlyCreated"]), (made["id"], False))
    other = c.add_index({"type": "persistent", "fields": ["v"], "sparse": True})
    same((other["sparse"], other["unique"], other["name"].startswith("idx_")), (True, False, True))
    ttl = c.add_index({"type": "ttl", "fields": ["expires"], "expireAfter": 3600})
    same((ttl["type"], ttl["expireAfter"]), ("ttl", 3600))
    same(c.add_index({"type": "ttl", "fields": ["expires"], "expireAfter": 3600})["isNewlyCreated"], False)
    fails(400, 10, e.IndexCreateError, c.add_index, {"type": "ttl", "fields": ["later"], "expireAfter": 1})
    same([i["type"] for i in c.indexes()], ["primary", "persistent", "persistent", "ttl"])
    same(c.get_index(other["id"])["fields"], ["v"])
    same(c.load_indexes(), True)
    c.insert({"_key": "a", "symbol": "BTCUSDT", "ts": 1})
    text = fails(409, 1210, e.DocumentInsertError, c.insert, {"symbol": "BTCUSDT", "ts": 1})
    same("by_time" in text and "conflicting key: a" in text, True)
    same(c.delete_index(other["id"]), True)
    fails(404, 1212, e.IndexDeleteError, c.delete_index, other["id"])
    same(c.delete_index(other["id"], ignore_missing=True), False)


def cursors():
    db = database("cursors")
    c = db.create_collection("c")
    c.import_bulk([{"_key": f"{i:04}", "symbol": "AB"[i % 2], "ts": i, "p": i / 4} for i in range(1000)])
    query = "FOR d IN @@c FILTER d.symbol == @s && d.ts >= @from SORT d.ts DESC RETURN d.ts"
    bind = {"@c": "c", "s": "A", "from": 500}
    cursor = db.aql.execute(query, bind_vars=bind, batch_size=100, count=True)
    same((len(cursor), cursor.count(), cursor.has_more(), cursor.type), (250, 250, True, "cursor"))
    same(list(cursor), list(range(998, 499, -2)))
    same(list(db.aql.execute(query, bind_vars=bind, stream=True, batch_size=7)), list(range(998, 499, -2)))

    cursor = db.aql.execute("FOR d IN c FILTER d.ts < 50 LIMIT 5, 10 RETURN d._key", full_count=True)
    same((list(cursor), cursor.statistics()["fullCount"]), ([f"{i:04}" for i in range(5, 15)], 50))
    same(list(db.aql.execute("RETURN {a: 1, b: [null, true, 1.5, 'x']}")), [{"a": 1, "b": [None, True, 1.5, "x"]}])
    cursor = db.aql.execute("FOR d IN c RETURN d", batch_size=10)
    same((cursor.close(), cursor.close(ignore_missing=True)), (True, False))
    cursor = db.aql.execute("FOR d IN c LIMIT 25 RETURN d.ts", batch_size=10, allow_retry=True)
    same(list(cursor), list(range(25)))

    same(sorted(c.keys())[:2], ["0000", "0001"])
    same(len(list(c.all())), 1000)
    same([d["ts"] for d in c.find({"ts": 7})], [7])
    for http, number, text, bind in (
            (400, 1501, "FOR d IN", {}), (400, 1502, "", {}), (404, 1203, "FOR d IN nope RETURN d", {}),
            (400, 1551, "RETURN @x", {}), (400, 1552, "RETURN 1", {"x": 1}), (400, 1540, "RETURN NOPE(1)", {}),
            (400, 1541, "RETURN LENGTH()", {})):
        fails(http, number, e.AQLQueryExecuteError, db.aql.execute, text, bind_vars=bind)
    # what sf-store does not do says so
    for error, call, args in (
            (e.AQLQueryExplainError, db.aql.explain, ("RETURN 1",)), (e.GraphListError, db.graphs, ()),
            (e.TransactionInitError, db.begin_transaction, ()), (e.ViewListError, db.views, ())):
        same("not implemented" in fails(501, 9, error, call, *args), True)
