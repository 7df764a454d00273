"""Live order books: whatever happens to the streams, each stretch of a book is exact, and where it is void it says so."""

import json
import random
import signal
import time

import pytest
from book_front import BookFront
from books import SIDES, BookQueue, as_sent, book_at, levels, replay
from flow import World, http, wait_for

SYMBOL = "BTCUSDT"


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path / "world")
    yield w
    w.close()


class LiveBookQueue(BookQueue):
    def __init__(self, world, symbols=(SYMBOL,), **settings):
        super().__init__(world, ",".join(symbols), "ws_orderbook", group="MAJORS" if len(symbols) > 1 else None,
                         **{"SNAPSHOT_LEVELS": "1000", "BOOK_AUDIT_EVERY": "0", **settings})
        self.front = BookFront(world.exchange.url, symbols)

    def env(self, **more):
        return super().env(**{**self.front.env(), **more})

    def joined(self, loader, symbol=SYMBOL, times=1):
        """Move the market until the book has joined."""
        def check():
            self.front.advance(symbol, 1)
            return len([e for e in loader.events("book_joined") if e["symbol"] == symbol]) >= times
        loader.wait_until(check, 30, f"book of {symbol}")

    def market(self, symbol=SYMBOL):
        return self.front.markets[symbol]

    def reached(self, symbol=SYMBOL, timeout=30):
        """Wait until the topic holds what happened last."""
        want = self.market(symbol).id
        wait_for(lambda: (self.symbol_records(symbol) or [{"last_update_id": -1}])[-1]["last_update_id"] == want
                 and self.symbol_records(symbol)[-1]["event"] != "reset", timeout, f"update {want} of {symbol}")

    def last_extra(self):
        """What the loader told last while its source was open."""
        return [e["extra"] for e in self.events(target="loader-ws-orderbook", status="loading")
                if "resyncs" in e["extra"]][-1]

    def truth(self, ident, symbol=SYMBOL):
        bids, asks = self.market(symbol).states[ident]
        return {"bids": levels(bids.items()), "asks": levels(asks.items())}

    def check_topic(self, symbol=SYMBOL):
        """Every stretch is exact at every update; returns the records."""
        records = self.symbol_records(symbol)
        for r, book in replay(records):
            if book is not None:
                assert book == self.truth(r["last_update_id"], symbol), r
            letter = r["event"][0]
            assert r["_key"].startswith(f"{symbol}_{letter}_{r['last_update_id']:016}")
            assert r["source"] == ("ws" if r["event"] != "snapshot" or "top" in r else "rest")
        assert len({r["_key"] for r in records}) == len(records)
        return records

    def check_documents(self, symbol=SYMBOL, moments=40):
        """Documents are the records; books rebuilt from them at random moments are what the market was."""
        records = {r["_key"]: r for r in self.symbol_records(symbol)}
        docs = self.documents(symbol)
        assert {d["_key"] for d in docs} == records.keys()
        for d in docs:
            assert "run" not in d
            for side in SIDES:
                if side in d:
                    assert levels(as_sent(d, side)) == levels(records[d["_key"]][side])
        market, known = self.market(symbol), 0
        last = max(d["last_update_id"] for d in docs)  # the market may have gone on
        times = sorted((t, ident) for ident, t in market.times.items() if ident <= last)
        chance = random.Random(1)
        for _ in range(moments):
            at = min(chance.choice(times)[0] + chance.randrange(3), times[-1][0])
            book = book_at(docs, at)
            assert self.asked_book(at, symbol) == book, at
            if book is None:
                continue
            known += 1
            ident = max(i for t, i in times if t <= at)
            assert book == self.truth(ident, symbol), at
        assert known > 0
        return docs


def stop(queue, loader, connector=None):
    queue.command("stop")
    assert loader.wait(60) == 0, loader.stderr()
    if connector:
        assert connector.wait(60) == 0, connector.stderr()


