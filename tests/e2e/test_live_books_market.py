"""loader-ws-orderbook on sf-exchange's streams: its books are those of REST, whatever happens to the connection."""

import pytest
from books import SIDES, BookQueue, levels, replay
from flow import World, wait_for
from live_market import STANDING, LiveMarket

SYMBOL = "BTCUSDT"


class StreamBookQueue(BookQueue):
    def __init__(self, world, **settings):
        super().__init__(world, SYMBOL, "ws_orderbook",
                         **{"SNAPSHOT_LEVELS": "5000", "BOOK_AUDIT_EVERY": "0", **settings})

    def env(self, **more):
        return super().env(**{"BINANCE_WS_URL": self.world.exchange.url.replace("http", "ws"), **more})


class Books:
    """A market that moves by one step of its book, and remembers what REST said."""

    def __init__(self, world):
        self.market, self.world, self.truth = LiveMarket(world), world, {}

    def step(self):
        self.market.advance(100)
        status, book = self.world.exchange.get(f"/api/v3/depth?symbol={SYMBOL}&limit=5000")
        assert status == 200, book
        self.truth[book["lastUpdateId"]] = {side: levels(book[side]) for side in SIDES}
        return book["lastUpdateId"]

    def step_until(self, check, what):
        def step():
            self.step()
            return check()

        return wait_for(step, 30, what)


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path / "world", exchange_args=STANDING)
    yield w
    w.close()


@pytest.mark.parametrize("fault", [{"kind": "ws_drop", "after": 9}, {"kind": "ws_cut", "after": 9},
                                   {"kind": "ws_cut_mid", "after": 9}, {"kind": "ws_reorder", "after": 9},
                                   {"kind": "ws_corrupt", "after": 9}, {"kind": "ws_duplicate", "after": 9}])
def test_books_are_those_of_rest_before_and_after(world, fault):
    queue, books = StreamBookQueue(world), Books(world)
    loader = queue.loader()
    books.step_until(lambda: loader.events("book_joined"), "joined book")
    for _ in range(10):
        books.step()
    books.market.faults({"count": 1, **fault})
    books.step_until(lambda: books.market.hits() == [1], "fault")
    breaks = fault["kind"] != "ws_duplicate"
    books.step_until(lambda: len(loader.events("book_joined")) > breaks, "book that is joined again")

    last = max(books.step() for _ in range(10))
    # the id of a snapshot may be one within the next event
    wait_for(lambda: queue.symbol_records(SYMBOL)[-1]["last_update_id"] > last - 128, 30, f"update {last}")
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    records = queue.symbol_records(SYMBOL)
    assert [r["event"] for r in records].count("reset") == breaks
    stretch, equal = 0, [0, 0]
    for record, book in replay(records):
        stretch += record["event"] == "reset"
        if book is not None and record["last_update_id"] in books.truth:
            assert book == books.truth[record["last_update_id"]], record["last_update_id"]
            equal[stretch] += 1
    assert equal[0] >= 5 and (equal[1] >= 5 or not breaks), equal
