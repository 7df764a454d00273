"""Live books of sf-exchange's streams: cuts, lost, doubled, swapped and garbled frames, killed programs. Each update that
the topic shows is the book that REST had at that moment; where a stretch ends it says so."""

import random

import pytest
from books import SIDES, BookQueue, levels, replay
from flow import World, wait_for
from live_market import STANDING, LiveMarket

SYMBOLS = ("BTCUSDT", "ETHUSDT")
STEP_MS = 100  # sf-exchange's books change so often


class Market(LiveMarket):
    """Remembers the whole book of each moment, as REST tells it."""

    def __init__(self, world):
        super().__init__(world)
        self.time_ms, self.books = int(STANDING[1]), {}

    def step(self, times=1):
        for _ in range(times):
            self.advance(STEP_MS)
            self.time_ms += STEP_MS
            for symbol in SYMBOLS:
                status, book = self.world.exchange.get(f"/api/v3/depth?symbol={symbol}&limit=5000")
                assert status == 200, book
                self.books[symbol, self.time_ms] = book


class MarketQueue(BookQueue):
    def __init__(self, world, **settings):
        super().__init__(world, ",".join(SYMBOLS), "ws_orderbook", group="MAJORS",
                         **{"SNAPSHOT_LEVELS": "5000", "BOOK_AUDIT_EVERY": "0", **settings})
        self.market = Market(world)

    def env(self, **more):
        return super().env(**{"BINANCE_WS_URL": self.world.exchange.url.replace("http", "ws"), **more})

    def fresh(self, symbol):
        """Has the topic what happened last?"""
        records = self.symbol_records(symbol)
        return records and records[-1]["event"] == "delta" and records[-1]["timestamp"] == self.market.time_ms

    def catch_up(self):
        def check():
            self.market.step()
            return all(self.fresh(symbol) for symbol in SYMBOLS)
        wait_for(check, 60, "the present")

    def check_topic(self, symbol):
        records, deltas = self.symbol_records(symbol), 0
        for r, book in replay(records):
            if r["event"] != "delta":
                continue
            deltas += 1
            truth = self.market.books[symbol, r["timestamp"]]
            assert book == {side: levels(truth[side]) for side in SIDES}, r["_key"]
        assert deltas > 0
        return records

    def check_documents(self, symbol):
        records, docs = {r["_key"]: r for r in self.symbol_records(symbol)}, self.documents(symbol)
        assert {d["_key"] for d in docs} == records.keys()
        for d in docs:
            assert d["event"] == records[d["_key"]]["event"] and "run" not in d
            for side in SIDES:
                assert levels(d.get(side, [])) == levels(records[d["_key"]].get(side, []))

    def stop(self, *procs):
        self.command("stop")
        for proc in procs:
            assert proc.wait(60) == 0, proc.stderr()[-3000:]


@pytest.fixture
def queue(kafka, tmp_path):
    worlds = []

    def make(**settings):
        worlds.append(World(kafka, tmp_path / "world", exchange_args=STANDING))
        return MarketQueue(worlds[-1], **settings)

    yield make
    for w in worlds:
        w.close()


def test_cuts_and_bad_frames_never_show_a_wrong_book(queue):
    q = queue()
    loader, connector = q.loader(), q.connector()
    loader.wait_event("stream_up")
    q.catch_up()
    for faults in (("ws_drop", "ws_duplicate"), ("ws_cut_mid",), ("ws_corrupt", "ws_reorder"), ("ws_cut",)):
        q.market.faults(*({"kind": fault, "after": after, "count": 1} for after, fault in enumerate(faults, 3)))
        q.market.step(4)
        assert sum(q.market.hits()) == len(faults)
        q.market.faults()
        q.catch_up()
    q.stop(loader, connector)
    causes = {}
    for symbol in SYMBOLS:
        causes[symbol] = [r["cause"] for r in q.check_topic(symbol) if r["event"] == "reset"]
        q.check_documents(symbol)
        # a cut takes all books; a frame that is lost or garbled that of its symbol alone
        assert [c for c in causes[symbol] if c == "cut"] == ["cut"] * 2
    assert sum(c.count("gap") for c in causes.values()) == 2
    gaps = q.controls("sf-gap")
    assert {g["cause"] for g in gaps} <= {"cut", "gap"} and all(not g["repaired"] and g["records"] > 0 for g in gaps)


def test_a_roll_over_breaks_no_book(queue):
    q = queue()
    loader = q.loader()
    loader.wait_event("stream_up")
    q.catch_up()
    q.market.faults({"kind": "ws_shutdown", "ms": 20000})

    def until(check, what):
        wait_for(lambda: (q.market.step(), check())[1], 60, what)
    until(lambda: q.market.connections() == 2, "overlap")
    until(lambda: loader.events("stream_rolled"), "roll-over")
    until(lambda: q.market.connections() == 1, "end of the old connection")
    q.catch_up()
    q.stop(loader)
    assert not loader.events("stream_cut") and q.controls("sf-gap") == []
    for symbol in SYMBOLS:
        records = q.check_topic(symbol)
        assert [r["event"] for r in records if r["event"] != "delta"] == ["snapshot"]


def test_killed_at_any_moment_books_stay_apart(queue):
    q = queue(BOOK_TOP="10", BOOK_TOP_EVERY="300ms", BOOK_AUDIT_EVERY="2s")
    chance = random.Random(7)
    loader, connector = q.loader(), q.connector()
    loader.wait_event("stream_up")
    q.catch_up()
    for i in range(4):
        q.market.step(chance.randrange(1, 8))
        loader.kill()
        if i % 2:
            connector.kill()
        q.market.step(2)
        loader = q.loader()
        if i % 2:
            connector = q.connector()
        loader.wait_event("stream_up")
        q.market.step(chance.randrange(4))  # the kill may come before the book has joined
        if i != 2:
            q.catch_up()
    q.catch_up()
    q.market.step(25)  # audits
    q.catch_up()
    q.stop(loader, connector)
    assert {e["differ"] for p in q.procs for e in p.events("book_audit")} == {"0"}
    for symbol in SYMBOLS:
        records = q.check_topic(symbol)
        resets = [r for r in records if r["event"] == "reset"]
        assert {r["cause"] for r in resets} == {"restart"} and len(resets) == 4
        assert [r["run"] for r in resets] == sorted({r["run"] for r in records} - {1})
        assert any("top" in r for r in records)
        q.check_documents(symbol)