def test_snapshot_and_diffs_in_sequence(world):
    queue = LiveBookQueue(world, BOOK_TOP="5", BOOK_TOP_EVERY="50ms")
    with queue.front:
        loader, connector = queue.loader(), queue.connector()
        queue.joined(loader)
        queue.front.advance(SYMBOL, 300, doubled=(5, 6, 100), pace=0.003)
        queue.reached()
        stop(queue, loader, connector)
    records = queue.check_topic()
    assert [r["event"] for r in records].count("reset") == 0
    assert len([r for r in records if r["event"] == "delta"]) >= 300
    assert len([r for r in records if "top" in r]) >= 5
    assert queue.controls("sf-gap") == []
    coverage = queue.controls("sf-coverage")[-1]
    assert (coverage["kind"], coverage["from"], coverage["to"]) == ("orderbook", records[0]["last_update_id"],
                                                                    queue.market().id)
    assert coverage["records"] == len(records)
    queue.check_documents()
    assert queue.last_extra()["resyncs"] == 0
    assert queue.events(target="loader-ws-orderbook")[-1]["status"] == "interrupted"


def test_a_lost_diff_is_a_reset_of_this_symbol_alone(world):
    symbols = (SYMBOL, "ETHUSDT")
    queue = LiveBookQueue(world, symbols)
    with queue.front:
        loader, connector = queue.loader(), queue.connector()
        for symbol in symbols:
            queue.joined(loader, symbol)
        for part in range(3):
            queue.front.advance("ETHUSDT", 30)
            before = queue.market().id
            queue.front.advance(SYMBOL, 30, dropped=(10,))
            queue.joined(loader, SYMBOL, part + 2)
            assert queue.market().id > before
        for symbol in symbols:
            queue.front.advance(symbol, 5)
            queue.reached(symbol)
        stop(queue, loader, connector)
    resets = [r for r in queue.check_topic(SYMBOL) if r["event"] == "reset"]
    assert [r["cause"] for r in resets] == ["gap"] * 3
    assert all(r["event"] != "reset" for r in queue.check_topic("ETHUSDT"))
    gaps = queue.controls("sf-gap")
    assert [(g["symbol"], g["cause"], g["repaired"], g["from"]) for g in gaps] == \
        [(SYMBOL, "gap", False, r["last_update_id"] + 1) for r in resets]
    assert [g["_key"] for g in world.aql("FOR g IN gaps SORT g.from RETURN g")] == \
        [f"{SYMBOL}_orderbook_{g['from']}" for g in gaps]
    for symbol in symbols:
        queue.check_documents(symbol)


def test_cuts_and_pauses_void_the_book_until_it_joins_again(world):
    queue = LiveBookQueue(world)
    with queue.front:
        loader, connector = queue.loader(), queue.connector()
        queue.joined(loader)
        queue.front.advance(SYMBOL, 20)
        queue.front.cut()
        queue.front.advance(SYMBOL, 20)
        queue.joined(loader, times=2)
        queue.reached()
        queue.command("pause", target="loader-ws-orderbook")
        loader.wait_until(lambda: len(loader.events("book_void")) == 2, 30, "void")
        queue.front.advance(SYMBOL, 20)
        queue.command("resume", target="loader-ws-orderbook")
        queue.joined(loader, times=3)
        queue.front.advance(SYMBOL, 20)
        queue.reached()
        stop(queue, loader, connector)
    records = queue.check_topic()
    assert [r["cause"] for r in records if r["event"] == "reset"] == ["cut", "paused"]
    assert [g["cause"] for g in queue.controls("sf-gap")] == ["cut", "paused"]
    queue.check_documents()


def test_old_and_bad_snapshots_are_asked_for_again(world):
    queue = LiveBookQueue(world)
    bad = iter([{"lastUpdateId": 1}, (503, {"code": -1001, "msg": "busy"}),
                {"lastUpdateId": 5, "bids": [[1, 2]], "asks": []}])
    with queue.front as front:
        front.advance(SYMBOL, 30)
        front.change[SYMBOL] = lambda body: next(bad, None) or body
        front.lag[SYMBOL] = 10**6  # the first state of all
        loader = queue.loader()
        front.advance(SYMBOL, 5)

        def old():
            front.advance(SYMBOL, 1)
            return len(loader.events("old_snapshot")) >= 2
        loader.wait_until(old, 30, "old snapshots")
        front.lag[SYMBOL] = 1
        queue.joined(loader)
        front.advance(SYMBOL, 10)
        queue.reached()
        stop(queue, loader)
    queue.check_topic()
    assert len(loader.events("bad_snapshot")) >= 2


