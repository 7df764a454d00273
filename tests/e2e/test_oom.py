"""Whole programs whose n-th allocation fails (tests/unit/probe_oom.c): they go on, or end with one clear error; never by
a signal, and nothing is lost: the program itself, started afterwards, completes the queue."""

import os
import pathlib
import random

import pytest
import sfproc
from flow import World
from live_market import STANDING, LiveMarket, StreamQueue
from sfproc import Proc
from trades import TradeQueue

SEED = int(os.environ.get("SF_SEED", random.SystemRandom().randrange(10 ** 6)))
TRIES = int(os.environ.get("SF_OOM_TRIES", "12"))  # of a program
NEVER = 2 ** 31 - 1


@pytest.fixture
def world(kafka, tmp_path):
    world = World(kafka, tmp_path / "world", exchange_args=[*STANDING, "--live-rate", "100"])
    yield world
    world.close()


def probe(queue, program, n):
    proc = Proc("probe_oom", queue.env(), queue.world.folder / queue.short, [program, str(n)],
                bin_dir=pathlib.Path(sfproc.BIN).parent / "test")
    queue.procs.append(proc)
    return proc


def allocations(proc):
    return int(proc.stdout().rsplit("allocations=", 1)[1])


def judge(proc, n, timeout=60):
    """True when it failed for lack of memory, and said so."""
    rc = proc.wait(timeout)
    where = f"seed {SEED}, allocation {n}: exit code {rc}\n{proc.stderr()}"
    assert rc in (0, 1, 2), where
    if rc:
        said = [e for e in proc.events() if e.get("level") == "error"]
        assert any("memory" in e.get("text", "") or e.get("status") == "ENOMEM" for e in said), where
    return rc != 0


def tries(total):
    """Allocations to fail: the first ones, where most is set up, and some of all others."""
    return random.Random(SEED).sample(range(total), min(total, TRIES))


def history(world, kind):
    if kind == "candles":
        return world.queue("BTCUSDT", "1h", "2024-05-30", "2024-05-31"), "loader-api-candles"
    return TradeQueue(world, "BTCUSDT", "2024-05-31T00:00Z", "2024-05-31T00:01Z"), "loader-api-trades"


@pytest.mark.parametrize("kind", ["candles", "trades"])
def test_a_history_survives_lack_of_memory(world, kind):
    queue, program = history(world, kind)
    whole = probe(queue, program, NEVER)
    assert not judge(whole, NEVER)
    failures = 0
    for n in tries(allocations(whole)):
        queue, program = history(world, kind)
        failures += judge(probe(queue, program, n), n)
        loader = queue.loader()
        assert loader.wait(60) == 0, loader.stderr()
        queue.check_topic()
    assert failures > 0
    connector = f"arango-{kind}"
    whole = probe(queue, connector, NEVER)
    assert not judge(whole, NEVER)
    for n in tries(allocations(whole)):
        queue, program = history(world, kind)
        loader = queue.loader()
        assert loader.wait(60) == 0, loader.stderr()
        judge(probe(queue, connector, n), n)
        second = queue.connector()
        assert second.wait(60) == 0, second.stderr()
        queue.check_complete()


def test_live_trades_survive_lack_of_memory(world):
    market, failures = LiveMarket(world), 0

    def go(n):
        """Let it run until it has failed, or two seconds of trading are in the topic; then stop it."""
        queue = StreamQueue(world)
        proc = probe(queue, "loader-ws-trades", n)
        for _ in range(20):
            if not proc.is_running():
                break
            market.advance(100)
            proc.popen.poll()
            queue.command("ping")
        queue.command("stop")
        return queue, proc

    queue, whole = go(NEVER)
    assert not judge(whole, NEVER)
    for n in tries(allocations(whole)):
        queue, proc = go(n)
        failures += judge(proc, n)
        loader = queue.loader()
        loader.wait_event("stream_up")
        market.advance(1000)
        last = queue.wait_newest()
        ids = [r["trade_id"] for r in queue.records()]
        assert sorted(set(ids)) == list(range(min(ids), last + 1))
        loader.kill()
    assert failures > 0
