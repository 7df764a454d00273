"""A live market: sf-exchange's streams and REST, at a clock that the test moves, and queues that listen to it.

    market = LiveMarket(world)              # World(..., exchange_args=STANDING)
    queue = StreamQueue(world, "BTCUSDT")
    loader = queue.loader()
    loader.wait_event("stream_up")
    market.advance(1000)                    # a second of trading
    queue.wait_newest()                     # all that REST knows stands in the topic
"""

import time

from flow import day_ms, http, wait_for
from trades import TradeQueue

DAY = "2024-06-01T10:00Z"
BEGIN_MS = day_ms("2024-06-01") + 10 * 3600000
STANDING = ("--now-ms", str(BEGIN_MS), "--weight-limit", "100000000", "--ws-connects", "100000")


class LiveMarket:
    def __init__(self, world):
        self.world, self.url = world, world.exchange.url

    def advance(self, ms):
        status, answer = http("POST", f"{self.url}/control/clock?advance_ms={ms}")
        assert status == 200, answer

    def advance_until(self, check, ms, timeout, what):
        """Let the market go on, @ms at once, until check() likes it; returns what it returned."""
        def step():
            self.advance(ms)
            time.sleep(0.01)
            return check()

        return wait_for(step, timeout, what)

    def faults(self, *faults):
        """New faults in place of those before."""
        self.world.faults(*faults)

    def hits(self):
        """How often each of the faults has hit."""
        status, faults = http("GET", f"{self.url}/control/faults")
        assert status == 200, faults
        return [fault["hits"] for fault in faults]

    def connections(self):
        return http("GET", f"{self.url}/control/stats")[1]["ws"]["connections"]


class StreamQueue(TradeQueue):
    """A live queue of trades, or aggregate trades, that listens to sf-exchange."""

    loader_image = "loader-ws-trades"

    def __init__(self, world, symbol="BTCUSDT", kind="trades", **settings):
        super().__init__(world, symbol, DAY, DAY, kind, **settings)
        self.name_after(f"ws_{kind}", DAY[:10])

    def env(self, **more):
        env = super().env(**{"BINANCE_WS_URL": self.world.exchange.url.replace("http", "ws"), **more})
        del env["TIME_RANGE"]
        return env

    def newest(self):
        """The exchange's newest id."""
        path = "trades" if self.kind == "trades" else "aggTrades"
        status, rows = self.world.exchange.get(f"/api/v3/{path}?symbol={self.symbol}&limit=1")
        assert status == 200, rows
        return rows[-1][self.row_ident]

    def position(self):
        """The last id that the loader knows to stand in the topic, by its events; -1: none."""
        events = self.events(target=self.loader_image, status="loading")
        return events[-1]["extra"].get("position", -1) if events else -1

    def wait_newest(self, timeout=60):
        """Wait until the topic has all that the exchange knows; the market must stand."""
        last = self.newest()
        wait_for(lambda: self.position() >= last, timeout, f"id {last} of {self.symbol}")
        return last

    def stop(self, *procs, timeout=120):
        self.command("stop")
        for proc in procs:
            assert proc.wait(timeout) == 0, proc.stderr()[-3000:]

    def count(self, event):
        """Log lines of this event, of all runs of the loader."""
        return sum(len(p.events(event)) for p in self.procs if p.name == self.loader_image)

    def is_listening(self):
        """Is the newest run of the loader connected, by its log?"""
        last = [e["event"] for e in self.procs_of_loader()[-1].events() if e["event"] in ("stream_up", "stream_cut")]
        return bool(last) and last[-1] == "stream_up"

    def procs_of_loader(self):
        return [p for p in self.procs if p.name == self.loader_image]
