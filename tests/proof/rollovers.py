#!/usr/bin/python3
"""Roll-overs of live connections without loss or double.

    rollovers.py --rolls 1000 [--seed N]

Ten loaders, a symbol each, listen to sf-exchange, whose market runs all the time. The exchange announces its shutdown
to all of them, and hangs up a random time later; a round is over when each loader has told that its connection is
replaced. In every fifth round nothing is announced: the connections have reached their WS_ROLLOVER. Afterwards each topic has every id of the
exchange, exactly once, ascending, digit for digit; no loader knows of a cut, of a gap, or of a record by REST.

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
from live_market import BEGIN_MS, LiveMarket, StreamQueue  # noqa: E402

SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "LTCUSDT", "LINKUSDT", "ETHBTC"]
RUNNING = ("--start-ms", str(BEGIN_MS), "--live-rate", "50", "--weight-limit", "100000000", "--ws-connects", "100000")
OWN_AGE_S = 10  # twice a round of announcements
FIELDS = {"trade_id": "id", "price": "price", "quantity": "qty", "timestamp": "time", "is_buyer_maker": "isBuyerMaker"}


def rolls_of(queue):
    return queue.count("stream_rolled")


def one_round(market, queues, rng, is_announced):
    before = {q: rolls_of(q) for q in queues}
    # the loader overlaps for three seconds: some hang up on the exchange, on others it hangs up
    if is_announced:
        market.faults({"kind": "ws_shutdown", "ms": rng.randrange(2000, 5000)})
    wait_for(lambda: all(rolls_of(q) > before[q] for q in queues), 60, "roll-over of each loader")
    time.sleep(rng.random())


def check(queue):
    assert queue.count("stream_cut") == 0 and queue.count("stream_not_connected") == 0
    assert queue.controls("sf-gap") == []
    records = [json.loads(r.value) for r in queue.world.kafka.read_topic(queue.topic, timeout=600) if r.value is not None]
    rows = queue.rows(records[0]["trade_id"], records[-1]["trade_id"] + 1)
    assert len(records) == len(rows), (len(records), len(rows))
    for record, row in zip(records, rows):
        assert record["source"] == "ws"
        assert {name: record[name] for name in FIELDS} == {name: row[of] for name, of in FIELDS.items()}, (record, row)
    return len(rows)


def prove(world, args):
    began, rng, market = time.monotonic(), random.Random(args.seed), LiveMarket(world)
    queues = [StreamQueue(world, symbol, WS_ROLLOVER=OWN_AGE_S) for symbol in SYMBOLS]
    loaders = {q: q.loader() for q in queues}
    for q, loader in loaders.items():
        loader.wait_event("stream_up")
        wait_for(lambda q=q: q.position() >= 0, 30, "first trades")
    rounds = 0
    while sum(rolls_of(q) for q in queues) < args.rolls:
        one_round(market, queues, rng, rounds % 5 != 4)
        rounds += 1
    for q in queues:  # the last ones come to their end
        wait_for(lambda q=q: q.count("stream_shutdown") <= rolls_of(q), 60, "roll-over")
    time.sleep(1)  # and some trades behind it
    for q, loader in loaders.items():
        q.stop(loader)
    rolls = sum(rolls_of(q) for q in queues)
    told = sum(q.count("stream_shutdown") for q in queues)
    trades = sum(check(q) for q in queues)
    print(f"ok   {rolls} roll-overs of {len(queues)} loaders ({told} announced, {rolls - told} by age) in "
          f"{time.monotonic() - began:.0f} s: {trades} trades, each once and in order, none by REST", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rolls", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    args = parser.parse_args()
    print(f"roll-overs: {args}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sf-rolls-") as tmp:
        folder = pathlib.Path(tmp)
        kafka = kafka_lib.make_kafka(folder / "kafka").start()
        world = World(kafka, folder / "world", exchange_args=RUNNING)
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
