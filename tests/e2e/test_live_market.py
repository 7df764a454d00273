"""loader-ws-trades on sf-exchange's streams: what an exchange does to connections costs no trade and doubles none."""

import pytest
from flow import World
from live_market import STANDING, LiveMarket, StreamQueue


@pytest.fixture
def start(kafka, tmp_path):
    worlds = []

    def make(*args, **settings):
        worlds.append(World(kafka, tmp_path / f"world{len(worlds)}", exchange_args=[*STANDING, *args]))
        queue = StreamQueue(worlds[-1], **settings)
        loader = queue.loader()
        loader.wait_event("stream_up")
        return LiveMarket(worlds[-1]), queue, loader

    yield make
    for w in worlds:
        w.close()


def check(queue):
    """All from the topic's first id to the exchange's newest, each as REST has it; no hole is left."""
    last = queue.wait_newest()
    first = queue.records()[0][queue.ident]
    rows = queue.rows(first, last + 1)
    queue.check_topic(rows)
    gaps = queue.controls("sf-gap")
    assert all(gap["repaired"] for gap in gaps), gaps
    return gaps


@pytest.mark.parametrize("kind", ["trades", "agg_trades"])
def test_cuts_between_and_in_frames_lose_nothing(start, kind):
    market, queue, loader = start("--live-rate", "100", kind=kind)
    market.advance(1000)
    for number, fault in enumerate(["ws_cut", "ws_cut_mid", "ws_cut"]):
        market.faults({"kind": fault, "after": 17, "count": 1}, {"kind": "ws_refuse", "ms": 100 * number})
        market.advance_until(lambda: queue.count("stream_cut") > number, 50, 30, "cut")
        market.advance(2000)
        market.advance_until(lambda: queue.count("stream_up") > number + 1, 10, 30, "new connection")
    gaps = check(queue)
    assert {gap["cause"] for gap in gaps} == {"cut"} and len(gaps) == 3
    assert sum(gap["records"] for gap in gaps) > 3 * 2 * 10  # three cuts of two seconds


def test_frames_lost_doubled_late_and_garbled_are_made_good(start):
    market, queue, loader = start("--live-rate", "100")
    market.faults({"kind": "ws_drop", "after": 50}, {"kind": "ws_duplicate", "after": 31},
                  {"kind": "ws_reorder", "after": 43}, {"kind": "ws_corrupt", "after": 101})
    for _ in range(20):
        market.advance(500)
    market.faults()
    market.advance(1000)
    gaps = check(queue)
    assert {gap["cause"] for gap in gaps} == {"skipped"}
    assert loader.is_running() and not loader.events("stream_cut")


def test_a_shutdown_is_rolled_over_before_it_happens(start):
    market, queue, loader = start("--live-rate", "100")
    market.faults({"kind": "ws_shutdown", "ms": 20000})
    market.advance_until(lambda: market.connections() == 2, 10, 30, "overlap")
    market.advance_until(lambda: loader.events("stream_rolled"), 10, 30, "roll-over")
    market.advance_until(lambda: market.connections() == 1, 10, 30, "end of the old connection")
    market.advance(1000)
    assert check(queue) == [] and not loader.events("stream_cut")
    ids = [r["trade_id"] for r in queue.records()]
    assert len(ids) == len(set(ids))


def test_the_end_of_a_life_is_one_cut(start):
    market, queue, loader = start("--live-rate", "100")
    market.advance(1000)
    queue.wait_newest()
    market.faults({"kind": "ws_roll"})
    loader.wait_event("stream_cut")
    market.advance(1000)
    market.advance_until(lambda: queue.count("stream_up") > 1, 10, 30, "new connection")
    assert [gap["cause"] for gap in check(queue)] == ["cut"]
