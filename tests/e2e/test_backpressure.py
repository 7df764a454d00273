"""Kafka away or slow while the market goes on: memory stays bounded, nothing is dropped in silence."""

import contextlib
import os
import signal
import threading
import time

from flow import World, wait_for
from live_queue import LiveQueue
from test_live_books import SYMBOL, LiveBookQueue

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


# ----------------------------------------------------------------------------- SPOOL_PATH

class SpoolQueue(LiveQueue):
    """What Kafka does not take goes to the disk; REST, which could repair, is down all the time."""

    def __init__(self, world, folder, **settings):
        folder.mkdir()
        super().__init__(world, SPOOL_PATH=folder, **{"PRODUCER_QUEUE_KB": "256", "LIVE_BUFFER_KB": "64", **settings})
        self.folder = folder
        self.front.rest_down = True

    def segments(self):
        return sorted(self.folder.iterdir())

    def spooled(self, ident):
        """Is this id on the disk?"""
        return any(f'"trade_id":{ident},'.encode() in s.read_bytes() for s in self.segments()[-2:])

    def check_stream(self, count):
        """Every id once, in order, none of them by REST."""
        records = self.symbol_records()
        assert [r["trade_id"] for r in records] == list(range(self.first_id, self.first_id + count))
        assert {r["source"] for r in records} == {"ws"}
        assert self.gaps() == []
        self.check(count)


def test_a_spool_holds_what_kafka_does_not_take_also_after_a_kill(own_kafka, tmp_path):
    world = World(own_kafka, tmp_path / "world")
    queue = SpoolQueue(world, tmp_path / "spool")
    with contextlib.closing(world), queue.front:
        loader = queue.loader()
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 1000)
        queue.wait_count(1000)
        before_kb = loader.rss_kb()
        with dead(own_kafka):
            queue.front.advance("BTCUSDT", 30000)
            loader.wait_event("spooling")
            wait_for(lambda: queue.spooled(queue.first_id + 30999), 20, "the last record on the disk")
            assert loader.rss_kb() < before_kb + 4096
        queue.wait_count(31000)
        queue.front.advance("BTCUSDT", 100)  # the way is direct again
        queue.wait_count(31100)
        loader.wait_event("spool_drained")
        wait_for(lambda: not queue.segments(), 10, "the segments to go")
        queue.check_stream(31100)

        with dead(own_kafka):
            queue.front.advance("BTCUSDT", 20000)
            wait_for(lambda: queue.spooled(queue.first_id + 51099), 20, "the last record on the disk")
            loader.kill()
        with open(queue.segments()[-1], "ab") as segment:  # a kill in the middle of a write
            segment.write(b'0 99 BTCUSDT  {"_key":"BTC')
        loader = queue.loader()
        assert loader.wait_event("spool_found")["records"] == str(sum(
            s.read_bytes().count(b"\n") - s.read_bytes().count(b" sf-") for s in queue.segments()))
        queue.wait_count(51100)
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 100)
        queue.wait_count(51200)
        wait_for(lambda: not queue.segments(), 10, "the segments to go")
        queue.command("stop")
        assert loader.wait(30) == 0, loader.stderr()
        queue.check_stream(51200)
        assert {r["run"] for r in queue.symbol_records()} == {1, 2}


def test_a_spool_keeps_a_book_whole(own_kafka, tmp_path):
    world = World(own_kafka, tmp_path / "world")
    folder = tmp_path / "spool"
    folder.mkdir()
    queue = LiveBookQueue(world, SPOOL_PATH=folder, LIVE_BUFFER_KB="64", PRODUCER_QUEUE_KB="64")
    with contextlib.closing(world), queue.front:
        loader = queue.loader()
        queue.joined(loader)
        queue.reached()
        with dead(own_kafka):
            queue.front.advance(SYMBOL, 2000)
            loader.wait_event("spooling")
            last = f'"last_update_id":{queue.market().id},'.encode()
            wait_for(lambda: any(last in s.read_bytes() for s in folder.iterdir()), 20, "the last update on the disk")
            loader.kill()
        loader = queue.loader()
        loader.wait_event("spool_found")
        queue.joined(loader)
        queue.reached()
        records = queue.check_topic()
        wait_for(lambda: not list(folder.iterdir()), 10, "the segments to go")
    assert [(r["event"], r["run"]) for r in records if r["event"] != "delta"] == [("snapshot", 1), ("reset", 2), ("snapshot", 2)]
    assert len([r for r in records if r["event"] == "delta" and r["run"] == 1]) >= 2000


def test_a_spool_is_bounded_and_rest_does_the_rest(own_kafka, tmp_path):
    world = World(own_kafka, tmp_path / "world", exchange_args=["--weight-limit", "60000"])
    queue = SpoolQueue(world, tmp_path / "spool", SPOOL_MB="1")
    queue.front.rest_down = False
    with contextlib.closing(world), queue.front:
        loader = queue.loader()
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 100)
        queue.wait_count(100)
        with hanging(own_kafka):
            queue.front.advance("BTCUSDT", 30000)
            loader.wait_event("spool_failed")
            loader.wait_event("held_dropped")
            assert sum(s.stat().st_size for s in queue.segments()) <= 1 << 20
        queue.wait_count(30100)
        records = queue.symbol_records()
        assert [r["trade_id"] for r in records] == list(range(queue.first_id, queue.first_id + 30100))
        queue.check(30100)
        assert {(cause, repaired) for _, _, cause, repaired in queue.gaps()} == {("full", True)}


def test_a_spool_that_cannot_be_is_refused(kafka, tmp_path):
    world = World(kafka, tmp_path / "world")
    queue = LiveQueue(world, SPOOL_PATH=tmp_path / "nowhere")
    with contextlib.closing(world), queue.front:
        loader = queue.loader()
        assert loader.wait(30) == 1
        assert "SPOOL_PATH" in loader.stderr() and "no such file" in loader.stderr()
