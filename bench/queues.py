#!/usr/bin/python3
"""queue-manager with many queues: memory, CPU, how soon an event is seen, how fast it lists, how fast it starts.

    bench/queues.py [--queues 1000] [--seconds 30]     prints the rows; bench/run writes them, too

The members of the many queues are idle processes; this program sends their events, one a second each. The
way of an event is timed from before it is handed to the Kafka producer until GET /queues/{queue_id} shows
it, asked again and again over one connection. For the start the programs are real: from before the request
is sent until the first record's own timestamp.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "lib"))
import kafka as kafka_lib  # noqa: E402
from flow import World, wait_for  # noqa: E402
from manager import Manager  # noqa: E402

PROBES = 200  # events that are timed
STARTS = 15   # queues whose start is timed
LISTS_S = 5   # so long lists are asked for
HISTORY = {"symbol": "BTCUSDT", "type": "api_candles_1m", "time_range": "2024-06-01:2024-06-02"}


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid, name="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the manager is gone")


def idle_members(folder):
    """A program under the loader's name that does nothing; it inherits what the launcher gave it."""
    folder.mkdir()
    path = folder / "loader-ws-trades"
    path.write_text("#!/bin/sh\nexec sleep 86400\n")
    path.chmod(0o755)
    return folder


def end_idle(manager):
    for lock in manager.run_dir.glob("*/*.lock"):
        pid = int(lock.read_text())
        comm = pathlib.Path(f"/proc/{pid}/comm")
        if comm.exists() and comm.read_text() == "sleep\n":
            os.kill(pid, signal.SIGKILL)


class Events:
    """Events of members, at a steady rate, in a thread."""

    def __init__(self, kafka, queues):
        from confluent_kafka import Producer
        self.producer = Producer({"bootstrap.servers": kafka.bootstrap(), "linger.ms": 0})
        self.queues, self.counts = queues, collections.Counter()
        self.ends = False
        self.thread = threading.Thread(target=self.run)

    def send(self, queue, status="loading"):
        """Returns the count of records that it tells."""
        queue_id, member = queue["queue_id"], queue["members"][0]
        self.counts[queue_id] += 1
        n = self.counts[queue_id]
        event = {"queue_id": queue_id, "telemetry_id": member["telemetry_id"], "producer": member["telemetry_id"],
                 "instance": "bench1", "target": member["target"], "symbol": queue["symbol"], "type": queue["type"],
                 "status": status, "message": "live", "records_written": n, "finished": False,
                 "timestamp": time.time(), "extra": {"rate": 1, "total": n, "gaps": 0, "run": 1, "position": n}}
        self.producer.produce("queue-events", json.dumps(event), queue_id)
        self.producer.poll(0)
        return n

    def run(self):
        """One a second of each queue but the first, which is probed."""
        rest = self.queues[1:]
        began, sent = time.monotonic(), 0
        while not self.ends:
            due = int((time.monotonic() - began) * len(rest))
            while sent < due:
                self.send(rest[sent % len(rest)])
                sent += 1
            time.sleep(0.005)
        self.rate = sent / (time.monotonic() - began)
        self.producer.flush(30)


class Client:
    """One connection to the API that stays open."""

    def __init__(self, url):
        self.connection = http.client.HTTPConnection(url.partition("//")[2], timeout=30)

    def get(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return text


def way_of_an_event(events, client, seconds):
    """ms of PROBES events over so many seconds."""
    probed = events.queues[0]["queue_id"]
    found = []
    for _ in range(PROBES):
        begin = time.monotonic()
        n = events.send(events.queues[0])
        while json.loads(client.get(f"/queues/{probed}"))["members"][0]["records_written"] < n:
            assert time.monotonic() - begin < 30, "the event was lost"
        found.append((time.monotonic() - begin) * 1000)
        time.sleep(max(0, seconds / PROBES - (time.monotonic() - begin)))
    return sorted(found)


def lists(client):
    """Lists of 100 queues a second."""
    begin, n = time.monotonic(), 0
    while time.monotonic() - begin < LISTS_S:
        client.get("/queues?limit=100")
        n += 1
    return n / (time.monotonic() - begin)


def many_queues(kafka, folder, count, seconds):
    world = World(kafka, folder / "many")
    manager = Manager(world, QUEUES_MAX=str(count), LAUNCHER_BIN=str(idle_members(folder / "idle")), LOST_AFTER_S="3600",
                      STOP_WAIT_S="1")
    try:
        pid = manager.start().proc.pid
        empty = rss_mib(pid)
        begin = time.monotonic()
        queues = [manager.start_queue(symbol="BTCUSDT", type="ws_trades", connector=False, collection_name=f"c{i}")
                  for i in range(count)]
        started = count / (time.monotonic() - begin)
        events, client = Events(kafka, queues), Client(manager.url)
        for queue in queues:
            events.send(queue, "started")
        wait_for(lambda: sum(q["members"][0]["records_written"] for q in
                             json.loads(client.get("/queues?limit=1000"))["queues"]) == min(count, 1000), 60, "events")
        events.thread.start()
        time.sleep(2)
        idle, at = cpu_s(pid), time.monotonic()
        time.sleep(seconds)
        busy = (cpu_s(pid) - idle) / (time.monotonic() - at) * 100
        ways = way_of_an_event(events, client, seconds)
        rate = lists(client)
        events.ends = True
        events.thread.join()
        return [f"| memory | {rss_mib(pid):.1f} MiB, at most {rss_mib(pid, 'VmHWM'):.1f} MiB; {empty:.1f} MiB without queues |",
                f"| CPU at {events.rate:,.0f} events/s | {busy:.1f} % of a core |",
                f"| event to GET /queues/{{queue_id}} | p50 {statistics.median(ways):.1f} ms, "
                f"p99 {ways[int(len(ways) * 0.99) - 1]:.1f} ms, max {ways[-1]:.1f} ms |",
                f"| lists of 100 queues, one connection, beside the events | {rate:,.0f}/s |",
                f"| starts, one after the other, each answered when stored and launched | {started:,.0f}/s |"]
    finally:
        manager.close()
        end_idle(manager)
        world.close()


def start_to_record(kafka, folder):
    world = World(kafka, folder / "start")
    manager = Manager(world).start()
    found = []
    try:
        for _ in range(STARTS):
            begin_ms = time.time() * 1000
            queue = manager.start_queue(**HISTORY)
            manager.wait_status(queue["queue_id"], "finished")
            records = [r for r in kafka.read_topic(queue["kafka_topic"]) if r.value is not None]
            found.append(records[0].timestamp_ms - begin_ms)
    finally:
        manager.close()
        world.close()
    return [f"| start request to first record, new topic | min {min(found):.0f} ms, median {statistics.median(found):.0f} ms, "
            f"max {max(found):.0f} ms |"]


def measure(kafka, folder, count=1000, seconds=30):
    """Rows of a table."""
    return [f"| queue-manager, {count:,} queues at 1 event/s each | |", "|---|---|",
            *many_queues(kafka, folder, count, seconds), *start_to_record(kafka, folder)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queues", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sf-bench-") as tmp:
        folder = pathlib.Path(tmp)
        kafka = kafka_lib.make_kafka(folder / "kafka").start()
        try:
            print("\n".join(measure(kafka, folder, args.queues, args.seconds)))
        finally:
            kafka.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
