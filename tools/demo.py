#!/usr/bin/python3
"""The whole system on one machine: real programs, real protocols, every value checked.

Starts Kafka, sf-store (ArangoDB's HTTP API) and sf-exchange (Binance's REST API and streams) on free
ports of 127.0.0.1, runs a loader and a connector for each of six queues of candles to their end, and
one of live trades whose connection is cut, compares every document with what the exchange serves,
and stops everything. `make demo` builds and calls it;
KEEP=1 leaves everything running until Ctrl-C.
"""
import calendar
import decimal
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from demo_live import LiveTrades
from demo_parts import BIN, LIMIT_S, PASSWORD, ROOT, Demo, aql, http

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
RUNS = [("1m", "2024-06-01", "2024-06-30"), ("1h", "2023-06-01", "2024-05-31")]

DECIMALS = ["open", "high", "low", "close", "volume", "quote_asset_volume",
            "taker_buy_base_asset_volume", "taker_buy_quote_asset_volume"]
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
    """Follows queue-events with kcat and draws one line a queue."""

    def __init__(self, demo, brokers, queues):
        self.demo, self.brokers, self.queues = demo, brokers, queues
        self.state = {q: {} for q in queues}
        self.pipe = None
        self.rest = b""
        self.drawn = []
        self.began = time.monotonic()

    def connect(self):
        """kcat gives up on a topic that is not there yet, so it may be started again."""
        if self.pipe is None or self.pipe.poll() is not None:
            self.rest = b""
            self.pipe = subprocess.Popen(["kcat", "-q", "-u", "-C", "-b", self.brokers, "-t", "queue-events",
                                          "-o", "beginning", "-f", "%s\\n"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
            self.demo.started.append(("kcat", self.pipe))
            os.set_blocking(self.pipe.stdout.fileno(), False)

    def read(self):
        self.connect()
        data = self.pipe.stdout.read() or b""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            side = "connector" if event["target"].startswith("arango-") else "loader"
            if event["queue_id"] in self.state:
                self.state[event["queue_id"]][side] = event

    def line(self, queue):
        loader = self.state[queue].get("loader", {})
        connector = self.state[queue].get("connector", {})
        done = loader.get("status") == "finished"
        percent = 100 if done else loader.get("extra", {}).get("percent", 0)
        if "ws_" in queue:
            return (f"  {queue[7:].rsplit('-', 1)[0]:34} {'(live)':22} {'':4}  {loader.get('status', '-'):8}"
                    f" {loader.get('records_written', 0):6}  stored {connector.get('records_written', 0):6}"
                    f"  {connector.get('status', '-')}")
        return (f"  {queue[7:].rsplit('-', 1)[0]:34} [{'#' * (percent // 5):20}] {percent:3}%  {loader.get('status', '-'):8}"
                f" {loader.get('records_written', 0):6}  stored {connector.get('records_written', 0):6}"
                f"  {connector.get('status', '-')}")

    def total(self):
        """All queues together, with the rates since the first event."""
        sums = [sum(s.get(side, {}).get("records_written", 0) for s in self.state.values())
                for side in ("loader", "connector")]
        now = time.monotonic()
        if not any(self.state.values()):
            self.began = now
        rates = [int(n / max(now - self.began, 0.1)) for n in sums]
        return f"  all: {sums[0]} published ({rates[0]}/s), {sums[1]} stored ({rates[1]}/s)"

    def draw(self):
        lines = [self.line(q) for q in self.queues]
        if lines == self.drawn:
            return
        if sys.stdout.isatty() and self.drawn:
            sys.stdout.write(f"\x1b[{len(lines) + 1}A")
        print("\n".join(lines + [self.total()]), flush=True)
        self.drawn = lines

    def all_done(self):
        return all(self.state[q].get(side, {}).get("finished") for q in self.queues if "ws_" not in q for side in ("loader", "connector"))


def day_ms(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%d")) * 1000


def start_queues(demo, brokers, store, exchange):
    queues = {}
    for symbol in SYMBOLS:
        for number, (interval, first, last) in enumerate(RUNS):
            short = f"demo{SYMBOLS.index(symbol)}{number}"
            queue = f"loader-{symbol.lower()}-api_candles_{interval}-{first.replace('-', '_')}-{short}"
            env = {"QUEUE_ID": queue, "SYMBOL": symbol, "TYPE": f"api_candles_{interval}",
                   "TIME_RANGE": f"{first}:{last}", "KAFKA_BOOTSTRAP_SERVERS": brokers,
                   "BINANCE_API_URL": exchange, "ARANGO_URL": store, "ARANGO_DB": "streamforge",
                   "ARANGO_USER": "root", "ARANGO_PASSWORD": PASSWORD, "TELEMETRY_INTERVAL": "1"}
            pair = [demo.start(f"{name}-{short}", [BIN / name], env)
                    for name in ("loader-api-candles", "arango-candles")]
            queues[queue] = {"pair": pair, "symbol": symbol, "interval": interval, "short": short,
                             "from": day_ms(first), "to": day_ms(last) + 86400000,
                             "collection": f"{symbol.lower()}_candles_{interval}_{first.replace('-', '_')}"}
    return queues


def wait_for_end(demo, progress, queues):
    end = time.monotonic() + LIMIT_S
    procs = [p for q in queues.values() for p in q["pair"]]
    while any(p.poll() is None for p in procs):
        if time.monotonic() > end:
            raise SystemExit(f"the queues did not end within {LIMIT_S} s; logs in {demo.folder}")
        time.sleep(0.25)
        progress.read()
        progress.draw()
    for _ in range(20):  # the last events may still be on their way
        if progress.all_done():
            break
        time.sleep(0.25)
        progress.read()
    progress.draw()
    failed = [q for q, v in queues.items() if any(p.returncode != 0 for p in v["pair"])]
    for queue in failed:
        print(f"FAILED: {queue}; its logs:")
        for name in ("loader-api-candles", "arango-candles"):
            print((demo.folder / f"{name}-{queues[queue]['short']}.log").read_text()[-1500:])
    return not failed


def check(store, exchange, queues):
    total = bad = 0
    for queue in queues.values():
        rows = source(exchange, queue["symbol"], queue["interval"], queue["from"], queue["to"])
        docs = documents(store, queue["collection"])
        missing, extra, different = differences(rows, docs)
        total += len(docs)
        bad += missing + extra + different
        print(f"  {queue['collection']:36} {len(docs):6} documents, {len(rows):6} at the source:"
              f" {missing} missing, {extra} extra, {different} different")
    return total, bad


def run(demo):
    began = time.monotonic()
    print("1. Starting Apache Kafka, sf-store (ArangoDB's HTTP API), sf-exchange (Binance's REST API, streams)")
    kafka = subprocess.run([ROOT / "tests/lib/kafka.py", "start", "--dir", demo.folder / "kafka"],
                           check=True, stdout=subprocess.PIPE, text=True)
    brokers = kafka.stdout.strip().splitlines()[-1]
    store_proc = demo.start("sf-store", [BIN / "sf-store", "--listen", "127.0.0.1:0", "--data", demo.folder / "store"],
                            {"SF_STORE_ROOT_PASSWORD": PASSWORD})
    exchange_proc = demo.start("sf-exchange", [BIN / "sf-exchange", "--listen", "127.0.0.1:0", "--seed", "2026",
                                               "--live-rate", "200"])
    store = f"http://127.0.0.1:{demo.port_of('sf-store', store_proc)}"
    exchange = f"http://127.0.0.1:{demo.port_of('sf-exchange', exchange_proc)}"
    print(f"   Kafka {brokers}   store {store}   exchange {exchange}")
    print(f"2. Six queues: {', '.join(SYMBOLS)}, {' and '.join(r[0] for r in RUNS)} candles, a loader and a connector each;"
          " and live trades")
    live = LiveTrades(demo, brokers, store, exchange)
    queues = start_queues(demo, brokers, store, exchange)
    progress = Progress(demo, brokers, [*queues, live.queue])
    is_good = wait_for_end(demo, progress, queues)
    first = next(iter(queues.values()))
    print(f"3. The first documents of {first['collection']}")
    for doc in documents(store, first["collection"])[:3]:
        print("  ", json.dumps(doc, default=str)[:230])
    print("4. Every document against the source")
    total, bad = check(store, exchange, queues)
    print("5. Live trades: the connection is cut, and nobody may connect for 1.5 s; then a stop command")
    trades, bad_trades = live.cut_and_finish()
    print(f"demo: {len(queues)} queues, {total} candles and {trades} live trades stored and compared,"
          f" {bad + bad_trades} wrong, {time.monotonic() - began:.1f} s")
    if os.environ.get("KEEP") == "1":
        print(f"KEEP=1: everything runs until Ctrl-C. Documents: {store} (root:{PASSWORD}, database streamforge);"
              f" candles: {exchange}/api/v3/klines?symbol=BTCUSDT&interval=1m; logs: {demo.folder}")
        print("For a queue by hand (README.md) against these:\n"
              f"export KAFKA_BOOTSTRAP_SERVERS={brokers} BINANCE_API_URL={exchange} BINANCE_WS_URL={exchange.replace('http', 'ws')}"
              f" ARANGO_URL={store} ARANGO_USER=root ARANGO_PASSWORD={PASSWORD}", flush=True)
        signal.pause()
    print("Next: README.md (settings, images), docs/ARCHITECTURE.md, `make test`, `KEEP=1 make demo`")
    return 0 if is_good and bad + bad_trades == 0 else 1


def main():
    decimal.getcontext().prec = 60
    with tempfile.TemporaryDirectory(prefix="streamforge-demo-") as folder:
        demo = Demo(folder)
        try:
            return run(demo)
        except KeyboardInterrupt:
            return 0
        finally:
            demo.stop()
            subprocess.run([ROOT / "tests/lib/kafka.py", "stop", "--dir", demo.folder / "kafka"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
