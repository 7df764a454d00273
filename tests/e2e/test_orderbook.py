"""Order books by REST through Kafka into the database."""

import json
import signal
import time

import pytest
from books import SIDES, BookQueue, as_sent, levels
from flow import World, wait_for
from rest_proxy import RestProxy

TOPIC_WAIT = 30


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path / "world")
    yield w
    w.close()


class Shown:
    """What the exchange answered to GET depth, by symbol; @change may alter it."""

    def __init__(self, change=None):
        self.by_symbol, self.change = {}, change

    def __call__(self, path, query, body):
        if not path.endswith("/depth"):
            return body
        if self.change:
            body = self.change(query["symbol"], len(self.by_symbol.get(query["symbol"], [])), body)
        if isinstance(body, dict):
            self.by_symbol.setdefault(query["symbol"], []).append(body)
        return body


def whole_snapshots(records):
    """Snapshots with their parts put together: (last_update_id, timestamp, bids, asks)."""
    found = []
    for r in records:
        if r.get("part", 1) == 1:
            found.append([r["last_update_id"], r["timestamp"], [], []])
        assert (r["last_update_id"], r["timestamp"]) == tuple(found[-1][:2])
        for i, side in enumerate(SIDES):
            found[-1][2 + i] += as_sent(r, side)
    return found


def check_topic(queue, shown, symbol):
    """Every answer that is in the topic stands there digit for digit, in order, none made up."""
    records = queue.symbol_records(symbol)
    answers = {(a["lastUpdateId"], json.dumps(a["bids"]), json.dumps(a["asks"])) for a in shown.by_symbol[symbol]}
    whole = whole_snapshots(records)
    for last, _, bids, asks in whole:
        assert (last, json.dumps(bids), json.dumps(asks)) in answers
    assert [w[:2] for w in whole] == sorted(w[:2] for w in whole)
    for r in records:
        assert r["event"] == "snapshot" and r["source"] == "rest" and r["exchange"] == "binance"
        part = f"_p{r['part']:03}" if "part" in r else ""
        assert r["_key"] == f"{symbol}_s_{r['last_update_id']:016}_{r['timestamp']}{part}"
    return whole


def check_documents(queue, symbol):
    """Every record of the topic is a document, and no other."""
    records = {r["_key"]: r for r in queue.symbol_records(symbol)}
    docs = {d["_key"]: d for d in queue.documents(symbol)}
    assert docs.keys() == records.keys()
    for key, doc in docs.items():
        assert "run" not in doc
        for field in ("event", "timestamp", "last_update_id", "symbol"):
            assert doc[field] == records[key][field]
        for side in SIDES:
            assert levels(as_sent(doc, side)) == levels(records[key][side])


def until(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_snapshots_come_at_their_interval_until_the_end(world):
    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="200ms", SNAPSHOT_LEVELS="100", UNTIL=until(4))
    shown = Shown()
    with RestProxy(world.exchange.url, shown) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
        assert {q["limit"] for path, q in proxy.asked if path.endswith("/depth")} == {"100"}
    whole = check_topic(queue, shown, "BTCUSDT")
    assert len(whole) >= 8
    assert all(len(w[2]) == 100 and len(w[3]) == 100 for w in whole)
    steps = [b[1] - a[1] for a, b in zip(whole, whole[1:])]
    assert sum(steps) / len(steps) == pytest.approx(200, rel=0.5)
    now_ms = time.time() * 1000
    assert all(abs(w[1] - now_ms) < 60000 for w in whole)
    check_documents(queue, "BTCUSDT")
    end = queue.controls("sf-end")[-1]
    assert (end["records"], end["first"], end["last"]) == (len(whole), whole[0][0], whole[-1][0])
    for target in ("loader-api-orderbook", "arango-orderbook"):
        assert queue.events(target=target)[-1]["status"] == "finished"


def test_a_large_snapshot_comes_in_parts_with_every_digit(world):
    long = "1234567890123456789012345678901234567890.12345678"  # a price of 48 digits

    def change(symbol, n, body):
        return {"lastUpdateId": 77 + n, "bids": [[f"{9999 - i}{long}", f"0.{i:08}"] for i in range(5000)],
                "asks": [[f"{10000 + i}{long}", f"{i}.00000001"] for i in range(5000)]}

    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="1s", SNAPSHOT_LEVELS="5000", UNTIL=until(4))
    shown = Shown(change)
    with RestProxy(world.exchange.url, shown) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
    whole = check_topic(queue, shown, "BTCUSDT")
    assert len(whole) >= 1
    records = queue.records()
    assert {(r["part"], r["parts"]) for r in records} == {(1, 2), (2, 2)}
    assert all(len(raw.value) <= 512 * 1024 for raw in world.kafka.read_topic(queue.topic) if raw.value)
    check_documents(queue, "BTCUSDT")
    assert all(d["exact"] for d in queue.documents())


