#!/usr/bin/python3
"""kill -9 of loader, connector, store and broker at random moments, over recorded data.

    kills.py --kills 200 [--seed N] [--lanes 4]

The recorded candles ($SF_DATA, default ../shared/data) are served by sf-exchange; queues run while one
process after the other is killed and started again. Afterwards topic (digit for digit) and collection
(value for value; digit for digit with DECIMALS=text) must equal the source, with no document missing or
extra, and the last event of loader and connector must be `finished`.

Lanes are worlds of their own (Kafka, exchange, store) side by side: most of the time is waiting for what
was killed. Lane i has seed + i and its share of the kills.

Closing line: N passed, N failed. Exit 77 when the data is absent.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import kafka as kafka_lib  # noqa: E402
from flow import World  # noqa: E402

DATA = pathlib.Path(os.environ.get("SF_DATA", ROOT.parent / "shared" / "data"))
LIMIT_S = 600  # for one queue, kills included


def unpack(folder):
    """The recorded data as sf-exchange reads it: {symbol, interval: [paths]} and the ranges."""
    subprocess.run(["tar", "--zstd", "-xf", DATA / "static-klines/BTCUSDT-all-intervals.tar.zst", "-C", folder],
                   check=True)
    klines = folder / "klines" / "BTCUSDT"
    isda = folder / "isda"
    isda.mkdir()
    for path in sorted((DATA / "isda").glob("*.csv.gz")):
        shutil.copy(path, isda)
    spot = DATA / "spot1m-12field"
    return [
        ("BTCUSDT", "15m", [klines / "15m"]), ("BTCUSDT", "2h", [klines / "2h"]),
        ("FILUSDT", "1m", sorted(isda.iterdir())),
        ("GARDUSDT", "1m", [spot / "GA-trading-RD-BTCUSDT-1m-data.csv.gz"]),
        ("GAWFUSDT", "1m", [spot / "GA-trading-WF-BTCUSDT-1m-data.csv.gz"]),
        ("SPMUSDT", "1m", [spot / "SPM_Project-BTCUSDT-1m-data.csv.gz"]),
    ]


def final_rows(rows):
    """Of rows with one open_time the one with the most trades: the final candle."""
    best = {}
    for row in rows:
        if row[0] not in best or row[8] >= best[row[0]][8]:
            best[row[0]] = row
    return [best[t] for t in sorted(best)]


class Run:
    """One queue that is kept going until both programs ended with exit code 0."""

    def __init__(self, world, queue, rng):
        self.world, self.queue, self.rng = world, queue, rng
        self.programs = {"loader": queue.loader, "connector": queue.connector}
        self.procs = {name: start() for name, start in self.programs.items()}
        self.kills = {"loader": 0, "connector": 0, "store": 0, "broker": 0}

    def tend(self):
        """Start again what died. True when both have finished."""
        for name, proc in self.procs.items():
            code = proc.popen.poll()
            if code is not None and code != 0:
                assert code in (-9, 1), f"{name} ended with {code}:\n{proc.stderr()[-3000:]}"
                self.procs[name] = self.programs[name]()
        return all(p.popen.poll() == 0 for p in self.procs.values())

    def kill_one(self):
        name = self.rng.choices(["loader", "connector", "store", "broker"], [4, 4, 3, 1])[0]
        if name in self.procs:
            if self.procs[name].popen.poll() is not None:
                return False
            self.procs[name].kill()
        elif name == "store":
            self.world.store.kill()
            time.sleep(self.rng.random() * 0.5)
            self.world.store.start()
        else:
            self.world.kafka.restart(hard=True)
        self.kills[name] += 1
        return True

    def go(self, kills):
        end = time.monotonic() + LIMIT_S
        left = kills
        while not self.tend():
            assert time.monotonic() < end, f"not finished within {LIMIT_S} s"
            time.sleep(self.rng.uniform(0.05, 0.6))
            if left > 0:
                left -= self.kill_one()
        return kills - left


def one_round(world, name, rng, kills, is_text):
    symbol, interval, _ = name
    rows = final_rows(world.klines(symbol, interval, 0, 4102444800000))
    first = time.strftime("%Y-%m-%d", time.gmtime(rows[0][0] / 1000))
    last = time.strftime("%Y-%m-%d", time.gmtime(rows[-1][0] / 1000))
    queue = world.queue(symbol, interval, first, last, PAGES_IN_FLIGHT="2", ARANGO_BATCH_DOCS="300",
                        DECIMALS="text" if is_text else "number",
                        COLLECTION_NAME=f"c{rng.randrange(10 ** 9)}")
    queue.collection = queue.settings["COLLECTION_NAME"]
    run = Run(world, queue, rng)
    done = run.go(kills)
    world.faults()
    queue.check_topic(rows)
    queue.check_documents(rows, is_text=is_text)
    end = queue.controls("sf-end")[-1]
    assert end["records"] == len(rows), end
    for target in ("loader-api-candles", "arango-candles"):
        assert queue.events(target=target)[-1]["status"] == "finished"
    gaps = len({g["from"] for g in queue.controls("sf-gap")})
    print(f"ok   {symbol} {interval}: {len(rows)} candles, {gaps} gaps, decimals as {'text' if is_text else 'numbers'}, "
          f"{done} kills {run.kills}", flush=True)
    return done


def one_lane(wanted, seed):
    """Queues of all recorded data, again and again, until there were enough kills. Exit code."""
    print(f"kills: {wanted}, seed {seed}", flush=True)
    rng = random.Random(seed)
    passed = failed = kills = rounds = 0
    with tempfile.TemporaryDirectory(prefix="sf-kills-") as tmp:
        folder = pathlib.Path(tmp)
        names = unpack(folder)
        flags = [f"--klines={symbol}:{interval}:{path}" for symbol, interval, paths in names for path in paths]
        kafka = kafka_lib.make_kafka(folder / "kafka").start()
        world = World(kafka, folder / "world", exchange_args=[*flags, "--weight-limit", "1000000"])
        try:
            while kills < wanted or rounds < len(names):
                world.faults({"kind": "delay", "ms": 60, "path": "/api/v3/klines"})
                share = max(2, min(wanted - kills, -(-wanted // (2 * len(names)))))
                try:
                    kills += one_round(world, names[rounds % len(names)], rng, share, rounds % 2 == 1)
                    passed += 1
                except Exception:
                    traceback.print_exc()
                    failed += 1
                rounds += 1
                if rounds > len(names) + wanted or failed > 3:
                    break
        finally:
            world.close()
            kafka.kill()
    print(f"kills: {kills} over {rounds} queues, seed {seed}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or kills < wanted else 0


def all_lanes(wanted, seed, lanes):
    """Each lane is a process of this program. What they say is printed; their closing lines are added up."""
    procs = [subprocess.Popen([sys.executable, __file__, "--kills", str(-(-wanted // lanes)), "--seed", str(seed + i)],
                              stdout=subprocess.PIPE, text=True) for i in range(lanes)]
    passed = failed = 0
    for proc in procs:
        for line in proc.stdout:
            counts = re.fullmatch(r"(\d+) passed, (\d+) failed\n", line)
            if counts:
                passed += int(counts[1])
                failed += int(counts[2])
            else:
                print(line, end="", flush=True)
    codes = [proc.wait() for proc in procs]
    print(f"{passed} passed, {failed} failed")
    return max(codes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    parser.add_argument("--lanes", type=int, default=1)
    args = parser.parse_args()
    if not DATA.is_dir():
        print(f"SKIP kills: no recorded data in {DATA}")
        return 77
    if args.lanes > 1:
        return all_lanes(args.kills, args.seed, args.lanes)
    return one_lane(args.kills, args.seed)


if __name__ == "__main__":
    sys.exit(main())
