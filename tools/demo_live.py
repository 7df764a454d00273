"""The live part of the demo: trades and a book by WebSocket, a cut in the middle, what was missed repaired."""
import time

from demo_parts import LIMIT_S, PASSWORD, aql, http

REFUSED_MS = 1500  # so long nobody may connect after the cut
LEDGER = "FOR g IN gaps FILTER g.kind == 'trades' SORT g.from RETURN g"
OVER = ("finished", "interrupted", "error", "lost")


class LiveQueues:
    """Trades and the order book of BTCUSDT, from now on."""

    def __init__(self, stack):
        self.stack = stack
        self.store, self.exchange = stack.env["ARANGO_URL"], stack.env["BINANCE_API_URL"]
        self.ids = [stack.start_queue(symbol="BTCUSDT", type=name)[0] for name in ("ws_trades", "ws_orderbook")]
        self.trades, self.book = [self.show(queue)["collection_name"] for queue in self.ids]

    def show(self, queue):
        return self.stack.call("GET", f"/queues/{queue}")

    def wait(self, check, what):
        end = time.monotonic() + LIMIT_S
        while not (value := check()):
            bad = [q for q in map(self.show, self.ids) if q["status"] in ("error", "lost")]
            if time.monotonic() > end or bad:
                raise SystemExit(f"live: no {what}; {bad}; logs in {self.stack.demo.folder}")
            time.sleep(0.1)
        return value

    def documents(self, collection):
        return aql(self.store, "FOR d IN @@c SORT d._key RETURN d", **{"@c": collection}) if self.has(collection) else []

    def has(self, collection):
        page = http(f"{self.store}/_db/streamforge/_api/collection", user=f"root:{PASSWORD}")
        return collection in [c["name"] for c in page["result"]]

    def source(self, first, last):
        """The exchange's trades by REST, [first, last]."""
        rows = []
        while first <= last:
            page = http(f"{self.exchange}/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first}&limit=1000")
            rows += [row for row in page if row["id"] <= last]
            first = page[-1]["id"] + 1
        return rows

    def repaired(self):
        rows = aql(self.store, LEDGER) if self.has("gaps") else []
        return [g for g in rows if g["repaired"]]

    def book_came_back(self):
        """After the cut: a reset, a snapshot behind it, and deltas behind that."""
        events = [d["event"] for d in in_order(self.documents(self.book))]
        return "reset" in events and "snapshot" in events[events.index("reset"):] and events[-1] == "delta"

    def cut_and_finish(self):
        """Cut, wait for the repair, stop, compare. Returns documents stored, and how many are wrong."""
        self.wait(lambda: len(self.documents(self.trades)) > 100, "trades")
        self.wait(lambda: len(self.documents(self.book)) > 20, "order book")
        http(f"{self.exchange}/control/faults", [{"kind": "ws_refuse", "ms": REFUSED_MS}, {"kind": "ws_cut"}])
        gaps = self.wait(self.repaired, "repair of the hole")
        self.wait(self.book_came_back, "book after the cut")
        for queue in self.ids:
            self.stack.call("POST", f"/queues/{queue}/stop")
        self.wait(lambda: all(self.show(q)["status"] in OVER for q in self.ids), "end after the stop")
        ended = [self.show(q)["status"] for q in self.ids]
        for g in gaps:
            print(f"  hole of {g['records']} trades, ids {g['from']} to {g['to']}, cause {g['cause']}: repaired by REST")
        trades, bad_trades = self.check_trades()
        updates, bad_updates = self.check_book()
        return trades, updates, bad_trades + bad_updates + sum(status != "interrupted" for status in ended)

    def check_trades(self):
        by_id = {d["trade_id"]: d for d in self.documents(self.trades)}
        rows = self.source(min(by_id), max(by_id))
        wrong = len(set(by_id) ^ {row["id"] for row in rows})
        for row in rows:
            doc = by_id.get(row["id"])
            wrong += doc is not None and any(float(doc[k]) != float(row[c]) for k, c in
                                             (("price", "price"), ("quantity", "qty"), ("timestamp", "time")))
        print(f"  {self.trades:36} {len(by_id):6} documents, {len(rows):6} at the source: {wrong} missing, extra or different")
        return len(by_id), wrong

    def check_book(self):
        """Every update from one snapshot to the next reset: nothing is missing between them."""
        docs = in_order(self.documents(self.book))
        missing, last = 0, None
        for d in docs:
            if d["event"] == "delta":
                missing += last is None or d["first_update_id"] > last + 1
            last = None if d["event"] == "reset" else max(last or 0, d["last_update_id"])
        count = {event: sum(d["event"] == event for d in docs) for event in ("snapshot", "delta", "reset")}
        print(f"  {self.book:36} {len(docs):6} documents: {count['snapshot']} snapshots, {count['delta']} deltas,"
              f" {count['reset']} resets, {missing} breaks in their sequence")
        return len(docs), missing


def in_order(docs):
    """As they were published: by update id; at the same id a reset ends what was, and a snapshot begins anew."""
    rank = {"delta": 0, "reset": 1, "snapshot": 2}
    return sorted(docs, key=lambda d: (d["last_update_id"], rank[d["event"]], d["timestamp"]))
