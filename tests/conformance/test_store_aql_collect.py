"""COLLECT, subqueries and nested FORs over sf-store, against a model in Python.

Semantics are those of ArangoDB's manual: groups ascend by their values, elements of a group keep the order in which
they came, a missing attribute is null, MIN, SUM and AVERAGE leave nulls out, COUNT does not.
"""

import itertools
import math
import random
import statistics

import pytest

from aql import by_value, compare, query

DOCS = 600


def attribute(doc, path):
    for step in path.split("."):
        doc = doc.get(step) if isinstance(doc, dict) else None
    return doc


@pytest.fixture(scope="module")
def docs(store):
    rng = random.Random(11)
    rows = [{"_key": f"k{i:04}", "n": i, "s": rng.choice(["b", "a", "ä", "", None]), "x": rng.choice([1, 1.0, 2, -3.5, None, True, [1], "1"]),
             "o": {"v": rng.randrange(7)}, "price": rng.randrange(1, 10**6) / 1000, "tags": rng.sample("pqrst", rng.randrange(4)),
             **({"odd": i} if i % 3 else {})} for i in range(DOCS)]
    for name in ("plain", "indexed"):
        store.good("POST", "/_api/collection", {"name": name})
        store.good("POST", f"/_api/document/{name}", rows)
    for fields in (["n"], ["s", "n"], ["o.v", "n"], ["x"]):
        store.good("POST", "/_api/index?collection=indexed", {"type": "persistent", "fields": fields})
    return rows


def groups_of(rows, paths):
    """[(values, rows)], ascending by values; values are those of the group's first row."""
    found = []
    for row in rows:
        values = [attribute(row, path) for path in paths]
        for group in found:
            if compare(group[0], values) == 0:
                group[1].append(row)
                break
        else:
            found.append((values, [row]))
    return sorted(found, key=lambda group: by_value(group[0]))


def numbers(values):
    return [v for v in values if v is not None]


AGGREGATES = {
    "COUNT(d.odd)": lambda rows: len(rows),
    "LENGTH()": lambda rows: len(rows),
    "MIN(d.odd)": lambda rows: min(numbers(r.get("odd") for r in rows), default=None),
    "MAX(d.x)": lambda rows: max(numbers(r["x"] for r in rows), key=by_value, default=None),
    "MIN(d.x)": lambda rows: min(numbers(r["x"] for r in rows), key=by_value, default=None),
    "SUM(d.odd)": lambda rows: sum(numbers(r.get("odd") for r in rows)),
    "SUM(d.x)": lambda rows: None if any(isinstance(r["x"], (str, list, bool)) for r in rows)
                             else sum(numbers(r["x"] for r in rows)),
    "AVERAGE(d.odd)": lambda rows: statistics.fmean(numbers(r.get("odd") for r in rows))
                                   if numbers(r.get("odd") for r in rows) else None,
    "COUNT_DISTINCT(d.s)": lambda rows: len({r["s"] for r in rows}),
    "SORTED_UNIQUE(d.o.v)": lambda rows: sorted({r["o"]["v"] for r in rows}),
    "UNIQUE(d.o.v)": lambda rows: list(dict.fromkeys(r["o"]["v"] for r in rows)),
    "VARIANCE_POPULATION(d.n)": lambda rows: statistics.pvariance(r["n"] for r in rows),
    "STDDEV_SAMPLE(d.n)": lambda rows: statistics.stdev(r["n"] for r in rows) if len(rows) > 1 else None,
    "PUSH(d._key)": lambda rows: [r["_key"] for r in rows],
}


def same(got, want):
    if isinstance(want, float) and isinstance(got, (int, float)):
        return math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(map(same, got, want))
    return got == want


@pytest.mark.parametrize("collection", ["plain", "indexed"])
@pytest.mark.parametrize("seed", range(25))
def test_groups_and_aggregates(store, docs, collection, seed):
    rng = random.Random(seed)
    paths = rng.sample(["s", "x", "o.v", "odd", "none"], rng.choice([0, 1, 1, 2]))
    names = rng.sample(sorted(AGGREGATES), rng.randrange(1 if not paths else 0, 4))
    low, high = sorted(rng.sample(range(DOCS), 2))
    text = f"FOR d IN {collection} FILTER d.n >= {low} && d.n < {high} SORT d.n COLLECT "
    text += ", ".join(f"g{i} = d.{path}" for i, path in enumerate(paths))
    if names:
        text += " AGGREGATE " + ", ".join(f"a{i} = {name}" for i, name in enumerate(names))
    text += " INTO g = d.n RETURN [[" + ", ".join(f"g{i}" for i in range(len(paths))) + "], ["
    text += ", ".join(f"a{i}" for i in range(len(names))) + "], g]"
    want = [[values, [AGGREGATES[name](rows) for name in names], [r["n"] for r in rows]]
            for values, rows in groups_of(docs[low:high], paths)]
    assert same(query(store, text), want), text


