"""loader-ws-candles on sf-exchange's streams: every closed candle once, in order, with the exchange's digits."""

import json

import pytest
from flow import Queue, World, wait_for
from live_market import BEGIN_MS, STANDING, LiveMarket

MINUTE = 60000


class CandleStream(Queue):
    """A live queue of candles that listens to sf-exchange."""

    def __init__(self, world, symbol="BTCUSDT", interval="1m", **settings):
        super().__init__(world, symbol, interval, "2024-06-01", "2024-06-01", settings)
        subject = settings.get("GROUP", symbol).lower()
        self.id = f"loader-{subject}-ws_candles_{self.label}-2024_06_01-{self.short}"
        self.topic = self.id.replace("_", "-")
        self.group = f"arango-candles-{self.id}"
        world.queues.append(self)

    def env(self, **more):
        env = super().env(**{"TYPE": f"ws_candles_{self.interval}",
                             "BINANCE_WS_URL": self.world.exchange.url.replace("http", "ws"), **more})
        del env["TIME_RANGE"]
        return env

    def loader(self, **more):
        return self.start("loader-ws-candles", **more)

    def closed(self):
        topics = self.world.kafka.topics()
        return [r for r in self.records() if r["closed"]] if self.topic in topics else []

    def wait_closed(self, open_time, timeout=30):
        """Wait until the candle that opens at @open_time stands in the topic."""
        def stands():
            times = [r["open_time"] for r in self.closed() if r["symbol"] == self.symbol]
            return bool(times) and times[-1] >= open_time

        wait_for(stands, timeout, f"candle {open_time} of {self.symbol}")

    def rows(self, first, last):
        return self.world.klines(self.symbol, self.interval, first, last + 1)

    def check(self, first, last):
        """Candles of open times [first, last], in the topic and in order; repeated ones are the same."""
        rows = self.rows(first, last)
        assert len(rows) == (last - first) // MINUTE + 1
        records = self.records
        self.records = lambda: [r for r in records() if r["closed"] and r["symbol"] == self.symbol]
        try:
            self.check_topic(rows)
        finally:
            self.records = records
        return rows

    def gaps(self):
        return [((g["from"] - BEGIN_MS) // MINUTE, (g["to"] - BEGIN_MS) // MINUTE, g["cause"], g["repaired"])
                for g in self.controls("sf-gap")]


@pytest.fixture
def start(kafka, tmp_path):
    worlds = []

    def make(*args, **settings):
        worlds.append(World(kafka, tmp_path / f"world{len(worlds)}", exchange_args=[*STANDING, *args]))
        queue = CandleStream(worlds[-1], **settings)
        loader = queue.loader()
        loader.wait_event("stream_up")
        return LiveMarket(worlds[-1]), queue, loader

    yield make
    for w in worlds:
        w.close()


def minutes(market, n):
    """The market goes on by @n minutes, in steps in which each candle closes and the next begins."""
    for _ in range(2 * n):
        market.advance(MINUTE // 2)


def test_closed_candles_arrive_digit_for_digit(start):
    market, queue, loader = start()
    connector = queue.connector()
    minutes(market, 10)
    queue.wait_closed(BEGIN_MS + 9 * MINUTE)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    assert connector.wait(30) == 0, connector.stderr()
    rows = queue.check(BEGIN_MS, BEGIN_MS + 9 * MINUTE)
    queue.check_documents(rows)
    assert queue.gaps() == []
    assert {r["source"] for r in queue.records()} == {"ws"}
    coverage = queue.controls("sf-coverage")[-1]
    assert (coverage["from"], coverage["to"]) == (BEGIN_MS, BEGIN_MS + 9 * MINUTE)


def test_a_cut_is_repaired_in_order(start):
    market, queue, loader = start()
    minutes(market, 3)
    queue.wait_closed(BEGIN_MS + 2 * MINUTE)
    market.faults({"kind": "ws_refuse", "ms": 1000}, {"kind": "ws_cut"})
    loader.wait_event("stream_cut")
    minutes(market, 5)
    wait_for(lambda: len(loader.events("stream_up")) == 2, 30, "new connection")
    minutes(market, 2)
    queue.wait_closed(BEGIN_MS + 9 * MINUTE)
    queue.check(BEGIN_MS, BEGIN_MS + 9 * MINUTE)
    (first, last, cause, is_repaired), = queue.gaps()
    assert (first, cause, is_repaired) == (3, "cut", True) and 7 <= last <= 8
    assert "backfill" in {r["source"] for r in queue.records()}


def test_a_killed_loader_goes_on_where_the_topic_ends(start):
    market, queue, loader = start(RUNNING_CANDLES="true")
    minutes(market, 3)
    queue.wait_closed(BEGIN_MS + 2 * MINUTE)
    loader.kill()
    minutes(market, 1500)  # more than a page of REST
    loader = queue.loader()
    loader.wait_event("stream_up")
    minutes(market, 2)
    queue.wait_closed(BEGIN_MS + 1504 * MINUTE)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    queue.check(BEGIN_MS, BEGIN_MS + 1504 * MINUTE)
    assert all(cause == "restart" and is_repaired for _, _, cause, is_repaired in queue.gaps())


def test_what_the_exchange_has_not_is_told(start):
    market, queue, loader = start()
    minutes(market, 2)
    queue.wait_closed(BEGIN_MS + MINUTE)
    market.faults({"kind": "missing", "symbol": "BTCUSDT", "from": BEGIN_MS + 3 * MINUTE, "to": BEGIN_MS + 4 * MINUTE},
                  {"kind": "ws_refuse", "ms": 1000}, {"kind": "ws_cut"})
    loader.wait_event("stream_cut")
    minutes(market, 5)
    wait_for(lambda: len(loader.events("stream_up")) == 2, 30, "new connection")
    minutes(market, 1)
    queue.wait_closed(BEGIN_MS + 7 * MINUTE)
    gaps = queue.gaps()
    assert (3, 4, "exchange", False) in gaps and (2, 2, "cut", True) in gaps
    assert [(r["open_time"] - BEGIN_MS) // MINUTE for r in queue.closed()] == [0, 1, 2, 5, 6, 7]


def test_running_candles_never_replace_closed_ones(start):
    market, queue, loader = start(RUNNING_CANDLES="true")
    connector = queue.connector()
    for _ in range(40):
        market.advance(5000)
    queue.wait_closed(BEGIN_MS + 2 * MINUTE)
    running = [r for r in queue.records() if not r["closed"]]
    assert len(running) >= 5 and all(0 < r["version"] < 9007199254740991 for r in running)
    # an older word on a candle that is closed, as a connector sees it when partitions are read again
    late = {**queue.closed()[0], **{k: running[0][k] for k in ("version", "closed", "volume")}}
    queue.world.kafka.produce(queue.topic, [json.dumps(late).encode()])
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    assert connector.wait(30) == 0, connector.stderr()
    docs = [d for d in queue.documents() if d["closed"]]
    assert [d["open_time"] for d in docs[:3]] == [BEGIN_MS + i * MINUTE for i in range(3)]
    rows = queue.rows(BEGIN_MS, BEGIN_MS + 2 * MINUTE)
    assert [float(d["volume"]) for d in docs[:3]] == [float(row[5]) for row in rows]


def test_symbols_keep_apart_and_pause_is_repaired(start):
    market, queue, loader = start(SYMBOL="BTCUSDT,ETHUSDT", GROUP="MAJORS")
    minutes(market, 2)
    queue.command("pause")
    wait_for(lambda: queue.events(status="paused"), 10, "paused")
    minutes(market, 3)
    queue.command("resume")
    wait_for(lambda: len(loader.events("stream_up")) == 2, 30, "new connection")
    minutes(market, 2)
    for queue.symbol in ("BTCUSDT", "ETHUSDT"):
        queue.wait_closed(BEGIN_MS + 6 * MINUTE)
        queue.check(BEGIN_MS, BEGIN_MS + 6 * MINUTE)
    assert {(cause, is_repaired) for _, _, cause, is_repaired in queue.gaps()} == {("paused", True)}


def test_garbled_events_are_counted_and_made_good(start):
    market, queue, loader = start()
    market.faults({"kind": "ws_corrupt", "after": 3}, {"kind": "ws_duplicate", "after": 4}, {"kind": "ws_drop", "after": 5})
    minutes(market, 20)
    market.faults()
    minutes(market, 2)
    queue.wait_closed(BEGIN_MS + 21 * MINUTE)
    queue.check(BEGIN_MS, BEGIN_MS + 21 * MINUTE)
    assert loader.is_running() and all(is_repaired for _, _, _, is_repaired in queue.gaps())


def test_a_tape_gives_the_same_bytes(start, tmp_path):
    tape = tmp_path / "candles.tape"
    market, queue, loader = start(TAPE_RECORD=tape, RUNNING_CANDLES="true")
    minutes(market, 3)
    queue.wait_closed(BEGIN_MS + 2 * MINUTE)
    market.faults({"kind": "ws_refuse", "ms": 1000}, {"kind": "ws_cut"})
    loader.wait_event("stream_cut")
    minutes(market, 3)
    wait_for(lambda: len(loader.events("stream_up")) == 2, 30, "new connection")
    minutes(market, 2)
    queue.wait_closed(BEGIN_MS + 7 * MINUTE)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    again = CandleStream(queue.world, TAPE_REPLAY=tape, TAPE_SPEED="0", RUNNING_CANDLES="true")
    player = again.loader(BINANCE_API_URL="http://127.0.0.1:9", BINANCE_WS_URL="ws://127.0.0.1:9")
    assert player.wait(60) == 0, player.stderr()
    assert not player.events("tape_left") and again.controls("sf-end")
    values = [[r.value for r in q.world.kafka.read_topic(q.topic) if r.value is not None] for q in (queue, again)]
    assert values[0] == values[1] and len(values[0]) > 8
