"""Exact shapes of sf-store's answers: those that ArangoDB's manual shows, and the traps.

Source of the expected answers: ArangoDB's manual (3.9 to 3.12), its curl transcripts.
"""

import pytest

UNIQUE = "unique constraint violated - in index primary of type primary over '_key'; conflicting key: "


def identity(doc):
    return {k: doc[k] for k in ("_id", "_key")}


def test_single_insert_says_202_or_201_and_where(store, coll):
    status, headers, doc = store.call("POST", f"/_api/document/{coll}", {"_key": "a", "x": 1.50})
    assert status == 202
    assert set(doc) == {"_id", "_key", "_rev"} and identity(doc) == {"_id": f"{coll}/a", "_key": "a"}
    assert headers["etag"] == f'"{doc["_rev"]}"'
    assert headers["location"] == f"/_db/_system/_api/document/{coll}/a"
    assert store.call("POST", f"/_api/document/{coll}?waitForSync=true", {})[0] == 201


def test_array_errors_do_not_change_the_status(store, coll):
    store.good("POST", f"/_api/document/{coll}", {"_key": "there"})
    status, headers, items = store.call(
        "POST", f"/_api/document/{coll}",
        [{"_key": "there"}, {"_key": 111}, {"_key": "new"}, 5, {"_key": "a b"}, {"_key": "there"}])
    assert status == 202
    assert headers["x-arango-error-codes"] == '{"1210":2,"1221":2,"1227":1}'
    assert items[0] == {"error": True, "errorNum": 1210, "errorMessage": UNIQUE + "there"}
    assert items[1] == {"error": True, "errorNum": 1221, "errorMessage": "illegal document key"}
    assert identity(items[2]) == {"_id": f"{coll}/new", "_key": "new"}
    assert items[3] == {"error": True, "errorNum": 1227, "errorMessage": "invalid document type"}
    assert [i.get("errorNum") for i in items] == [1210, 1221, None, 1227, 1221, 1210]


def test_silent_answers_nothing_or_only_errors(store, coll):
    path = f"/_api/document/{coll}?silent=true"
    assert store.call("POST", path, [{"_key": "a"}, {"_key": "b"}])[2] == {}
    assert store.call("POST", path, {"_key": "c"})[2] == {}
    status, headers, items = store.call("POST", path, [{"_key": "a"}, {"_key": "d"}])
    assert status == 202 and [i["errorNum"] for i in items] == [1210]
    assert headers["x-arango-error-codes"] == '{"1210":1}'


@pytest.mark.parametrize("body, why", [
    ("{ 1: \"World\" }", "VPackError error: Expecting '\"' or '}'"),
    ("[{\"_key\":\"x\"},{\"_key\":\"y\",}]", "VPackError error: Expecting '\"' or '}'"),
    ("{\"a\":1,\"a\":2}", "VPackError error: Duplicate attribute name"),
    ("{\"_key\":\"a\",\"_key\":\"b\"}", "VPackError error: Duplicate attribute name"),
    ("{\"a\":1} x", "VPackError error: Expecting EOF"),
    ("{\"a\":1e999}", "VPackError error: Number out of range"),
    ("", "VPackError error: Expecting item"),
])
def test_malformed_json_writes_nothing(store, coll, body, why):
    status, _, doc = store.call("POST", f"/_api/document/{coll}", body)
    assert status == 400
    assert doc == {"error": True, "code": 400, "errorNum": 600, "errorMessage": why}
    assert store.good("GET", f"/_api/collection/{coll}/count")["count"] == 0


def test_unknown_collection_and_document(store, coll):
    status, _, doc = store.call("POST", "/_api/document/nope", {})
    assert (status, doc["errorNum"]) == (404, 1203)
    assert doc["errorMessage"] == "collection or view not found: nope"
    status, _, doc = store.call("GET", f"/_api/document/{coll}/nope")
    assert (status, doc["errorNum"], doc["errorMessage"]) == (404, 1202, "document not found")


