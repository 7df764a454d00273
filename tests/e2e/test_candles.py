"""Candles from the exchange through Kafka into the database: the promises of the pair."""

import json
import os
import signal
import time

import pytest
from flow import World, day_ms, http, wait_for


@pytest.fixture
def world(kafka, tmp_path):
    worlds = []

    def make(**args):
        worlds.append(World(kafka, tmp_path / f"world{len(worlds)}", **args))
        return worlds[-1]

    yield make
    for w in worlds:
        w.close()


# ------------------------------------------------------------------------------ the normal run

@pytest.mark.parametrize("interval, first, last", [
    ("1s", "2024-06-01", "2024-06-01"), ("1m", "2024-06-01", "2024-06-03"), ("3m", "2024-06-01", "2024-06-05"),
    ("5m", "2024-02-27", "2024-03-05"), ("15m", "2024-06-01", "2024-06-30"), ("30m", "2024-06-01", "2024-06-30"),
    ("1h", "2024-01-01", "2024-03-31"), ("2h", "2024-01-01", "2024-06-30"), ("4h", "2024-01-01", "2024-06-30"),
    ("6h", "2024-01-01", "2024-12-31"), ("8h", "2024-01-01", "2024-12-31"), ("12h", "2024-01-01", "2024-12-31"),
    ("1d", "2023-01-01", "2024-12-31"), ("3d", "2023-01-01", "2024-12-31"), ("1w", "2022-01-01", "2024-12-31"),
    ("1M", "2020-01-01", "2024-12-31"),
])
def test_every_interval_arrives_digit_for_digit(world, interval, first, last):
    queue = world().queue("BTCUSDT", interval, first, last)
    queue.run_to_end()
    rows = queue.source()
    assert len(rows) > 20
    queue.check_complete(rows)
    coverage = queue.controls("sf-coverage")[-1]
    assert coverage["kind"] == f"candles_{queue.label}"
    assert (coverage["from"], coverage["to"]) == (rows[0][0], rows[-1][0])
    assert queue.controls("sf-gap") == []


def test_decimals_as_text_keep_every_digit(world):
    queue = world().queue("ETHUSDT", "1m", "2024-06-01", "2024-06-02", DECIMALS="text")
    queue.run_to_end()
    queue.check_documents(is_text=True)


def test_instants_as_range_exclude_the_end(world):
    queue = world().queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01",
                          TIME_RANGE="2024-06-01T00:02:00Z/2024-06-01T01:00Z")
    queue.run_to_end()
    assert [r["open_time"] for r in queue.records()] == \
        [day_ms("2024-06-01") + 300000 * i for i in range(1, 12)]


def test_a_range_into_the_future_is_cut_and_says_so(world):
    now = time.gmtime()
    today = time.strftime("%Y-%m-%d", now)
    later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 3 * 86400))
    queue = world().queue("BTCUSDT", "1h", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400)), later)
    queue.run_to_end()
    end = queue.controls("sf-end")[-1]
    assert day_ms(today) <= end["cut_to"] <= int(time.time() * 1000)
    assert end["last"] < end["cut_to"]
    assert all(r["close_time"] < int(time.time() * 1000) for r in queue.records())


def test_second_run_of_a_finished_queue_publishes_nothing_new(world):
    queue = world().queue("BTCUSDT", "15m", "2024-06-01", "2024-06-03")
    queue.run_to_end()
    before = len(queue.records())
    queue.run_to_end()
    assert len(queue.records()) == before
    queue.check_complete()


# ------------------------------------------------------------------------------ holes, listing

def test_holes_are_records_and_rows(world):
    w = world()
    queue = w.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-04")
    begin, end = day_ms("2024-06-02") + 3600000, day_ms("2024-06-02") + 2 * 3600000
    w.faults({"kind": "missing", "symbol": "BTCUSDT", "from": begin, "to": end - 1})
    queue.run_to_end()
    gap, = queue.controls("sf-gap")
    assert gap == {"exchange": "binance", "symbol": "BTCUSDT", "kind": "candles_5m", "from": begin,
                   "to": end - 300000, "cause": "exchange", "repaired": False, "records": 12, "ms": gap["ms"]}
    rows = w.aql("FOR g IN gaps RETURN g")
    assert [r["_key"] for r in rows] == [f"BTCUSDT_candles_5m_{begin}"]
    covered = w.aql("FOR c IN coverage FILTER c.symbol == 'BTCUSDT' AND c.kind == 'candles_5m' AND "
                    "c.from <= @from AND c.to >= @to RETURN c", **{"from": queue.from_ms, "to": queue.to_ms - 300000})
    assert len(covered) == 1
    assert queue.events(status="gap")[0]["extra"]["records"] == 12
    queue.check_complete()  # of what the exchange shows
    assert len(queue.records()) == 4 * 288 - 12


