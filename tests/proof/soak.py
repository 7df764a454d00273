#!/usr/bin/python3
"""Live trades, order books and candles at a steady rate for a long time: memory stays flat, lag stays small.

    soak.py --seconds 3600 [--rate 300] [--picture bench/soak.svg]

One loader and one connector for each kind, on sf-exchange's streams, Apache Kafka and sf-store. Every second: the
resident memory of each program, the records that each connector has not stored yet, the age of each loader's last event.
Afterwards the median of the last quarter is at most 1 MiB over that of the second one, the median lag is under a second
of records, every id from the first to the last stands in the collection, and nothing was ever missing.

Closing line: N passed, N failed.
"""
import argparse
import pathlib
import re
import signal
import statistics
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import kafka as kafka_lib  # noqa: E402
from flow import Queue, World, http  # noqa: E402

KINDS = {"trades": "ws_trades", "orderbook": "ws_orderbook", "candles": "ws_candles_1s"}
SYMBOLS = "BTCUSDT,ETHUSDT"
DAY = time.strftime("%Y-%m-%d", time.gmtime())
GROWTH_KB = 1024
COLOURS = ("#1b6ca8", "#c8553d", "#2a9d5c", "#8e5aa8", "#c99b1d", "#5c6770")


class LiveQueue(Queue):
    """A queue of two symbols of one kind."""

    def __init__(self, world, kind):
        super().__init__(world, "BTCUSDT", "1s", DAY, DAY, {})
        self.kind, date = kind, DAY.replace("-", "_")
        self.id = f"loader-majors-{KINDS[kind]}-{date}-{self.short}"
        self.topic = self.id.replace("_", "-")
        self.collection = f"majors_{kind}{'_1s' if kind == 'candles' else ''}_{date}"
        world.queues.append(self)
        self.members = {}

    def env(self, **more):
        env = super().env(**{"SYMBOL": SYMBOLS, "GROUP": "MAJORS", "TYPE": KINDS[self.kind], "ADMIN_LISTEN": "127.0.0.1:0",
                             "BINANCE_WS_URL": self.world.exchange.url.replace("http", "ws"), **more})
        del env["TIME_RANGE"]
        return env

    def begin(self):
        loader = "loader-" + re.sub(r"_1s$", "", KINDS[self.kind]).replace("_", "-")
        for image in (loader, f"arango-{self.kind}"):
            self.members[image] = self.start(image)
        for proc in self.members.values():
            proc.url = f"http://127.0.0.1:{proc.wait_event('admin_listening')['port']}/metrics"
        self.members[loader].wait_event("stream_up")


def metric(text, name):
    return int(re.search(rf"^{name}\{{.*\}} (-?\d+)$", text, re.M).group(1))


class Samples:
    """What was seen each second, by program."""

    def __init__(self, queues):
        self.members = {image: proc for q in queues for image, proc in q.members.items()}
        self.begun, self.at = time.monotonic(), []
        self.rss_kb = {image: [] for image in self.members}
        self.lag = {image: [] for image in self.members if image.startswith("arango-")}
        self.age_s = {image: [] for image in self.members if image.startswith("loader-")}

    def take(self):
        self.at.append(time.monotonic() - self.begun)
        for image, proc in self.members.items():
            assert proc.is_running(), f"{image} ended:\n{proc.stderr()[-3000:]}"
            self.rss_kb[image].append(proc.rss_kb())
            status, text = http("GET", proc.url)
            assert status == 200, text
            if image in self.lag:  # not taken yet, and taken but not confirmed; unknown before the first message
                self.lag[image].append(max(0, metric(text, "consumer_lag_records")) + metric(text, "queue_fill_records"))
            else:
                self.age_s[image].append(metric(text, "event_age_seconds"))

    def judge(self, rates):
        """One line a program: memory and lag, over the run."""
        quarter = len(self.at) // 4
        for image, kb in self.rss_kb.items():
            early, late = (statistics.median(kb[i * quarter:(i + 1) * quarter]) for i in (1, 3))
            waits = self.lag.get(image) or self.age_s[image]
            what = "records behind" if image in self.lag else "s since the last event"
            print(f"{image:21} RSS {early / 1024:5.1f} -> {late / 1024:5.1f} MiB, at most {max(kb) / 1024:5.1f}; "
                  f"{what}: median {statistics.median(waits)}, at most {max(waits)}", flush=True)
            assert late - early <= GROWTH_KB, f"{image} grew by {late - early} KiB"
            limit = rates[image] if image in self.lag else 2
            assert statistics.median(waits) <= limit, f"{image}: {statistics.median(waits)} {what}, expected at most {limit}"


