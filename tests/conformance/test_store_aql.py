"""Queries over sf-store's cursor API: results against a model, with and without indexes, and errors.

Error numbers and texts are ArangoDB's (manual, "Error codes and meanings"); its order of values of
different types is that of the manual's "Type and value order".
"""

import random

import pytest

from aql import by_value, compare, query

DOCS = 400


@pytest.fixture(scope="module")
def world(store):
    """The same documents in a collection without indexes and in one with several."""
    rng = random.Random(7)
    values = [None, True, False, 0, -1, 1, 1.5, 2, 10, "", "a", "b", "B", "ä", [1], [1, 2], []]
    docs = [{"_key": f"k{i:03}", "n": i // 3, "s": rng.choice("abc"), "v": rng.choice(values),
             "o": {"x": rng.randrange(5)}, **({"rare": i} if i % 10 == 0 else {})} for i in range(DOCS)]
    for name in ("plain", "indexed"):
        store.good("POST", "/_api/collection", {"name": name})
        store.good("POST", f"/_api/document/{name}", docs)
    for fields, more in ((["n"], {}), (["s", "v"], {}), (["v"], {}), (["o.x", "n"], {}),
                         (["rare"], {"sparse": True})):
        store.good("POST", "/_api/index?collection=indexed", {"type": "persistent", "fields": fields, **more})
    return docs


def conditions(rng):
    literals = ["null", "true", "0", "1", "1.5", "'a'", "'b'", "[1]", "2", "-1", "''"]
    attribute = rng.choice(["d.v", "d.v", "d.s", "d.n", "d.o.x", "d.rare", "d.none"])
    number = str(rng.randrange(0, 140))
    value = number if attribute in ("d.n", "d.rare") else rng.choice(literals)
    op = rng.choice(["==", "==", "<", "<=", ">", ">=", "!="])
    if rng.random() < 0.1:
        return f"{attribute} IN [{value}, {rng.choice(literals)}]"
    if rng.random() < 0.2:
        return f"{value} {op} {attribute}"
    return f"{attribute} {op} {value}"


@pytest.mark.parametrize("seed", range(60))
def test_indexes_never_change_a_result(store, world, seed):
    rng = random.Random(seed)
    filters = "".join(f" FILTER {rng.choice([' && ', ' || ', ' AND ']).join(conditions(rng) for _ in range(rng.choice([1, 2, 2])))}"
                      for _ in range(rng.choice([0, 1, 1, 2])))
    keys = ", ".join(f"{a} {rng.choice(['', 'ASC', 'DESC'])}" for a in
                     rng.sample(["d.n", "d.s", "d.v", "d.o.x", "d.rare"], rng.choice([1, 1, 2])))
    tail = f" SORT {keys}, d._key RETURN d._key"
    limit = f" SORT {keys}, d._key LIMIT {rng.randrange(5)}, {rng.randrange(20)} RETURN d._key"
    for text in (f"FOR d IN @@c{filters}{tail}", f"FOR d IN @@c{filters}{limit}"):
        plain, indexed = (query(store, text, {"@c": c}, batchSize=70) for c in ("plain", "indexed"))
        assert plain == indexed, text
    unsorted = f"FOR d IN @@c{filters} RETURN d._key"
    plain, indexed = (sorted(query(store, unsorted, {"@c": c})) for c in ("plain", "indexed"))
    assert plain == indexed, unsorted


@pytest.mark.parametrize("collection", ["plain", "indexed"])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_values_sort_by_type_and_value(store, world, collection, order):
    rows = query(store, f"FOR d IN @@c SORT d.v {order} RETURN d.v", {"@c": collection})
    assert rows == sorted((d["v"] for d in world), key=by_value, reverse=order == "DESC")