def test_bad_frames_are_counted_and_void_nothing_that_they_do_not_hold(world):
    queue = LiveBookQueue(world)
    with queue.front as front:
        loader = queue.loader()
        queue.joined(loader)
        stream = SYMBOL.lower() + "@depth@100ms"
        for text in ('{"stream":"%s","data":{"e":"depthUpdate"}}' % stream, '{"stream":"%s","data":{"e":"kline"}}' % stream,
                     '{"stream":"%s","data":{"e":"depthUpdate","E":1717200000000,"s":"X","U":5,"u":4,"b":[],"a":[]}}' % stream,
                     '{"stream":"%s","data":[' % stream, "{", '{"result":null,"id":1}', ""):
            front.say(text)
        front.advance(SYMBOL, 20)
        queue.reached()
        stop(queue, loader)
    assert all(r["event"] != "reset" for r in queue.check_topic())
    assert loader.events("bad_event")


def test_killed_and_started_again_two_runs_never_mix(world):
    queue = LiveBookQueue(world)
    with queue.front as front:
        connector = queue.connector()
        for run in (1, 2, 3):
            loader = queue.loader()
            queue.joined(loader)
            front.advance(SYMBOL, 20)
            queue.reached()
            if run < 3:
                loader.kill()
                front.advance(SYMBOL, 20)
            if run == 2:
                connector.kill()
                connector = queue.connector()
        stop(queue, loader, connector)
    records = queue.check_topic()
    assert [r["cause"] for r in records if r["event"] == "reset"] == ["restart", "restart"]
    assert [r["run"] for r in records if r["event"] == "reset"] == [2, 3]
    assert [g["cause"] for g in queue.controls("sf-gap")] == ["restart", "restart"]
    assert queue.controls("sf-coverage")[-1]["records"] == len(records)
    assert queue.controls("sf-coverage")[-1]["from"] == records[0]["last_update_id"]
    queue.check_documents()


def test_a_long_topic_is_resumed_by_its_end(world):
    """Stopped in good order, with another symbol that has been quiet for long: counts and times are as if all was read."""
    symbols = (SYMBOL, "ETHUSDT")
    queue = LiveBookQueue(world, symbols, TOPIC_PARTITIONS="1")
    with queue.front as front:
        loader = queue.loader()
        for symbol in symbols:
            queue.joined(loader, symbol)
        front.advance(SYMBOL, 3000, pace=0.0005)  # more than what is looked at first
        queue.reached()
        for run in (2, 3):
            loader.signal(signal.SIGTERM)
            assert loader.wait(30) == 143
            before = {symbol: queue.symbol_records(symbol) for symbol in symbols}
            front.advance(SYMBOL, 1)
            loader = queue.loader()
            assert int(loader.wait_event("resumed")["records"]) == sum(map(len, before.values()))
            for symbol in symbols:
                queue.joined(loader, symbol)
                queue.reached(symbol)
                reset = queue.symbol_records(symbol)[len(before[symbol])]
                assert (reset["event"], reset["cause"], reset["run"]) == ("reset", "restart", run)
                assert reset["timestamp"] == max(r["timestamp"] for r in before[symbol])
        stop(queue, loader)
    for symbol in symbols:
        records = queue.check_topic(symbol)
        coverage = [c for c in queue.controls("sf-coverage") if c["symbol"] == symbol][-1]
        assert (coverage["from"], coverage["records"]) == (records[0]["last_update_id"], len(records))


