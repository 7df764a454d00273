"""A queue under test: its programs, its topic, its documents, its source.

    world = World(kafka, tmp_path)          # sf-exchange and sf-store beside a broker
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-02")
    queue.run_to_end()
    queue.check_complete()
"""

import base64
import calendar
import json
import random
import string
import time
import urllib.error
import urllib.request

from sfproc import Proc, free_port

DAY_MS = 86400000
PASSWORD = "test-root"
# field of a record, column of a kline row
DECIMALS = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote_asset_volume": 7,
            "taker_buy_base_asset_volume": 9, "taker_buy_quote_asset_volume": 10}
INTEGERS = {"open_time": 0, "close_time": 6, "number_of_trades": 8}


def day_ms(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%d")) * 1000


def wait_for(check, timeout, what):
    """Wait until check() returns something true; return it."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"no {what} within {timeout} s"
        time.sleep(0.05)


def http(method, url, body=None, user=None, timeout=30):
    """(status, decoded JSON or text)."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    req = urllib.request.Request(url, data=data, method=method)
    req.add_header("Content-Type", "application/json")
    if user:
        req.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    try:
        with urllib.request.urlopen(req, timeout=timeout) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as e:
        status, raw = e.code, e.read()
    try:
        return status, json.loads(raw)
    except ValueError:
        return status, raw.decode(errors="replace")


class Server:
    """sf-exchange or sf-store on a port that stays the same over restarts."""

    def __init__(self, name, folder, args, env=None):
        self.name, self.folder, self.args, self.env = name, folder, list(args), env or {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.proc = None

    def start(self):
        self.proc = Proc(self.name, self.env, self.folder, ["--listen", f"127.0.0.1:{self.port}", *self.args])
        self.proc.wait_event("listening")
        return self

    def kill(self):
        if self.proc:
            self.proc.kill()

    def get(self, path):
        return http("GET", self.url + path)


class World:
    def __init__(self, kafka, folder, exchange_args=(), store_args=(), seed="1"):
        self.kafka, self.folder = kafka, folder
        self.exchange = Server("sf-exchange", folder, ["--seed", seed, *exchange_args]).start()
        self.store = Server("sf-store", folder, ["--data", str(folder / "store"), *store_args],
                            {"SF_STORE_ROOT_PASSWORD": PASSWORD}).start()
        self.queues = []

    def close(self):
        for queue in self.queues:
            queue.kill()
        self.exchange.kill()
        self.store.kill()

    def queue(self, symbol, interval, first, last, **settings):
        queue = Queue(self, symbol, interval, first, last, settings)
        self.queues.append(queue)
        return queue

    def faults(self, *faults):
        status, answer = http("POST", self.exchange.url + "/control/faults", list(faults))
        assert status == 200, answer

    def klines(self, symbol, interval, from_ms, to_ms):
        """What the exchange has in [from, to), raw rows."""
        rows = []
        while from_ms < to_ms:
            status, page = self.exchange.get(
                f"/api/v3/klines?symbol={symbol}&interval={interval}&startTime={from_ms}"
                f"&endTime={to_ms - 1}&limit=1000")
            assert status == 200, page
            if not page:
                break
            rows += page
            from_ms = page[-1][0] + 1
        return rows

    def aql(self, query, **bind):
        """All rows of a query in the database `streamforge`."""
        user = f"root:{PASSWORD}"
        base = self.store.url + "/_db/streamforge/_api/cursor"
        status, page = http("POST", base, {"query": query, "bindVars": bind, "batchSize": 5000}, user)
        assert status == 201, page
        rows = page["result"]
        while page["hasMore"]:
            status, page = http("POST", f"{base}/{page['id']}", b"", user)
            assert status == 200, page
            rows += page["result"]
        return rows


class Queue:
    def __init__(self, world, symbol, interval, first, last, settings):
        self.world, self.symbol, self.interval = world, symbol, interval
        self.short = "".join(random.choices(string.ascii_lowercase + string.digits, k=6))
        self.first, self.last = first, last
        self.from_ms, self.to_ms = day_ms(first), day_ms(last) + DAY_MS
        self.label = "1mo" if interval == "1M" else interval
        self.id = f"loader-{symbol.lower()}-api_candles_{self.label}-{first.replace('-', '_')}-{self.short}"
        self.topic = self.id.replace("_", "-")
        self.collection = f"{symbol.lower()}_candles_{self.label}_{first.replace('-', '_')}"
        self.group = f"arango-candles-{self.id}"
        self.settings = settings
        self.procs = []

    def env(self, **more):
        return {"QUEUE_ID": self.id, "SYMBOL": self.symbol, "TYPE": f"api_candles_{self.interval}",
                "TIME_RANGE": f"{self.first}:{self.last}", "BINANCE_API_URL": self.world.exchange.url,
                "ARANGO_URL": self.world.store.url, "ARANGO_USER": "root", "ARANGO_PASSWORD": PASSWORD,
                "TELEMETRY_INTERVAL": "1", **self.world.kafka.env(), **self.settings, **more}

    def start(self, program, **more):
        proc = Proc(program, self.env(**more), self.world.folder / self.short)
        self.procs.append(proc)
        return proc

    def loader(self, **more):
        return self.start("loader-api-candles", **more)

    def connector(self, **more):
        return self.start("arango-candles", **more)

    def kill(self):
        for proc in self.procs:
            proc.kill()

    def run_to_end(self, timeout=60, **more):
        """Loader, then connector, both to exit code 0."""
        loader, connector = self.loader(**more), self.connector(**more)
        assert loader.wait(timeout) == 0, loader.stderr()
        assert connector.wait(timeout) == 0, connector.stderr()

    # ----------------------------------------------------------------------- what there is

    def records(self):
        """Data records in order, decoded."""
        return [json.loads(r.value) for r in self.world.kafka.read_topic(self.topic) if r.value is not None]

    def controls(self, name):
        """Control records of a kind, decoded."""
        return [json.loads(value) for r in self.world.kafka.read_topic(self.topic) if r.value is None
                for header, value in r.headers if header == name]

    def events(self, **fields):
        """Telemetry of this queue, oldest first."""
        found = []
        for r in self.world.kafka.read_topic("queue-events"):
            event = json.loads(r.value)
            if event["queue_id"] == self.id and all(event.get(k) == v for k, v in fields.items()):
                found.append(event)
        return found

    def command(self, command, **more):
        body = {"command": command, "queue_id": self.id, "command_id": "cmd__test", "timestamp": 0, **more}
        self.world.kafka.produce("queue-control", [json.dumps(body).encode()])

    def documents(self):
        return self.world.aql("FOR d IN @@c SORT d.open_time RETURN d", **{"@c": self.collection})

    def source(self):
        return self.world.klines(self.symbol, self.interval, self.from_ms, self.to_ms)

    # ------------------------------------------------------------------------------ checks

    def check_topic(self, rows=None):
        """Every row of the source stands in the topic, digit for digit, in ascending order; a row that
        stands twice is the same."""
        rows = self.source() if rows is None else rows
        by_time = {}
        for record in self.records():
            known = by_time.setdefault(record["open_time"], record)
            assert {**known, "run": 0} == {**record, "run": 0}
            assert record["_key"] == f"{self.symbol}_{self.interval}_{record['open_time']}"
        assert list(by_time) == sorted(by_time)
        assert list(by_time) == [row[0] for row in rows]
        for row in rows:
            record = by_time[row[0]]
            for field, column in {**DECIMALS, **INTEGERS}.items():
                assert record[field] == row[column], (record, row)
            assert record["closed"] is True and record["version"] == 9007199254740991

    def check_documents(self, rows=None, is_text=False):
        """Every row of the source is a document, value for value (as text: digit for digit)."""
        rows = self.source() if rows is None else rows
        docs = self.documents()
        assert [d["open_time"] for d in docs] == [row[0] for row in rows]
        for doc, row in zip(docs, rows):
            assert doc["_key"] == f"{self.symbol}_{self.interval}_{row[0]}"
            assert "run" not in doc
            for field, column in DECIMALS.items():
                if is_text:
                    assert doc[field] == row[column]
                else:
                    assert float(doc[field]) == float(row[column])
                    significant = row[column].replace(".", "").lstrip("0")
                    if len(significant.rstrip("0") if "." in row[column] else significant) > 15:
                        assert doc["exact"][field] == row[column]
            for field, column in INTEGERS.items():
                assert doc[field] == row[column]

    def check_complete(self, rows=None):
        rows = self.source() if rows is None else rows
        self.check_topic(rows)
        self.check_documents(rows)
        end = self.controls("sf-end")[-1]
        assert end["records"] == len(rows)
        if rows:
            assert (end["first"], end["last"]) == (rows[0][0], rows[-1][0])
        for target in ("loader-api-candles", "arango-candles"):
            assert self.events(target=target)[-1]["status"] == "finished"
