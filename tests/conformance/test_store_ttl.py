"""TTL indexes: what has expired goes away by itself, nothing else does.

Source: ArangoDB's manual, "TTL indexes": numbers are seconds since 1970, strings are dates; other
values never expire. Milliseconds are therefore a time far away.
"""

import time

import pytest

from store import Store

WAIT_S = 20
NOW_S = int(time.time())
AFTER_S = 3600

EXPIRED = {"second": NOW_S - 2 * AFTER_S, "fraction": NOW_S - 2 * AFTER_S + 0.5, "zero": 0, "before": -1,
           "date": "2020-01-01T00:00:00Z", "millisecond": "2020-01-01T00:00:00.123Z", "day": "2020-01-01"}
KEPT = {"later": NOW_S - AFTER_S // 2, "ms": (NOW_S - 2 * AFTER_S) * 1000, "far": "2199-01-01T00:00:00Z", "null": None,
        "bool": True, "word": "yesterday", "digits": str(NOW_S - 2 * AFTER_S), "array": [0], "object": {"at": 0}}


def keys(store):
    return set(store.good("POST", "/_api/cursor", {"query": "FOR d IN c RETURN d._key", "batchSize": 10000})["result"])


def wait_gone(store, gone):
    """The store removes expired documents in rounds: wait until none of @gone is left."""
    end = time.monotonic() + WAIT_S
    while keys(store) & gone:
        assert time.monotonic() < end, f"still there: {sorted(keys(store) & gone)[:5]}"
        time.sleep(0.02)


@pytest.fixture
def ttl_store(tmp_path):
    with Store(tmp_path, "--ttl-every-ms", "50") as running:
        running.good("POST", "/_api/collection", {"name": "c"})
        yield running


def add(store, values):
    store.good("POST", "/_api/document/c", [{"_key": key, "at": value} for key, value in values.items()])


def index(store):
    store.good("POST", "/_api/index?collection=c", {"type": "ttl", "fields": ["at"], "expireAfter": AFTER_S})


@pytest.mark.parametrize("first", ["index", "documents"])
def test_only_the_expired_go(ttl_store, first):
    if first == "index":
        index(ttl_store)
    add(ttl_store, {**EXPIRED, **KEPT})
    ttl_store.good("POST", "/_api/document/c", {"_key": "missing"})
    if first == "documents":
        index(ttl_store)
    wait_gone(ttl_store, set(EXPIRED))
    add(ttl_store, {"again": 0})
    wait_gone(ttl_store, {"again"})  # one more round: it had its chance at the others
    assert keys(ttl_store) == {*KEPT, "missing"}
    assert ttl_store.good("GET", "/_api/collection/c/count")["count"] == len(KEPT) + 1


def test_a_changed_value_counts(ttl_store):
    index(ttl_store)
    add(ttl_store, {"was": NOW_S, "stays": NOW_S})
    ttl_store.good("PATCH", "/_api/document/c/was", {"at": 0})
    wait_gone(ttl_store, {"was"})
    assert keys(ttl_store) == {"stays"}


def test_many_at_once_and_after_a_restart(ttl_store):
    many = {f"k{i}": i for i in range(7000)}
    add(ttl_store, many)
    index(ttl_store)
    ttl_store.kill()
    ttl_store.start()
    wait_gone(ttl_store, set(many))
    assert keys(ttl_store) == set()
