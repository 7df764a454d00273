"""The live part of the demo: trades by WebSocket, a cut in the middle, the hole repaired by REST."""
import json
import subprocess
import time

from demo_parts import BIN, LIMIT_S, PASSWORD, aql, http

REFUSED_MS = 1500  # so long nobody may connect after the cut
LEDGER = "FOR g IN gaps FILTER g.kind == 'trades' SORT g.from RETURN g"


class LiveTrades:
    """One queue of live trades of BTCUSDT, from now on."""

    def __init__(self, demo, brokers, store, exchange):
        day = time.strftime("%Y_%m_%d", time.gmtime())
        self.brokers, self.store, self.exchange = brokers, store, exchange
        self.queue = f"loader-btcusdt-ws_trades-{day}-demolv"
        self.collection = f"btcusdt_trades_{day}"
        env = {"QUEUE_ID": self.queue, "SYMBOL": "BTCUSDT", "TYPE": "ws_trades", "KAFKA_BOOTSTRAP_SERVERS": brokers,
               "BINANCE_API_URL": exchange, "BINANCE_WS_URL": exchange.replace("http", "ws"), "ARANGO_URL": store,
               "ARANGO_DB": "streamforge", "ARANGO_USER": "root", "ARANGO_PASSWORD": PASSWORD,
               "TELEMETRY_INTERVAL": "1"}
        self.pair = [demo.start(f"{name}-live", [BIN / name], env) for name in ("loader-ws-trades", "arango-trades")]
        self.logs = [demo.folder / f"{name}-live.log" for name in ("loader-ws-trades", "arango-trades")]

    def wait(self, check, what):
        end = time.monotonic() + LIMIT_S
        while not (value := check()):
            if time.monotonic() > end or any(p.poll() not in (None, 0) for p in self.pair):
                raise SystemExit(f"live trades: no {what}; {self.logs[0].read_text()[-1500:]}")
            time.sleep(0.1)
        return value

    def stop(self):
        body = {"command": "stop", "queue_id": self.queue, "command_id": "cmd__demo", "timestamp": 0}
        subprocess.run(["kcat", "-P", "-b", self.brokers, "-t", "queue-control"], input=json.dumps(body).encode(),
                       check=True, stderr=subprocess.DEVNULL)
        self.wait(lambda: all(p.poll() == 0 for p in self.pair), "end after the stop command")

    def source(self, first, last):
        """The exchange's trades by REST, [first, last]."""
        rows = []
        while first <= last:
            page = http(f"{self.exchange}/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first}&limit=1000")
            rows += [row for row in page if row["id"] <= last]
            first = page[-1]["id"] + 1
        return rows

    def cut_and_finish(self):
        """Cut, wait for the repair, stop, compare. Returns trades stored, and how many are wrong."""
        count = "RETURN LENGTH(FOR t IN @@c RETURN 1)"
        self.wait(lambda: self.collection in self.collections() and
                  aql(self.store, count, **{"@c": self.collection})[0] > 100, "trades")
        http(f"{self.exchange}/control/faults", [{"kind": "ws_refuse", "ms": REFUSED_MS}, {"kind": "ws_cut"}])
        gaps = self.wait(lambda: [g for g in self.ledger() if g["repaired"]], "repair of the hole")
        self.stop()
        docs = aql(self.store, "FOR t IN @@c SORT t.trade_id RETURN t", **{"@c": self.collection})
        rows = self.source(docs[0]["trade_id"], docs[-1]["trade_id"])
        by_id = {d["trade_id"]: d for d in docs}
        wrong = len(set(by_id) ^ {row["id"] for row in rows})
        for row in rows:
            doc = by_id.get(row["id"])
            wrong += doc is not None and any(float(doc[k]) != float(row[c]) for k, c in
                                             (("price", "price"), ("quantity", "qty"), ("timestamp", "time")))
        for g in gaps:
            print(f"  hole of {g['records']} trades, ids {g['from']} to {g['to']}, cause {g['cause']}: repaired by REST")
        print(f"  {self.collection:36} {len(docs):6} documents, {len(rows):6} at the source: {wrong} missing, extra or different")
        return len(docs), wrong

    def collections(self):
        page = http(f"{self.store}/_db/streamforge/_api/collection", user=f"root:{PASSWORD}")
        return [c["name"] for c in page["result"]]

    def ledger(self):
        return aql(self.store, LEDGER) if "gaps" in self.collections() else []
