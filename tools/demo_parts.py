"""What the parts of the demo share: programs that are started and stopped, HTTP, documents."""
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


def http(url, body=None, user=None):
    req = urllib.request.Request(url, data=json.dumps(body).encode() if body is not None else None)
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
