"""A live order book that the test moves: depth by REST and by streams, with every state it ever had.

    with BookFront(world.exchange.url, ["BTCUSDT"]) as front:
        queue.loader(**front.env())
        front.advance("BTCUSDT", 100)      # 100 more diffs happen, streams show them
        front.cut()                        # every connection is dropped

Only the diffs, snapshots and streams of depth are its own; all else is the exchange behind it.
"""

import json
import random
import time

from live_front import LiveFront

KEEP = 60  # levels a side that a market wanders about in


class Market:
    """One symbol: its book after each update id."""

    def __init__(self, symbol, first_id, seed):
        self.symbol, self.random = symbol, random.Random(seed)
        self.id = first_id
        self.mid = 50000
        self.bids, self.asks = {}, {}
        for i in range(KEEP):
            self.bids[self.mid - 1 - i] = self.quantity()
            self.asks[self.mid + i] = self.quantity()
        self.states = {}     # last update id: (bids, asks) as texts
        self.times = {}      # last update id: time of its event
        self.remember(int(time.time() * 1000))

    def quantity(self):
        return self.random.randrange(1, 10**12)

    @staticmethod
    def price_text(price):
        return f"{price // 100}.{price % 100:02}000000"

    @staticmethod
    def quantity_text(quantity):
        return f"{quantity // 10**8}.{quantity % 10**8:08}"

    def side(self, which):
        book = self.bids if which == "b" else self.asks
        return {self.price_text(p): self.quantity_text(q) for p, q in book.items()}

    def remember(self, time_ms):
        self.states[self.id] = (self.side("b"), self.side("a"))
        self.times[self.id] = time_ms

    def move(self):
        """The next diff."""
        first = self.id + 1
        self.id += self.random.randrange(1, 6)
        changes = {"b": {}, "a": {}}
        self.mid += self.random.choice((-2, -1, 0, 0, 1, 2))
        for which, book in (("b", self.bids), ("a", self.asks)):
            for price in [p for p in book if (p >= self.mid if which == "b" else p < self.mid)]:
                changes[which][price] = 0      # the market went through it
            for _ in range(self.random.randrange(1, 6)):
                away = self.random.randrange(KEEP)
                price = self.mid - 1 - away if which == "b" else self.mid + away
                changes[which][price] = self.random.choice((0, self.quantity(), self.quantity()))
            for price, quantity in changes[which].items():
                if quantity:
                    book[price] = quantity
                else:
                    book.pop(price, None)
        now_ms = max(int(time.time() * 1000), max(self.times.values()) + 1)
        self.remember(now_ms)
        sides = {which: [[self.price_text(p), self.quantity_text(q)] for p, q in change.items()]
                 for which, change in changes.items()}
        return {"e": "depthUpdate", "E": now_ms, "s": self.symbol, "U": first, "u": self.id, **sides}

    def snapshot(self, limit, lag=0):
        """As REST answers, @lag diffs ago."""
        ident = sorted(self.states)[-1 - min(lag, len(self.states) - 1)]
        bids, asks = self.states[ident]
        return {"lastUpdateId": ident, "bids": sorted(bids.items(), key=lambda l: -float(l[0]))[:limit],
                "asks": sorted(asks.items(), key=lambda l: float(l[0]))[:limit]}


class BookFront(LiveFront):
    suffix_of_stream = "@depth@100ms"

    def __init__(self, behind, symbols, seed=1):
        super().__init__(behind, {})
        self.markets = {s: Market(s, 1000 * (i + 1), f"{seed}{s}") for i, s in enumerate(symbols)}
        self.lag = {}                # symbol: diffs that REST is behind
        self.change = {}             # symbol: what to make of a snapshot
        self.asked = {s: 0 for s in symbols}

    def advance(self, symbol, count, dropped=(), doubled=(), connections=None, pace=0):
        for place in range(count):
            with self.lock:
                text = json.dumps({"stream": symbol.lower() + self.suffix_of_stream,
                                   "data": self.markets[symbol].move()}, separators=(",", ":"))
                to = list(connections if connections is not None else self.connections)
            for connection in to:
                if place not in dropped and symbol.lower() + self.suffix_of_stream in connection.streams:
                    for _ in range(2 if place in doubled else 1):
                        connection.send(text)
            if pace:
                time.sleep(pace)

    def show(self, path, query, page):
        if self.rest_down and not path.endswith(("time", "exchangeInfo")):
            return 503, {"code": -1001, "msg": "down"}
        if not path.endswith("/depth"):
            return page
        symbol = query["symbol"]
        if symbol not in self.markets:
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        with self.lock:
            self.asked[symbol] += 1
            body = self.markets[symbol].snapshot(int(query["limit"]), self.lag.get(symbol, 0))
        return self.change.get(symbol, lambda b: b)(body)
