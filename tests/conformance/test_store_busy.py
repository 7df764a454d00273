"""While sf-store works on something slow or large, other requests are answered."""

import http.client
import os
import threading
import time

import pytest

from store import Store

ROWS = 80000
QUERY_S = 3  # how long each slow query may run
LOG_LIMIT_BYTES = 257 << 20  # a little more than what embedded/store/wal.c wants
LOCK_WAIT_S = 10  # how long SQLite waits for a lock there
SLOW = "FOR a IN 1..100000 FOR b IN 1..100000 FILTER a + b == 0 RETURN 1"


class Background(threading.Thread):
    """One request on a connection of its own."""

    def __init__(self, store, *request):
        super().__init__()
        self.store, self.request, self.answer = store, request, None
        self.start()

    def run(self):
        self.answer = self.store.call(*self.request)


class Lost(Background):
    """A request whose answer never comes: the store is killed."""

    def run(self):
        try:
            super().run()
        except (OSError, http.client.HTTPException):
            pass


def answered_meanwhile(store, background, *request):
    """How often @request was answered while @background waited for its own answer."""
    conn, count = store.connection(), 0
    while background.is_alive():
        assert store.call(*request, conn=conn)[0] in (200, 202)
        count += background.is_alive()
    conn.close()
    return count


@pytest.fixture(scope="module")
def big(store):
    """A collection that takes a moment to write, to index and to send."""
    store.good("POST", "/_api/collection", {"name": "big"})
    rows = [{"_key": f"{i:06}", "n": i, "text": "x" * 400} for i in range(ROWS)]
    writing = Background(store, "POST", "/_api/document/big?silent=true", rows)
    store.answered = answered_meanwhile(store, writing, "GET", "/_api/collection/big")
    assert writing.answer[0] == 202, writing.answer
    return "big"


def test_large_write(store, big):
    assert store.answered >= 10
    assert store.good("GET", f"/_api/collection/{big}/count")["count"] == ROWS


def test_index_over_many_documents(store, big):
    made = Background(store, "POST", f"/_api/index?collection={big}", {"type": "persistent", "fields": ["n", "text"]})
    assert answered_meanwhile(store, made, "GET", f"/_api/document/{big}/000007") >= 10
    assert made.answer[0] == 201, made.answer


def test_slow_queries_more_than_threads(store, coll):
    query = {"query": SLOW, "options": {"maxRuntime": QUERY_S}}
    slow = [Background(store, "POST", "/_api/cursor", query) for _ in range(2 * max(4, os.cpu_count()))]
    for _ in range(5):
        store.good("GET", "/_api/version")
        key = store.good("POST", f"/_api/document/{coll}", {"v": 1})["_key"]
        store.good("GET", f"/_api/document/{coll}/{key}")
    assert all(query.is_alive() for query in slow)
    for query in slow:
        query.join()
        assert (query.answer[0], query.answer[2]["errorNum"]) == (410, 1500), query.answer


def test_large_answer_that_nobody_reads(store, big, coll):
    lazy = store.connection()
    text = '{"query":"FOR d IN big RETURN d","batchSize":1000000}'
    lazy.request("POST", "/_api/cursor", text, {"Authorization": store.authorization()})
    for _ in range(50):
        store.good("POST", f"/_api/document/{coll}", {"v": 1})
        store.good("GET", f"/_api/document/{big}/000007")
    answer = lazy.getresponse()
    assert answer.status == 201
    body = answer.read()
    lazy.close()
    assert body.count(b'"_key":') == ROWS and body.endswith(b"}")


def test_query_that_reads_does_not_stop_writers(tmp_path):
    """A reader keeps SQLite's log from starting over: it grows past its limit, writers go on."""
    rows = "[" + ",".join(['{"text":"' + "x" * 1000 + '"}'] * 10000) + "]"
    with Store(tmp_path) as store:
        store.good("POST", "/_api/collection", {"name": "c"})
        store.good("POST", "/_api/document/c", {})
        reading = Lost(store, "POST", "/_api/cursor", {"query": SLOW.replace("FOR", "FOR d IN c FOR", 1)})
        log = tmp_path / "data" / "store.db-wal"
        while log.stat().st_size < LOG_LIMIT_BYTES:
            store.good("POST", "/_api/document/c?silent=true", rows)
        begin = time.monotonic()
        for _ in range(5):
            store.good("POST", "/_api/document/c?silent=true", rows)
        assert time.monotonic() - begin < LOCK_WAIT_S
        assert reading.is_alive()
        store.kill()
        reading.join()