@pytest.mark.parametrize("condition, keeps", [
    ("d.n >= 10 && d.n < 12", lambda d: 10 <= d["n"] < 12),
    ("d.v == null", lambda d: d["v"] is None),
    ("d.none == null", lambda d: True),
    ("d.v < 1", lambda d: compare(d["v"], 1) < 0),
    ("d.v > 'a'", lambda d: compare(d["v"], "a") > 0),
    ("d.rare == null", lambda d: "rare" not in d),
    ("d.o.x == 3 AND d.n > 100", lambda d: d["o"]["x"] == 3 and d["n"] > 100),
    ("d.s IN ['a', 'c']", lambda d: d["s"] in "ac"),
    ("d.s NOT IN ['a', 'c']", lambda d: d["s"] == "b"),
    ("d._key LIKE 'k_0%'", lambda d: d["_key"][2] == "0"),
    ("!(d.n > 5)", lambda d: d["n"] <= 5),
])
def test_filters_keep_what_the_model_keeps(store, world, condition, keeps):
    want = [d["_key"] for d in world if keeps(d)]
    for collection in ("plain", "indexed"):
        assert query(store, f"FOR d IN {collection} FILTER {condition} SORT d._key RETURN d._key") == want


def test_a_key_finds_its_document_without_a_scan(store, world):
    for text in ("FOR d IN plain FILTER d._key == 'k007' RETURN d", "FOR d IN plain FILTER d._id == 'plain/k007' RETURN d"):
        doc = store.good("POST", "/_api/cursor", {"query": text})
        assert [d["_key"] for d in doc["result"]] == ["k007"]
        assert (doc["extra"]["stats"]["scannedFull"], doc["extra"]["stats"]["scannedIndex"]) == (0, 1)


def test_an_index_is_used_for_range_and_order(store, world):
    doc = store.good("POST", "/_api/cursor",
                     {"query": "FOR d IN indexed FILTER d.n >= 20 AND d.n <= 21 SORT d.n DESC RETURN d.n"})
    assert doc["result"] == [21, 21, 21, 20, 20, 20]
    assert doc["extra"]["stats"]["scannedFull"] == 0 and doc["extra"]["stats"]["scannedIndex"] == 6


@pytest.mark.parametrize("expression, value", [
    ("1 + 2 * 3", 7), ("7 % 3", 1), ("7 / 2", 3.5), ("4 / 2", 2), ("-(-3)", 3), ("1 < 2", True),
    ("'a' < 1", False), ("null < false", True), ("[1] == [1]", True), ("{a: 1} == {a: 1, b: null}", True),
    ("1 ? 'y' : 'n'", "y"), ("0 ?: 5", 5), ("null || 3", 3), ("2 && 3", 3), ("!''", True), ("2 IN 1..3", True),
    ("1..4", [1, 2, 3, 4]), ("[1, 2, 3][-1]", 3), ("{'a b': {c: [5]}}['a b'].c[0]", 5),
    ("[{x: 1}, {x: 2}][*].x", [1, 2]), ("CONCAT('a', 1, null, true)", "a1true"), ("LENGTH('äb')", 2),
    ("LENGTH([1, 2])", 2), ("UPPER('aB')", "AB"), ("TO_NUMBER('1.5')", 1.5), ("TO_STRING(1.0)", "1"),
    ("FLOOR(1.7)", 1), ("MAX([1, 5, 3])", 5), ("SUM([1, 2.5])", 3.5), ("AVERAGE([1, 2])", 1.5),
    ("HAS({a: 1}, 'a')", True), ("KEEP({a: 1, b: 2}, 'b')", {"b": 2}), ("TYPENAME([])", "array"),
    ("DATE_ISO8601(1717200000123)", "2024-06-01T00:00:00.123Z"), ("DATE_TIMESTAMP('2024-06-01')", 1717200000000),
    ("9223372036854775807", 9223372036854775807), ("0.1 + 0.2", 0.30000000000000004), ("@x", {"y": [1]}),
])
def test_expressions(store, expression, value):
    binds = {"x": {"y": [1]}} if "@x" in expression else {}
    assert query(store, f"RETURN {expression}", binds) == [value]


@pytest.mark.parametrize("text, value", [
    ("RETURN LENGTH(plain)", DOCS), ("RETURN count( plain )", DOCS), ("RETURN LENGTH(@@c)", DOCS),
    ("RETURN LENGTH(plain) + COUNT([1, 2])", DOCS + 2), ("LET plain = [1] RETURN LENGTH(plain)", 1),
    ("FOR d IN plain FILTER d.n == LENGTH(plain) % 7 LIMIT 1 RETURN d.n", DOCS % 7),
    ("RETURN LENGTH(FOR d IN plain LIMIT 5 RETURN d)", 5),
])
def test_length_of_a_collection_is_its_documents(store, world, text, value):
    assert query(store, text, {"@c": "plain"} if "@@c" in text else {}) == [value]


