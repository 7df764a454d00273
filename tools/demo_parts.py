"""What make demo and make up share: programs that are started and stopped, HTTP, documents."""
import base64
import decimal
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("SF_BIN", ROOT / "build" / "bin"))
PASSWORD = "demo"
LIMIT_S = 180  # a demo that takes longer has failed
STOP_S = 45  # the manager kills what has not ended 40 s after its stop


class Demo:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.started = []  # (name, Popen)

    def start(self, name, args, env=None):
        log = open(self.folder / f"{name}.log", "wb")
        full = {**os.environ, **(env or {})}
        proc = subprocess.Popen([str(a) for a in args], env=full, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, start_new_session=True)
        self.started.append((name, proc))
        return proc

    def port_of(self, name, proc):
        """The port that a program logged: event=listening port=N."""
        path = self.folder / f"{name}.log"
        for _ in range(300):
            for line in path.read_text(errors="replace").splitlines():
                if "event=listening" in line and "port=" in line:
                    return int(line.split("port=")[1].split()[0])
            if proc.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"{name} did not start:\n{path.read_text(errors='replace')[-2000:]}")

    def stop(self):
        for _, proc in reversed(self.started):
            if proc.poll() is None:
                proc.send_signal(signal.SIGTERM)
        for _, proc in reversed(self.started):
            try:
                proc.wait(10)
            except subprocess.TimeoutExpired:
                proc.kill()
                proc.wait()


class Stack:
    """Broker, database, exchange and queue-manager: what the environment names is used, the rest is started."""

    def __init__(self, demo, exchange_args=(), **settings):
        self.demo, self.settings, self.own_kafka = demo, settings, False
        self.exchange_args = exchange_args
        self.env = {}

    def given(self, name, *others):
        """What the environment says of a part, or False."""
        if name in os.environ:
            self.env.update({k: os.environ[k] for k in (name, *others) if k in os.environ})
        return name in os.environ

    def server(self, name, *args, env=None):
        """The address of one of ours that was started on a free port."""
        proc = self.demo.start(name, [BIN / name, "--listen", "127.0.0.1:0", *args], env)
        return f"http://127.0.0.1:{self.demo.port_of(name, proc)}"

    def start(self):
        if not self.given("KAFKA_BOOTSTRAP_SERVERS"):
            self.own_kafka = True
            done = subprocess.run([ROOT / "tests/lib/kafka.py", "start", "--dir", self.demo.folder / "kafka"],
                                  check=True, stdout=subprocess.PIPE, text=True)
            self.env["KAFKA_BOOTSTRAP_SERVERS"] = done.stdout.strip().splitlines()[-1]
        if not self.given("ARANGO_URL", "ARANGO_USER", "ARANGO_PASSWORD", "ARANGO_DB"):
            store = self.server("sf-store", "--data", self.demo.folder / "store", env={"SF_STORE_ROOT_PASSWORD": PASSWORD})
            self.env.update(ARANGO_URL=store, ARANGO_DB="streamforge", ARANGO_USER="root", ARANGO_PASSWORD=PASSWORD)
        if not self.given("BINANCE_API_URL", "BINANCE_WS_URL"):
            exchange = self.server("sf-exchange", *self.exchange_args)
            self.env.update(BINANCE_API_URL=exchange, BINANCE_WS_URL=exchange.replace("http", "ws"))
        self.env["MANAGER_URL"] = self.start_manager()
        return self

    def start_manager(self):
        env = {"MANAGER_LISTEN": "127.0.0.1:0", "LAUNCHER_DIR": str(self.demo.folder / "queues"),
               "TELEMETRY_INTERVAL": "1", **self.settings, **self.env}
        proc = self.demo.start("queue-manager", [BIN / "queue-manager"], env)
        return f"http://127.0.0.1:{self.demo.port_of('queue-manager', proc)}"

    def call(self, method, path, body=None):
        return http(self.env["MANAGER_URL"] + path, body, method=method)

    def start_queue(self, **request):
        """Ids of the queues that one request starts."""
        answer = self.call("POST", "/queues/start", request)
        return [q["queue_id"] for q in answer.get("queues", [answer])]

    def queues(self):
        return self.call("GET", "/queues?limit=1000")["queues"]

    def end(self):
        """Stop all queues, and wait until their processes are gone."""
        if "MANAGER_URL" not in self.env:
            return
        try:
            self.call("POST", "/queues/stop")
            end = time.monotonic() + STOP_S
            while any(m["running"] for q in self.queues() for m in q["members"]) and time.monotonic() < end:
                time.sleep(0.1)
        except OSError as why:
            print(f"queues could not be stopped: {why}", flush=True)

    def end_kafka(self):
        if self.own_kafka:
            subprocess.run([ROOT / "tests/lib/kafka.py", "stop", "--dir", self.demo.folder / "kafka"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def http(url, body=None, user=None, method=None):
    data = json.dumps(body).encode() if body is not None else None
    req = urllib.request.Request(url, data=data, method=method)
    req.add_header("Content-Type", "application/json")
    if user:
        req.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    with urllib.request.urlopen(req, timeout=30) as answer:
        return json.loads(answer.read(), parse_float=decimal.Decimal)


def aql(store, query, **bind):
    """All rows of a query, by cursor, decimals with their digits."""
    user = f"root:{PASSWORD}"
    page = http(f"{store}/_db/streamforge/_api/cursor", {"query": query, "bindVars": bind, "batchSize": 5000}, user)
    rows = page["result"]
    while page["hasMore"]:
        page = http(f"{store}/_db/streamforge/_api/cursor/{page['id']}", {}, user)
        rows += page["result"]
    return rows
