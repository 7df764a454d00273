"""Start a program under test, read its log, stop it by its pid.

    with Proc("loader-api-candles", {"QUEUE_ID": ...}, tmp_path) as loader:
        loader.wait_event("resumed")
        assert loader.wait(30) == 0
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SF_BIN", ROOT / "build" / "bin")).resolve()

# What a program may inherit; everything else comes from the test.
PASSED_ON = ("PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")

FIELD = re.compile(r'([^ =]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')


def free_port():
    """A port of 127.0.0.1 that nothing listens on. For programs that cannot take port 0."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def parse_line(line):
    """One logfmt (or JSON) line as a dict; {} when it is neither."""
    if line.startswith("{"):
        try:
            return json.loads(line)
        except ValueError:
            return {}
    fields = {}
    for name, value in FIELD.findall(line):
        fields[name] = json.loads(value) if value.startswith('"') else value
    return fields if "event" in fields else {}


class Proc:
    """One run of a program. Its stderr goes to a file, its stdout to another."""

    def __init__(self, name, env, folder, args=(), bin_dir=None):
        path = pathlib.Path(bin_dir or BIN) / name
        if not path.exists():
            raise FileNotFoundError(f"{path}: build it first (make)")
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        run = 0
        while (folder / f"{name}.{run}.err").exists():
            run += 1
        self.name = name
        self.err_path = folder / f"{name}.{run}.err"
        self.out_path = folder / f"{name}.{run}.out"
        full = {k: os.environ[k] for k in PASSED_ON if k in os.environ}
        full.update({k: str(v) for k, v in env.items()})
        with open(self.err_path, "wb") as err, open(self.out_path, "wb") as out:
            self.popen = subprocess.Popen([str(path), *args], env=full, cwd=folder,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.pid = self.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()

    # ------------------------------------------------------------------------ its log

    def stderr(self):
        return self.err_path.read_text(errors="replace")

    def stdout(self):
        return self.out_path.read_text(errors="replace")

    def events(self, event=None):
        """Parsed log lines, all or those of one event."""
        lines = [parse_line(line) for line in self.stderr().splitlines()]
        return [f for f in lines if f and (event is None or f["event"] == event)]

    def wait_event(self, event, timeout=30, **fields):
        """The first log line of @event with these fields (compared as text)."""
        def found():
            for line in self.events(event):
                if all(line.get(k) == str(v) for k, v in fields.items()):
                    return line
            return None

        return self.wait_until(found, timeout, f"event={event} {fields}")

    def wait_until(self, check, timeout, what):
        """Wait for check() to be true while the program runs; returns what it returned."""
        end = time.monotonic() + timeout
        while True:
            gone = self.popen.poll()
            value = check()
            if value:
                return value
            if gone is not None:
                raise AssertionError(f"{self.name} exited {gone} before {what}:\n{self.stderr()}")
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}: no {what} within {timeout} s:\n{self.stderr()}")
            time.sleep(0.02)

    # ----------------------------------------------------------------------- its life

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, signo):
        self.popen.send_signal(signo)

    def wait(self, timeout=60):
        """Its exit code (negative: died of that signal)."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout} s:\n{self.stderr()}") from None

    def stop(self, timeout=30):
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """kill -9; fine when it is gone already."""
        if self.popen.poll() is None:
            self.popen.kill()
        return self.popen.wait()

    def rss_kb(self):
        """Resident memory now."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError(f"{self.name} is gone")