def test_a_replaced_run_does_not_reach_the_collection(world):
    """A process that another one replaced says something more: its deltas are not in any book."""
    queue = LiveBookQueue(world)
    with queue.front as front:
        old = queue.loader()
        queue.joined(old)
        old.signal(signal.SIGSTOP)
        new = queue.loader()
        queue.joined(new)
        old.signal(signal.SIGCONT)

        def both_write():
            assert old.is_running() and new.is_running()
            front.advance(SYMBOL, 10, pace=0.005)
            runs = [r["run"] for r in queue.records()]
            return runs != sorted(runs)
        wait_for(both_write, 60, "a record of the replaced run behind one of the new run")
        old.kill()
        front.advance(SYMBOL, 10)
        queue.reached()
        connector = queue.connector()
        wait_for(lambda: queue.events(target="arango-orderbook", status="started"), 30, "started")
        stop(queue, new, connector)
    docs = queue.documents()
    highest, wanted = 0, set()
    for r in queue.records():
        highest = max(highest, r["run"])
        if r["run"] == highest:
            wanted.add(r["_key"])
    assert {d["_key"] for d in docs} == wanted
    market = queue.market()
    for at in random.Random(2).sample(sorted(market.times.values()), 20):
        book = book_at(docs, at)
        assert queue.asked_book(at) == book
        if book is not None:
            assert book == queue.truth(max(i for i, t in market.times.items() if t <= at))


def test_audits_find_what_differs_and_mend_it(world):
    queue = LiveBookQueue(world, BOOK_AUDIT_EVERY="300ms", ADMIN_LISTEN="127.0.0.1:0")
    with queue.front as front:
        loader, connector = queue.loader(), queue.connector()
        queue.joined(loader)

        def audits(n):
            def check():
                front.advance(SYMBOL, 1)
                return len(loader.events("book_audit")) >= n
            loader.wait_until(check, 30, f"{n} audits")
        audits(3)
        assert {e["differ"] for e in loader.events("book_audit")} == {"0"}
        # the market changes two levels behind the streams' back
        with front.lock:
            market = front.markets[SYMBOL]
            market.bids[market.mid - 1000] = 4200000000  # where no diff goes
            market.asks[market.mid + 1000] = 4300000000
        seen = len(loader.events("book_audit"))
        audits(seen + 3)
        found = [int(e["differ"]) for e in loader.events("book_audit")][seen:]
        assert sorted(found[:3]) == [0, 0, 2] and found[-1] == 0
        front.advance(SYMBOL, 5)
        queue.reached()
        metrics = http("GET", f"http://127.0.0.1:{loader.wait_event('admin_listening')['port']}/metrics")[1]
        values = {line.split("{")[0]: float(line.split()[-1]) for line in metrics.splitlines() if line[0] != "#"}
        assert values["book_levels_differing_total"] == 2 and values["book_resyncs_total"] == 0
        assert values["book_audits_total"] == len(loader.events("book_audit"))
        stop(queue, loader, connector)
    assert any("levels differ" in (e["message"] or "") for e in queue.events(target="loader-ws-orderbook"))
    assert queue.last_extra()["audits"] >= 3
    records = queue.records()
    rest = [r for r in records if r["event"] == "snapshot"]
    assert len(rest) >= 7
    last = queue.truth(queue.market().id)
    assert replay(records)[-1][1] == last  # mended
    assert book_at(queue.documents(), queue.market().times[queue.market().id]) == last


def test_kafka_away_is_caught_up_or_said(own_kafka, tmp_path):
    world = World(own_kafka, tmp_path / "world")
    try:
        queue = LiveBookQueue(world, LIVE_BUFFER_KB="64", PRODUCER_QUEUE_KB="64")
        with queue.front as front:
            loader = queue.loader()
            queue.joined(loader)
            own_kafka.kill()
            front.advance(SYMBOL, 3000)
            assert loader.is_running()
            assert loader.rss_kb() < 40 * 1024
            own_kafka.resume()
            queue.joined(loader, times=1)
            wait_for(lambda: (front.advance(SYMBOL, 1), any(r["last_update_id"] >= queue.market().id - 50
                                                            for r in queue.records()[-1:]))[1], 60, "the present")
            front.advance(SYMBOL, 5)
            queue.reached()
            stop(queue, loader)
        records = queue.check_topic()
        assert {r["cause"] for r in records if r["event"] == "reset"} <= {"full"}
    finally:
        world.close()


