"""Queues of order books: what was shown, what the topic and the collection must hold.

    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="200ms")
    book_at(queue.documents(), time_ms)
"""

import random
import string
import time
from decimal import Decimal

from flow import Queue

SIDES = ("bids", "asks")


class BookQueue(Queue):
    connector_image = "arango-orderbook"

    def __init__(self, world, symbol, type_name, group=None, **settings):
        today = time.strftime("%Y-%m-%d", time.gmtime())
        super().__init__(world, symbol, "1m", today, today, settings)
        self.type = type_name
        self.loader_image = "loader-" + type_name.replace("_", "-")
        self.short = "".join(random.choices(string.ascii_lowercase + string.digits, k=6))
        subject, date = (group or symbol).lower(), today.replace("-", "_")
        self.id = f"loader-{subject}-{type_name}-{date}-{self.short}"
        self.topic = self.id.replace("_", "-")
        self.collection = f"{subject}_orderbook_{date}"
        self.group = f"{self.connector_image}-{self.id}"
        self.more = {"GROUP": group} if group else {}
        world.queues.append(self)

    def env(self, **more):
        env = super().env(**{"TYPE": self.type, **self.more, **self.settings, **more})
        del env["TIME_RANGE"]
        return env

    def loader(self, **more):
        return self.start(self.loader_image, **more)

    def connector(self, **more):
        return self.start(self.connector_image, **more)

    def documents(self, symbol=None):
        return self.world.aql("FOR d IN @@c FILTER d.symbol == @s SORT d.last_update_id, d.timestamp, d._key RETURN d",
                              **{"@c": self.collection, "s": symbol or self.symbol.split(",")[0]})

    def symbol_records(self, symbol, event=None):
        return [r for r in self.records() if r["symbol"] == symbol and event in (None, r["event"])]


def levels(side):
    """[[price, quantity], ...] as {price: quantity} by value."""
    return {Decimal(str(price)): Decimal(str(quantity)) for price, quantity in side}


def as_sent(doc, side):
    """The levels of a document with all their digits."""
    return doc.get("exact", {}).get(side, doc[side])


def apply(book, record, side_of=lambda record, side: record[side]):
    for side in SIDES:
        for price, quantity in levels(side_of(record, side)).items():
            if quantity:
                book[side][price] = quantity
            else:
                book[side].pop(price, None)


def rebuild(records, until_ms=None, until_id=None):
    """The book after the records up to a time, or an id; None where it is not known."""
    book = None
    last = None
    for record in records:
        if until_ms is not None and record["timestamp"] > until_ms:
            break
        if until_id is not None and record["last_update_id"] > until_id:
            break
        if record["event"] == "reset":
            book = None
        elif record["event"] == "snapshot" and "top" not in record:
            if record.get("part", 1) == 1:
                book = {side: {} for side in SIDES}
            apply(book, record)
            last = record["last_update_id"]
        elif record["event"] == "delta" and book is not None:
            assert record["first_update_id"] <= last + 1 <= record["last_update_id"], (last, record)
            apply(book, record)
            last = record["last_update_id"]
    return book
