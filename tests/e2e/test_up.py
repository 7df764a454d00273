"""make up: the whole system with one command, against a Kafka of one's own, until Ctrl-C."""

import os
import re
import signal
import subprocess
import sys

from flow import wait_for
from sfproc import BIN, ROOT


def test_up_runs_queues_until_it_is_interrupted(kafka, tmp_path):
    out = tmp_path / "up.out"
    env = {**os.environ, **kafka.env(), "SF_BIN": str(BIN), "TMPDIR": str(tmp_path), "TELEMETRY_INTERVAL": "1"}
    with open(out, "wb") as to:
        up = subprocess.Popen([sys.executable, ROOT / "tools" / "up.py"], env=env, stdin=subprocess.DEVNULL, stdout=to,
                              stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: "Ctrl-C" in out.read_text() or up.poll() is not None, 60, "addresses")
        told = out.read_text()
        assert up.poll() is None and kafka.bootstrap() in told, told
        url = re.search(r"^manager +(\S+)", told, re.M)[1]

        def sfctl(*args):
            return subprocess.run([BIN / "sfctl", *args, "--url", url], text=True, check=True, timeout=60,
                                  stdout=subprocess.PIPE).stdout

        done = sfctl("start", "symbol=BTCUSDT", "type=api_candles_1h", "time_range=2024-06-01:2024-06-02", "--wait")
        assert "  finished  " in done
        live = sfctl("start", "symbol=BTCUSDT", "type=ws_trades", "--quiet").strip()
        wait_for(lambda: sfctl("list", "--status", "live", "--quiet").strip() == live, 30, "a live queue")
        pids = [int(lock.read_text()) for lock in tmp_path.glob(f"streamforge-up-*/queues/{live}/*.lock")]
        assert len(pids) == 2
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0, out.read_text()
    finally:
        up.kill()
    for pid in pids:
        assert not os.path.exists(f"/proc/{pid}")
    assert not list(tmp_path.glob("streamforge-up-*"))
