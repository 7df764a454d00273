"""Queries that are too much: the program is told to stop, memory runs out, a function is missing."""

import os
import pathlib
import threading
import time

import pytest

from store import Store

SLOW = "FOR a IN 1..100000 FOR b IN 1..100000 FILTER a + b == 0 RETURN 1"
SORTS = "FOR a IN 1..1000000 SORT a % 1000 DESC RETURN a"
STOP_S = 5  # one second is the aim; the machine may be busy
MIB = 1 << 20


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("text", [SLOW, "FOR i IN 1..1000000 FILTER LENGTH(1..100000) < 0 RETURN 1",
                                  "FOR a IN 1..100000 FOR b IN 1..100000 COLLECT k = a % 7 WITH COUNT INTO n RETURN n",
                                  f"RETURN (FOR i IN 1..1000 RETURN LENGTH({SLOW}))"])
def test_sigterm_ends_running_and_waiting_queries(tmp_path, text):
    """More queries than threads; each client is told why, the program ends at once with success."""
    answers = []
    with Store(tmp_path) as store:
        clients = [threading.Thread(target=lambda: answers.append(store.call("POST", "/_api/cursor", {"query": text})))
                   for _ in range(2 * max(4, os.cpu_count()))]
        for client in clients:
            client.start()
        before = cpu_s(store.proc.pid)
        store.proc.wait_until(lambda: cpu_s(store.proc.pid) > before + 0.5, 60, "busy with queries")
        begin = time.monotonic()
        assert store.proc.stop(60) == 0
        assert time.monotonic() - begin < STOP_S
        for client in clients:
            client.join()
    assert [(status, doc["errorNum"]) for status, _, doc in answers] == [(503, 30)] * len(clients)
    assert "shutdown in progress" in answers[0][2]["errorMessage"]


def test_a_query_may_not_have_more_than_its_limit(tmp_path):
    with Store(tmp_path, "--query.memory-limit", str(4 * MIB)) as store:
        assert store.call("POST", "/_api/cursor", {"query": SORTS})[2]["errorNum"] == 32
        status, _, doc = store.call("POST", "/_api/cursor", {"query": "FOR a IN 1..100000 RETURN [a, 1..10]"})
        assert (status, doc["errorNum"]) == (500, 32)
        assert doc["errorMessage"] == "AQL: query would use more memory than allowed (while executing)"
        for limit in (0, 1024 * MIB):  # the request's own limit counts, 0 is none
            doc = store.good("POST", "/_api/cursor", {"query": SORTS, "memoryLimit": limit, "batchSize": 2})
            assert doc["result"] == [999, 1999] and doc["extra"]["stats"]["peakMemoryUsage"] > 4 * MIB


def test_all_queries_together_have_a_limit(tmp_path):
    """Results that wait in cursors count, until they are fetched, dropped or expired."""
    rows = {"query": "FOR a IN 1..100000 RETURN [a, 1..10]", "batchSize": 1, "memoryLimit": 0}
    with Store(tmp_path, "--query.global-memory-limit", str(16 * MIB)) as store:
        kept = []
        while True:
            status, _, doc = store.call("POST", "/_api/cursor", rows)
            if status != 201:
                break
            kept.append(doc["id"])
            assert len(kept) < 16, "the limit never came"
        assert (status, doc["errorNum"]) == (500, 32)
        assert doc["errorMessage"] == "AQL: global memory limit exceeded (while executing)"
        assert kept
        for cursor in kept:
            store.good("DELETE", f"/_api/cursor/{cursor}")
        store.good("POST", "/_api/cursor", rows)


GREEDY = ["FOR a IN 1..5000000 SORT a % 1000 DESC RETURN a", "RETURN LENGTH(UNION(1..5000000, 1..5000000, 1..5000000))",
          "FOR a IN 1..2000 FOR b IN 1..2000 COLLECT k = a * b INTO g RETURN LENGTH(g)",
          "FOR a IN 1..3000 FOR b IN 1..3000 COLLECT AGGREGATE u = UNIQUE([a, b]) RETURN LENGTH(u)",
          "RETURN LENGTH(FOR a IN 1..3000 FOR b IN 1..3000 RETURN [a, b])", "FOR a IN 1..3000 FOR b IN 1..3000 RETURN [a, b]",
          "FOR a IN 1..3000 FOR b IN 1..3000 RETURN DISTINCT [a, b]", "RETURN LENGTH(UNIQUE(SORTED(REVERSE(1..9000000))))"]


def test_greedy_queries_do_not_take_the_machine(tmp_path):
    """All at once, without limits of their own: the program's memory stays in sight of the common limit."""
    limit, answers = 128 * MIB, []
    with Store(tmp_path, "--query.memory-limit", "0", "--query.global-memory-limit", str(limit)) as store:
        clients = [threading.Thread(target=lambda q=text: answers.append(store.call("POST", "/_api/cursor", {"query": q, "batchSize": 1})))
                   for text in GREEDY]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        status = pathlib.Path(f"/proc/{store.proc.pid}/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
        store.good("POST", "/_api/cursor", {"query": "RETURN 1"})
    assert [(status, doc["errorNum"]) for status, _, doc in answers] == [(500, 32)] * len(GREEDY)
    assert peak < 2 * limit


@pytest.mark.parametrize("value", ["-1", "x", "1.5"])
def test_a_bad_limit_is_refused(tmp_path, value):
    store = Store(tmp_path, "--query.memory-limit", value)
    with pytest.raises(AssertionError, match="exited 2"):
        store.start()
    assert f"'{value}': expected bytes" in store.proc.stderr()


@pytest.mark.parametrize("call", ["RAND()", "document('a/b')", "SLEEP(1)", "GEO_POINT(1, 2)", "REGEX_TEST('a', 'b')"])
def test_functions_that_only_arangodb_has_are_named(store, call):
    status, _, doc = store.call("POST", "/_api/cursor", {"query": f"RETURN {call}"})
    assert (status, doc["errorNum"], doc["code"]) == (501, 1501, 501)
    assert doc["errorMessage"] == f"AQL: not implemented: function '{call.partition('(')[0]}()' (while parsing)"
