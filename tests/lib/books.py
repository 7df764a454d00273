"""Queues of order books: what was shown, what the topic and the collection must hold.

    queue = BookQueue(world, "BTCUSDT", "api_orderbook", SNAPSHOT_EVERY="200ms")
    book_at(queue.documents(), time_ms)
"""

import random
import string
import time
from decimal import Decimal

from aql import documented
from flow import Queue

SIDES = ("bids", "asks")
EVERY = 1000000  # more levels than a side has


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

    def asked_book(self, time_ms, symbol=None):
        """The book at a moment as the query of docs/QUERIES.md gives it; None where it is not known."""
        row, = self.world.aql(documented("The book of a symbol at a moment"),
                              **{"@books": self.collection, "symbol": symbol or self.symbol.split(",")[0],
                                 "moment": time_ms, "depth": EVERY})
        return {side: levels(row[side]) for side in SIDES} if row["known"] else None

    def symbol_records(self, symbol, event=None):
        return [r for r in self.records() if r["symbol"] == symbol and event in (None, r["event"])]


def levels(side):
    """[[price, quantity], ...] as {price: quantity} by value."""
    return {Decimal(str(price)): Decimal(str(quantity)) for price, quantity in side}


def as_sent(doc, side):
    """The levels of a document with all their digits."""
    return doc.get("exact", {}).get(side, doc[side])


def apply(book, record):
    for side in SIDES:
        for price, quantity in levels(record[side]).items():
            if quantity:
                book[side][price] = quantity
            else:
                book[side].pop(price, None)


def replay(records):
    """The book after each record of a topic, [(record, book or None)]: ids must touch, nothing follows a reset but a
    snapshot, a snapshot in between says what the book is."""
    book, last, steps, run = None, None, [], 0
    for r in records:
        assert r["run"] >= run, "two runs mix"
        if r["run"] > run:
            assert r["event"] in ("reset", "snapshot"), r
            run = r["run"]
        if r["event"] == "reset":
            assert r["last_update_id"] == last, (last, r)
            book = None
        elif r["event"] == "delta":
            assert book is not None, r
            assert r["first_update_id"] <= last + 1 <= r["last_update_id"], (last, r)
            apply(book, r)
        elif "top" in r:
            assert r["last_update_id"] == last
            for side, best in (("bids", max), ("asks", min)):
                want = sorted(book[side], reverse=best is max)[:r["top"]]
                assert [Decimal(p) for p, _ in r[side]] == want
                assert levels(r[side]) == {p: book[side][p] for p in want}
        else:
            if book is not None:
                assert r["last_update_id"] == last, (last, r)
            book = {side: {} for side in SIDES}
            apply(book, r)
        last = r["last_update_id"]
        steps.append((r, None if book is None else {side: dict(book[side]) for side in SIDES}))
    return steps


def book_at(docs, time_ms):
    """The book at a moment by the rule of docs/PROTOCOL.md, from documents in any order; None where it is not known."""
    bases = [d for d in docs if d["event"] == "snapshot" and d.get("top") is None and d["timestamp"] <= time_ms]
    if not bases:
        return None
    base = max(bases, key=lambda d: (d["timestamp"], d["last_update_id"]))
    if any(d["event"] == "reset" and base["timestamp"] <= d["timestamp"] <= time_ms for d in docs):
        return None
    book = {side: {} for side in SIDES}
    for d in bases:
        if (d["timestamp"], d["last_update_id"]) == (base["timestamp"], base["last_update_id"]):
            apply(book, d)
    for d in sorted(docs, key=lambda d: d["last_update_id"]):
        if d["event"] == "delta" and d["last_update_id"] > base["last_update_id"] and d["timestamp"] <= time_ms:
            apply(book, d)
    return book
