"""Kafka away or slow while the market goes on: memory stays bounded, nothing is dropped in silence."""

import contextlib
import os
import signal
import threading
import time

from flow import World
from live_queue import LiveQueue

HANGS_S, DEAD_S = 8, 15


@contextlib.contextmanager
def hanging(kafka):
    """The broker's connections stay, and it answers nothing."""
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(kafka.pid, signal.SIGCONT)


@contextlib.contextmanager
def dead(kafka):
    kafka.kill()
    yield
    kafka.resume()


class Market:
    """Trades that go on happening, fast, until told to stop."""

    def __init__(self, front, batch=400, every_s=0.1):
        self.front, self.batch, self.every_s = front, batch, every_s
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.is_over.wait(self.every_s):
            self.front.advance("BTCUSDT", self.batch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.is_over.set()
        self.thread.join()


class Memory:
    """The largest resident size while it is watched."""

    def __init__(self, proc):
        self.proc, self.peak_kb = proc, 0

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.peak_kb = max(self.peak_kb, self.proc.rss_kb())
            time.sleep(0.05)
        return self.peak_kb


def test_kafka_that_hangs_and_dies_costs_no_record_and_no_memory(own_kafka, tmp_path):
    world = World(own_kafka, tmp_path / "world", exchange_args=["--weight-limit", "60000"])
    queue = LiveQueue(world, PRODUCER_QUEUE_KB="2048", LIVE_BUFFER_KB="2048")
    peaks_kb = []
    with contextlib.closing(world), queue.front:
        loader = queue.loader()
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 1000)
        queue.wait_count(1000)
        before_kb = Memory(loader).watch(0.5)
        for outage, seconds in (hanging, HANGS_S), (dead, DEAD_S):
            dropped = len(loader.events("held_dropped"))
            with Market(queue.front), outage(own_kafka):
                peaks_kb.append(Memory(loader).watch(seconds))
            count = queue.front.now["BTCUSDT"] - queue.first_id
            queue.wait_count(count, timeout=60)
            assert len(loader.events("held_dropped")) > dropped  # the buffers did not hold it all: REST brought it
        ids = [r["trade_id"] for r in queue.symbol_records()]
        assert ids == list(range(queue.first_id, queue.first_id + count))
        queue.check(count)
        assert {(cause, repaired) for _, _, cause, repaired in queue.gaps()} == {("full", True)}
    assert peaks_kb[0] < before_kb + 12 * 1024 and peaks_kb[1] < peaks_kb[0] + 4 * 1024, (before_kb, peaks_kb)