def test_hole_that_the_second_question_fills_is_no_hole(world):
    w = world()
    queue = w.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-02")
    begin = day_ms("2024-06-01") + 3600000
    w.faults({"kind": "missing", "symbol": "BTCUSDT", "from": begin, "to": begin + 599999, "count": 1,
              "path": "limit=1000"})
    queue.run_to_end()
    assert queue.controls("sf-gap") == []
    queue.check_complete()


def test_before_the_listing_is_no_hole(world):
    w = world()
    first = w.klines("BTCUSDT", "1d", 0, 4102444800000)[0][0]
    start = time.strftime("%Y-%m-%d", time.gmtime(first / 1000 - 20 * 86400))
    stop = time.strftime("%Y-%m-%d", time.gmtime(first / 1000 + 20 * 86400))
    queue = w.queue("BTCUSDT", "1h", start, stop)
    queue.run_to_end()
    end = queue.controls("sf-end")[-1]
    assert end["listed_from"] == end["first"] == w.klines("BTCUSDT", "1h", 0, queue.to_ms)[0][0]
    assert queue.controls("sf-gap") == []
    queue.check_complete()


def test_doubled_rows_give_the_final_candle_once(world):
    w = world()
    queue = w.queue("BTCUSDT", "1m", "2024-06-01", "2024-06-02")
    rows = queue.source()
    w.faults({"kind": "duplicates", "symbol": "BTCUSDT", "probability": 0.05})
    queue.run_to_end()
    w.faults()
    queue.check_complete(rows)


# ------------------------------------------------------------------------------ faults of REST

@pytest.mark.parametrize("fault", [
    {"kind": "429", "count": 2, "retry_after": 1}, {"kind": "418", "count": 1, "retry_after": 1},
    {"kind": "5xx", "count": 5}, {"kind": "html", "count": 3}, {"kind": "cut", "count": 3},
    {"kind": "slow", "count": 2, "bytes_per_s": 50000}, {"kind": "delay", "count": 3, "ms": 300},
], ids=lambda f: f["kind"])
def test_faults_of_the_exchange_are_ridden_out(world, fault):
    w = world()
    queue = w.queue("BTCUSDT", "1m", "2024-06-01", "2024-06-04")
    w.faults({**fault, "path": "/api/v3/klines"})
    queue.run_to_end()
    w.faults()
    queue.check_complete()


def test_twenty_loaders_on_one_limit_earn_no_ban(world):
    w = world(exchange_args=["--weight-limit", "1200"])
    queues = [w.queue("BTCUSDT", "1m", "2024-06-01", "2024-06-10") for _ in range(20)]
    procs = [q.loader() for q in queues]
    for proc in procs:
        assert proc.wait(240) == 0, proc.stderr()
    stats = w.exchange.get("/control/stats")[1]
    assert stats["418"] == 0, stats
    for queue in queues[:3]:
        queue.check_topic()


# ------------------------------------------------------------------------------ kills, resume

def test_killed_loader_goes_on_where_its_topic_ends(world):
    w = world()
    queue = w.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01")
    w.faults({"kind": "delay", "ms": 30, "path": "/api/v3/klines"})
    for kill in range(3):
        loader = queue.loader()
        at = (kill + 1) * 15000
        loader.wait_until(lambda: sum(e - b for b, e in w.kafka.offsets(queue.topic).values()) > at
                          if queue.topic in w.kafka.topics() else False, 60, f"{at} records")
        loader.kill()
    w.faults()
    queue.run_to_end()
    queue.check_complete()
    assert queue.records()[-1]["run"] == 4


def test_connector_killed_behind_its_last_commit_finishes(world):
    queue = world().queue("BTCUSDT", "1m", "2024-06-01", "2024-06-02")
    assert queue.loader().wait(60) == 0
    connector = queue.connector()
    end = queue.world.kafka.offsets(queue.topic)[0][1]
    wait_for(lambda: queue.world.kafka.committed(queue.group, queue.topic).get(0) == end or
             not connector.is_running(), 60, "commit of everything")
    connector.kill()
    second = queue.connector()
    assert second.wait(60) == 0, second.stderr()
    assert queue.events(target="arango-candles")[-1]["status"] == "finished"
    queue.check_complete()


