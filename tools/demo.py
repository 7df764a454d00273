#!/usr/bin/python3
"""The whole system on one machine: real programs, real protocols, every value checked.

Starts Kafka, sf-store (ArangoDB's HTTP API), sf-exchange (Binance's REST API and streams) and queue-manager
on free ports of 127.0.0.1. The manager runs six queues of candles to their end, and live trades and a live
book whose connections are cut; every document is compared with what the exchange serves, and everything is
stopped. `make demo` builds and calls it; KEEP=1 leaves everything running until Ctrl-C.
"""
import calendar
import decimal
import json
import os
import signal
import sys
import tempfile
import time

from demo_live import OVER, LiveQueues
from demo_parts import LIMIT_S, PASSWORD, Demo, Stack, aql, http

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
RUNS = [("1m", "2024-06-01", "2024-06-30"), ("1h", "2023-06-01", "2024-05-31")]

DECIMALS = ["open", "high", "low", "close", "volume", "quote_asset_volume",
            "taker_buy_base_asset_volume", "taker_buy_quote_asset_volume"]
QUIET_S = 3  # between two lines where stdout is no terminal
COLUMNS = [1, 2, 3, 4, 5, 7, 9, 10]  # of a kline row, for DECIMALS


def documents(store, collection):
    return aql(store, "FOR d IN @@c SORT d.open_time RETURN d", **{"@c": collection})


def source(exchange, symbol, interval, start_ms, end_ms):
    rows = []
    while start_ms < end_ms:
        page = http(f"{exchange}/api/v3/klines?symbol={symbol}&interval={interval}"
                    f"&startTime={start_ms}&endTime={end_ms - 1}&limit=1000")
        if not page:
            break
        rows += page
        start_ms = page[-1][0] + 1
    return rows


def differences(rows, docs):
    """How many candles are missing, extra, or differ in any value (as numbers)."""
    by_time = {d["open_time"]: d for d in docs}
    missing = different = 0
    for row in rows:
        doc = by_time.pop(row[0], None)
        if doc is None:
            missing += 1
            continue
        exact = doc.get("exact", {})
        same = all(float(exact.get(f, doc[f])) == float(row[c]) for f, c in zip(DECIMALS, COLUMNS))
        same = same and doc["close_time"] == row[6] and doc["number_of_trades"] == row[8]
        different += not same
    return missing, len(by_time), different


class Progress:
    """One line a queue, drawn again and again on a terminal; elsewhere one line for all, now and then."""

    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
        self.began = time.monotonic()
        self.drawn, self.told_s = [], 0.0

    def line(self, queue):
        loader, connector = queue["members"]
        percent = 100 if loader["status"] == "finished" else loader.get("extra", {}).get("percent", 0)
        bar = f"[{'#' * (percent // 5):20}] {percent:3}%" if "time_range" in queue["request"] else f"{'(live)':27}"
        return (f"  {queue['queue_id'][7:].rsplit('-', 1)[0]:34} {bar}  {loader['status']:8} {loader['records_written']:6}"
                f"  stored {connector['records_written']:6}  {connector['status']}")

    def total(self, queues):
        """All queues together, with the rates since the beginning."""
        elapsed = max(time.monotonic() - self.began, 0.1)
        published, stored = (sum(q["members"][i]["records_written"] for q in queues) for i in (0, 1))
        return f"  all: {published} published ({int(published / elapsed)}/s), {stored} stored ({int(stored / elapsed)}/s)"

    def draw(self, queues, is_last=False):
        lines = [self.line(q) for q in queues]
        if self.is_terminal and lines != self.drawn:
            if self.drawn:
                sys.stdout.write(f"\x1b[{len(self.drawn) + 1}A")
            print("\n".join(f"{text}\x1b[K" for text in (*lines, self.total(queues))), flush=True)
            self.drawn = lines
        elif not self.is_terminal and is_last:
            print("\n".join((*lines, self.total(queues))), flush=True)
        elif not self.is_terminal and time.monotonic() - self.told_s >= QUIET_S:
            done = sum(q["status"] in OVER for q in queues)
            print(f"{self.total(queues)}, {done} of {len(queues)} queues are over", flush=True)
            self.told_s = time.monotonic()