@pytest.mark.parametrize("text, want", [
    ("FOR d IN [] COLLECT WITH COUNT INTO n RETURN n", [0]),
    ("FOR d IN [] COLLECT k = d WITH COUNT INTO n RETURN n", []),
    ("FOR d IN [] COLLECT AGGREGATE a = MIN(d), b = MAX(d), c = SUM(d), e = AVERAGE(d), f = COUNT(d), g = UNIQUE(d) "
     "RETURN [a, b, c, e, f, g]", [[None, None, None, None, 0, []]]),
    ("FOR d IN [null, null] COLLECT AGGREGATE a = MIN(d), b = SUM(d), c = AVERAGE(d), e = COUNT(d), f = UNIQUE(d) "
     "RETURN [a, b, c, e, f]", [[None, 0, None, 2, [None]]]),
    ("FOR d IN [1, 'a'] COLLECT AGGREGATE s = SUM(d), m = MAX(d) RETURN [s, m]", [[None, "a"]]),
    ("FOR i IN [3, 1, 2, 1] COLLECT k = i WITH COUNT INTO n RETURN [k, n]", [[1, 2], [2, 1], [3, 1]]),
    ("FOR i IN [3, 1, 2, 1] COLLECT k = i % 2 INTO g RETURN [k, g]", [[0, [{"i": 2}]], [1, [{"i": 3}, {"i": 1}, {"i": 1}]]]),
    ("FOR i IN [3, 1] LET j = i * 2 COLLECT INTO g = j RETURN g", [[6, 2]]),
    ("LET top = 5 FOR i IN [3, 1] LET j = i + top COLLECT k = 1 INTO g RETURN [top, g]",
     [[5, [{"i": 3, "j": 8}, {"i": 1, "j": 6}]]]),
    ("FOR i IN [3, 1] LET j = -i COLLECT k = 1 INTO g KEEP j RETURN g", [[{"j": -3}, {"j": -1}]]),
    ("FOR i IN [3, 1, 3] COLLECT k = i COLLECT AGGREGATE n = SUM(k) RETURN n", [4]),
    ("FOR i IN [3, 1, 3] LET k = i COLLECT k = k SORT k DESC LIMIT 1 RETURN k", [3]),
    ("FOR i IN 1..6 COLLECT k = i % 3 INTO g = i FILTER k > 0 FOR x IN g SORT x DESC RETURN [k, x]",
     [[2, 5], [1, 4], [2, 2], [1, 1]]),
    ("FOR i IN 1..4 COLLECT a = i % 2, b = i > 2 OPTIONS {method: 'sorted'} RETURN [a, b]",
     [[0, False], [0, True], [1, False], [1, True]]),
    ("FOR i IN [1, 1.0, '1', true, null, [1]] COLLECT k = i RETURN k", [None, True, 1, "1", [1]]),
    ("FOR i IN 1..3 COLLECT AGGREGATE n = LENGTH(FOR j IN 1..i RETURN j) RETURN n", [3]),
    ("FOR i IN 1..3 COLLECT AGGREGATE n = SUM(LENGTH(FOR j IN 1..i RETURN j)) RETURN n", [6]),
])
def test_collect_forms(store, text, want):
    assert query(store, text) == want


