"""The queries of docs/QUERIES.md, as they stand there, against models of their own.

Books are rebuilt at random moments over documents as arango-orderbook stores them (decimals as numbers): by the query, and
here by going through what happened, in order.
"""

import bisect
import gzip
import json
import os
import pathlib
import random
import time
from decimal import Decimal

import pytest

from aql import documented, query

DATA = pathlib.Path(os.environ.get("SF_DATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"))
RECORDED = [DATA / "hftbacktest" / f"btcusdt_2024080{day}.gz" for day in (8, 9)]
INDEXES = (["symbol", "event", "timestamp"], ["symbol", "event", "last_update_id"])  # connectors/orderbook/main.c
SIDES = ("bids", "asks")
KEPT = 500  # steps between two copies of the model's book
EVERY = 1000000  # more levels than a side has
SLOW_S = 10  # a second is the aim, for a machine that does nothing else

BOOK = documented("The book of a symbol at a moment")
COMPLETE = documented("Is a range complete?")


class Decimals(json.JSONEncoder):
    """Decimals as JSON numbers with the digits copied."""

    def encode(self, o):
        if isinstance(o, Decimal):
            return f"{o:f}"
        if isinstance(o, dict):
            return "{" + ",".join(f"{json.dumps(k)}:{self.encode(v)}" for k, v in o.items()) + "}"
        if isinstance(o, (list, tuple)):
            return "[" + ",".join(map(self.encode, o)) + "]"
        return super().encode(o)


def document(symbol, event, last_id, time_ms, sides=None, **more):
    key = f"{symbol}_{event[0]}_{last_id:016}" + (f"_{time_ms}" if event != "delta" else "")
    key += f"_t{more['top']}" if "top" in more else ""
    key += f"_p{more['part']:03}" if "part" in more else ""
    levels = {side: [[price, quantity] for price, quantity in sides[side]] for side in SIDES} if sides else {}
    return {"_key": key, "exchange": "binance", "symbol": symbol, "source": "rest" if event == "snapshot" else "ws",
            "event": event, "timestamp": time_ms, "last_update_id": last_id, **levels, **more}


def store_all(store, collection, docs):
    store.good("POST", "/_api/collection", {"name": collection})
    for fields in INDEXES:
        store.good("POST", f"/_api/index?collection={collection}", {"type": "persistent", "fields": fields})
    for at in range(0, len(docs), 20000):
        store.good("POST", f"/_api/document/{collection}?silent=true", Decimals().encode(docs[at:at + 20000]))
    assert store.good("GET", f"/_api/collection/{collection}/count")["count"] == len(docs)


def apply(book, changes):
    for side in SIDES:
        for price, quantity in changes[side]:
            if quantity:
                book[side][price] = quantity
            else:
                book[side].pop(price, None)


