"""Live trades: whatever happens to the streams, each id arrives once, in order, with the exchange's digits."""

import time

import pytest
from flow import World, wait_for
from live_front import LiveFront
from live_queue import DAY, LiveQueue


@pytest.fixture
def world(kafka, tmp_path):
    worlds = []

    def make(**args):
        worlds.append(World(kafka, tmp_path / f"world{len(worlds)}", **args))
        return worlds[-1]

    yield make
    for w in worlds:
        w.close()


@pytest.fixture
def live(world):
    queues = []

    def make(**args):
        queues.append(LiveQueue(world(), **args))
        queues[-1].front.__enter__()
        return queues[-1]

    yield make
    for queue in queues:
        queue.kill()
        queue.front.__exit__(None, None, None)


# ----------------------------------------------------------------------------- the normal run

@pytest.mark.parametrize("kind", ["trades", "agg_trades"])
def test_what_the_stream_shows_arrives_digit_for_digit(live, kind):
    queue = live(kind=kind)
    loader, connector = queue.loader(), queue.connector()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 500)
    queue.wait_count(500)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    assert connector.wait(30) == 0, connector.stderr()
    queue.check(500)
    queue.check_documents(queue.rows(queue.first_id, queue.first_id + 500))
    assert queue.gaps() == []
    coverage = queue.controls("sf-coverage")[-1]
    assert (coverage["from"], coverage["to"], coverage["kind"]) == (queue.first_id, queue.first_id + 499, kind)
    assert {r["source"] for r in queue.records()} == {"ws"}


def test_many_symbols_in_one_process_keep_apart(world):
    symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    queue = LiveQueue(world(), SYMBOL=",".join(symbols), GROUP="MAJORS")
    queue.name_after("ws_trades", DAY[:10])
    firsts = {}
    for symbol in symbols:
        queue.symbol = symbol
        firsts[symbol] = queue.id_at(queue.from_ms)
    with LiveFront(queue.world.exchange.url, firsts) as queue.front:
        loader = queue.loader()
        queue.listening(loader)
        for turn in range(5):
            for symbol in symbols:
                queue.front.advance(symbol, 40, dropped=[turn * 7 + 1] if symbol == "ETHUSDT" else ())
        for symbol in symbols:
            queue.front.advance(symbol, 1)
            queue.symbol, queue.first_id = symbol, firsts[symbol]
            queue.wait_count(201)
            queue.check(201)
        queue.kill()
    assert {gap["symbol"] for gap in queue.controls("sf-gap")} == {"ETHUSDT"}
    assert len(queue.world.kafka.partitions(queue.topic)) == 3


# ----------------------------------------------------------------------------- holes

def test_every_hole_is_filled_in_order_and_told(live):
    queue = live()
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 100)
    queue.wait_count(100)
    queue.front.advance("BTCUSDT", 100, dropped=range(10, 30), doubled=range(40, 50))
    queue.wait_count(200)
    assert queue.gaps() == [(110, 129, "skipped", True)]
    gap = queue.controls("sf-gap")[0]
    assert gap["records"] == 20 and 0 <= gap["ms"] < 30000
    queue.check(200)
    assert [r["trade_id"] - queue.first_id for r in queue.records() if r["source"] == "backfill"] == list(range(110, 130))
    assert queue.events(status="gap")[0]["extra"]["repaired"] is True


def test_a_cut_is_repaired_at_once(live):
    queue = live()
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(50)
    queue.front.cut()
    queue.front.advance("BTCUSDT", 2500)
    queue.listening(loader, at=2)
    queue.wait_count(2550)  # nothing has happened since: REST was asked without waiting for a frame
    queue.front.advance("BTCUSDT", 5)
    queue.wait_count(2555)
    queue.check(2555)
    assert queue.gaps() == [(50, 2549, "cut", True)]


def test_a_cut_without_a_miss_is_no_gap(live):
    queue = live()
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(50)
    queue.front.cut()
    queue.listening(loader, at=2)
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(100)
    assert queue.gaps() == []
    queue.check(100)


def test_ids_that_rest_shows_late_are_waited_for(live):
    queue = live()
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.front.rest_lag["BTCUSDT"] = 60
    queue.front.advance("BTCUSDT", 50, dropped=range(10, 20))
    queue.wait_count(60)
    time.sleep(1)  # the absence itself is what is tested
    assert queue.gaps() == [] and queue.count() == 60
    queue.front.rest_lag.clear()
    queue.wait_count(100)
    assert queue.gaps() == [(60, 69, "skipped", True)]
    queue.check(100)


def test_rest_that_is_down_holds_the_symbol_and_nothing_is_lost(live):
    queue = live(RETRY_LIMIT_S="1", LIVE_BUFFER_KB="16")
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(50)
    queue.front.rest_down = True
    queue.front.advance("BTCUSDT", 1000, dropped=[10])  # more than the buffer holds
    loader.wait_event("held_dropped")
    loader.wait_event("repair_failed")
    assert queue.count() == 60
    queue.front.rest_down = False
    queue.wait_count(1050, timeout=60)
    queue.check(1050)
    repaired = [(a, b) for a, b, _, is_repaired in queue.gaps() if is_repaired]
    assert repaired[0][0] == 60 and len(queue.gaps()) == len(repaired)