def test_length_of_a_collection_follows_its_writes(store):
    store.good("POST", "/_api/collection", {"name": "counted"})
    assert query(store, "RETURN LENGTH(counted)") == [0]
    store.good("POST", "/_api/document/counted", [{"_key": "a"}, {"_key": "b"}])
    store.good("DELETE", "/_api/document/counted/a")
    assert query(store, "RETURN COUNT(counted)") == [1]


@pytest.mark.parametrize("text, binds, status, number, part", [
    ("", {}, 400, 1502, "query is empty"),
    ("RETURN LENGTH(nowhere)", {}, 404, 1203, "collection or view not found: nowhere"),
    ("RETURN LENGTH(@@c)", {"@c": 5}, 400, 1553, "bind parameter '@c'"),
    ("RETURN LENGTH(@@c)", {}, 400, 1551, "no value specified for declared bind parameter '@c'"),
    ("RETURN FIRST(plain)", {}, 400, 1501, "collection 'plain' used as expression operand"),
    ("FOR d IN plain RETRUN d", {}, 400, 1501, "near 'RETRUN d' at position 1:16"),
    ("FOR d IN nowhere RETURN d", {}, 404, 1203, "collection or view not found: nowhere"),
    ("FOR d IN @@c RETURN d", {"@c": "nowhere"}, 404, 1203, "collection or view not found: nowhere"),
    ("RETURN @x", {}, 400, 1551, "no value specified for declared bind parameter 'x'"),
    ("RETURN 1", {"x": 1}, 400, 1552, "bind parameter 'x' was not declared in the query"),
    ("FOR d IN @@c RETURN d", {"@c": 5}, 400, 1553, "bind parameter '@c'"),
    ("LET a = 1 LET a = 2 RETURN a", {}, 400, 1511, "variable 'a' is assigned multiple times"),
    ("RETURN NOPE(1)", {}, 400, 1540, "usage of unknown function 'NOPE()'"),
    ("RETURN FLOOR()", {}, 400, 1541, "FLOOR()"),
    ("FOR d IN plain LIMIT -1 RETURN d", {}, 400, 1504, "out of range"),
    ("FOR d IN plain INSERT d INTO plain", {}, 400, 1501, "not implemented: INSERT"),
    ("FOR v IN 1..2 OUTBOUND 'a/b' e RETURN v", {}, 400, 1501, "not implemented: a graph traversal"),
])
def test_errors_say_what_and_where(store, world, text, binds, status, number, part):
    got, _, doc = store.call("POST", "/_api/cursor", {"query": text, "bindVars": binds})
    assert (got, doc["errorNum"], doc["error"], doc["code"]) == (status, number, True, status)
    assert part in doc["errorMessage"] and doc["errorMessage"].startswith("AQL: ")


def test_warnings_are_told_or_fail(store):
    doc = store.good("POST", "/_api/cursor", {"query": "RETURN 1 / 0"})
    assert doc["result"] == [None]
    assert doc["extra"]["warnings"] == [{"code": 1562, "message": "division by zero"}]
    status, _, doc = store.call("POST", "/_api/cursor", {"query": "RETURN 1 / 0", "options": {"failOnWarning": True}})
    assert (status, doc["errorNum"]) == (400, 1562)


def test_batches_count_and_full_count(store, world):
    text = "FOR d IN plain SORT d._key LIMIT 10, 25 RETURN d._key"
    doc = store.good("POST", "/_api/cursor", {"query": text, "batchSize": 10, "count": True, "options": {"fullCount": True}})
    assert doc["count"] == 25 and doc["hasMore"] and len(doc["result"]) == 10
    assert doc["extra"]["stats"]["fullCount"] == DOCS
    cursor = doc["id"]
    assert len(store.good("PUT", f"/_api/cursor/{cursor}")["result"]) == 10
    last = store.good("POST", f"/_api/cursor/{cursor}")
    assert len(last["result"]) == 5 and not last["hasMore"] and "id" not in last
    assert store.call("POST", f"/_api/cursor/{cursor}")[2]["errorNum"] == 1600


