"""A queue-manager under test, with the processes that it starts.

    manager = Manager(world).start()
    queue = manager.start_queue(symbol="BTCUSDT", type="api_candles_5m", time_range="2024-06-01:2024-06-02")
    manager.wait_status(queue["queue_id"], "finished")
"""

import json
import os
import pathlib
import signal
import urllib.error
import urllib.request

from flow import PASSWORD, wait_for
from sfproc import BIN, Proc


class Manager:
    def __init__(self, world, **settings):
        self.world, self.token = world, settings.get("MANAGER_TOKEN")
        self.run_dir = world.folder / "run"
        self.env = {"ARANGO_URL": world.store.url, "ARANGO_USER": "root", "ARANGO_PASSWORD": PASSWORD,
                    "BINANCE_API_URL": world.exchange.url, "LAUNCHER_DIR": str(self.run_dir),
                    "MANAGER_LISTEN": "127.0.0.1:0", "TELEMETRY_INTERVAL": "1", **world.kafka.env(), **settings}
        self.proc, self.url = None, None

    def start(self):
        self.proc = Proc("queue-manager", self.env, self.world.folder / "manager")
        self.url = f"http://127.0.0.1:{self.proc.wait_event('listening')['port']}"
        return self

    def stop(self):
        """As an operator does; members live on."""
        assert self.proc.stop() == 0, self.proc.stderr()

    def restart(self):
        """As after kill -9."""
        self.proc.kill()
        return self.start()

    def members(self):
        """Processes that it or one before it started and that run: {image: [pid]}."""
        found = {}
        for lock in self.run_dir.glob("*/*.lock"):
            pid = lock.read_text()
            try:
                exe = pathlib.Path(os.readlink(f"/proc/{pid}/exe"))
            except OSError:
                continue
            if exe.parent == BIN:
                found.setdefault(lock.stem, []).append(int(pid))
        return found

    def close(self):
        if self.proc:
            self.proc.kill()
        for pids in self.members().values():
            for pid in pids:
                os.kill(pid, signal.SIGKILL)

    def call(self, method, path, body=None, headers=None, token=None):
        """(status, headers, parsed body or text)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        req = urllib.request.Request(self.url + path, data=data, method=method)
        req.add_header("Content-Type", "application/json")
        if token or self.token:
            req.add_header("Authorization", f"Bearer {token or self.token}")
        for name, value in (headers or {}).items():
            req.add_header(name, value)
        try:
            with urllib.request.urlopen(req, timeout=30) as answer:
                status, head, raw = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            status, head, raw = e.code, e.headers, e.read()
        try:
            return status, head, json.loads(raw)
        except ValueError:
            return status, head, raw.decode(errors="replace")

    def good(self, method, path, body=None, **kw):
        status, _, answer = self.call(method, path, body, **kw)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def start_queue(self, **request):
        return self.good("POST", "/queues/start", request)

    def show(self, queue_id):
        return self.good("GET", f"/queues/{queue_id}")

    def wait_status(self, queue_id, status, timeout=60):
        def reached():
            queue = self.show(queue_id)
            return queue if queue["status"] == status else None

        try:
            return wait_for(reached, timeout, f"status {status}")
        except AssertionError:
            raise AssertionError(f"{self.show(queue_id)}\n{self.proc.stderr()}") from None
