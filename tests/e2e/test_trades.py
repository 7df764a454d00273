"""Trades of a range from the exchange through Kafka into the database."""

import time

import pytest
from flow import World, wait_for
from rest_proxy import RestProxy
from trades import TradeQueue


@pytest.fixture
def world(kafka, tmp_path):
    worlds = []

    def make(**args):
        worlds.append(World(kafka, tmp_path / f"world{len(worlds)}", **args))
        return worlds[-1]

    yield make
    for w in worlds:
        w.close()


def hours(world, n, kind="trades", **settings):
    return TradeQueue(world, "BTCUSDT", "2024-06-01T10:00Z", f"2024-06-01T{10 + n}:00Z", kind, **settings)


def message_count(queue):
    kafka = queue.world.kafka
    return sum(e - b for b, e in kafka.offsets(queue.topic).values()) if queue.topic in kafka.topics() else 0


# ------------------------------------------------------------------------------ the normal run

@pytest.mark.parametrize("kind", ["trades", "agg_trades"])
def test_every_trade_arrives_digit_for_digit(world, kind):
    queue = hours(world(), 1, kind)
    queue.run_to_end()
    rows = queue.source()
    stamp = "time" if kind == "trades" else "T"
    assert len(rows) > 3000
    assert queue.from_ms <= rows[0][stamp] and rows[-1][stamp] < queue.to_ms
    queue.check_complete(rows)
    coverage = queue.controls("sf-coverage")[-1]
    assert coverage["kind"] == kind
    assert (coverage["from"], coverage["to"]) == (rows[0][queue.row_ident], rows[-1][queue.row_ident])
    assert queue.controls("sf-gap") == []
    assert queue.controls("sf-end")[-1]["listed_from"] is None
    covered = queue.world.aql("FOR c IN coverage FILTER c.kind == @k RETURN [c.from, c.to]", k=kind)
    assert covered == [[coverage["from"], coverage["to"]]]


def test_decimals_as_text_keep_every_digit(world):
    queue = hours(world(), 1, DECIMALS="text")
    queue.run_to_end()
    queue.check_documents(is_text=True)


def test_second_run_of_a_finished_queue_publishes_nothing_new(world):
    queue = hours(world(), 1)
    queue.run_to_end()
    before = len(queue.records())
    queue.run_to_end()
    assert len(queue.records()) == before
    queue.check_complete()


# ------------------------------------------------------------------------------- the range's ends

def test_a_range_into_the_future_is_cut_and_says_so(world):
    w = world()
    form = "%Y-%m-%dT%H:%MZ"
    queue = TradeQueue(w, "BTCUSDT", time.strftime(form, time.gmtime(time.time() - 600)),
                       time.strftime(form, time.gmtime(time.time() + 86400)))
    queue.run_to_end()
    end = queue.controls("sf-end")[-1]
    assert queue.from_ms < end["cut_to"] <= int(time.time() * 1000)
    rows = queue.rows(queue.id_at(queue.from_ms), queue.id_at(end["cut_to"]))
    assert len(rows) > 100
    queue.check_complete(rows)


def test_before_the_listing_is_no_hole(world):
    w = world()
    status, page = w.exchange.get("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=0&limit=1")
    assert status == 200, page
    form, first_s = "%Y-%m-%dT%H:%MZ", page[0]["time"] / 1000
    queue = TradeQueue(w, "BTCUSDT", time.strftime(form, time.gmtime(first_s - 20 * 86400)),
                       time.strftime(form, time.gmtime(first_s + 1800)))
    queue.run_to_end()
    assert queue.controls("sf-end")[-1]["listed_from"] == page[0]["time"]
    assert queue.controls("sf-gap") == []
    queue.check_complete()


def test_a_range_wholly_before_the_listing_is_an_error(world):
    queue = TradeQueue(world(), "BTCUSDT", "2012-06-01T10:00Z", "2012-06-02T10:00Z")
    loader = queue.loader()
    assert loader.wait(30) == 1
    error, = loader.events("failed")
    assert "no trade between 2012-06-01T10:00:00.000Z and 2012-06-02T10:00:00.000Z" in error["text"]


# ------------------------------------------------------------------------------ oddities of REST