def test_bad_frames_are_counted_and_the_stream_goes_on(live):
    queue = live(ADMIN_LISTEN="")
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 10)
    good = queue.front.frame("BTCUSDT", queue.front.row("BTCUSDT", queue.front.now["BTCUSDT"]))
    for text in ["", "{", "[]", "null", '{"result":null,"id":1}', '{"error":{"code":2,"msg":"x"},"id":1}', good[:-1],
                 good[:-30] + "}}", good.replace('"p":"', '"p":"x'), good.replace('"t":', '"t":-'),
                 good.replace("btcusdt@trade", "xrpusdt@trade"), good.replace('"e":"trade"', '"e":"news"'),
                 '{"stream":"btcusdt@trade","data":{}}', '{"stream":"btcusdt@trade"}', '{"e":"other"}']:
        queue.front.say(text)
    queue.front.advance("BTCUSDT", 10)
    queue.wait_count(20)
    assert loader.is_running() and loader.events("bad_event")
    queue.check(20)


# ----------------------------------------------------------------------------- roll-over, pause, kills

def test_a_shutdown_notice_rolls_over_without_loss_or_double(live):
    queue = live()
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.front.shutdown()
    loader.wait_until(lambda: len(queue.front.open_connections()) == 2, 30, "the second connection")
    old, new = queue.front.open_connections()
    queue.front.advance("BTCUSDT", 50)
    queue.front.advance("BTCUSDT", 50, connections=[old])
    for _ in range(20):  # the new one is ahead of the old one, and the other way round
        queue.front.advance("BTCUSDT", 1, connections=[new])
        queue.front.advance("BTCUSDT", 1, connections=[old])
    loader.wait_event("stream_rolled")
    wait_for(lambda: queue.front.open_connections() == [new], 10, "the old one to go")
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(240)
    queue.check(240)
    ids = [r["trade_id"] for r in queue.records()]
    assert len(ids) == len(set(ids))
    assert not loader.events("stream_cut")


def test_connections_are_replaced_by_age(live):
    queue = live(WS_ROLLOVER="1")
    loader = queue.loader()
    queue.listening(loader)
    for _ in range(100):
        queue.front.advance("BTCUSDT", 5)
        if len(loader.events("stream_rolled")) >= 2:
            break
        time.sleep(0.1)  # a market goes on while time passes
    assert len(loader.events("stream_rolled")) >= 2 and not loader.events("stream_cut")
    count = queue.front.now["BTCUSDT"] - queue.first_id
    queue.wait_count(count)
    queue.check(count)
    assert queue.gaps() == []


def test_a_pause_is_a_gap_that_resume_repairs(live):
    queue = live()
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(50)
    queue.command("pause")
    wait_for(lambda: queue.events(status="paused"), 10, "paused")
    wait_for(lambda: not queue.front.open_connections(), 10, "no connection")
    queue.front.advance("BTCUSDT", 200)
    assert queue.count() == 50
    queue.command("resume")
    queue.wait_count(250)
    queue.check(250)
    assert queue.gaps() == [(50, 249, "paused", True)]


def test_killed_processes_lose_and_double_nothing(live):
    queue = live()
    for kill in range(3):
        loader, connector = queue.loader(), queue.connector()
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 300, dropped=range(200, 230))
        queue.wait_count(kill * 400 + 200)
        loader.kill()
        connector.kill()
        queue.front.advance("BTCUSDT", 100)
    loader, connector = queue.loader(), queue.connector()
    queue.wait_count(1200)
    queue.front.advance("BTCUSDT", 1)
    queue.wait_count(1201)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    assert connector.wait(60) == 0, connector.stderr()
    queue.check(1201)
    queue.check_documents(queue.rows(queue.first_id, queue.first_id + 1201))
    assert {cause for _, _, cause, _ in queue.gaps()} <= {"restart", "skipped"}
    assert all(is_repaired for _, _, _, is_repaired in queue.gaps())
    assert queue.events(target="loader-ws-trades")[-1]["status"] == "interrupted"


# ----------------------------------------------------------------------------- Kafka, symbols

def test_kafka_away_costs_no_record_and_no_memory(own_kafka, tmp_path):
    world = World(own_kafka, tmp_path / "world")
    queue = LiveQueue(world, PRODUCER_QUEUE_KB="64", LIVE_BUFFER_KB="64")
    try:
        with queue.front:
            loader = queue.loader()
            queue.listening(loader)
            queue.front.advance("BTCUSDT", 100)
            queue.wait_count(100)
            own_kafka.kill()
            before = loader.rss_kb()
            queue.front.advance("BTCUSDT", 3000)  # far more than both queues hold
            loader.wait_event("held_dropped")
            assert loader.is_running() and loader.rss_kb() < before + 8192
            own_kafka.resume()
            queue.front.advance("BTCUSDT", 10)
            queue.wait_count(3110, timeout=60)
            queue.check(3110)
            assert all(is_repaired and cause == "full" for _, _, cause, is_repaired in queue.gaps())
    finally:
        world.close()


def test_a_symbol_that_does_not_exist_hurts_no_other(world):
    queue = LiveQueue(world(), SYMBOL="NOPEUSDT,BTCUSDT,NADAUSDT", GROUP="SOME")
    with queue.front:
        loader = queue.loader()
        queue.listening(loader)
        queue.front.advance("BTCUSDT", 100)
        queue.wait_count(100)
        queue.check(100)
        loader.wait_until(lambda: len(loader.events("symbol_silent")) == 2, 30, "both to be told")
        assert loader.is_running()
        queue.kill()
    told = " ".join(e["text"] for e in loader.events("symbol_silent"))
    assert "NOPEUSDT" in told and any(e.get("symbol") == "NADAUSDT" for e in loader.events("symbol_silent"))
