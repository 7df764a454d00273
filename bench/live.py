"""Live trades: WebSocket to Kafka, plain and TLS, beside a plain Python loader; and how long a frame takes."""
import re
import subprocess
import time

from history import venv
from measured import BENCH, ROOT, Measured, others_on_core_1, row

from flow import World
from tls_front import make_authority
from trades import TradeQueue

DAY = "2024-06-01T10:00Z"
RATES = (10000, 100000)  # frames a second at which the way of a frame is timed
SECONDS = 10             # so long


class Stream:
    """bench/ws_serve on core 1."""

    def __init__(self, count, rate, certificate=()):
        self.proc = subprocess.Popen(["taskset", "-c", "1", BENCH / "ws_serve", str(count), str(rate), *certificate],
                                     stdout=subprocess.PIPE, text=True)
        scheme, host = ("wss", "localhost") if certificate else ("ws", "127.0.0.1")
        self.url = f"{scheme}://{host}:" + self.proc.stdout.readline().split("port=")[1].strip()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.kill()
        self.proc.wait()


def live_queue(world):
    queue = TradeQueue(world, "BTCUSDT", DAY, DAY)
    queue.name_after("ws_trades", DAY[:10])
    world.kafka.create_topic(queue.topic)
    return queue


def settings(queue, stream, **more):
    env = queue.env(BINANCE_WS_URL=stream.url, **more)
    del env["TIME_RANGE"]
    return env


def all_are_in(kafka, topic, count):
    """A check for Measured: did so many records arrive?"""
    last = [0.0]

    def check():
        if time.monotonic() - last[0] < 0.2:
            return False
        last[0] = time.monotonic()
        return kafka.offsets(topic)[0][1] >= count

    return check


def loader_row(world, what, program, count, certificate=(), env=None):
    queue = live_queue(world)
    with Stream(count, 0, certificate) as stream:
        m = Measured([program], settings(queue, stream, **(env or {})), world.folder, all_are_in(world.kafka, queue.topic, count))
    return row(what, count, m)


def python_row(world, count):
    world.kafka.create_topic("peer-live")
    with Stream(count, 0) as stream:
        env = {"BINANCE_WS_URL": stream.url, "KAFKA_TOPIC": "peer-live", "COUNT": count,
               "KAFKA_BOOTSTRAP_SERVERS": world.kafka.bootstrap()}
        m = Measured([venv(), ROOT / "bench" / "peer_live.py"], env, world.folder)
    return row("websockets + aiokafka: WebSocket to Kafka", count, m)


def frame_way(world, rate):
    """What bench/ws_listen says at this rate, both sides on their own core."""
    queue = live_queue(world)
    with Stream(rate * SECONDS, rate) as stream:
        env = {k: str(v) for k, v in settings(queue, stream).items()}
        out = subprocess.run(["taskset", "-c", "0", BENCH / "ws_listen", stream.url + "/stream", str(rate * SECONDS)],
                             env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    p50, p99, most = re.search(r"p50_us=(\d+) p99_us=(\d+) max_us=(\d+)", out).groups()
    return f"| {rate:,}/s | {p50} | {p99} | {most} |"


def measure(kafka, folder, trades, bin_dir):
    world = World(kafka, folder / "live", exchange_args=["--weight-limit", "100000000"])
    others_on_core_1(kafka.pid, world.exchange.proc.pid, world.store.proc.pid)
    make_authority(folder, ["localhost"])
    pair = (folder / "server.pem", folder / "server.pem")
    program = bin_dir / "loader-ws-trades"
    try:
        rows = [
            loader_row(world, "loader-ws-trades: WebSocket to Kafka", program, trades),
            loader_row(world, "loader-ws-trades: the same over TLS", program, trades, pair,
                       {"SSL_CERT_FILE": folder / "ca.pem"}),
            python_row(world, trades // 10),
        ]
        latency = ["From the write at the server to the record in the producer's queue (`bench/ws_listen`, the first tenth left "
                   "out):", "", "| frames | p50 us | p99 us | max us |", "|---|---|---|---|"]
        return rows, latency + [frame_way(world, rate) for rate in RATES]
    finally:
        world.close()