def test_sigterm_ends_interrupted(world):
    queue = LiveBookQueue(world)
    with queue.front:
        loader = queue.loader()
        queue.joined(loader)
        loader.signal(signal.SIGTERM)
        assert loader.wait(30) == 143
    assert queue.events(target="loader-ws-orderbook")[-1]["status"] == "interrupted"


def test_until_ends_it_with_an_end_record(world):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5))
    queue = LiveBookQueue(world, UNTIL=at)
    with queue.front as front:
        loader, connector = queue.loader(), queue.connector()
        queue.joined(loader)
        while loader.is_running():
            front.advance(SYMBOL, 1, pace=0.02)
        assert loader.wait(5) == 0 and connector.wait(60) == 0, connector.stderr()
    records = queue.check_topic()
    end = queue.controls("sf-end")[-1]
    assert (end["records"], end["first"], end["last"]) == (len(records), records[0]["last_update_id"],
                                                           records[-1]["last_update_id"])
    queue.check_documents()


def play(world, tape, symbols, settings):
    """A queue that plays a tape; nobody listens where the exchange would be."""
    queue = LiveBookQueue(world, symbols, TAPE_REPLAY=tape, TAPE_SPEED="0", **settings)
    queue.front.env = dict
    player = queue.loader(BINANCE_API_URL="http://127.0.0.1:9", BINANCE_WS_URL="ws://127.0.0.1:9")
    assert player.wait(60) == 0, player.stderr()
    assert not player.events("tape_left")
    assert queue.controls("sf-end")
    return queue


def test_tapes_of_two_runs_give_the_same_bytes(world, tmp_path):
    """Best levels and audits too: they go by the exchange's clock."""
    folder = tmp_path / "tapes"
    folder.mkdir()
    symbols = (SYMBOL, "ETHUSDT")
    settings = {"BOOK_TOP": "3", "BOOK_TOP_EVERY": "100ms", "BOOK_AUDIT_EVERY": "1s"}
    queue = LiveBookQueue(world, symbols, TAPE_RECORD=folder, **settings)
    with queue.front as front:
        loader = queue.loader()
        for symbol in symbols:
            queue.joined(loader, symbol)
        front.advance("ETHUSDT", 20)
        front.advance(SYMBOL, 30, dropped=(10,))
        queue.joined(loader, times=2)
        front.cut()
        for times, symbol in zip((3, 2), symbols):
            queue.joined(loader, symbol, times)

        def audited():
            for symbol in symbols:
                front.advance(symbol, 1)
            return len(loader.events("book_audit")) >= 4
        loader.wait_until(audited, 30, "audits")
        for symbol in symbols:
            queue.reached(symbol)
        first, = folder.glob("*.tape")
        wait_for(lambda: all(f'"u":{queue.market(symbol).id},' in first.read_text() for symbol in symbols), 10, "the tape")
        loader.kill()
        before = {symbol: len(queue.symbol_records(symbol)) for symbol in symbols}
        loader = queue.loader()
        for symbol in symbols:
            queue.joined(loader, symbol)
            queue.reached(symbol)
        stop(queue, loader)
    second, = set(folder.glob("*.tape")) - {first}
    for symbol in symbols:
        records = queue.check_topic(symbol)
        assert {"top" in r for r in records} == {True, False}
    played = [play(world, tape, symbols, settings) for tape in (first, second)]
    for symbol in symbols:
        values = [of_symbol(world, q, symbol) for q in (queue, *played)]
        # a quiet second may have told its best levels once more before the end: no line of the tape follows it
        wants = values[0][:before[symbol]], values[0][before[symbol]:]
        for got, want in zip(values[1:], wants):
            assert got == want[:len(got)] and len(want) - len(got) in (0, 1)


def of_symbol(world, queue, symbol):
    """The bytes of its data records, in order."""
    return [r.value for r in world.kafka.read_topic(queue.topic)
            if r.value is not None and json.loads(r.value)["symbol"] == symbol]
