"""Queues of trades: what the exchange has, what the topic and the collection must hold.

    queue = TradeQueue(world, "BTCUSDT", "2024-06-01T00:00Z", "2024-06-01T01:00Z")
    queue.run_to_end()
    queue.check_complete()
"""

import calendar
import time

from flow import Queue

PAGE = 1000
# field of a record, member of a row; by kind
DECIMALS = {"trades": {"price": "price", "quantity": "qty"}, "agg_trades": {"price": "p", "quantity": "q"}}
OTHERS = {"trades": {"trade_id": "id", "timestamp": "time", "is_buyer_maker": "isBuyerMaker"},
          "agg_trades": {"agg_id": "a", "first_trade_id": "f", "last_trade_id": "l", "timestamp": "T",
                         "is_buyer_maker": "m"}}


def instant_ms(text):
    """"2024-06-01T00:10Z" in ms."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%MZ")) * 1000


class TradeQueue(Queue):
    loader_image, connector_image = "loader-api-trades", "arango-trades"

    def __init__(self, world, symbol, first, last, kind="trades", **settings):
        day = first[:10]
        super().__init__(world, symbol, "1m", day, day, settings)
        self.kind = kind
        self.ident = "trade_id" if kind == "trades" else "agg_id"
        self.row_ident = "id" if kind == "trades" else "a"
        self.first, self.last = first, last
        self.from_ms, self.to_ms = instant_ms(first), instant_ms(last)
        self.name_after(f"api_{kind}", day)
        world.queues.append(self)

    def name_after(self, type_name, day):
        date = day.replace("-", "_")
        self.type = type_name = self.settings.get("TYPE", type_name)
        subject = self.settings.get("GROUP", self.symbol).lower()
        self.id = f"loader-{subject}-{type_name}-{date}-{self.short}"
        self.topic = self.id.replace("_", "-")
        self.collection = f"{subject}_{self.kind}_{date}"
        self.group = f"{self.connector_image}-{self.id}"

    def env(self, **more):
        return super().env(**{"TYPE": self.type, "TIME_RANGE": f"{self.first}/{self.last}", **self.settings, **more})

    def loader(self, **more):
        return self.start(self.loader_image, **more)

    def connector(self, **more):
        return self.start(self.connector_image, **more)

    # ----------------------------------------------------------------------- the source

    def rows(self, from_id, to_id):
        """The exchange's rows of ids [from, to)."""
        path = "historicalTrades" if self.kind == "trades" else "aggTrades"
        rows = []
        while from_id < to_id:
            status, page = self.world.exchange.get(
                f"/api/v3/{path}?symbol={self.symbol}&fromId={from_id}&limit={min(PAGE, to_id - from_id)}")
            assert status == 200, page
            page = [row for row in page if row[self.row_ident] < to_id]
            if not page:
                break
            rows += page
            from_id = page[-1][self.row_ident] + 1
        return rows

    def id_at(self, time_ms):
        """Id of the first trade (aggregate) at or after an instant."""
        status, page = self.world.exchange.get(
            f"/api/v3/aggTrades?symbol={self.symbol}&startTime={time_ms}&limit=1")
        assert status == 200, page
        return page[0]["f" if self.kind == "trades" else "a"]

    def source(self):
        return self.rows(self.id_at(self.from_ms), self.id_at(self.to_ms))

    # --------------------------------------------------------------------------- checks

    def key(self, ident):
        return f"{self.symbol}_{'' if self.kind == 'trades' else 'a'}{ident}"

    def documents(self):
        return self.world.aql(f"FOR d IN @@c FILTER d.symbol == @s SORT d.{self.ident} RETURN d",
                              **{"@c": self.collection, "s": self.symbol})

    def symbol_records(self):
        return [r for r in self.records() if r["symbol"] == self.symbol]

    def check_topic(self, rows=None):
        """Every row stands in the topic, digit for digit, ascending; one that stands twice is the same."""
        rows = self.source() if rows is None else rows
        by_id = {}
        for record in self.symbol_records():
            known = by_id.setdefault(record[self.ident], record)
            assert {**known, "run": 0, "source": ""} == {**record, "run": 0, "source": ""}
        assert list(by_id) == sorted(by_id)
        assert list(by_id) == [row[self.row_ident] for row in rows]
        for row in rows:
            record = by_id[row[self.row_ident]]
            assert record["_key"] == self.key(row[self.row_ident])
            assert record["exchange"] == "binance" and record["symbol"] == self.symbol
            for field, member in {**DECIMALS[self.kind], **OTHERS[self.kind]}.items():
                assert record[field] == row[member], (record, row)

    def check_documents(self, rows=None, is_text=False):
        rows = self.source() if rows is None else rows
        docs = self.documents()
        assert [d[self.ident] for d in docs] == [row[self.row_ident] for row in rows]
        for doc, row in zip(docs, rows):
            assert doc["_key"] == self.key(row[self.row_ident])
            assert "run" not in doc
            for field, member in DECIMALS[self.kind].items():
                assert doc[field] == row[member] if is_text else float(doc[field]) == float(row[member])
            for field, member in OTHERS[self.kind].items():
                assert doc[field] == row[member]

    def check_complete(self, rows=None):
        rows = self.source() if rows is None else rows
        self.check_topic(rows)
        self.check_documents(rows)
        end = self.controls("sf-end")[-1]
        assert end["records"] == len(rows)
        if rows:
            assert (end["first"], end["last"]) == (rows[0][self.row_ident], rows[-1][self.row_ident])
        for target in (self.loader_image, self.connector_image):
            assert self.events(target=target)[-1]["status"] == "finished"
