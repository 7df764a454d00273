#!/usr/bin/python3
"""Live trades through cuts, kill -9 of loader and connector, roll-overs, and frames dropped, doubled, late, garbled.

    live_trades.py --trades 1000000 --cuts 100 --kills 20 --rolls 10 [--seed N]

Some symbols, a loader and a connector each, on sf-exchange's streams. A cut counts when the loader has told it, a
roll-over when it is done. Afterwards every id stands in the topic in ascending order and once in the collection, with
the digits of the exchange's REST; the ledger covers all of it and knows no hole that is not repaired.

Closing line: N passed, N failed.
"""
import argparse
import json
import pathlib
import random
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import kafka as kafka_lib  # noqa: E402
from flow import World, wait_for  # noqa: E402
from live_market import STANDING, LiveMarket, StreamQueue  # noqa: E402

SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"]
STEP_MS = 20  # of the market, at once; about 14 trades of each symbol
LIMIT_S = 120  # for one mishap to happen
BAD_FRAMES = [{"kind": "ws_drop", "after": 701, "probability": 0.5}, {"kind": "ws_duplicate", "after": 503},
              {"kind": "ws_reorder", "after": 907}, {"kind": "ws_corrupt", "after": 1301, "probability": 0.5}]


class Run:
    def __init__(self, world, rng):
        self.market, self.rng = LiveMarket(world), rng
        self.queues = [StreamQueue(world, symbol, ARANGO_BATCH_DOCS="1000") for symbol in SYMBOLS]
        self.procs = {(q, image): q.start(image) for q in self.queues for image in (q.loader_image, q.connector_image)}
        self.done = {"cuts": 0, "kills": 0, "rolls": 0}
        for q in self.queues:
            q.procs_of_loader()[0].wait_event("stream_up")
        self.firsts = {q: q.newest() + 1 for q in self.queues}
        self.market.advance(1000)
        for q in self.queues:  # from here on each has seen a trade
            q.wait_newest()

    def tend(self):
        for proc in self.procs.values():
            assert proc.is_running(), f"{proc.name} ended with {proc.popen.poll()}:\n{proc.stderr()[-3000:]}"

    def trades(self):
        return sum(q.newest() + 1 - first for q, first in self.firsts.items())

    def go_on(self, seconds):
        """The market goes on: as fast as a busy one while most listen, else slowly, that streams have their share."""
        is_busy = 2 * sum(q.is_listening() for q in self.queues) > len(self.queues)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.market.advance(STEP_MS)
            time.sleep(0.01 if is_busy else 0.1)

    def listener(self):
        """A queue whose loader is connected: waits until most are."""
        def find():
            self.go_on(0.1)
            found = [q for q in self.queues if q.is_listening()]
            return self.rng.choice(found) if 2 * len(found) > len(self.queues) else None

        return wait_for(find, LIMIT_S, "loaders that are connected")

    # -------------------------------------------------------------------------- mishaps

    def cuts(self):
        queue = self.listener()
        before = queue.count("stream_cut")
        kind = self.rng.choice(["ws_cut", "ws_cut_mid"])
        after = self.rng.randrange(1, 300)
        self.market.faults({"kind": kind, "path": queue.symbol.lower() + "@", "after": after, "count": 1}, *BAD_FRAMES)
        if self.rng.random() < 0.2:
            self.market.advance(self.rng.randrange(3000))  # busy seconds, unseen
        end = time.monotonic() + 10
        while queue.count("stream_cut") == before and time.monotonic() < end:
            self.go_on(0.1)
        return queue.count("stream_cut") > before

    def kills(self):
        key = self.rng.choice(list(self.procs))
        queue, image = key
        self.procs[key].kill()
        self.go_on(self.rng.choice([0, 0.1, 1]))
        self.procs[key] = queue.start(image)
        return True

    def rolls(self):
        queue = self.listener()
        before = queue.count("stream_rolled")
        self.market.faults({"kind": "ws_shutdown", "path": queue.symbol.lower() + "@",
                            "ms": self.rng.randrange(2000, 6000)}, *BAD_FRAMES)
        end = time.monotonic() + 10
        while queue.count("stream_rolled") == before and time.monotonic() < end:
            self.go_on(0.1)
        return queue.count("stream_rolled") > before

    def go(self, trades, wanted):
        plan = [name for name, n in wanted.items() for _ in range(n)]
        self.rng.shuffle(plan)
        tries = 0
        for at, name in enumerate(plan):
            while self.trades() < trades * at // len(plan):
                self.go_on(0.2)
            while not getattr(self, name)():
                tries += 1
                assert tries < len(plan) + 10, f"{tries} mishaps did not happen"
            self.done[name] += 1
            self.tend()
        while self.trades() < trades:
            self.go_on(0.2)

    def finish(self):
        """The exchange behaves, the market stands: all of it arrives. Then stop, with exit code 0."""
        self.market.faults()
        self.market.advance(1000)
        lasts = {q: q.wait_newest(600) for q in self.queues}
        self.tend()
        for q in self.queues:
            q.stop(self.procs[q, q.loader_image], self.procs[q, q.connector_image], timeout=300)
        return lasts