def test_killed_connector_loses_and_doubles_nothing(world):
    queue = world().queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01", ARANGO_BATCH_DOCS="200")
    assert queue.loader().wait(60) == 0
    for kill in range(3):
        connector = queue.connector()
        at = (kill + 1) * 15000
        connector.wait_until(lambda: (queue.world.kafka.committed(queue.group, queue.topic).get(0) or 0) > at,
                             60, f"{at} committed")
        connector.kill()
    last = queue.connector()
    assert last.wait(90) == 0, last.stderr()
    queue.check_complete()


def test_database_away_is_waited_for(world):
    w = world()
    queue = w.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01", ARANGO_BATCH_DOCS="200")
    begin = queue.from_ms + 40 * 1000 * 1000  # the window at which the exchange stops to answer
    w.faults({"kind": "5xx", "status": 503, "path": f"startTime={begin}"})
    loader = queue.loader()
    connector = queue.connector()
    connector.wait_until(lambda: (w.kafka.committed(queue.group, queue.topic).get(0) or 0) > 5000, 60, "commits")
    w.store.kill()
    w.faults()
    connector.wait_event("database_away")
    before = connector.rss_kb()
    time.sleep(5)  # the absence itself is what is tested
    assert connector.is_running()
    assert connector.rss_kb() < before + 8192
    assert loader.wait(60) == 0, loader.stderr()
    w.store.start()
    assert connector.wait(90) == 0, connector.stderr()
    queue.check_complete()


def test_expired_topic_is_reported(world):
    w = world()
    queue = w.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-02")
    assert queue.loader().wait(60) == 0
    w.kafka.delete_records(queue.topic, 0, 100)
    connector = queue.connector()
    assert connector.wait(60) == 1
    error, = connector.events("failed")
    assert "offsets 0 to 99 expired" in error["text"]
    assert queue.events(target="arango-candles")[-1]["status"] == "error"
    gap, = w.aql("FOR g IN gaps RETURN g")
    assert (gap["cause"], gap["from"], gap["to"], gap["records"]) == ("retention", 0, 99, 100)


# ------------------------------------------------------------------------------ commands

def test_stop_ends_both_in_order(world):
    w = world()
    queue = w.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-03")
    w.faults({"kind": "delay", "ms": 200, "path": "/api/v3/klines"})
    loader, connector = queue.loader(), queue.connector()
    connector.wait_until(lambda: queue.events(target="arango-candles", status="loading"), 60, "work")
    wait_for(lambda: w.kafka.offsets(queue.topic)[0][1] > 5000, 60, "records")
    began = time.monotonic()
    queue.command("stop")
    assert loader.wait(10) == 0, loader.stderr()
    assert time.monotonic() - began < 3
    assert connector.wait(60) == 0, connector.stderr()
    for target in ("loader-api-candles", "arango-candles"):
        last = queue.events(target=target)[-1]
        assert (last["status"], last["finished"]) == ("interrupted", True)
        assert [e["finished"] for e in queue.events(target=target)].count(True) == 1
    assert queue.events(target="arango-candles")[-1]["extra"]["lag"] == 0
    assert queue.controls("sf-end") == []
    assert len(queue.documents()) == len({r["open_time"] for r in queue.records()})
    w.faults()
    queue.run_to_end(timeout=120)
    queue.check_complete()


def test_stop_waits_for_the_partitions_of_another_that_hangs(world):
    queue = world().queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01", TOPIC_PARTITIONS="2")
    procs = [queue.connector() for _ in range(2)]

    def holders():  # of partition 0 and of partition 1; the broker may hand them over once more
        held = [[e["partition"] for e in p.events("assigned")][-1:] for p in procs]
        return [procs[held.index([part])] for part in "01"] if sorted(held) == [["0"], ["1"]] else None
    ours, others = wait_for(holders, 60, "a partition for each")
    ours.signal(signal.SIGSTOP)
    assert queue.loader().wait(60) == 0
    assert queue.world.kafka.offsets(queue.topic)[0][1] > 86400  # all candles are in partition 0
    queue.command("stop", target="arango-candles")
    assert others.wait(60) == 0, others.stderr()
    ours.kill()
    queue.check_documents(queue.source())