class History:
    """What happens to the book of one symbol: documents, and what the book is after each step."""

    def __init__(self, symbol, seed):
        self.symbol, self.rng = symbol, random.Random(seed)
        self.docs, self.steps, self.whole = [], [], []  # steps: (time_ms, is_known, changes); whole: every KEPT-th book
        self.book = {side: {} for side in SIDES}
        self.id, self.time = self.rng.randrange(10**9), 1717200000000
        self.mid = 60000
        self.is_known = False

    def step(self, changes=None):
        """Levels change, or (a snapshot, a reset) nothing but what is known."""
        if changes:
            apply(self.book, changes)
        if len(self.steps) % KEPT == 0:
            self.whole.append({side: dict(self.book[side]) for side in SIDES})
        self.steps.append((self.time, self.is_known, changes))

    def level(self, side):
        away = self.rng.randrange(1, 400)
        price = self.mid + (away if side == "asks" else -away)
        return Decimal(price) / 10, Decimal(self.rng.choice([0, self.rng.randrange(1, 10**7)])) / 10**5

    def update(self, is_told=True):
        """Levels change; without @is_told nobody hears of it."""
        self.mid += self.rng.randrange(-3, 4)
        self.time += self.rng.choice([0, 1, 100])
        changes = {side: [*dict(self.level(side) for _ in range(self.rng.randrange(8))).items()] for side in SIDES}
        first = self.id + 1
        self.id += self.rng.randrange(1, 30)
        if is_told:
            self.docs.append(document(self.symbol, "delta", self.id, self.time, changes, first_update_id=first))
        self.step(changes)

    def best(self, n):
        return {side: sorted(self.book[side].items(), reverse=side == "bids")[:n] for side in SIDES}

    def snapshot(self, parts=1):
        """As the loader: later than all before it."""
        self.time += 1
        self.is_known = True
        whole, docs = self.best(EVERY), []
        for part in range(parts):
            sides = {side: whole[side][part::parts] for side in SIDES}
            more = {"part": part + 1, "parts": parts} if parts > 1 else {}
            docs.append(document(self.symbol, "snapshot", self.id, self.time, sides, **more))
        self.docs += docs
        self.step()

    def top(self, n):
        self.docs.append(document(self.symbol, "snapshot", self.id, self.time, self.best(n), top=n))

    def lost(self, updates):
        """A cut, or another run of the loader: a reset with the time of the last event, and later a snapshot."""
        self.is_known = False
        self.docs.append(document(self.symbol, "reset", self.id, self.time, cause="cut"))
        self.step()
        for _ in range(updates):
            self.update(is_told=False)

    def at(self, time_ms):
        """The book after the last step that is not later; None where it is not known."""
        i = bisect.bisect_right(self.steps, time_ms, key=lambda step: step[0]) - 1
        if i < 0 or not self.steps[i][1]:
            return None
        book = {side: dict(self.whole[i // KEPT][side]) for side in SIDES}
        for _, _, changes in self.steps[i // KEPT * KEPT + 1:i + 1]:
            if changes:
                apply(book, changes)
        return book


def lived(symbol, seed, updates, lost_p, snapshot_p):
    h = History(symbol, seed)
    for _ in range(200):
        h.update(is_told=False)
    h.snapshot()
    for _ in range(updates):
        if h.rng.random() < lost_p:
            h.lost(h.rng.randrange(20))
            h.snapshot(h.rng.choice([1, 1, 3]))
        elif h.rng.random() < snapshot_p:
            h.snapshot(h.rng.choice([1, 2]))
        elif h.rng.random() < 0.1:
            h.top(5)
        h.update()
    return h


def check(store, collection, history, time_ms, depth=EVERY):
    rows = query(store, BOOK, {"@books": collection, "symbol": history.symbol, "moment": time_ms, "depth": depth})
    book, (row,) = history.at(time_ms), rows
    assert row["known"] == (book is not None), time_ms
    if book is None:
        assert row["bids"] == row["asks"] == [] and row["last_update_id"] is None
        return False
    for side in SIDES:
        want = sorted(book[side].items(), reverse=side == "bids")[:depth]
        assert row[side] == [[float(p), float(q)] for p, q in want], (side, time_ms)
    return True


@pytest.mark.parametrize("seed", range(4))
def test_books_at_random_moments(store, seed):
    """Two symbols in one collection, with cuts, runs, parts and snapshots of the best levels."""
    histories = [lived(symbol, seed * 2 + i, 600, 0.01, 0.01) for i, symbol in enumerate(("BTCUSDT", "ETHUSDT"))]
    docs = [d for h in histories for d in h.docs]
    random.Random(seed).shuffle(docs)  # lanes of the connector keep no order among keys
    collection = f"books{seed}"
    store_all(store, collection, docs)
    known = 0
    for h in histories:
        first, last = h.steps[0][0], h.steps[-1][0]
        moments = [first - 1, first + 1, first, last, last + 1] + [h.rng.randrange(first, last + 1) for _ in range(40)]
        moments += [t for t, is_known, _ in h.steps if not is_known]
        known += sum(check(store, collection, h, t, h.rng.choice([1, 10, EVERY])) for t in moments)
    assert known > 40


def test_books_with_decimals_as_text(store):
    h = lived("BTCUSDT", 21, 300, 0.01, 0.01)
    docs = [{**d, **{side: [[f"{p:f}", f"{q:f}"] for p, q in d[side]] for side in SIDES if side in d}} for d in h.docs]
    store_all(store, "texts", docs)
    for _ in range(20):
        moment = h.rng.randrange(h.steps[0][0], h.steps[-1][0] + 1)
        row, book = query(store, BOOK, {"@books": "texts", "symbol": "BTCUSDT", "moment": moment, "depth": 30})[0], h.at(moment)
        assert row["known"] == (book is not None)
        for side in SIDES if book else ():
            want = sorted(book[side].items(), reverse=side == "bids")[:30]
            assert row[side] == [[f"{p:f}", f"{q:f}"] for p, q in want]


def test_a_part_that_is_missing_makes_no_book(store):
    h = History("BTCUSDT", 1)
    for _ in range(50):
        h.update(is_told=False)
    h.snapshot(3)
    store_all(store, "torn", h.docs[:2])
    row = query(store, BOOK, {"@books": "torn", "symbol": "BTCUSDT", "moment": h.time, "depth": 5})[0]
    assert (row["known"], row["bids"], row["asks"]) == (False, [], [])


def test_books_of_large_collections_are_quick(store):
    """1e5 documents: only those between snapshot and moment are read."""
    h = lived("BTCUSDT", 99, 100000, 0, 0.0005)
    store_all(store, "large", h.docs)
    assert len(h.docs) > 100000
    spent = []
    for _ in range(8):
        moment = h.rng.randrange(h.steps[0][0], h.steps[-1][0])
        begin = time.monotonic()
        doc = store.good("POST", "/_api/cursor", {"query": BOOK, "bindVars": {"@books": "large", "symbol": "BTCUSDT",
                                                                              "moment": moment, "depth": 10}})
        spent.append(time.monotonic() - begin)
        assert doc["extra"]["stats"]["scannedFull"] == 0
        check(store, "large", h, moment, 10)
    print("seconds:", [round(s, 3) for s in sorted(spent)])
    assert sorted(spent)[len(spent) // 2] < SLOW_S


def test_recorded_books(store):
    """Real depth frames of ten minutes: the book of the query is the one that the frames make, at random moments."""
    if not all(path.exists() for path in RECORDED):
        pytest.skip(f"{RECORDED[0]}: no recorded data")
    h = History("BTCUSDT", 3)
    for path in RECORDED:
        for line in gzip.open(path, "rt"):
            frame = json.loads(line.partition(" ")[2])
            frame = frame.get("data", frame)
            if "lastUpdateId" in frame and not h.docs:
                h.time, h.id = int(line.partition(" ")[0]) // 10**6 - 1, frame["lastUpdateId"]
                apply(h.book, {side: [[Decimal(p), Decimal(q)] for p, q in frame[side]] for side in SIDES})
                h.snapshot()
            elif frame.get("e") == "depthUpdate" and h.docs and frame["u"] > h.id:
                changes = {side: [[Decimal(p), Decimal(q)] for p, q in frame[side[0]]] for side in SIDES}
                h.id, h.time = frame["u"], max(frame["E"], h.time)
                h.docs.append(document("BTCUSDT", "delta", h.id, h.time, changes, first_update_id=frame["U"]))
                h.step(changes)
    assert len(h.docs) > 6000
    store_all(store, "recorded", h.docs)
    begin = time.monotonic()
    for _ in range(8):
        assert check(store, "recorded", h, h.rng.randrange(h.steps[0][0], h.steps[-1][0] + 1), h.rng.choice([20, EVERY]))
    print("seconds a book:", round((time.monotonic() - begin) / 8, 3))


# ------------------------------------------------------------------------------------------------ is a range complete


class Ledger:
    """Rows of coverage and gaps of one symbol and kind, and each position that they speak of."""

    def __init__(self, store, kind, step=1):
        self.store, self.kind, self.step = store, kind, step
        self.covered, self.lost = set(), set()
        for name in ("coverage", "gaps"):
            if store.call("GET", f"/_api/collection/{name}")[0] == 404:
                store.good("POST", "/_api/collection", {"name": name})

    def row(self, begin, end, **more):
        return {"_key": f"BTCUSDT_{self.kind}_{begin}", "exchange": "binance", "symbol": "BTCUSDT", "kind": self.kind,
                "from": begin, "to": end, **more}

    def put(self, name, doc):
        self.store.good("POST", f"/_api/document/{name}?overwriteMode=replace", doc)

    def cover(self, begin, end):
        self.put("coverage", self.row(begin, end))
        self.covered.update(range(begin, end + 1, self.step))

    def gap(self, begin, end, repaired=False):
        self.put("gaps", self.row(begin, end, cause="cut", repaired=repaired, records=end - begin + 1, ms=5))
        if not repaired:
            self.lost.update(range(begin, end + 1, self.step))

    def ask(self, begin, end, **more):
        binds = {"exchange": "binance", "symbol": "BTCUSDT", "kind": self.kind, "from": begin, "to": end, "step": self.step, **more}
        return query(self.store, COMPLETE, binds)[0]

    def uncovered(self, begin, end):
        """Stretches without coverage as the query tells them."""
        wanted, found = range(begin, end + 1, self.step), []
        for i in wanted:
            if i in self.covered:
                continue
            if i > begin and i - self.step not in self.covered:
                continue
            behind = next((k for k in wanted if k > i and k in self.covered), None)
            found.append({"from": i - self.step if i > begin else None, "to": behind})
        return found

    def check(self, begin, end):
        answer, want = self.ask(begin, end), self.uncovered(begin, end)
        assert answer["uncovered"] == want, (begin, end)
        lost = any(i in self.lost for i in range(begin, end + 1, self.step))
        assert bool(answer["missing"]) == lost
        assert answer["complete"] == (not want and not lost)
        return answer["complete"]


def test_a_range_that_one_run_covered(store):
    ledger = Ledger(store, "trades")
    ledger.cover(100, 900)
    assert ledger.ask(100, 900) == {"complete": True, "uncovered": [], "missing": []}
    assert ledger.ask(200, 300)["complete"]
    assert ledger.ask(99, 300) == {"complete": False, "uncovered": [{"from": None, "to": 100}], "missing": []}
    assert ledger.ask(100, 901)["uncovered"] == [{"from": 900, "to": None}]
    assert ledger.ask(1000, 1001)["uncovered"] == [{"from": None, "to": None}]
    assert not ledger.ask(100, 900, symbol="ETHUSDT")["complete"]
    assert not ledger.ask(100, 900, exchange="bybit")["complete"]
    assert not ledger.ask(100, 900, kind="agg_trades")["complete"]


def test_a_range_in_the_middle_of_which_no_loader_ran(store):
    ledger = Ledger(store, "middle")
    ledger.cover(1, 100)
    ledger.cover(151, 300)
    assert ledger.ask(1, 300) == {"complete": False, "uncovered": [{"from": 100, "to": 151}], "missing": []}
    assert ledger.ask(120, 130)["uncovered"] == [{"from": None, "to": None}]
    assert ledger.ask(1, 100)["complete"] and ledger.ask(151, 300)["complete"]
    ledger.cover(101, 150)  # another queue brings what is missing
    assert ledger.ask(1, 300)["complete"]


def test_gaps_of_a_range(store):
    ledger = Ledger(store, "holes")
    ledger.cover(1, 1000)
    ledger.gap(10, 20, repaired=True)
    assert ledger.ask(1, 1000)["complete"]
    ledger.gap(500, 510)
    assert ledger.ask(1, 1000)["missing"] == [{"from": 500, "to": 510, "records": 11, "cause": "cut"}]
    assert ledger.ask(1, 499)["complete"] and ledger.ask(511, 1000)["complete"]
    assert not ledger.ask(510, 1000)["complete"] and not ledger.ask(505, 506)["complete"]
    ledger.gap(500, 510, repaired=True)
    assert ledger.ask(1, 1000)["complete"]


@pytest.mark.parametrize("seed", range(12))
def test_random_ledgers(store, seed):
    rng = random.Random(seed)
    ledger = Ledger(store, f"random{seed}", rng.choice([1, 60000]))
    known, complete = sorted(rng.sample(range(1, 60), 2 * rng.randrange(1, 6))), 0
    for a, b in zip(known[::2], known[1::2]):
        ledger.cover(a * ledger.step, b * ledger.step)
        if rng.random() < 0.7:  # the next queue overlaps, or touches
            ledger.cover(rng.randrange(a, b + 2) * ledger.step, (b + 2 + rng.randrange(4)) * ledger.step)
    for _ in range(rng.randrange(4)):
        a = rng.randrange(1, 60)
        ledger.gap(a * ledger.step, (a + rng.randrange(3)) * ledger.step, rng.random() < 0.5)
    for _ in range(60):
        a, b = sorted(rng.choices(range(0, 66), k=2))
        complete += ledger.check(a * ledger.step, b * ledger.step)
    assert complete > 0


def test_months_touch(store):
    """Neighbours are 28 to 31 days apart; the step is the longest."""
    day = 86400000
    ledger = Ledger(store, "candles_1mo", 31 * day)
    ledger.put("coverage", ledger.row(0, 31 * day))  # January and February
    ledger.put("coverage", ledger.row(59 * day, 59 * day))  # March
    assert ledger.ask(0, 59 * day)["complete"]
    ledger.put("coverage", ledger.row(151 * day, 181 * day))  # June and July
    assert ledger.ask(0, 181 * day)["uncovered"] == [{"from": 59 * day, "to": 151 * day}]


def test_large_ledgers_are_quick(store):
    ledger = Ledger(store, "crowded")
    rows = [{**ledger.row(i * 10, i * 10 + 9), "symbol": f"S{i % 500}USDT", "_key": f"S{i % 500}USDT_crowded_{i}", "repaired": i % 2 == 0,
             "records": 1, "ms": 1, "cause": "cut"} for i in range(100000)]
    for name in ("coverage", "gaps"):
        for at in range(0, len(rows), 25000):
            store.good("POST", f"/_api/document/{name}?silent=true", rows[at:at + 25000])
    begin = time.monotonic()
    answer = ledger.ask(0, 10**7, symbol="S7USDT")
    spent = time.monotonic() - begin
    print("seconds:", round(spent, 3))
    assert len(answer["uncovered"]) == 201 and len(answer["missing"]) == 200
    assert spent < SLOW_S
