"""Recorded markets: what loader-ws-orderbook publishes of them is the book that a plain rebuild of the recording gives."""

import gzip
import json
import os
import pathlib
import re
from bisect import bisect_right

import pytest
from books import SIDES, BookQueue, book_at, levels
from flow import World

DATA = pathlib.Path(os.environ.get("SF_DATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"))


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path / "world")
    yield w
    w.close()


def recorded(*names):
    """The lines of recordings, or a skip."""
    paths = [DATA / name for name in names]
    for path in paths:
        if not path.exists():
            pytest.skip(f"no {path}")
    return [line for path in paths
            for line in (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode().splitlines()]


class Rebuild:
    """The book of one symbol from what was recorded: texts only, no code of the project."""

    def __init__(self, snapshot, diffs):
        self.diffs = sorted((d for d in diffs if d["u"] > snapshot["lastUpdateId"]), key=lambda d: d["u"])
        self.book = {side: {price: quantity for price, quantity, *_ in snapshot[side]} for side in SIDES}
        self.id, self.done = snapshot["lastUpdateId"], 0

    def to(self, ident):
        """Go on to this update id; the book then."""
        while self.done < len(self.diffs) and self.diffs[self.done]["u"] <= ident:
            diff = self.diffs[self.done]
            assert diff["U"] <= self.id + 1 <= diff["u"]
            for name, side in (("b", "bids"), ("a", "asks")):
                for price, quantity, *_ in diff[name]:
                    self.book[side][price] = quantity
                    if float(quantity) == 0:
                        del self.book[side][price]
            self.id = diff["u"]
            self.done += 1
        assert self.id == ident
        return self.book


class Published:
    """The book as a consumer of the topic keeps it: texts, one record after the other."""

    def __init__(self):
        self.book = None

    def take(self, record):
        if record["event"] == "snapshot" and "top" not in record:
            self.book = {side: {} for side in SIDES}
        if "top" not in record:
            for side in SIDES:
                for price, quantity in record[side]:
                    self.book[side][price] = quantity
                    if not quantity.strip("0."):
                        self.book[side].pop(price)
        return self.book


def best(book):
    """As bookTicker tells them: b, B, a, A."""
    bid, ask = max(book["bids"], key=float), min(book["asks"], key=float)
    return bid, book["bids"][bid], ask, book["asks"][ask]


def check_tops(record, book):
    for side, is_down in (("bids", True), ("asks", False)):
        want = sorted(book[side].items(), key=lambda level: float(level[0]), reverse=is_down)[:record["top"]]
        assert [tuple(level) for level in record[side]] == want


def check(records, snapshot, diffs, every):
    """Records against the rebuild, each @every-th; returns how many were compared."""
    rebuild, published, compared = Rebuild(snapshot, diffs), Published(), 0
    first = records[0]
    assert (first["event"], first["last_update_id"], first["source"]) == ("snapshot", snapshot["lastUpdateId"], "rest")
    assert first["bids"] == snapshot["bids"] and first["asks"] == snapshot["asks"]
    assert [r["last_update_id"] for r in records if r["event"] == "delta"] == [d["u"] for d in rebuild.diffs]
    deltas = 0
    for r in records:
        book = published.take(r)
        deltas += r["event"] == "delta"
        if "top" in r:
            check_tops(r, rebuild.to(r["last_update_id"]))
        elif deltas % every == 0 or deltas == len(rebuild.diffs):
            assert book == rebuild.to(r["last_update_id"]), r["_key"]
            compared += 1
    return compared


def tape_queue(world, tape, symbols, **settings):
    return BookQueue(world, ",".join(symbols), "ws_orderbook", group="MAJORS" if len(symbols) > 1 else None,
                     TAPE_REPLAY=tape, TAPE_SPEED="0", BOOK_AUDIT_EVERY="0", SNAPSHOT_LEVELS="1000",
                     BINANCE_API_URL="http://127.0.0.1:9", BINANCE_WS_URL="ws://127.0.0.1:9", **settings)


# ------------------------------------------------------------------------- eleven minutes of BTCUSDT

def test_a_busy_book_is_that_of_the_recording(world, tmp_path):
    lines = recorded("hftbacktest/btcusdt_20240808.gz", "hftbacktest/btcusdt_20240809.gz")
    tape = tmp_path / "a.tape"
    tape.write_text("\n".join(lines) + "\n")
    frames = [json.loads(line.split(" ", 1)[1]) for line in lines]
    snapshot, = (f for f in frames if "lastUpdateId" in f)
    diffs = [f["data"] for f in frames if f.get("stream") == "btcusdt@depth@100ms"]
    tickers = sorted((f["data"]["u"], f["data"]) for f in frames if f.get("stream") == "btcusdt@bookTicker")

    queue = tape_queue(world, tape, ("BTCUSDT",), BOOK_TOP="20", BOOK_TOP_EVERY="1s")
    loader, connector = queue.loader(), queue.connector()
    assert loader.wait(120) == 0, loader.stderr()
    records = queue.records()
    assert check(records, snapshot, diffs, 1000) >= 7
    assert all(r["event"] != "reset" for r in records) and queue.controls("sf-gap") == []
    assert len([r for r in records if "top" in r]) >= 640  # seconds
    assert queue.controls("sf-end")[0]["records"] == len(records)

    # the best bid and ask, which the exchange told by another stream
    ids, published, same, compared = [u for u, _ in tickers], Published(), 0, 0
    for place, r in enumerate(records):
        book = published.take(r)
        at = bisect_right(ids, r["last_update_id"]) - 1
        if r["event"] != "delta" or place % 5 > 0 or at < 0 or at + 1 == len(ids):
            continue
        compared += 1
        ticker = tickers[at][1]
        same += best(book) == (ticker["b"], ticker["B"], ticker["a"], ticker["A"])
    assert compared > 1200 and same >= 0.999 * compared

    # and the documents: the book at some of the moments
    assert connector.wait(120) == 0, connector.stderr()
    docs = queue.documents()
    assert len(docs) == len(records)
    rebuild = Rebuild(snapshot, diffs)
    deltas = [r for r in records if r["event"] == "delta"]
    for r in deltas[999::1000]:
        book = rebuild.to(r["last_update_id"])
        assert book_at(docs, r["timestamp"]) == {side: levels(book[side].items()) for side in SIDES}


# --------------------------------------------------------------- four quiet pairs at once, two exchanges

def own(stream, **data):
    """A line of a tape that no exchange sent."""
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":"))