def test_pause_and_resume_hold_the_loader(world):
    w = world()
    queue = w.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01")
    w.faults({"kind": "delay", "ms": 100, "path": "/api/v3/klines"})
    loader = queue.loader()
    wait_for(lambda: queue.topic in w.kafka.topics() and w.kafka.offsets(queue.topic)[0][1] > 2000, 60, "records")
    queue.command("pause", target="loader-api-candles")
    wait_for(lambda: queue.events(status="paused"), 10, "paused")
    wait_for(lambda: queue.world.kafka.offsets(queue.topic) == (time.sleep(0.7), queue.world.kafka.offsets(queue.topic))[1],
             10, "stillness")
    held = w.kafka.offsets(queue.topic)[0][1]
    queue.command("ping")
    wait_for(lambda: queue.events(status="pong"), 10, "pong")
    pong = queue.events(status="pong")[0]
    assert (pong["extra"]["command_id"], pong["records_written"]) == ("cmd__test", len(queue.records()))
    assert [e["command"] for e in loader.events("command")] == ["pause", "ping"]
    assert w.kafka.offsets(queue.topic)[0][1] == held
    queue.command("resume")
    w.faults()
    assert loader.wait(60) == 0, loader.stderr()
    queue.check_topic()


def test_command_for_others_does_nothing(world):
    w = world()
    queue = w.queue("BTCUSDT", "1m", "2024-06-01", "2024-06-05")
    w.faults({"kind": "delay", "ms": 100, "path": "/api/v3/klines"})
    loader = queue.loader()
    wait_for(lambda: queue.events(status="started"), 30, "started")
    queue.command("stop", target="arango-candles")
    queue.command("stop", symbol="ETHUSDT")
    queue.command("stop", telemetry_id="loader-api-candles__other1")
    w.kafka.produce("queue-control", [b"no json", b'{"command":"explode","queue_id":"*"}'])
    assert loader.wait(60) == 0, loader.stderr()
    queue.check_topic()


def test_sigterm_is_143_and_interrupted(world):
    w = world()
    queue = w.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01")
    w.faults({"kind": "delay", "ms": 200, "path": "/api/v3/klines"})
    loader, connector = queue.loader(), queue.connector()
    wait_for(lambda: queue.events(target="arango-candles", status="started"), 60, "both")
    wait_for(lambda: queue.topic in w.kafka.topics() and w.kafka.offsets(queue.topic)[0][1] > 2000, 60, "records")
    assert loader.stop() == 143
    assert connector.stop() == 143
    for target in ("loader-api-candles", "arango-candles"):
        assert queue.events(target=target)[-1]["status"] == "interrupted"
    w.faults()
    queue.run_to_end(timeout=90)
    queue.check_complete()


# ------------------------------------------------------------------------------ bad records

def test_bad_records_become_dead_letters(world):
    w = world()
    queue = w.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01")
    good = {"_key": "BTCUSDT_5m_1", "exchange": "binance", "symbol": "BTCUSDT", "source": "rest", "run": 1,
            "interval": "5m", "open_time": 1, "close_time": 2, "open": "1.0", "high": "1.0", "low": "1.0",
            "close": "1.0", "volume": "1.0", "quote_asset_volume": "1.0", "number_of_trades": 1,
            "taker_buy_base_asset_volume": "1.0", "taker_buy_quote_asset_volume": "1.0", "closed": True,
            "version": 9007199254740991}
    bad = [b"", b"{", b"[]", json.dumps({**good, "open": 1.5}).encode(), json.dumps({**good, "open": "1e5"}).encode(),
           json.dumps({**good, "_key": ""}).encode(), json.dumps({k: v for k, v in good.items() if k != "high"}).encode(),
           json.dumps({**good, "_key": "no/good"}).encode()]
    w.kafka.create_topic(queue.topic)
    w.kafka.produce(queue.topic, [(b"BTCUSDT", json.dumps(good).encode()), *[(b"BTCUSDT", b) for b in bad]])
    connector = queue.connector()
    wait_for(lambda: f"{queue.topic}-dlq" in w.kafka.topics() and
             len(w.kafka.read_topic(f"{queue.topic}-dlq")) == len(bad), 60, "dead letters")
    letters = w.kafka.read_topic(f"{queue.topic}-dlq")
    offsets = sorted(int(dict(letter.headers)["offset"]) for letter in letters)
    assert offsets == list(range(1, len(bad) + 1))
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["reason"] and headers["topic"].decode() == queue.topic
    assert any(int(dict(letter.headers)["error_num"]) == 1221 for letter in letters)
    w.kafka.produce(queue.topic, [(b"BTCUSDT", None, [("sf-end", b'{"records":1,"first":1,"last":1}')])])
    assert connector.wait(60) == 0, connector.stderr()
    assert [d["_key"] for d in queue.documents()] == ["BTCUSDT_5m_1"]


