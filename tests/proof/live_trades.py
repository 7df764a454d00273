#!/usr/bin/python3
"""Live trades through cuts, kill -9 of loader and connector, roll-overs, dropped and doubled frames.

    live_trades.py --trades 1000000 --cuts 100 --kills 20 --rolls 10 [--seed N]

Afterwards every id stands in the topic in ascending order and once in the collection, with the digits of the
exchange's REST; the ledger covers all of it and knows no hole that is not repaired.

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
from live_front import LiveFront  # noqa: E402
from trades import TradeQueue  # noqa: E402

DAY = "2024-06-01T10:00Z"
CHUNK = 200


class LiveQueue(TradeQueue):
    loader_image = "loader-ws-trades"

    def env(self, **more):
        env = super().env(**{**self.front.env(), **more})
        del env["TIME_RANGE"]
        return env


class Run:
    def __init__(self, queue, rng):
        self.queue, self.rng = queue, rng
        self.front = queue.front
        self.loader, self.connector = queue.loader(), queue.connector()
        self.done = {"cuts": 0, "kills": 0, "rolls": 0}

    def mishap(self, name):
        if name == "cuts":
            self.front.cut()
            self.front.refused = self.rng.choice([0, 0, 1, 2])
        elif name == "rolls":
            self.front.shutdown()
        elif self.rng.random() < 0.5:
            self.loader.kill()
            self.loader = self.queue.loader()
        else:
            self.connector.kill()
            self.connector = self.queue.connector()
        self.done[name] += 1

    def tend(self):
        for proc in (self.loader, self.connector):
            assert proc.is_running(), f"{proc.name} ended with {proc.popen.poll()}:\n{proc.stderr()[-3000:]}"

    def go(self, trades, mishaps):
        chunks = trades // CHUNK
        plan = sorted((self.rng.randrange(1, chunks), name) for name, n in mishaps.items() for _ in range(n))
        for at in range(chunks):
            while plan and plan[0][0] == at:
                self.mishap(plan.pop(0)[1])
            dropped = self.rng.sample(range(CHUNK), 5) if self.rng.random() < 0.02 else ()
            doubled = self.rng.sample(range(CHUNK), 5) if self.rng.random() < 0.02 else ()
            self.front.advance("BTCUSDT", CHUNK, dropped, doubled)
            if at % 50 == 0:
                self.tend()
            time.sleep(0.01)  # 20,000 trades a second at most
        return chunks * CHUNK

    def finish(self, last_id):
        """Wait for the last id in the topic, stop, both to exit code 0."""
        self.front.refused = 0
        wait_for(lambda: self.last_position() >= last_id, 600, f"id {last_id} in an sf-pos record or event")
        self.queue.command("stop")
        assert self.loader.wait(60) == 0, self.loader.stderr()[-3000:]
        assert self.connector.wait(120) == 0, self.connector.stderr()[-3000:]

    def last_position(self):
        self.tend()
        time.sleep(0.5)
        events = self.queue.events(target="loader-ws-trades", status="loading")
        return events[-1]["extra"].get("position", -1) if events else -1


def as_values(row):
    return (row["id"], float(row["price"]), float(row["qty"]), row["time"], row["isBuyerMaker"])


def check_topic(queue, rows):
    """Each id, ascending, as the exchange has it; returns how many stood there twice."""
    fields = {"trade_id": "id", "price": "price", "quantity": "qty", "timestamp": "time", "is_buyer_maker": "isBuyerMaker"}
    twice, at = 0, 0
    for r in queue.world.kafka.read_topic(queue.topic, timeout=600):
        if r.value is None:
            continue
        record = json.loads(r.value)
        if at > 0 and record["trade_id"] <= rows[at - 1]["id"]:
            twice += 1
            continue
        assert {name: record[name] for name in fields} == {name: rows[at][of] for name, of in fields.items()}, \
            (record, rows[at])
        at += 1
    assert at == len(rows), (at, len(rows))
    return twice


def check_documents(queue, rows):
    docs = queue.world.aql("FOR d IN @@c RETURN [d.trade_id, d.price, d.quantity, d.timestamp, d.is_buyer_maker]",
                           **{"@c": queue.collection})
    docs.sort()
    assert len(docs) == len(rows), (len(docs), len(rows))
    for doc, row in zip(docs, rows):
        assert tuple(doc) == as_values(row), (doc, row)


def check_ledger(queue, first, last):
    gaps = queue.world.aql("FOR g IN gaps FILTER g.kind == 'trades' RETURN g")
    assert all(g["repaired"] for g in gaps), [g for g in gaps if not g["repaired"]]
    spans = queue.world.aql("FOR c IN coverage FILTER c.kind == 'trades' AND c.from <= @a AND c.to >= @b RETURN c",
                            a=first, b=last)
    assert len(spans) == 1, spans
    return len(gaps), sum(g["records"] for g in gaps)


def prove(world, args, rng):
    queue = LiveQueue(world, "BTCUSDT", DAY, DAY, ARANGO_BATCH_DOCS="1000", WS_ROLLOVER="20")
    queue.name_after("ws_trades", DAY[:10])
    first = queue.id_at(queue.from_ms)
    queue.front = LiveFront(world.exchange.url, {"BTCUSDT": first})
    began = time.monotonic()
    with queue.front:
        run = Run(queue, rng)
        run.loader.wait_event("stream_up")
        queue.front.advance("BTCUSDT", 10)
        n = 10 + run.go(args.trades, {"cuts": args.cuts, "kills": args.kills, "rolls": args.rolls})
        run.finish(first + n - 1)
        rolled = sum(len(p.events("stream_rolled")) for p in queue.procs if p.name == "loader-ws-trades")
    rows = queue.rows(first, first + n)
    assert len(rows) == n
    twice = check_topic(queue, rows)
    check_documents(queue, rows)
    gaps, repaired = check_ledger(queue, first, first + n - 1)
    print(f"ok   {n} trades, {run.done}, {rolled} roll-overs done, {gaps} gaps repaired with {repaired} records, "
          f"{twice} records twice in the topic, {time.monotonic() - began:.0f} s", flush=True)


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
        world = World(kafka, folder / "world", exchange_args=["--weight-limit", "100000000"])
        try:
            prove(world, args, random.Random(args.seed))
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