def as_tape(name, symbols):
    """A tape of ours from cryptofeed's recording: frames and answers by their times; snapshots and diffs by symbol."""
    http = [re.fullmatch(r"https://[^/]+(/api/v3/depth\?symbol=(\w+)&limit=1000) -> ([\d.]+): (.*)", line)
            for line in recorded(f"cryptofeed/{name}.http.0.0") if line]
    ws = [m for m in (re.fullmatch(r"([\d.]+): (\{.*\})", line) for line in recorded(f"cryptofeed/{name}.ws.1.0")) if m]
    snapshots = {m[2]: json.loads(m[4]) for m in http}
    assert list(snapshots) == list(symbols)
    frames = [json.loads(m[2]) for m in ws]
    diffs = {s: [f["data"] for f in frames if f["stream"] == s.lower() + "@depth@100ms"] for s in symbols}
    events = [(float(m[1]), m[2]) for m in ws]
    first = min(events)[0]
    events += [(float(m[3]), own("!sf.answer", path=m[1], status="OK", server_ms=int(float(m[3]) * 1000), text="",
                                 body=json.loads(m[4]))) for m in http]
    head = [own("!sf.begin", version=1, type="ws_orderbook", exchange="binance", run=1,
                symbols=[[s, -1, -1, 0, -1] for s in symbols]), own("!sf.up", first=0, n=len(symbols))]
    head += [own("!sf.ask", path=m[1]) for m in http]
    lines = [(first, text) for text in head] + sorted(events, key=lambda event: event[0])
    return "".join(f"{int(t * 1e6)} {text}\n" for t, text in lines), snapshots, diffs


@pytest.mark.parametrize("name, symbols", [("BINANCE", ("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR")),
                                           ("BINANCE_US", ("COMPUSDT", "OMGBUSD", "CRVUSDT", "ZRXUSDT"))])
def test_four_books_join_as_recorded(world, tmp_path, name, symbols):
    text, snapshots, diffs = as_tape(name, symbols)
    tape = tmp_path / "a.tape"
    tape.write_text(text)
    queue = tape_queue(world, tape, symbols)
    loader = queue.loader()
    assert loader.wait(60) == 0, loader.stderr()
    assert not loader.events("tape_left")
    for symbol in symbols:
        records = queue.symbol_records(symbol)
        assert check(records, snapshots[symbol], diffs[symbol], 1) == len(records)
    assert queue.controls("sf-gap") == []