@pytest.mark.parametrize("sent, kept", [
    ("1", "1"), ("1.0", "1"), ("-0", "0"), ("97123.45000000", "97123.45"), ("0.1", "0.1"),
    ("9007199254740993", "9007199254740993"), ("9007199254740993.0", "9007199254740992.0"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("18446744073709551615", "18446744073709551615"),
    ("18446744073709551616", "18446744073709552000"),
    ("0.30000000000000004", "0.30000000000000004"), ("1e3", "1000"), ("1E+2", "100"),
    ("0.00001234", "1.234e-5"), ("100000000.0", "1e+8"), ("12345678.9", "12345678.9"),
    ("5e-324", "5e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("0.1234567890123456789", "0.12345678901234568"),
])
def test_numbers_are_int64_or_double(store, coll, sent, kept):
    store.good("POST", f"/_api/document/{coll}", f'{{"_key":"n","v":{sent}}}')
    conn = store.connection()
    conn.request("GET", f"/_api/document/{coll}/n",
                 headers={"Authorization": "Basic cm9vdDp0ZXN0LXJvb3Q="})
    text = conn.getresponse().read().decode()
    conn.close()
    assert text.endswith(f',"v":{kept}}}'), text


def test_strings_keep_every_character(store, coll):
    text = "a\"b\\c/\b\f\n\r\t\u0001\u00e9\u20ac\U0001f600 end"
    store.good("POST", f"/_api/document/{coll}", {"_key": "s", "v": text, text: 1})
    doc = store.good("GET", f"/_api/document/{coll}/s")
    assert doc["v"] == text and doc[text] == 1


class TestOverwrite:
    def put(self, store, coll, doc, query):
        return store.good("POST", f"/_api/document/{coll}?returnNew=true&{query}", [doc])[0]

    def test_ignore_keeps_the_old_one(self, store, coll):
        first = self.put(store, coll, {"_key": "a", "v": 1}, "")
        again = self.put(store, coll, {"_key": "a", "v": 2}, "overwriteMode=ignore")
        assert again["_rev"] == first["_rev"] and again["new"] is None
        assert store.good("GET", f"/_api/document/{coll}/a")["v"] == 1

    def test_replace_and_its_old_spelling(self, store, coll):
        first = self.put(store, coll, {"_key": "a", "v": 1, "w": 1}, "")
        for query in ("overwriteMode=replace", "overwrite=true"):
            got = self.put(store, coll, {"_key": "a", "v": 2}, query + "&returnOld=true")
            assert got["_oldRev"] == first["_rev"] and "w" not in got["new"]
            assert got["old"]["_rev"] == first["_rev"]
            first = got

    def test_update_merges_and_drops_null_by_default(self, store, coll):
        self.put(store, coll, {"_key": "a", "v": 1, "n": None, "o": {"x": 1, "y": 1}}, "")
        patch = {"_key": "a", "v": None, "o": {"x": None, "z": [None]}, "q": {"n": None}}
        got = self.put(store, coll, patch, "overwriteMode=update")["new"]
        assert {k: got[k] for k in got if k[0] != "_"} == {"n": None, "o": {"y": 1, "z": [None]}, "q": {}}

    def test_update_keeps_null_when_told(self, store, coll):
        self.put(store, coll, {"_key": "a", "v": 1}, "")
        got = self.put(store, coll, {"_key": "a", "v": None}, "overwriteMode=update&keepNull=true")
        assert got["new"]["v"] is None

    def test_update_can_replace_objects_whole(self, store, coll):
        self.put(store, coll, {"_key": "a", "o": {"x": 1}}, "")
        got = self.put(store, coll, {"_key": "a", "o": {"y": 1}}, "overwriteMode=update&mergeObjects=false")
        assert got["new"]["o"] == {"y": 1}

    def test_patch_keeps_null_by_default(self, store, coll):
        self.put(store, coll, {"_key": "a", "v": 1}, "")
        got = store.good("PATCH", f"/_api/document/{coll}/a?returnNew=true", {"v": None})
        assert got["new"]["v"] is None


class TestVersionAttribute:
    """Kafka replays and out-of-order rows: only what is newer is written."""

    def write(self, store, coll, doc, query="overwriteMode=replace"):
        return store.good("POST", f"/_api/document/{coll}?versionAttribute=version&{query}", [doc])[0]

    def test_only_newer_is_written(self, store, coll):
        self.write(store, coll, {"_key": "a", "version": 5, "v": "five"})
        same = self.write(store, coll, {"_key": "a", "version": 5, "v": "again"})
        older = self.write(store, coll, {"_key": "a", "version": 4.9, "v": "older"})
        assert same["_oldRev"] == same["_rev"] == older["_rev"]
        assert store.good("GET", f"/_api/document/{coll}/a")["v"] == "five"
        newer = self.write(store, coll, {"_key": "a", "version": 9007199254740991, "v": "closed"})
        assert newer["_oldRev"] == same["_rev"] != newer["_rev"]

    @pytest.mark.parametrize("version", [None, -1, "7", True])
    def test_no_number_means_no_check(self, store, coll, version):
        self.write(store, coll, {"_key": "a", "version": 5, "v": 1})
        self.write(store, coll, {"_key": "a", "version": version, "v": 2})
        assert store.good("GET", f"/_api/document/{coll}/a")["v"] == 2

    def test_put_and_patch_obey_it(self, store, coll):
        self.write(store, coll, {"_key": "a", "version": 5, "v": 1})
        for method in ("PUT", "PATCH"):
            store.good(method, f"/_api/document/{coll}/a?versionAttribute=version", {"version": 4, "v": 2})
        assert store.good("GET", f"/_api/document/{coll}/a")["v"] == 1


class TestRevisions:
    def test_if_match_and_if_none_match(self, store, coll):
        rev = store.good("POST", f"/_api/document/{coll}", {"_key": "a"})["_rev"]
        path = f"/_api/document/{coll}/a"
        assert store.call("GET", path, headers={"If-None-Match": f'"{rev}"'})[0] == 304
        status, _, doc = store.call("GET", path, headers={"If-Match": '"_other"'})
        assert status == 412 and doc["errorNum"] == 1200 and doc["_rev"] == rev
        status, headers, doc = store.call("HEAD", path)
        assert status == 200 and doc is None and headers["etag"] == f'"{rev}"'

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_writes_that_expect_another_revision(self, store, coll, method):
        rev = store.good("POST", f"/_api/document/{coll}", {"_key": "a"})["_rev"]
        path = f"/_api/document/{coll}/a"
        body = None if method == "DELETE" else {"v": 1}
        status, headers, doc = store.call(method, path, body, headers={"If-Match": '"_fdOJk4e--A"'})
        assert status == 412
        assert doc == {"error": True, "code": 412, "errorNum": 1200, "_id": f"{coll}/a", "_key": "a",
                       "_rev": rev, "errorMessage": "conflict, _rev values do not match"}
        assert headers["etag"] == f'"{rev}"'
        assert store.call(method, path, body, headers={"If-Match": f'"{rev}"'})[0] in (200, 202)

    def test_ignore_revs_false_looks_at_the_body(self, store, coll):
        rev = store.good("POST", f"/_api/document/{coll}", {"_key": "a"})["_rev"]
        path = f"/_api/document/{coll}?ignoreRevs=false"
        items = store.good("PATCH", path, [{"_key": "a", "_rev": "_old", "v": 1}])
        assert items[0]["errorNum"] == 1200
        items = store.good("PATCH", path, [{"_key": "a", "_rev": rev, "v": 1}])
        assert items[0]["_oldRev"] == rev


def test_many_are_read_in_order_with_errors_in_place(store, coll):
    store.good("POST", f"/_api/document/{coll}", [{"_key": "a"}, {"_key": "b"}])
    items = store.good("PUT", f"/_api/document/{coll}?onlyget=true", ["b", f"{coll}/a", {"_key": "no"}])
    assert [i.get("_key") for i in items] == ["b", "a", None]
    assert items[2] == {"error": True, "errorNum": 1202, "errorMessage": "document not found"}


def test_many_are_removed(store, coll):
    store.good("POST", f"/_api/document/{coll}", [{"_key": "a"}, {"_key": "b"}, {"_key": "c"}])
    items = store.good("DELETE", f"/_api/document/{coll}?returnOld=true", ["a", {"_key": "b"}, "x"])
    assert items[0]["old"]["_key"] == "a" and items[2]["errorNum"] == 1202
    assert store.good("GET", f"/_api/collection/{coll}/count")["count"] == 1


def test_edges_need_their_ends(store, coll):
    name = coll + "_edges"
    store.good("POST", "/_api/collection", {"name": name, "type": 3})
    items = store.good("POST", f"/_api/document/{name}",
                       [{"_from": "v/1", "_to": "v/2"}, {"_from": "v/1"}, {"_from": "v", "_to": "v/2"}])
    assert [i.get("errorNum") for i in items] == [None, 1233, 1233]
    doc = store.good("GET", f"/_api/document/{items[0]['_id']}")
    assert (doc["_from"], doc["_to"]) == ("v/1", "v/2")


class TestImport:
    def run(self, store, coll, query, body):
        return store.call("POST", f"/_api/import?collection={coll}&{query}", body)

    def test_lines(self, store, coll):
        status, _, doc = self.run(store, coll, "type=documents&details=true",
                                  '{ "_key": "abc", "value1": 25, "value2": "test" }\r\n\n'
                                  '{ "_key": "abc", "value1": "bar", "value2": "baz" }\n')
        assert status == 201
        assert doc == {"error": False, "created": 1, "errors": 1, "empty": 1, "updated": 0, "ignored": 0,
                       "details": ["at position 1: creating document failed with error 'unique constraint "
                                   "violated', offending document: "
                                   '{"_key":"abc","value1":"bar","value2":"baz"}']}

    def test_one_array_and_auto(self, store, coll):
        for kind in ("array", "list", "auto"):
            _, _, doc = self.run(store, coll, f"type={kind}", '[{"v":1},{"v":2},3]')
            assert (doc["created"], doc["errors"]) == (2, 1)
        _, _, doc = self.run(store, coll, "type=auto", '{"v":1}\n{"v":2}')
        assert doc["created"] == 2

    def test_names_and_values(self, store, coll):
        _, _, doc = self.run(store, coll, "details=true", '["_key","v","w"]\n["a",1,null]\n["b",2]\n["c",3,4]\n')
        assert (doc["created"], doc["errors"]) == (2, 1)
        assert "wrong number of JSON values" in doc["details"][0]
        assert "w" not in store.good("GET", f"/_api/document/{coll}/a")

    @pytest.mark.parametrize("mode, counts, value", [
        ("error", (0, 1, 0, 0), 1), ("ignore", (0, 0, 0, 1), 1),
        ("replace", (0, 0, 1, 0), None), ("update", (0, 0, 1, 0), 1)])
    def test_duplicates(self, store, coll, mode, counts, value):
        store.good("POST", f"/_api/document/{coll}", {"_key": "a", "v": 1})
        _, _, doc = self.run(store, coll, f"type=list&onDuplicate={mode}", '[{"_key":"a","w":2}]')
        assert (doc["created"], doc["errors"], doc["updated"], doc["ignored"]) == counts
        assert store.good("GET", f"/_api/document/{coll}/a").get("v") == value

    def test_complete_is_all_or_nothing(self, store, coll):
        status, _, doc = self.run(store, coll, "type=list&complete=true",
                                  '[{"_key":"a"},{"_key":"b"},{"_key":"a"}]')
        assert status == 409
        assert doc == {"error": True, "code": 409, "errorNum": 1210, "errorMessage": "unique constraint violated"}
        assert store.good("GET", f"/_api/collection/{coll}/count")["count"] == 0

    def test_overwrite_empties_first(self, store, coll):
        store.good("POST", f"/_api/document/{coll}", [{}, {}, {}])
        self.run(store, coll, "type=list&overwrite=true", '[{"_key":"a"}]')
        assert store.good("GET", f"/_api/collection/{coll}/count")["count"] == 1

    def test_edges_and_prefixes(self, store, coll):
        name = coll + "_edges"
        store.good("POST", "/_api/collection", {"name": name, "type": 3})
        _, _, doc = self.run(store, name, "type=list&details=true", '[{"name":"some name"}]')
        assert doc["details"] == ["at position 1: missing '_from' or '_to' attribute, offending document: "
                                  '{"name":"some name"}']
        self.run(store, name, "type=list&fromPrefix=users&toPrefix=things/",
                 '[{"_key":"e","_from":"u1","_to":7},{"_key":"f","_from":"x/u1","_to":"y/7"}]')
        first = store.good("GET", f"/_api/document/{name}/e")
        assert (first["_from"], first["_to"]) == ("users/u1", "things/7")
        assert store.good("GET", f"/_api/document/{name}/f")["_from"] == "x/u1"

    def test_refusals(self, store, coll):
        status, _, doc = self.run(store, "nope", "type=list", "[]")
        assert (status, doc["errorNum"]) == (404, 1203)
        status, _, doc = store.call("POST", "/_api/import?type=list", "[]")
        assert (status, doc["errorNum"]) == (400, 1204)
        status, _, doc = self.run(store, coll, "type=list", "{}")
        assert (status, doc["errorMessage"]) == (400, "expecting a JSON array in the request")


class TestCollections:
    def test_life(self, store, coll):
        doc = store.good("GET", f"/_api/collection/{coll}/properties")
        assert doc["type"] == 2 and doc["status"] == 3 and doc["keyOptions"]["type"] == "traditional"
        assert store.good("PUT", f"/_api/collection/{coll}/rename", {"name": coll + "_b"})["name"] == coll + "_b"
        assert store.call("GET", f"/_api/collection/{coll}")[0] == 404
        assert store.good("DELETE", f"/_api/collection/{coll}_b")["id"] == doc["id"]

    @pytest.mark.parametrize("name, status, num", [("1a", 400, 1208), ("a b", 400, 1208), ("_x", 400, 1208),
                                                   ("x" * 257, 400, 1208)])
    def test_bad_names(self, store, name, status, num):
        got, _, doc = store.call("POST", "/_api/collection", {"name": name})
        assert (got, doc["errorNum"]) == (status, num)

    def test_duplicate(self, store, coll):
        status, _, doc = store.call("POST", "/_api/collection", {"name": coll})
        assert (status, doc["errorNum"]) == (409, 1207)

    @pytest.mark.parametrize("kind, keys", [("autoincrement", ["11", "21"]), ("padded", None), ("uuid", None)])
    def test_key_generators(self, store, coll, kind, keys):
        name = f"{coll}_{kind}"
        store.good("POST", "/_api/collection",
                   {"name": name, "keyOptions": {"type": kind, "increment": 10, "offset": 1}})
        store.good("POST", f"/_api/document/{name}", [{}])
        got = [d["_key"] for d in store.good("POST", f"/_api/document/{name}", [{}, {}])]
        assert got == keys if keys else len(set(map(len, got))) == 1

    def test_user_keys_can_be_refused(self, store, coll):
        store.good("POST", "/_api/collection", {"name": coll + "k", "keyOptions": {"allowUserKeys": False}})
        status, _, doc = store.call("POST", f"/_api/document/{coll}k", {"_key": "a"})
        assert (status, doc["errorNum"]) == (400, 1222)

    def test_wait_for_sync_of_the_collection(self, store, coll):
        store.good("PUT", f"/_api/collection/{coll}/properties", {"waitForSync": True})
        assert store.call("POST", f"/_api/document/{coll}", {})[0] == 201


class TestIndexes:
    def make(self, store, coll, **definition):
        return store.call("POST", f"/_api/index?collection={coll}", definition)

    def test_creating_again_is_200(self, store, coll):
        status, _, doc = self.make(store, coll, type="persistent", fields=["a", "b.c"])
        assert status == 201 and doc["isNewlyCreated"] and doc["fields"] == ["a", "b.c"]
        assert doc["id"].startswith(coll + "/") and doc["name"].startswith("idx_")
        again = self.make(store, coll, type="persistent", fields=["a", "b.c"])
        assert again[0] == 200 and not again[2]["isNewlyCreated"] and again[2]["id"] == doc["id"]
        listed = store.good("GET", f"/_api/index?collection={coll}")
        assert [i["type"] for i in listed["indexes"]] == ["primary", "persistent"]
        assert set(listed["identifiers"]) == {f"{coll}/0", doc["id"]}
        assert store.good("DELETE", f"/_api/index/{doc['id']}")["id"] == doc["id"]
        assert store.call("GET", f"/_api/index/{doc['id']}")[2]["errorNum"] == 1212

    def test_unique_holds_for_every_write(self, store, coll):
        name = self.make(store, coll, type="persistent", fields=["s", "t"], unique=True)[2]["name"]
        items = store.good("POST", f"/_api/document/{coll}",
                           [{"_key": "a", "s": 1, "t": 1}, {"_key": "b", "s": 1.0, "t": 1}, {"_key": "c", "s": 1}])
        assert [i.get("errorNum") for i in items] == [None, 1210, None]
        assert items[1]["errorMessage"] == (f"unique constraint violated - in index {name} of type persistent "
                                            "over 's, t'; conflicting key: a")
        status, _, doc = store.call("PATCH", f"/_api/document/{coll}/c", {"t": 1})
        assert (status, doc["errorNum"]) == (409, 1210)
        store.good("DELETE", f"/_api/document/{coll}/a")
        store.good("PATCH", f"/_api/document/{coll}/c", {"t": 1})

    def test_unique_over_violating_data_is_refused(self, store, coll):
        store.good("POST", f"/_api/document/{coll}", [{"s": 1}, {"s": 1}])
        status, _, doc = self.make(store, coll, type="persistent", fields=["s"], unique=True)
        assert (status, doc["errorNum"]) == (400, 1210)
        assert len(store.good("GET", f"/_api/index?collection={coll}")["indexes"]) == 1

    def test_sparse_unique_allows_many_without(self, store, coll):
        self.make(store, coll, type="persistent", fields=["s"], unique=True, sparse=True)
        items = store.good("POST", f"/_api/document/{coll}", [{}, {"s": None}, {"s": 1}, {"s": 1}])
        assert [i.get("errorNum") for i in items] == [None, None, None, 1210]

    def test_array_elements(self, store, coll):
        self.make(store, coll, type="persistent", fields=["tags[*]"], unique=True)
        items = store.good("POST", f"/_api/document/{coll}", [{"tags": [1, 2, 2]}, {"tags": [3, 2]}, {"tags": [4]}])
        assert [i.get("errorNum") for i in items] == [None, 1210, None]

    @pytest.mark.parametrize("kind", ["geo", "fulltext", "inverted", "mdi"])
    def test_what_we_do_not_have_is_named(self, store, coll, kind):
        status, _, doc = self.make(store, coll, type=kind, fields=["a"])
        assert status == 501 and kind in doc["errorMessage"]


@pytest.mark.parametrize("method, path, headers", [
    ("POST", "/_api/gharial", {}), ("POST", "/_api/transaction/begin", {}), ("GET", "/_api/view", {}),
    ("GET", "/_api/version", {"x-arango-async": "true"}), ("GET", "/_api/version", {"x-arango-trx-id": "7"}),
])
def test_unsupported_calls_are_named(store, method, path, headers):
    status, _, doc = store.call(method, path, {}, headers=headers)
    assert status == 501 and doc["errorNum"] == 9 and "not implemented" in doc["errorMessage"]
    assert (path if not headers else list(headers)[0]) in doc["errorMessage"]


def test_other_methods_and_paths(store):
    assert store.call("DELETE", "/_api/version")[0] == 405
    assert store.call("GET", "/nope")[0] == 404
    status, _, doc = store.call("GET", "/_db/nope/_api/version")
    assert (status, doc["errorNum"]) == (404, 1228)


class TestUsers:
    def test_wrong_or_missing_credentials(self, store):
        for kw in ({"user": None}, {"password": "no"}, {"user": "nobody"}):
            status, headers, doc = store.call("GET", "/_api/version", **kw)
            assert status == 401 and doc["errorNum"] == 11 and "www-authenticate" in headers
        status, headers, _ = store.call("GET", "/_api/version", user=None,
                                        headers={"X-Omit-WWW-Authenticate": "yes"})
        assert status == 401 and "www-authenticate" not in headers

    def test_tokens(self, store):
        token = store.good("POST", "/_open/auth", {"username": "root", "password": store.password}, user=None)["jwt"]
        bearer = {"Authorization": f"bearer {token}"}
        assert store.call("GET", "/_api/version", user=None, headers=bearer)[0] == 200
        assert store.good("POST", "/_open/auth/renew", user=None, headers=bearer)["jwt"]
        broken = {"Authorization": f"bearer {token[:-3]}abc"}
        assert store.call("GET", "/_api/version", user=None, headers=broken)[0] == 401
        for bad in ("", "a", "a.b", "a.b.c", token.split(".")[0]):
            assert store.call("GET", "/_api/version", user=None,
                              headers={"Authorization": f"bearer {bad}"})[0] == 401
        status, _, doc = store.call("POST", "/_open/auth", {"username": "root", "password": "x"}, user=None)
        assert status == 401

    def test_rights(self, store, coll):
        store.good("POST", "/_api/user", {"user": "reader", "passwd": "r"})
        status, _, doc = store.call("POST", "/_api/user", {"user": "reader"})
        assert (status, doc["errorNum"]) == (409, 1702)
        read = {"user": "reader", "password": "r"}
        assert store.call("GET", f"/_api/collection/{coll}", **read)[0] == 401
        right = "/_api/user/reader/database/_system"
        store.good("PUT", right, {"grant": "ro"})
        assert store.good("GET", f"{right}/{coll}")["result"] == "ro"
        assert store.call("GET", f"/_api/collection/{coll}", **read)[0] == 200
        status, _, doc = store.call("POST", f"/_api/document/{coll}", {}, **read)
        assert (status, doc["errorNum"]) == (403, 1004)
        store.good("PUT", f"{right}/{coll}", {"grant": "rw"})
        assert store.call("POST", f"/_api/document/{coll}", {}, **read)[0] == 202
        assert store.call("POST", "/_api/collection", {"name": "x"}, **read)[0] == 403
        assert store.call("GET", "/_api/user", **read)[0] == 403
        assert store.good("DELETE", f"{right}/{coll}")["code"] == 202
        store.good("PATCH", "/_api/user/reader", {"active": False})
        assert store.call("GET", f"/_api/collection/{coll}", **read)[0] == 401
        assert store.good("DELETE", "/_api/user/reader")["code"] == 202
        assert store.call("GET", "/_api/user/reader")[2]["errorNum"] == 1703

    def test_databases(self, store):
        assert store.good("POST", "/_api/database",
                          {"name": "market", "users": [{"username": "m", "passwd": "m"}]}) == {
                              "error": False, "code": 201, "result": True}
        assert store.call("POST", "/_api/database", {"name": "market"})[2]["errorNum"] == 1207
        own = {"user": "m", "password": "m"}
        assert store.good("GET", "/_db/market/_api/database/user", **own)["result"] == ["market"]
        assert store.good("GET", "/_db/market/_api/database/current", **own)["result"]["name"] == "market"
        store.good("POST", "/_db/market/_api/collection", {"name": "own"}, **own)
        assert store.call("GET", "/_api/database", **own)[0] == 401
        assert store.call("POST", "/_db/market/_api/database", {"name": "y"})[2]["errorNum"] == 1230
        assert store.good("DELETE", "/_api/database/market")["result"] is True
        assert store.call("DELETE", "/_api/database/market")[2]["errorNum"] == 1228
        assert store.call("POST", "/_api/database", {"name": "1x"})[2]["errorNum"] == 1229
