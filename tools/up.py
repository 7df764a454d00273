#!/usr/bin/python3
"""A whole StreamForge on this machine until Ctrl-C: `make up` builds and calls it.

Starts Kafka, sf-store (ArangoDB's HTTP API), sf-exchange (Binance's REST API and streams) and queue-manager, which
runs loaders and connectors as processes, on free ports of 127.0.0.1, and prints their addresses. What the environment
names is used instead: KAFKA_BOOTSTRAP_SERVERS (with KAFKA_USER ...), ARANGO_URL with ARANGO_USER, ARANGO_PASSWORD and
ARANGO_DB, BINANCE_API_URL with BINANCE_WS_URL; MANAGER_LISTEN says where the manager listens. At the end the queues
are stopped, and what was started here is forgotten.
"""
import os
import signal
import sys
import tempfile
import time

from demo_parts import BIN, Demo, Stack


def interrupt(signum, frame):
    raise KeyboardInterrupt


def show(stack, folder):
    secret = "" if "ARANGO_PASSWORD" in os.environ else stack.env["ARANGO_PASSWORD"]
    print(f"""Kafka      {stack.env["KAFKA_BOOTSTRAP_SERVERS"]}
database   {stack.env["ARANGO_URL"]}  (user {stack.env.get("ARANGO_USER", "")}{", password " + secret if secret else ""})
exchange   {stack.env["BINANCE_API_URL"]}
manager    {stack.env["MANAGER_URL"]}  (/docs lists its routes)
logs       {folder}

In another terminal:
  export MANAGER_URL={stack.env["MANAGER_URL"]} PATH=$PATH:{BIN}
  sfctl start symbol=BTCUSDT type=api_candles_5m time_range=2024-06-01:2024-06-30 --wait
  sfctl start symbol=BTCUSDT type=ws_trades
  sfctl watch
Ctrl-C stops the queues and everything that was started here.""", flush=True)


def main():
    for s in (signal.SIGINT, signal.SIGTERM):
        signal.signal(s, interrupt)
    settings = {k: os.environ[k] for k in ("MANAGER_LISTEN", "TELEMETRY_INTERVAL") if k in os.environ}
    with tempfile.TemporaryDirectory(prefix="streamforge-up-") as folder:
        demo = Demo(folder)
        stack = Stack(demo, **settings)
        try:
            stack.start()
            show(stack, folder)
            while all(proc.poll() is None for _, proc in demo.started):
                time.sleep(0.5)
            name = next(name for name, proc in demo.started if proc.poll() is not None)
            print(f"{name} has ended:\n{(demo.folder / f'{name}.log').read_text(errors='replace')[-2000:]}", flush=True)
            return 1
        except KeyboardInterrupt:
            print("stopping", flush=True)
            return 0
        finally:
            for s in (signal.SIGINT, signal.SIGTERM):
                signal.signal(s, signal.SIG_IGN)
            stack.end()
            demo.stop()
            stack.end_kafka()


if __name__ == "__main__":
    sys.exit(main())