def day_ms(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%d")) * 1000


def start_queues(stack):
    """One pipeline for each symbol, with a request for each interval."""
    requests = [{"type": f"api_candles_{interval}", "time_range": f"{first}:{last}"} for interval, first, last in RUNS]
    return [queue for symbol in SYMBOLS for queue in stack.start_queue(symbol=symbol, requests=requests)]


def wait_for_end(stack, ids):
    """Of the queues of candles; true when each is finished."""
    end, progress = time.monotonic() + LIMIT_S, Progress()
    while True:
        queues = stack.queues()
        mine = [q for q in queues if q["queue_id"] in ids]
        is_over = all(q["status"] in OVER for q in mine)
        progress.draw(queues, is_over)
        if is_over:
            break
        if time.monotonic() > end:
            raise SystemExit(f"the queues did not end within {LIMIT_S} s; logs in {stack.demo.folder}")
        time.sleep(0.25)
    for queue in (q for q in mine if q["status"] != "finished"):
        print(f"FAILED: {json.dumps(queue)}")
    return all(q["status"] == "finished" for q in mine)


def checked(queue):
    """What check() has to know of a queue."""
    interval = queue["type"].rpartition("_")[2]
    first, last = queue["request"]["time_range"].split(":")
    return {"symbol": queue["symbol"], "interval": interval, "from": day_ms(first), "to": day_ms(last) + 86400000,
            "collection": queue["collection_name"]}


def check(store, exchange, queues):
    total = bad = 0
    for queue in queues:
        rows = source(exchange, queue["symbol"], queue["interval"], queue["from"], queue["to"])
        docs = documents(store, queue["collection"])
        missing, extra, different = differences(rows, docs)
        total += len(docs)
        bad += missing + extra + different
        print(f"  {queue['collection']:36} {len(docs):6} documents, {len(rows):6} at the source:"
              f" {missing} missing, {extra} extra, {different} different")
    return total, bad


def run(stack):
    began = time.monotonic()
    print("1. Starting Apache Kafka, sf-store (ArangoDB's HTTP API), sf-exchange (Binance's REST API, streams), queue-manager",
          flush=True)
    stack.start()
    store, exchange, manager = (stack.env[k] for k in ("ARANGO_URL", "BINANCE_API_URL", "MANAGER_URL"))
    print(f"   Kafka {stack.env['KAFKA_BOOTSTRAP_SERVERS']}   store {store}   exchange {exchange}   manager {manager}")
    print(f"2. Six queues of candles: {', '.join(SYMBOLS)}, {' and '.join(r[0] for r in RUNS)}, a pipeline each;"
          " live trades and a live book", flush=True)
    live = LiveQueues(stack)
    ids = start_queues(stack)
    is_good = wait_for_end(stack, ids)
    queues = [checked(q) for q in stack.queues() if q["queue_id"] in ids]
    print(f"3. The first documents of {queues[0]['collection']}")
    for doc in documents(store, queues[0]["collection"])[:3]:
        print("  ", json.dumps(doc, default=str)[:230])
    print("4. Every document against the source", flush=True)
    total, bad = check(store, exchange, queues)
    print("5. Live: the connections are cut, and nobody may connect for 1.5 s; then a stop", flush=True)
    trades, updates, bad_live = live.cut_and_finish()
    print(f"demo: {len(queues)} queues, {total} candles and {trades} live trades stored and compared, {updates} documents of"
          f" a live book in sequence, {bad + bad_live} wrong, {time.monotonic() - began:.1f} s")
    if os.environ.get("KEEP") == "1":
        keep(stack)
    print("Next: README.md (settings, images), docs/MANAGER.md, `make up`, `make test`, `KEEP=1 make demo`")
    return 0 if is_good and bad + bad_live == 0 else 1


def keep(stack):
    print(f"KEEP=1: everything runs until Ctrl-C. Documents: {stack.env['ARANGO_URL']} (root:{PASSWORD}, database streamforge);"
          f" candles: {stack.env['BINANCE_API_URL']}/api/v3/klines?symbol=BTCUSDT&interval=1m; logs: {stack.demo.folder}")
    print("For sfctl, or a queue by hand (README.md), against these:\n"
          "export " + " ".join(f"{k}={v}" for k, v in stack.env.items()), flush=True)
    signal.pause()


def main():
    decimal.getcontext().prec = 60
    with tempfile.TemporaryDirectory(prefix="streamforge-demo-") as folder:
        demo = Demo(folder)
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "ARANGO_URL", "BINANCE_API_URL"):
            os.environ.pop(name, None)  # the demo compares with sources of its own
        stack = Stack(demo, ("--seed", "2026", "--live-rate", "200"))
        try:
            return run(stack)
        except KeyboardInterrupt:
            return 0
        finally:
            stack.end()
            demo.stop()
            stack.end_kafka()


if __name__ == "__main__":
    sys.exit(main())