@pytest.mark.parametrize("text, want", [
    ("LET a = (FOR i IN 1..3 RETURN i * i) RETURN a", [[1, 4, 9]]),
    ("RETURN (FOR i IN [] RETURN i)", [[]]),
    ("RETURN LENGTH(FOR i IN 1..5 FILTER i > 2 RETURN i)", [3]),
    ("RETURN FIRST((FOR i IN 3..5 SORT i DESC RETURN i))", [5]),
    ("FOR i IN 1..3 RETURN (FOR j IN 1..i RETURN j)", [[1], [1, 2], [1, 2, 3]]),
    ("FOR i IN (FOR j IN 1..3 RETURN j * 2) RETURN i", [2, 4, 6]),
    ("FOR i IN 1..4 FILTER LENGTH(FOR j IN [2, 4] FILTER j == i RETURN 1) > 0 RETURN i", [2, 4]),
    ("FOR i IN 1..4 FILTER i IN (FOR j IN 2..3 RETURN j) RETURN i", [2, 3]),
    ("FOR i IN 1..2 FOR j IN 1..2 FOR k IN i..j RETURN [i, j, k]", [[1, 1, 1], [1, 2, 1], [1, 2, 2], [2, 1, 2], [2, 1, 1], [2, 2, 2]]),
    ("FOR i IN 1..3 SORT (FOR j IN [3, 1, 2] LIMIT i - i, 1 RETURN j)[0], -i RETURN i", None),
    ("FOR i IN 1..3 LET s = (FOR j IN 1..3 SORT j DESC LIMIT 1, 1 RETURN [i, j]) RETURN s[0]", [[1, 2], [2, 2], [3, 2]]),
    ("FOR i IN 1..3 LET s = (FOR j IN [1, 1, 2] RETURN DISTINCT j * i) RETURN s", [[1, 2], [2, 4], [3, 6]]),
    ("FOR i IN 1..2 LET s = (FOR j IN 1..4 COLLECT k = j % 2 WITH COUNT INTO n RETURN [i, k, n]) SORT i DESC RETURN s",
     [[[2, 0, 2], [2, 1, 2]], [[1, 0, 2], [1, 1, 2]]]),
    ("LET x = (LET y = 1 RETURN y) LET y = 2 RETURN [x, y]", [[[1], 2]]),
    ("FOR i IN 1..2 LET x = (FOR j IN 1..2 RETURN (FOR k IN 1..j RETURN i * 100 + j * 10 + k)) RETURN x",
     [[[111], [121, 122]], [[211], [221, 222]]]),
    ("LET a = (FOR i IN 1..3 RETURN {v: i, w: i % 2}) FOR x IN a COLLECT w = x.w INTO g RETURN [w, g[*].x.v]",
     [[0, [2]], [1, [1, 3]]]),
    ("RETURN MERGE(FOR i IN 1..2 RETURN {[CONCAT('k', i)]: i})", [{"k1": 1, "k2": 2}]),
    ("FOR i IN [{b: [{v: 2}, {v: 1}]}, {b: [{v: 0}]}] FOR x IN i.b SORT x.v RETURN x.v", [0, 1, 2]),
    ("FOR i IN 1..2 RETURN i == 1 ? (FOR j IN 1..2 RETURN j) : 'none'", [[1, 2], "none"]),
])
def test_subqueries(store, text, want):
    if want is None:  # LIMIT of what is no constant
        assert store.call("POST", "/_api/cursor", {"query": text})[0] == 400
        return
    assert query(store, text) == want


@pytest.mark.parametrize("inner, outer", [*itertools.product(["plain", "indexed"], repeat=2)])
def test_correlated_subqueries_and_joins(store, docs, inner, outer):
    """The same rows whether the inner collection has an index for the condition or not."""
    text = (f"FOR v IN 0..6 LET rows = (FOR d IN {inner} FILTER d.o.v == v && d.n < 50 SORT d.n DESC LIMIT 3 RETURN d.n) "
            f"LET last = FIRST(FOR d IN {outer} FILTER d.n <= v * 80 SORT d.n DESC LIMIT 1 RETURN d) RETURN [v, rows, last.n]")
    want = [[v, sorted((d["n"] for d in docs if d["o"]["v"] == v and d["n"] < 50), reverse=True)[:3], v * 80] for v in range(7)]
    assert query(store, text) == want
    text = f"FOR a IN {outer} FILTER a.n < 20 FOR b IN {inner} FILTER b.n == a.n + 1 FOR t IN b.tags SORT a.n, t RETURN [a.n, t]"
    want = [[a["n"], t] for a in docs[:20] for t in sorted(docs[a["n"] + 1]["tags"])]
    assert query(store, text) == want


def test_a_subquery_uses_index_and_order(store, docs):
    doc = store.good("POST", "/_api/cursor", {"query": "LET a = FIRST(FOR d IN indexed FILTER d.n <= 300 SORT d.n DESC LIMIT 1 "
                                              "RETURN d.n) RETURN a"})
    assert doc["result"] == [300]
    assert (doc["extra"]["stats"]["scannedFull"], doc["extra"]["stats"]["scannedIndex"]) == (0, 1)


def test_a_sort_keeps_only_what_is_used(store, docs):
    """A large value in front of the FOR is not copied for each row."""
    text = ("LET big = (FOR d IN plain RETURN d) FOR a IN plain FOR b IN 1..20 LET more = a SORT b, a.n "
            "RETURN a.n + LENGTH(big)")
    rows = query(store, text, memoryLimit=32 << 20)
    assert rows == [n + DOCS for _ in range(20) for n in range(DOCS)]