def test_a_batch_may_be_asked_for_again(store, world):
    doc = store.good("POST", "/_api/cursor", {"query": "FOR d IN plain RETURN d._key", "batchSize": 150,
                                             "options": {"allowRetry": True}})
    path = f"/_api/cursor/{doc['id']}"
    first = store.good("POST", f"{path}/{doc['nextBatchId']}")
    again = store.good("POST", f"{path}/{doc['nextBatchId']}")
    assert first == again and len(first["result"]) == 150
    assert store.call("POST", f"{path}/99")[0] == 404
    assert store.call("DELETE", path)[0] == 202
    assert store.call("DELETE", path)[2]["errorNum"] == 1600


def test_a_cursor_sees_one_moment(store, world):
    store.good("POST", "/_api/collection", {"name": "moment"})
    store.good("POST", "/_api/document/moment", [{"n": i} for i in range(20)])
    doc = store.good("POST", "/_api/cursor", {"query": "FOR d IN moment SORT d.n RETURN d.n", "batchSize": 5})
    store.good("PUT", "/_api/collection/moment/truncate")
    rows = doc["result"]
    while doc["hasMore"]:
        doc = store.good("POST", f"/_api/cursor/{doc['id']}")
        rows += doc["result"]
    assert rows == list(range(20))


def test_a_cursor_belongs_to_its_user_and_database(store, world):
    store.good("POST", "/_api/user", {"user": "curious", "passwd": "c"})
    store.good("PUT", "/_api/user/curious/database/_system", {"grant": "ro"})
    doc = store.good("POST", "/_api/cursor", {"query": "FOR d IN plain RETURN 1", "batchSize": 10})
    status, _, other = store.call("POST", f"/_api/cursor/{doc['id']}", user="curious", password="c")
    assert (status, other["errorNum"]) == (404, 1600)


def test_limits_of_time_and_memory(store, world):
    product = "FOR a IN plain FOR b IN plain FOR c IN plain FOR d IN plain FILTER a.n + b.n + c.n + d.n < 0 RETURN 1"
    status, _, doc = store.call("POST", "/_api/cursor", {"query": product, "options": {"maxRuntime": 0.2}})
    assert (status, doc["errorNum"]) == (410, 1500)
    status, _, doc = store.call("POST", "/_api/cursor",
                                {"query": "FOR a IN plain FOR b IN plain RETURN a", "memoryLimit": 100000})
    assert (status, doc["errorNum"]) == (500, 32)


@pytest.mark.parametrize("body, number", [
    ({"query": "RETURN 1", "batchSize": 0}, 14), ({"query": "RETURN 1", "bindVars": []}, 14),
    ({"query": "RETURN 1", "options": 5}, 14), ({"bindVars": {}}, 1502), ({"query": 5}, 1502),
    ({"query": "RETURN 1", "ttl": "x"}, 14),
])
def test_malformed_requests(store, body, number):
    status, _, doc = store.call("POST", "/_api/cursor", body)
    assert (status, doc["errorNum"]) == (400, number)


def test_numbers_are_read_as_the_nearest_double(store):
    """Arithmetic sees what Python's own (correctly rounded) reading gives, from 1 to 25 digits."""
    rng = random.Random(5)
    texts = ["0.1", "0.3", "123456789012345.6", "0.000000000000000000001", "99999999999999.9", "-0.000001", "1e-7", "1.5e300"]
    for _ in range(3000):
        digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 26)))
        point = rng.randrange(len(digits) + 1)
        whole = str(int(digits[:point] or "0"))
        texts.append(f"{rng.choice(['', '-'])}{whole}.{digits[point:] or '0'}")
    body = '{"query": "FOR x IN @xs RETURN x * 1.0", "batchSize": 10000, "bindVars": {"xs": [' + ",".join(texts) + "]}}"
    got = store.good("POST", "/_api/cursor", body)["result"]
    assert [float(x) for x in got] == [float(text) for text in texts]
