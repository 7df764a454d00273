"""Where a queue ends: ranges that are extended, restarts of finished queues, records that are none of it."""

import json
import time

import pytest
from flow import World, wait_for

LOADER, CONNECTOR = "loader-api-candles", "arango-candles"


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path)
    yield w
    w.close()


def candle(open_time, **changes):
    return {"_key": f"BTCUSDT_1h_{open_time}", "exchange": "binance", "symbol": "BTCUSDT", "source": "rest", "run": 1,
            "interval": "1h", "open_time": open_time, "close_time": open_time + 3599999, "open": "1.0", "high": "1.0",
            "low": "1.0", "close": "1.0", "volume": "1.0", "quote_asset_volume": "1.0", "number_of_trades": 1,
            "taker_buy_base_asset_volume": "1.0", "taker_buy_quote_asset_volume": "1.0", "closed": True,
            "version": 9007199254740991, **changes}


def test_an_extended_range_is_stored_to_its_new_end(world):
    """The connector comes first and finds the end record of the shorter range only."""
    short = world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-01")
    short.run_to_end()
    queue = world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-03", QUEUE_ID=short.id)
    queue.id, queue.topic = short.id, short.topic
    connector = queue.connector()
    connector.wait_event("end_passed_over")
    time.sleep(1)  # ten looks at the end: that it goes on waiting is what is tested
    assert connector.is_running()
    loader = queue.loader()
    assert loader.wait(60) == 0, loader.stderr()
    assert connector.wait(60) == 0, connector.stderr()
    queue.check_complete()
    assert [end["records"] for end in queue.controls("sf-end")] == [24, 72]
    assert [end["to"] for end in queue.controls("sf-end")] == [short.to_ms, queue.to_ms]
    again = queue.connector()  # and one that begins behind both ends
    assert again.wait(60) == 0, again.stderr()


def test_a_restart_of_a_finished_queue_writes_nothing(world):
    queue = world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-02")
    queue.run_to_end()
    before = world.kafka.offsets(queue.topic)
    queue.run_to_end()
    queue.run_to_end()
    assert world.kafka.offsets(queue.topic) == before
    assert [e["extra"]["percent"] for e in queue.events(target=LOADER, status="finished")] == [100, 100, 100]
    queue.check_complete()


def test_what_is_no_record_and_no_end_is_neither_obeyed_nor_counted(world):
    """In front of the queue stand a record without prices, far ahead, and an end that is none."""
    queue = world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-02")
    garbage = candle(4000000000000, run=7)
    del garbage["open"]
    world.kafka.create_topic(queue.topic)
    world.kafka.produce(queue.topic, [(b"BTCUSDT", json.dumps(garbage).encode()),
                                      (b"BTCUSDT", None, [("sf-end", b"[]")])])
    connector = queue.connector()
    wait_for(lambda: f"{queue.topic}-dlq" in world.kafka.topics() and
             len(world.kafka.read_topic(f"{queue.topic}-dlq")) == 2, 60, "dead letters")
    loader = queue.loader()
    assert loader.wait(60) == 0, loader.stderr()
    assert connector.wait(60) == 0, connector.stderr()
    queue.check_documents()
    letters = {letter.value: dict(letter.headers)["reason"].decode()
               for letter in world.kafka.read_topic(f"{queue.topic}-dlq")}
    assert set(letters) == {json.dumps(garbage).encode(), b"[]"}
    assert "expected a JSON object" in letters[b"[]"]
    assert len(queue.records()) == 1 + 48 and queue.records()[-1]["run"] == 1
    end = [e for e in queue.controls("sf-end") if e]
    assert [e["records"] for e in end] == [48]


def test_a_topic_of_another_type_is_an_error_also_after_a_restart(world):
    queue = world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-01")
    assert queue.loader().wait(60) == 0
    for times in (1, 2):
        wrong = queue.start("arango-trades", TYPE="api_trades", QUEUE_ID=queue.id.replace("candles_1h", "trades"),
                            KAFKA_TOPIC=queue.topic)
        assert wrong.wait(60) == 1, wrong.stderr()
        error, = wrong.events("failed")
        assert f"topic {queue.topic}: none of its 24 records could be stored" in error["text"]
        assert "TYPE='api_trades'" in error["text"]
        last = [e for e in map(lambda r: json.loads(r.value), world.kafka.read_topic("queue-events"))
                if e["target"] == "arango-trades"][-1]
        assert (last["status"], last["finished"], last["error_message"]) == ("error", True, error["text"])
        assert len(world.kafka.read_topic(f"{queue.topic}-dlq")) == 24 * times
    connector = queue.connector()
    assert connector.wait(60) == 0, connector.stderr()
    queue.check_complete()