@pytest.mark.parametrize("expression, value", [
    ("UNIQUE([2, 1, 2.0, '2'])", [2, 1, "2"]), ("SORTED([3, null, 'a', 1])", [None, 1, 3, "a"]),
    ("SORTED_UNIQUE([3, 1, 3])", [1, 3]), ("COUNT_DISTINCT([1, 1, 2])", 2), ("FLATTEN([1, [2, [3]]])", [1, 2, [3]]),
    ("FLATTEN([1, [2, [3, [4]]]], 2)", [1, 2, 3, [4]]), ("UNION([1], [1, 2])", [1, 1, 2]),
    ("UNION_DISTINCT([1, 2], [2, 3], [1])", [1, 2, 3]), ("INTERSECTION([1, 2, 3, 2], [2, 3, 4], [3, 2])", [2, 3]),
    ("MINUS([1, 2, 3, 1], [2], [5])", [1, 3]), ("NTH([1, 2], 1)", 2), ("NTH([1, 2], 2)", None), ("NTH([1, 2], -1)", None),
    ("SLICE([1, 2, 3, 4, 5], 1, 2)", [2, 3]), ("SLICE([1, 2, 3, 4, 5], -2)", [4, 5]), ("SLICE([1, 2, 3, 4, 5], 0, -2)", [1, 2, 3]),
    ("SLICE([1, 2, 3], 5)", []), ("SLICE([1, 2, 3], -9, 1)", [1]), ("REVERSE([1, 2, 3])", [3, 2, 1]),
    ("PUSH([1], 2)", [1, 2]), ("PUSH([1], 1, true)", [1]), ("PUSH(null, 1)", [1]), ("APPEND([1], [2, 1])", [1, 2, 1]),
    ("APPEND([1], [2, 1], true)", [1, 2]), ("TO_ARRAY('a')", ["a"]), ("TO_ARRAY(null)", []), ("TO_ARRAY({a: 1, b: 2})", [1, 2]),
    ("POSITION([1, 2], 2)", True), ("POSITION([1, 2], 2, true)", 1), ("POSITION([1, 2], 5, true)", -1),
    ("RANGE(1, 4)", [1, 2, 3, 4]), ("RANGE(4, 1)", [4, 3, 2, 1]), ("RANGE(1, 2, 0.5)", [1, 1.5, 2]),
    ("MERGE({a: 1, b: 1}, {b: 2, c: 3})", {"a": 1, "b": 2, "c": 3}), ("MERGE([{a: 1}, {a: 2}])", {"a": 2}),
    ("ZIP(['a', 'b'], [1, 2])", {"a": 1, "b": 2}), ("VALUES({_key: 'x', a: 1}, true)", [1]), ("KEYS({a: 1})", ["a"]),
    ("UNIQUE('x')", None), ("MERGE({}, 1)", None), ("MERGE({'ä\\\"': 1}, {})", {'ä"': 1}),
])
def test_functions_of_arrays_and_objects(store, expression, value):
    assert query(store, f"RETURN {expression}") == [value]


@pytest.mark.parametrize("text, number, part", [
    ("FOR i IN 1..2 COLLECT k = i RETURN i", 1203, "collection or view not found: i"),
    ("FOR i IN 1..2 COLLECT AGGREGATE x = i + 1 RETURN x", 1574, "invalid aggregate expression"),
    ("FOR i IN 1..2 COLLECT AGGREGATE x = FIRST(i) RETURN x", 1574, "invalid aggregate expression"),
    ("FOR i IN 1..2 COLLECT AGGREGATE x = SUM() RETURN x", 1541, "SUM()"),
    ("FOR i IN 1..2 COLLECT AGGREGATE x = BIT_AND(i) RETURN x", 1501, "BIT_AND"),
    ("FOR i IN 1..2 COLLECT k = i INTO g KEEP nope RETURN g", 1512, "unknown variable 'nope'"),
    ("FOR i IN 1..2 COLLECT k = i, k = i RETURN k", 1511, "variable 'k'"),
    ("LET k = 1 FOR i IN 1..2 COLLECT k = i RETURN k", 1511, "variable 'k'"),
    ("FOR i IN 1..2 COLLECT AGGREGATE x = SUM(i) WITH COUNT INTO n RETURN n", 1501, "near 'WITH COUNT"),
    ("FOR i IN 1..2 COLLECT WITH NUMBER INTO n RETURN n", 1501, "near 'NUMBER"),
    ("RETURN (FOR i IN 1..2 FILTER i)", 1501, "unexpected )"),
    ("LET x = (FOR i IN 1..2 RETURN i) RETURN i", 1203, "collection or view not found: i"),
    ("FOR i IN 1..2 RETURN (FOR i IN 1..2 RETURN i)", 1511, "variable 'i'"),
    ("RETURN (INSERT {} INTO plain)", 1501, "not implemented: INSERT"),
])
def test_errors(store, docs, text, number, part):
    _, _, doc = store.call("POST", "/_api/cursor", {"query": text})
    assert (doc["error"], doc["errorNum"]) == (True, number), doc
    assert part in doc["errorMessage"]


