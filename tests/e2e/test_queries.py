"""The queries of docs/QUERIES.md over what queues have stored. (Books: test_live_books.py.)"""

import pytest
from aql import documented
from flow import DAY_MS, World, day_ms

COMPLETE = documented("Is a range complete?")
STEP = 3600000


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path / "world")
    yield w
    w.close()


def ask(world, first, last, symbol="BTCUSDT"):
    """Of whole days, both included."""
    row, = world.aql(COMPLETE, **{"exchange": "binance", "symbol": symbol, "kind": "candles_1h", "step": STEP,
                                  "from": day_ms(first), "to": day_ms(last) + DAY_MS - STEP})
    return row


def test_a_range_is_complete_when_several_queues_have_brought_it(world):
    """No loader ran in the middle; then one brings what is missing."""
    for first, last in (("2024-06-01", "2024-06-03"), ("2024-06-06", "2024-06-08")):
        world.queue("BTCUSDT", "1h", first, last).run_to_end()
    hole = {"from": day_ms("2024-06-04") - STEP, "to": day_ms("2024-06-06")}
    assert ask(world, "2024-06-01", "2024-06-08") == {"complete": False, "uncovered": [hole], "missing": []}
    assert ask(world, "2024-06-01", "2024-06-03")["complete"] and ask(world, "2024-06-07", "2024-06-07")["complete"]
    assert ask(world, "2024-06-08", "2024-06-09")["uncovered"] == [{"from": day_ms("2024-06-09") - STEP, "to": None}]
    assert not ask(world, "2024-06-01", "2024-06-03", "ETHUSDT")["complete"]
    world.queue("BTCUSDT", "1h", "2024-06-04", "2024-06-05").run_to_end()
    assert ask(world, "2024-06-01", "2024-06-08") == {"complete": True, "uncovered": [], "missing": []}


def test_candles_that_the_exchange_does_not_have_are_missing(world):
    lost = day_ms("2024-06-02") + 5 * STEP
    world.faults({"kind": "missing", "symbol": "BTCUSDT", "from": lost, "to": lost + 3 * STEP - 1})
    world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-03").run_to_end()
    answer = ask(world, "2024-06-01", "2024-06-03")
    assert not answer["complete"] and answer["uncovered"] == []
    assert [(g["from"], g["to"], g["records"], g["cause"]) for g in answer["missing"]] == [(lost, lost + 2 * STEP, 3, "exchange")]
    assert ask(world, "2024-06-01", "2024-06-01")["complete"] and ask(world, "2024-06-03", "2024-06-03")["complete"]