def test_several_symbols_and_one_that_is_refused(world):
    queue = BookQueue(world, "BTCUSDT,NOSUCH,ETHUSDT", "api_orderbook", group="MAJORS", SNAPSHOT_EVERY="300ms",
                      SNAPSHOT_LEVELS="50", UNTIL=until(4))
    shown = Shown()
    with RestProxy(world.exchange.url, shown) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert len(check_topic(queue, shown, symbol)) >= 5
        check_documents(queue, symbol)
    assert queue.symbol_records("NOSUCH") == []
    refused = queue.procs[0].events("symbol_refused")
    assert [e["symbol"] for e in refused] == ["NOSUCH"]


def test_one_symbol_that_is_refused_is_an_error(world):
    queue = BookQueue(world, "NOSUCH", "api_orderbook")
    loader = queue.loader()
    assert loader.wait(30) == 1
    assert "NOSUCH" in loader.events("failed")[-1]["text"]


def test_useless_answers_are_asked_again_and_not_published(world):
    useless = [{"lastUpdateId": 5}, "not json at all", {"lastUpdateId": 900, "bids": [[1, 2]], "asks": []},
               {"lastUpdateId": 1, "bids": [["1", "2"]], "asks": [["2", "3"]]}]  # the last one: older than the first
    asked = []

    def change(symbol, n, body):
        asked.append(n)
        if len(asked) == 1:
            return {"lastUpdateId": 1000, "bids": [["1", "2"]], "asks": []}
        return useless[len(asked) - 2] if len(asked) - 2 < len(useless) else {**body, "lastUpdateId": 1000 + len(asked)}

    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="400ms", SNAPSHOT_LEVELS="5", UNTIL=until(6))
    with RestProxy(world.exchange.url, change_of(change)) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
    ids = [r["last_update_id"] for r in queue.records()]
    assert ids[0] == 1000 and ids == sorted(ids) and len(ids) >= 3
    assert 900 not in ids and 5 not in ids and 1 not in ids
    assert len(queue.procs[0].events("bad_snapshot")) >= 2
    assert len(queue.procs[0].events("old_snapshot")) == 1


def change_of(change):
    return lambda path, query, body: change(query["symbol"], 0, body) if path.endswith("/depth") else body


def test_killed_and_started_again_it_goes_on(world):
    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="100ms", SNAPSHOT_LEVELS="20")
    connector = queue.connector()
    for run in (1, 2, 3):
        loader = queue.loader(**({"UNTIL": until(3)} if run == 3 else {}))
        wait_for(lambda n=run: any(r["run"] == n for r in queue.records()), TOPIC_WAIT, f"record of run {run}")
        if run < 3:
            loader.kill()
        if run == 2:
            connector.kill()
            connector = queue.connector()
    assert loader.wait(60) == 0, loader.stderr()
    assert connector.wait(60) == 0, connector.stderr()
    records = queue.records()
    assert [r["run"] for r in records] == sorted(r["run"] for r in records)
    assert queue.controls("sf-end")[-1]["records"] == len(records)
    check_documents(queue, "BTCUSDT")


def test_stopped_by_command_and_by_signal(world):
    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="100ms", SNAPSHOT_LEVELS="20")
    loader, connector = queue.loader(), queue.connector()
    wait_for(queue.records, TOPIC_WAIT, "record")
    queue.command("pause", target="loader-api-orderbook")
    wait_for(lambda: queue.events(status="paused"), TOPIC_WAIT, "paused")
    n = len(queue.records())
    queue.command("resume", target="loader-api-orderbook")
    wait_for(lambda: len(queue.records()) > n + 2, TOPIC_WAIT, "records after resume")
    queue.command("stop")
    assert loader.wait(60) == 0 and connector.wait(60) == 0
    assert queue.controls("sf-end") == []
    check_documents(queue, "BTCUSDT")
    loader = queue.loader()
    loader.wait_event("resumed")
    loader.signal(signal.SIGTERM)
    assert loader.wait(30) == 143


@pytest.mark.parametrize("settings, want", [
    ({"UNTIL": "soon"}, "UNTIL='soon': expected an instant in ISO 8601"),
    ({"SNAPSHOT_EVERY": "50ms"}, "SNAPSHOT_EVERY='50ms': expected a length of time like"),
    ({"SNAPSHOT_LEVELS": "5001"}, "SNAPSHOT_LEVELS='5001': expected"),
])
def test_settings_are_checked(world, settings, want):
    loader = BookQueue(world, "BTCUSDT", "api_orderbook", **settings).loader()
    assert loader.wait(30) == 2
    assert any(want in e["text"] for e in loader.events("bad_setting")), loader.stderr()
