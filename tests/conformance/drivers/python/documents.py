"""Documents: single, many, and their revisions."""

from arango import exceptions as e
from world import database, fails, plain, same


def single():
    db = database("documents")
    c = db.create_collection("c")
    meta = c.insert({"_key": "a", "x": 1.5, "big": 9007199254740993, "s": "\u20ac\n\"", "n": None})
    same((meta["_id"], meta["_key"]), ("c/a", "a"))
    same(c.get("a"), {**meta, "x": 1.5, "big": 9007199254740993, "s": "\u20ac\n\"", "n": None})
    same((c.get("none"), c.has("a"), c.has("none"), "a" in c), (None, True, False, True))
    fails(409, 1210, e.DocumentInsertError, c.insert, {"_key": "a"})
    fails(400, 1221, e.DocumentInsertError, c.insert, {"_key": "a b"})

    same(plain(c.insert({"x": 1}, return_new=True)["new"]), {"x": 1})
    same(c.insert({"_key": "quiet"}, silent=True), True)
    same(c.has("quiet"), True)
    again = c.insert({"_key": "a", "y": 2}, overwrite_mode="ignore")
    same(again["_rev"], meta["_rev"])
    again = c.insert({"_key": "a", "o": {"p": 1}, "n": 1}, overwrite_mode="replace", return_old=True, return_new=True)
    same((again["_old_rev"], again["old"]["x"], plain(again["new"])), (meta["_rev"], 1.5, {"o": {"p": 1}, "n": 1}))
    patch = {"_key": "a", "o": {"q": 2}, "n": None}
    same(plain(c.insert(patch, overwrite_mode="update", keep_none=False, return_new=True)["new"]),
         {"o": {"p": 1, "q": 2}})
    same(plain(c.insert(patch, overwrite_mode="update", keep_none=True, merge=False, return_new=True)["new"]),
         {"o": {"q": 2}, "n": None})
    fails(409, 1210, e.DocumentInsertError, c.insert, {"_key": "a"}, overwrite_mode="conflict")

    got = c.update({"_key": "a", "o": {"r": None}, "n": None}, keep_none=False, return_new=True, return_old=True)
    same((plain(got["old"]), plain(got["new"])), ({"o": {"q": 2}, "n": None}, {"o": {"q": 2}}))
    same(plain(c.update({"_key": "a", "o": {"z": 0}}, merge=False, return_new=True)["new"]), {"o": {"z": 0}})
    same(plain(c.replace({"_key": "a", "v": 1}, return_new=True)["new"]), {"v": 1})
    same(c.replace({"_key": "a", "v": 2}, silent=True), True)
    fails(404, 1202, e.DocumentUpdateError, c.update, {"_key": "none"})
    fails(404, 1202, e.DocumentReplaceError, c.replace, {"_key": "none"})
    same(plain(c.delete("a", return_old=True)["old"]), {"v": 2})
    fails(404, 1202, e.DocumentDeleteError, c.delete, "a")
    same(c.delete("a", ignore_missing=True), False)

    same(c.insert({"_key": "v", "seq": 5}, version_attribute="seq")["_key"], "v")
    c.insert({"_key": "v", "seq": 4, "late": 1}, overwrite_mode="replace", version_attribute="seq")
    same(plain(c.get("v")), {"seq": 5})

    edges = db.create_collection("e", edge=True)
    same(edges.insert({"_key": "1", "_from": "c/v", "_to": "c/quiet"})["_id"], "e/1")
    same((edges.get("1")["_from"], edges.get("1")["_to"]), ("c/v", "c/quiet"))
    fails(400, 1233, e.DocumentInsertError, edges.insert, {"_from": "c/v"})
    key = "a:b+c@(d)!$*'=;,"
    same(c.insert({"_key": key, "v": 1})["_key"], key)
    same(plain(db.document(f"c/{key}")), {"v": 1})


def numbers(results):
    return [getattr(r, "error_code", 0) for r in results]


def arrays():
    c = database("arrays").create_collection("c")
    results = c.insert_many([{"_key": str(i), "v": i} for i in range(3)] + [{"_key": "1"}, {"_key": "a b"}])
    same([r["_key"] for r in results[:3]], ["0", "1", "2"])
    same(numbers(results), [0, 0, 0, 1210, 1221])
    same(results[3].error_message.startswith("unique constraint violated"), True)
    same(c.insert_many([{}, {}], silent=True), True)
    same([plain(r["new"]) for r in c.insert_many([{"v": 1}, {"v": 2}], return_new=True)], [{"v": 1}, {"v": 2}])
    results = c.insert_many([{"_key": "0", "w": 1}, {"_key": "1", "v": None}], overwrite_mode="update",
                            keep_none=True, return_new=True, return_old=True)
    same([plain(r["new"]) for r in results], [{"v": 0, "w": 1}, {"v": None}])
    same([plain(r["old"]) for r in results], [{"v": 0}, {"v": 1}])
    results = c.update_many([{"_key": "0", "v": None}, {"_key": "none"}], keep_none=False, return_new=True)
    same((plain(results[0]["new"]), numbers(results)), ({"w": 1}, [0, 1202]))
    results = c.replace_many([{"_key": "0", "r": 0}, {"_key": "none"}], return_old=True)
    same((plain(results[0]["old"]), numbers(results)), ({"w": 1}, [0, 1202]))
    same([d["_key"] for d in c.get_many(["0", {"_key": "2"}, "none"])], ["0", "2"])
    results = c.delete_many([{"_key": "0"}, {"_key": "none"}, {"_key": "2"}], return_old=True)
    same((plain(results[0]["old"]), numbers(results)), ({"r": 0}, [0, 1202, 0]))
    same(c.count(), 5)
    same(c.delete_many([{"_key": "1"}], silent=True), True)
    fails(202, 1221, e.DocumentInsertError, c.insert_many, [{"_key": "1 1"}], raise_on_document_error=True)


def revisions():
    c = database("revisions").create_collection("c")
    first = c.insert({"_key": "a", "v": 1})
    second = c.update({"_key": "a", "v": 2, "_rev": first["_rev"]})
    same(second["_old_rev"], first["_rev"])
    stale = {"_key": "a", "v": 3, "_rev": first["_rev"]}
    fails(412, 1200, e.DocumentRevisionError, c.update, stale)
    fails(412, 1200, e.DocumentRevisionError, c.replace, stale)
    fails(412, 1200, e.DocumentRevisionError, c.delete, stale)
    fails(412, 1200, e.DocumentRevisionError, c.get, stale)
    same(c.get("a", rev=second["_rev"])["v"], 2)
    same(numbers(c.update_many([stale])), [1200])
    same(numbers(c.replace_many([stale])), [1200])
    same(numbers(c.delete_many([stale])), [1200])
    same(c.update(stale, check_rev=False)["_old_rev"], second["_rev"])
    same(c.get("a")["v"], 3)
    same(c.delete({"_key": "a", "_rev": c.get("a")["_rev"]})["_key"], "a")