def test_missing_ids_are_asked_twice_and_become_a_gap(world):
    queue = hours(world(), 1)
    rows = queue.source()
    lost = {row["id"] for row in rows[1500:1512] + rows[2500:5000]}

    def drop(path, query, page):
        if not path.endswith("historicalTrades"):
            return page
        status, more = queue.world.exchange.get(
            f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={query['fromId']}&limit=1000")
        there = [row for row in more if row["id"] not in lost]
        if not there:  # the exchange goes on behind the hole
            there = queue.rows(max(lost) + 1, max(lost) + 1001)
        return there[:int(query["limit"])]

    with RestProxy(queue.world.exchange.url, drop) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
    queue.check_complete([row for row in rows if row["id"] not in lost])
    gaps = [(g["from"], g["to"], g["cause"], g["repaired"], g["records"]) for g in queue.controls("sf-gap")]
    assert gaps == [(rows[1500]["id"], rows[1511]["id"], "exchange", False, 12),
                    (rows[2500]["id"], rows[4999]["id"], "exchange", False, 2500)]
    assert len(queue.world.aql("FOR g IN gaps FILTER g.kind == 'trades' RETURN g")) == 2


def test_ids_that_the_second_answer_has_are_no_hole(world):
    queue = hours(world(), 1)
    short = []

    def shorten_once(path, query, page):
        if path.endswith("historicalTrades") and len(page) == 1000 and not short:
            short.append(page[600]["id"])
            return page[:600]
        return page

    with RestProxy(queue.world.exchange.url, shorten_once) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
    assert queue.controls("sf-gap") == []
    assert ["fromId", str(short[0])] in [["fromId", q.get("fromId")] for _, q in proxy.asked]
    queue.check_complete()


def test_voided_aggregates_are_dropped_and_counted(world):
    queue = hours(world(), 1, "agg_trades")
    rows = queue.source()
    voided = {row["a"] for row in rows[:3] + rows[1000:1005] + rows[-2:]}

    def void(path, query, page):
        if not path.endswith("aggTrades"):
            return page
        return [{**row, "p": "0", "q": "0", "f": -1, "l": -1} if row["a"] in voided else row for row in page]

    with RestProxy(queue.world.exchange.url, void) as proxy:
        queue.run_to_end(BINANCE_API_URL=proxy.url)
    queue.check_complete([row for row in rows if row["a"] not in voided])
    assert queue.controls("sf-gap") == []
    assert [e["records"] for e in queue.procs[0].events("voided")] == ["5"]


@pytest.mark.parametrize("fault, said", [
    ({"status": 404}, "historicalTrades"),
    ({"status": 401}, "BINANCE_API_KEY"),
], ids=["absent", "key"])
def test_a_host_without_the_endpoint_is_one_clear_error(world, fault, said):
    queue = hours(world(), 1)

    def refuse(path, query, page):
        if path.endswith("historicalTrades"):
            return fault["status"], {"code": -2015, "msg": "no"} if fault["status"] == 401 else "<html></html>"
        return page

    with RestProxy(queue.world.exchange.url, refuse) as proxy:
        loader = queue.loader(BINANCE_API_URL=proxy.url)
        assert loader.wait(30) == 1
    error, = loader.events("failed")
    assert said in error["text"] and f"HTTP {fault['status']}" in error["text"]
    last = queue.events(target="loader-api-trades")[-1]
    assert last["status"] == "error" and last["error_message"] == error["text"]


@pytest.mark.parametrize("fault", [
    {"kind": "429", "count": 2, "retry_after": 1}, {"kind": "5xx", "count": 5}, {"kind": "html", "count": 3},
    {"kind": "cut", "count": 3}, {"kind": "delay", "count": 3, "ms": 300},
], ids=lambda f: f["kind"])
def test_faults_of_the_exchange_are_ridden_out(world, fault):
    w = world()
    queue = hours(w, 2)
    w.faults({**fault, "path": "Trades"})
    queue.run_to_end()
    w.faults()
    queue.check_complete()


# ------------------------------------------------------------------------------ kills, resume

def test_killed_processes_lose_and_double_nothing(world):
    w = world()
    queue = hours(w, 5, ARANGO_BATCH_DOCS="200")
    w.faults({"kind": "delay", "ms": 60, "path": "/api/v3/historicalTrades"})
    for kill in range(2):
        at = (kill + 1) * 10000
        loader, connector = queue.loader(), queue.connector()
        loader.wait_until(lambda: message_count(queue) > at, 60, f"{at} records")
        loader.kill()
        connector.wait_until(lambda: (w.kafka.committed(queue.group, queue.topic).get(0) or 0) > at // 2, 60,
                             "commits")
        connector.kill()
    w.faults()
    queue.run_to_end()
    assert len(queue.source()) > 25000
    queue.check_complete()
    assert queue.records()[-1]["run"] == 3
    assert queue.controls("sf-gap") == []


def test_pause_and_resume_hold_the_loader(world):
    w = world()
    queue = hours(w, 8)
    w.faults({"kind": "delay", "ms": 100, "path": "/api/v3/historicalTrades"})
    loader = queue.loader()
    wait_for(lambda: message_count(queue) > 2000, 60, "records")
    queue.command("pause", target="loader-api-trades")
    wait_for(lambda: queue.events(status="paused"), 10, "paused")

    def still():
        held = message_count(queue)
        time.sleep(0.7)
        return held == message_count(queue)

    wait_for(still, 10, "stillness")
    assert loader.is_running()
    queue.command("resume")
    w.faults()
    assert loader.wait(60) == 0, loader.stderr()
    queue.check_topic()
