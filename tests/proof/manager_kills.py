#!/usr/bin/python3
"""kill -9 of queue-manager at random moments while it starts, follows, restarts and stops queues.

    manager_kills.py --kills 50 --queues 200 [--seed N] [--at-once 30]

A client starts queues, each with an Idempotency-Key, and asks again when the manager was killed before it
answered. Of the queues most run to their end; some are stopped in the middle of a range that is too long to
finish; of some the loader or the connector is killed, too. The manager is killed between, and right behind,
these requests. Afterwards, compared with the exchange and with queue-events:

- every queue that was answered is there, once, and no other;
- its final status is what was asked for: finished, or interrupted for those that were stopped;
- each member had one instance (as many as it was killed, and one, where it was), with one last event;
- finished queues have every document of their range, stopped ones all of them up to where they were stopped;
- the topics of queues whose loader was left alone hold each record once;
- no process is left over.

Closing line: N passed, N failed.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
from http.client import HTTPException

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import kafka as kafka_lib  # noqa: E402
from flow import PASSWORD, World, day_ms, http, wait_for  # noqa: E402
from manager import Manager  # noqa: E402
from sfproc import BIN, free_port  # noqa: E402

LIMIT_S = 180
OVER = ("finished", "interrupted", "error", "lost")
DOWN = (urllib.error.URLError, HTTPException, OSError)
BEGIN_MS = day_ms("2024-06-01")
STEP_MS = {"1m": 60000, "1s": 1000}
ROWS = {"1m": 2 * 1440}  # two days


class Client:
    """Starts queues and commands them, whatever happens to the manager."""

    def __init__(self, manager, args, rng):
        self.manager, self.args, self.rng = manager, args, rng
        self.kinds = {}  # queue_id -> "end", "stop", "loader", "connector"
        self.killed = collections.Counter()  # (queue_id, target)
        self.asked_again = 0
        self.failure = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def call(self, method, path, body=None, headers=None):
        """Until there is an answer that is not the manager's death."""
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                status, _, answer = self.manager.call(method, path, body, headers)
                if status not in (502, 503):
                    return status, answer
            except DOWN:
                pass
            assert time.monotonic() < end, f"no answer to {method} {path}"
            self.asked_again += 1
            time.sleep(0.02)

    def queues(self):
        rows, cursor = [], ""
        while True:
            status, page = self.call("GET", f"/queues?limit=1000{cursor}")
            assert status == 200, page
            rows += page["queues"]
            if "cursor" not in page:
                return rows
            cursor = f"&cursor={page['cursor']}"

    def start(self, number, kind):
        is_long = kind == "stop"
        body = {"symbol": self.rng.choice(["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
                "type": "api_candles_1s" if is_long else "api_candles_1m",
                "time_range": "2024-06-01:2024-06-30" if is_long else "2024-06-01:2024-06-02",
                "collection_name": f"proof_{number}", "restart_max": 20}
        status, answer = self.call("POST", "/queues/start", body, {"Idempotency-Key": f"proof-{number}"})
        assert status in (200, 201), answer
        assert answer["queue_id"] not in self.kinds, answer
        self.kinds[answer["queue_id"]] = kind
        return answer["queue_id"]

    def kill_member(self, queue_id, kind):
        """Only one that has told of itself: then its restart is the manager's to do."""
        target = {"loader": "loader-api-candles", "connector": "arango-candles"}[kind]

        def running():
            status, queue = self.call("GET", f"/queues/{queue_id}")
            assert status == 200, queue
            m = next(m for m in queue["members"] if m["target"] == target)
            return queue["status"] in OVER or m.get("instance")

        wait_for(running, LIMIT_S, f"instance of {target}")
        try:
            pid = int((self.manager.run_dir / queue_id / f"{target}.lock").read_text())
            if pathlib.Path(os.readlink(f"/proc/{pid}/exe")) != BIN / target:
                return  # it was quicker
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            return
        self.killed[queue_id, target] += 1

    def one(self, number):
        kind = self.rng.choices(["end", "stop", "loader", "connector"], [12, 4, 2, 2])[0]
        queue_id = self.start(number, kind)
        if kind == "stop":
            time.sleep(self.rng.uniform(0, 1.5))
            status, answer = self.call("POST", f"/queues/{queue_id}/stop")
            assert status == 202, answer
        elif kind != "end":
            self.kill_member(queue_id, kind)

    def run(self):
        try:
            for number in range(self.args.queues):
                wait_for(lambda: sum(q["status"] not in OVER for q in self.queues()) < self.args.at_once,
                         LIMIT_S, "end of any queue")
                self.one(number)
        except BaseException:
            self.failure = traceback.format_exc()


def kill_all_along(manager, client, args, rng):
    """The k-th kill waits for its share of the queues, and then a moment."""
    for k in range(args.kills):
        wait_for(lambda k=k: len(client.kinds) >= k * args.queues // args.kills or client.failure, LIMIT_S, "queues")
        assert not client.failure, client.failure
        time.sleep(rng.uniform(0, 0.4))
        manager.restart()
    client.thread.join(LIMIT_S)
    assert not client.thread.is_alive() and not client.failure, client.failure or "the client hangs"


def check_statuses(client):
    def all_over():
        rows = client.queues()
        return rows if all(q["status"] in OVER for q in rows) else None

    rows = wait_for(all_over, LIMIT_S, "end of all queues")
    assert len(rows) == len({q["queue_id"] for q in rows})
    there, answered = {q["queue_id"] for q in rows}, set(client.kinds)
    assert there == answered, f"lost: {answered - there}, never answered: {there - answered}"
    for q in rows:
        kind = client.kinds[q["queue_id"]]
        assert q["status"] == ("interrupted" if kind == "stop" else "finished"), q
        for m in q["members"]:  # a manager that died at a restart may count it once more; its instances tell
            assert m["restarts"] == 0 or client.killed[q["queue_id"], m["target"]], q
    return rows


def check_instances(kafka, client):
    """Instances and last events of each member, by queue-events."""
    instances, lasts = collections.defaultdict(set), collections.Counter()
    for r in kafka.read_topic("queue-events"):
        e = json.loads(r.value)
        instances[e["queue_id"], e["target"]].add(e["instance"])
        lasts[e["queue_id"], e["target"]] += e["finished"]
    for queue_id in client.kinds:
        for target in ("loader-api-candles", "arango-candles"):
            killed = client.killed[queue_id, target]
            found = instances[queue_id, target]
            assert 1 <= len(found) <= 1 + killed, (queue_id, target, found, killed)
            assert lasts[queue_id, target] in ((1,) if killed == 0 else (1, 2)), (queue_id, target, lasts)


def check_documents(world, queue, kind):
    keys = world.aql("FOR d IN @@c SORT d.open_time RETURN d.open_time", **{"@c": queue["collection_name"]})
    step = STEP_MS["1s" if kind == "stop" else "1m"]
    n = len(keys) if kind == "stop" else ROWS["1m"]
    assert keys == [BEGIN_MS + i * step for i in range(n)], (queue, len(keys), keys[:2], keys[-2:])
    return n


def check_topic(kafka, queue, n):
    records = [json.loads(r.value)["open_time"] for r in kafka.read_topic(queue["kafka_topic"]) if r.value is not None]
    assert len(records) == len(set(records)) == n, (queue["queue_id"], len(records), n)


def prove(world, manager, args, rng):
    client = Client(manager, args, rng)
    world.faults({"kind": "delay", "ms": 150, "path": "/api/v3/klines"})
    began = time.monotonic()
    client.thread.start()
    kill_all_along(manager, client, args, rng)
    rows = check_statuses(client)
    documents = 0
    for queue in rows:
        kind = client.kinds[queue["queue_id"]]
        n = check_documents(world, queue, kind) if has_documents(world, queue) else 0
        documents += n
        if kind in ("end", "connector"):
            check_topic(world.kafka, queue, n)
    check_instances(world.kafka, client)
    wait_for(lambda: not manager.members(), 30, "end of all processes")
    kinds = collections.Counter(client.kinds.values())
    print(f"ok   {args.kills} kill -9 of the manager during {len(rows)} queues in {time.monotonic() - began:.0f} s: "
          f"{kinds['stop']} stopped, {sum(client.killed.values())} members killed, {client.asked_again} requests asked "
          f"again, {documents} documents", flush=True)


def has_documents(world, queue):
    """A queue that was stopped at once may have no collection yet."""
    status, _ = http("GET", f"{world.store.url}/_db/streamforge/_api/collection/{queue['collection_name']}",
                     user=f"root:{PASSWORD}")
    assert status == 200 or queue["status"] == "interrupted", queue
    return status == 200


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--queues", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    args = parser.parse_args()
    print(f"manager kills: {args}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sf-manager-") as tmp:
        folder = pathlib.Path(tmp)
        kafka = kafka_lib.make_kafka(folder / "kafka").start()
        world = World(kafka, folder / "world", exchange_args=["--weight-limit", "1000000"])
        manager = Manager(world, MANAGER_LISTEN=f"127.0.0.1:{free_port()}", RESTART_BACKOFF_MS="200")
        try:
            prove(world, manager.start(), args, random.Random(args.seed))
        except Exception:
            traceback.print_exc()
            failed = 1
        finally:
            manager.close()
            world.close()
            kafka.kill()
    print(f"{1 - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
