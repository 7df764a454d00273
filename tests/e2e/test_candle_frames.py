"""loader-ws-candles on frames that a test writes itself: what no order of a healthy stream shows."""

import json

import pytest
from flow import World, wait_for
from live_front import LiveFront
from live_market import BEGIN_MS
from test_live_candles import CandleStream

MINUTE = 60000
CLOSED_N = 60  # candles that REST knows to be closed
TEN_YEARS = 3650 * 24 * 60


class CandleFrames(CandleStream):
    """A queue whose stream says what the test tells it to; REST is sf-exchange's, at a clock that stands."""

    def __init__(self, world):
        super().__init__(world)
        self.source_rows = world.klines(self.symbol, "1m", BEGIN_MS, BEGIN_MS + CLOSED_N * MINUTE)
        self.front = LiveFront(world.exchange.url, {})

    def env(self, **more):
        return super().env(**{**self.front.env(), **more})

    def begin(self):
        loader = self.loader()
        loader.wait_until(lambda: loader.events("stream_up") and self.front.open_connections(), 30, "stream")
        return loader

    def say(self, minute, closed, opens=None):
        """The candle of @minute, as it stands; @opens: the minute that it claims to open at."""
        row = self.source_rows[minute]
        time = row[0] if opens is None else BEGIN_MS + opens * MINUTE
        candle = {"t": time, "T": time + MINUTE - 1, "s": self.symbol, "i": "1m", "f": 1, "L": 2, "o": row[1], "c": row[4],
                  "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": closed, "q": row[7], "V": row[9], "Q": row[10]}
        event = {"e": "kline", "E": row[6] + 1 if closed else row[0] + 1000, "s": self.symbol, "k": candle}
        self.front.say(json.dumps({"stream": "btcusdt@kline_1m", "data": event}))

    def go_on(self, first, last):
        for minute in range(first, last + 1):
            self.say(minute, False)
            self.say(minute, True)

    def minutes(self):
        return [(r["open_time"] - BEGIN_MS) // MINUTE for r in self.closed()]

    def begin_with_one(self):
        loader = self.begin()
        self.go_on(0, 0)
        self.wait_closed(BEGIN_MS)
        return loader


@pytest.fixture
def queue(kafka, tmp_path):
    now = BEGIN_MS + CLOSED_N * MINUTE
    world = World(kafka, tmp_path / "world", exchange_args=["--now-ms", str(now), "--weight-limit", "100000000"])
    queue = CandleFrames(world)
    with queue.front:
        yield queue
        world.close()


def test_a_close_that_comes_late_stops_nothing(queue):
    queue.begin_with_one()
    queue.say(2, False)  # it overtook the close of 1, which REST is asked for
    queue.say(1, True)
    queue.wait_closed(BEGIN_MS + MINUTE)
    queue.go_on(2, 11)
    queue.wait_closed(BEGIN_MS + 11 * MINUTE)
    assert queue.minutes() == list(range(12))
    queue.check(BEGIN_MS, BEGIN_MS + 11 * MINUTE)


def test_a_candle_that_is_held_is_not_missing(queue):
    queue.world.faults({"kind": "missing", "symbol": "BTCUSDT", "from": BEGIN_MS + MINUTE, "to": BEGIN_MS + MINUTE})
    queue.begin_with_one()
    queue.say(5, False)  # 1 to 4 are asked for, and REST has no 1
    queue.say(1, True)
    queue.wait_closed(BEGIN_MS + 4 * MINUTE)
    queue.go_on(5, 7)
    queue.wait_closed(BEGIN_MS + 7 * MINUTE)
    assert queue.minutes() == list(range(8))
    assert queue.gaps() == [(2, 4, "skipped", True)]


def test_a_candle_of_the_future_is_refused(queue):
    loader = queue.begin_with_one()
    queue.say(1, False, opens=TEN_YEARS)
    wait_for(lambda: "it opens after it was told" in loader.stderr(), 10, "line on the event")
    queue.go_on(1, 7)
    queue.wait_closed(BEGIN_MS + 7 * MINUTE)
    assert queue.minutes() == list(range(8))
    assert queue.gaps() == [] and loader.is_running()