# --------------------------------------------------------------------------------- checks

FIELDS = {"trade_id": "id", "price": "price", "quantity": "qty", "timestamp": "time", "is_buyer_maker": "isBuyerMaker"}


def check_topic(queue, rows):
    """Each id, ascending, as the exchange has it; returns how many stood there twice, and how many came by stream."""
    twice, at, streamed = 0, 0, 0
    for r in queue.world.kafka.read_topic(queue.topic, timeout=600):
        if r.value is None:
            continue
        record = json.loads(r.value)
        if at > 0 and record["trade_id"] <= rows[at - 1]["id"]:
            twice += 1
            continue
        assert at < len(rows), record
        assert {name: record[name] for name in FIELDS} == {name: rows[at][of] for name, of in FIELDS.items()}, \
            (record, rows[at])
        streamed += record["source"] == "ws"
        at += 1
    assert at == len(rows), (at, len(rows))
    return twice, streamed


def check_documents(queue, rows):
    docs = queue.world.aql("FOR d IN @@c RETURN [d.trade_id, d.price, d.quantity, d.timestamp, d.is_buyer_maker]",
                           **{"@c": queue.collection})
    docs.sort()
    assert len(docs) == len(rows), (len(docs), len(rows))
    for doc, row in zip(docs, rows):
        assert tuple(doc) == (row["id"], float(row["price"]), float(row["qty"]), row["time"], row["isBuyerMaker"]), \
            (doc, row)


def check_ledger(queue, first, last):
    gaps = queue.world.aql("FOR g IN gaps FILTER g.kind == 'trades' AND g.symbol == @s RETURN g", s=queue.symbol)
    assert all(g["repaired"] for g in gaps), [g for g in gaps if not g["repaired"]]
    spans = queue.world.aql("FOR c IN coverage FILTER c.kind == 'trades' AND c.symbol == @s AND c.from <= @a AND "
                            "c.to >= @b RETURN c", s=queue.symbol, a=first, b=last)
    assert len(spans) == 1, spans
    return len(gaps), sum(g["records"] for g in gaps)


def prove(world, args):
    began = time.monotonic()
    run = Run(world, random.Random(args.seed))
    run.go(args.trades, {"cuts": args.cuts, "kills": args.kills, "rolls": args.rolls})
    lasts = run.finish()
    took, sums = time.monotonic() - began, [0, 0, 0, 0, 0]
    for queue, last in lasts.items():
        rows = queue.rows(run.firsts[queue], last + 1)
        twice, streamed = check_topic(queue, rows)
        check_documents(queue, rows)
        gaps, repaired = check_ledger(queue, rows[0]["id"], last)
        sums = [a + b for a, b in zip(sums, (len(rows), gaps, repaired, twice, streamed))]
    assert sums[0] >= args.trades, sums
    told = {event: sum(q.count(event) for q in run.queues) for event in ("stream_cut", "stream_rolled")}
    print(f"ok   {sums[0]} trades of {len(SYMBOLS)} symbols in {took:.0f} s, {sums[4]} by stream; mishaps {run.done}, told "
          f"{told}; {sums[1]} gaps repaired with {sums[2]} records, {sums[3]} records twice in a topic, none in the "
          f"collections; checked in {time.monotonic() - began - took:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trades", type=int, default=100000)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--rolls", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    args = parser.parse_args()
    print(f"live trades: {args}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sf-live-") as tmp:
        folder = pathlib.Path(tmp)
        kafka = kafka_lib.make_kafka(folder / "kafka").start()
        world = World(kafka, folder / "world", exchange_args=[*STANDING, "--live-rate", "1000"])
        try:
            prove(world, args)
        except Exception:
            traceback.print_exc()
            failed = 1
        finally:
            world.close()
            kafka.kill()
    print(f"{1 - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