# ------------------------------------------------------------------------------- the picture

def line(points, x_max, y_max, top, colour):
    width, height = 760, 180
    step = max(1, len(points) // 600)
    xy = " ".join(f"{60 + x / x_max * width:.1f},{top + height - y / y_max * height:.1f}" for x, y in points[::step])
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.2" points="{xy}"/>'


def panel(series, at, top, title):
    y_max = max(max(values) for values in series.values()) * 1.1 or 1
    x_max = at[-1] or 1
    parts = [f'<text x="60" y="{top - 8}" font-size="14">{title}</text>',
             f'<rect x="60" y="{top}" width="760" height="180" fill="none" stroke="#999"/>']
    for part in (0, 0.5, 1):
        y = top + 180 - part * 180
        parts.append(f'<text x="52" y="{y + 4:.0f}" text-anchor="end">{y_max * part:.1f}</text>')
        parts.append(f'<text x="{60 + 760 * part:.0f}" y="{top + 196}" text-anchor="middle">{x_max * part / 60:.1f} min</text>')
    for i, (image, values) in enumerate(series.items()):
        parts.append(line(list(zip(at, values)), x_max, y_max, top, COLOURS[i % len(COLOURS)]))
        parts.append(f'<text x="832" y="{top + 14 + 16 * i}" fill="{COLOURS[i % len(COLOURS)]}">{image}</text>')
    return parts


def draw(path, samples, what):
    rss = {image: [kb / 1024 for kb in values] for image, values in samples.rss_kb.items()}
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="1010" height="720" font-family="sans-serif" font-size="11">',
             '<rect width="1010" height="720" fill="white"/>', f'<text x="60" y="24" font-size="15">{what}</text>',
             *panel(rss, samples.at, 60, "Resident memory, MiB"),
             *panel(samples.lag, samples.at, 290, "Connectors: records in the topic that are not stored"),
             *panel(samples.age_s, samples.at, 520, "Loaders: seconds since the last event"), "</svg>"]
    pathlib.Path(path).write_text("\n".join(parts) + "\n")


# --------------------------------------------------------------------------------- the proof

def check(world, queues):
    """Nothing is missing between the first and the last of each symbol."""
    totals = {}
    by = {"trades": "d.trade_id", "candles": "d.open_time / 1000"}
    for queue in queues:
        if queue.kind in by:
            rows = world.aql(f"FOR d IN @@c LET at = {by[queue.kind]} COLLECT s = d.symbol AGGREGATE n = COUNT(at), a = MIN(at), "
                             "b = MAX(at) RETURN [s, n, a, b]", **{"@c": queue.collection})
            assert len(rows) == 2 and all(n == b - a + 1 for _, n, a, b in rows), rows
            totals[queue.kind] = sum(n for _, n, _, _ in rows)
        else:
            rows = world.aql("FOR d IN @@c COLLECT event = d.event AGGREGATE n = COUNT(d._key) RETURN [event, n]",
                             **{"@c": queue.collection})
            assert "reset" not in dict(rows), rows
            totals[queue.kind] = sum(n for _, n in rows)
    assert world.aql("FOR g IN gaps RETURN g") == []
    return totals


def soak(world, args):
    queues = [LiveQueue(world, kind) for kind in KINDS]
    for queue in queues:
        queue.begin()
    samples = Samples(queues)
    while samples.begun + args.seconds > time.monotonic():
        next_at = time.monotonic() + 1
        samples.take()
        time.sleep(max(0, next_at - time.monotonic()))
    for queue in queues:
        queue.command("stop")
        for proc in queue.members.values():
            assert proc.wait(120) == 0, proc.stderr()[-3000:]
    totals = check(world, queues)
    what = (f"{args.seconds} s of {SYMBOLS.replace(',', ' and ')}: {totals['trades']} trades, {totals['orderbook']} book events, "
            f"{totals['candles']} candles stored")
    if args.picture:
        draw(args.picture, samples, what)
    samples.judge({f"arango-{kind}": max(10, n / args.seconds) for kind, n in totals.items()})
    print(f"ok   {what}; none missing, no gap", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=int, default=300, help="trades a second of each symbol")
    parser.add_argument("--picture", help="where to draw memory and lag, as SVG")
    args = parser.parse_args()
    print(f"soak: {args}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stops what it started, too
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sf-soak-") as tmp:
        folder = pathlib.Path(tmp)
        kafka = kafka_lib.make_kafka(folder / "kafka").start()
        world = World(kafka, folder / "world", exchange_args=["--live-rate", str(args.rate)])
        try:
            soak(world, args)
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