def test_full_count_is_of_the_outermost_limit(store, docs):
    text = "FOR d IN plain LET x = (FOR i IN 1..9 LIMIT 2 RETURN i) LIMIT 3 RETURN x"
    doc = store.good("POST", "/_api/cursor", {"query": text, "options": {"fullCount": True}})
    assert doc["result"] == [[1, 2]] * 3 and doc["extra"]["stats"]["fullCount"] == DOCS


def test_limits_hold_in_subqueries(store, docs):
    slow = "RETURN LENGTH(FOR a IN plain FOR b IN plain FOR c IN plain FOR d IN plain FILTER a.n + b.n + c.n + d.n < 0 RETURN 1)"
    status, _, doc = store.call("POST", "/_api/cursor", {"query": slow, "options": {"maxRuntime": 0.2}})
    assert (status, doc["errorNum"]) == (410, 1500)
    for big in ("RETURN LENGTH(FOR a IN plain FOR b IN plain RETURN a)", "FOR a IN plain FOR b IN plain COLLECT k = [a.n, b.n] RETURN 1",
                "FOR a IN plain FOR b IN plain COLLECT INTO g RETURN 1", "FOR a IN plain FOR b IN plain SORT a.n RETURN b",
                "FOR a IN plain FOR b IN plain COLLECT AGGREGATE x = UNIQUE([a.n, b.n]) RETURN 1"):
        status, _, doc = store.call("POST", "/_api/cursor", {"query": big, "memoryLimit": 4 << 20})
        assert (status, doc["errorNum"]) == (500, 32), big


@pytest.mark.parametrize("begin, end", [("RETURN FIRST(", ")"), ("RETURN (", ")"), ("RETURN LENGTH(FOR x{0} IN [1] SORT x{0} ", ")")])
@pytest.mark.parametrize("levels, is_good", [(60, True), (5000, False)])
def test_deep_nesting_is_refused_not_a_crash(store, begin, end, levels, is_good):
    text = "".join(begin.format(i) for i in range(levels)) + "RETURN 1" + end * levels
    status, _, doc = store.call("POST", "/_api/cursor", {"query": text})
    assert (status, doc.get("errorNum")) == ((201, None) if is_good else (400, 1524))


@pytest.mark.parametrize("order", ["i % 37, -i", "i % 37", "i % 37 DESC", "[i % 5, i % 3] DESC, i"])
@pytest.mark.parametrize("offset, count", [(0, 0), (0, 1), (7, 20), (0, 1000), (4990, 100), (100, 5000)])
def test_sort_in_front_of_a_limit(store, order, offset, count):
    """The same rows as of the whole sorted result; fullCount is of all."""
    text = f"FOR i IN 1..5000 LET t = CONCAT('v', i) SORT {order} "
    whole = query(store, f"{text} RETURN [i, t]", batchSize=10000)
    assert len(whole) == 5000
    doc = store.good("POST", "/_api/cursor", {"query": f"{text} LIMIT {offset}, {count} RETURN [i, t]", "batchSize": 10000,
                                             "options": {"fullCount": True}})
    assert doc["result"] == whole[offset:offset + count]
    assert doc["extra"]["stats"]["fullCount"] == 5000


def test_best_of_many_need_no_memory_for_all(store, docs):
    text = "FOR a IN plain FOR i IN 1..200 SORT (a.n * 7919 + i * 104729) % 999983 DESC LIMIT 5 RETURN [a.n, i, a._key]"
    want = sorted(((n * 7919 + i * 104729) % 999983, n, i) for n in range(DOCS) for i in range(1, 201))[::-1][:5]
    assert query(store, text, memoryLimit=2 << 20) == [[n, i, f"k{n:04}"] for _, n, i in want]