def test_records_of_a_replaced_process_are_skipped(world):
    w = world()
    queue = w.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01")
    assert queue.loader().wait(60) == 0
    rows = queue.source()
    w.kafka.delete_topic(queue.topic)
    w.kafka.create_topic(queue.topic)
    base = {"_key": f"BTCUSDT_5m_{rows[0][0]}", "exchange": "binance", "symbol": "BTCUSDT", "source": "rest",
            "interval": "5m", "open_time": rows[0][0], "close_time": 2, "high": "1", "low": "1", "close": "1",
            "volume": "1", "quote_asset_volume": "1", "number_of_trades": 1, "taker_buy_base_asset_volume": "1",
            "taker_buy_quote_asset_volume": "1", "closed": False}
    w.kafka.produce(queue.topic, [(b"BTCUSDT", json.dumps({**base, "run": run, "open": f"{version}.0",
                                                           "version": version}).encode())
                                  for run, version in ((1, 1), (2, 2), (1, 3))]
                    + [(b"BTCUSDT", None, [("sf-end", b'{"records":1,"first":1,"last":1}')])])
    connector = queue.connector()
    assert connector.wait(60) == 0, connector.stderr()
    doc, = queue.documents()
    assert doc["open"] == 2.0
    assert queue.events(target="arango-candles")[-1]["extra"]["skipped"] == 1


def test_a_process_that_was_thought_dead_goes_on(world):
    """Two loaders of one queue: the newer one dies, the older one, frozen until then, goes on to the end."""
    w = world()
    queue = w.queue("BTCUSDT", "1m", "2024-06-01", "2024-06-20", PAGES_IN_FLIGHT="1")
    w.faults({"kind": "delay", "ms": 200, "path": "/api/v3/klines"})
    connector, older = queue.connector(), queue.loader()

    def count():
        return w.kafka.offsets(queue.topic)[0][1] if queue.topic in w.kafka.topics() else 0

    wait_for(lambda: count() > 4000, 60, "records of the first")
    os.kill(older.popen.pid, signal.SIGSTOP)
    at = count()
    newer = queue.loader()
    wait_for(lambda: count() > at + 4000, 60, "records of the second")
    os.kill(older.popen.pid, signal.SIGCONT)
    newer.kill()
    w.faults()
    assert older.wait(60) == 0, older.stderr()
    assert connector.wait(60) == 0, connector.stderr()
    queue.check_documents()


def test_a_range_that_begins_before_the_topic_is_refused(world):
    queue = world().queue("BTCUSDT", "1h", "2024-06-01", "2024-06-02")
    queue.run_to_end()
    loader = queue.loader(TIME_RANGE="2024-05-31:2024-06-02")
    assert loader.wait(60) == 1, loader.stderr()
    error, = loader.events("failed")
    assert "TIME_RANGE='2024-05-31:2024-06-02' begins before the topic" in error["text"]
    assert queue.events(target="loader-api-candles")[-1]["status"] == "error"
    assert {c["from"] for c in queue.controls("sf-coverage")} == {queue.from_ms}


# ------------------------------------------------------------------------------ several partitions

def test_partitions_and_members_share_a_queue(world):
    queue = world().queue("BTCUSDT", "1m", "2024-06-01", "2024-06-03", TOPIC_PARTITIONS="3")
    first, second = queue.connector(), queue.connector()
    assert queue.loader().wait(60) == 0
    assert first.wait(90) == 0, first.stderr()
    assert second.wait(90) == 0, second.stderr()
    queue.check_complete()
    assert len(queue.controls("sf-end")) == 3


# ------------------------------------------------------------------------------ admin

def test_health_and_metrics_tell_the_truth(world):
    w = world()
    queue = w.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-01", ADMIN_LISTEN="127.0.0.1:0")
    w.faults({"kind": "delay", "ms": 100, "path": "/api/v3/klines"})
    loader, connector = queue.loader(), queue.connector()
    urls = [f"http://127.0.0.1:{p.wait_event('admin_listening')['port']}" for p in (loader, connector)]
    for url in urls:
        wait_for(lambda: http("GET", url + "/health/ready")[0] == 200, 30, "readiness")
        assert http("GET", url + "/health/live")[0] == 200
    wait_for(lambda: "records_sent_total{" in http("GET", urls[0] + "/metrics")[1], 30, "metrics")
    loader.signal(signal.SIGSTOP)
    w.store.kill()
    loader.signal(signal.SIGCONT)
    wait_for(lambda: http("GET", urls[1] + "/health/ready")[0] == 503, 30, "not ready")
    w.store.start()
    wait_for(lambda: http("GET", urls[1] + "/health/ready")[0] == 200, 30, "readiness again")
    w.faults()
    assert loader.wait(60) == 0 and connector.wait(90) == 0
    queue.check_complete()
