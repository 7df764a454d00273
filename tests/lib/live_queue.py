"""A live queue of trades of one symbol, and the market that it listens to.

    queue = LiveQueue(world)
    with queue.front:
        loader = queue.loader()
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 100)
        queue.wait_count(100)
        queue.check(100)
"""

from flow import wait_for
from live_front import LiveFront
from trades import TradeQueue

DAY = "2024-06-01T10:00Z"


class LiveQueue(TradeQueue):
    """A live queue of one symbol, and the market it listens to."""

    loader_image = "loader-ws-trades"

    def __init__(self, world, kind="trades", **settings):
        super().__init__(world, "BTCUSDT", DAY, DAY, kind, **settings)
        self.name_after(f"ws_{kind}", DAY[:10])
        self.first_id = self.id_at(self.from_ms)
        self.front = LiveFront(world.exchange.url, {self.symbol: self.first_id}, kind)

    def env(self, **more):
        env = super().env(**{**self.front.env(), **more})
        del env["TIME_RANGE"]
        return env

    def count(self):
        """How many different ids stand in the topic."""
        kafka = self.world.kafka
        if self.topic not in kafka.topics():
            return 0
        return len({r[self.ident] for r in self.symbol_records()})

    def wait_count(self, count, timeout=30):
        wait_for(lambda: self.count() >= count, timeout, f"{count} records")

    def listening(self, loader, at=1):
        loader.wait_until(lambda: len(loader.events("stream_up")) >= at and self.front.open_connections(), 30, "stream")

    def check(self, count, first=0):
        """Ids [first, count) of the market, in the topic and in the database."""
        rows = self.rows(self.first_id + first, self.first_id + count)
        assert len(rows) == count - first
        self.check_topic(rows)

    def gaps(self):
        return [(g["from"] - self.first_id, g["to"] - self.first_id, g["cause"], g["repaired"])
                for g in self.controls("sf-gap")]
