"""sf-exchange's streams: what a client of Binance's market streams gets to see, and that it is REST's market."""

import asyncio
import contextlib
import json
import ssl
import time
from decimal import Decimal

import pytest
import websockets
from flow import day_ms
from flow import http as call
from test_exchange import Exchange
from tls_front import make_authority

JUNE = day_ms("2024-06-01")
PATIENCE = 20


class Market(Exchange):
    """A market whose clock stands still until the test moves it."""

    def connect(self, path, **options):
        return websockets.connect(self.url.replace("http", "ws") + path, max_size=None, **options)

    def advance(self, ms):
        status, answer = call("POST", f"{self.url}/control/clock?advance_ms={ms}")
        assert status == 200, answer
        return answer["now_ms"]

    def ws(self):
        return self.stats()["ws"]


async def recv(ws):
    return json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))


async def recv_until(ws, check):
    """Frames up to the first that check() likes."""
    frames = []
    while True:
        frames.append(await recv(ws))
        if check(frames[-1]):
            return frames


async def recv_trades(ws, last_id):
    return await recv_until(ws, lambda f: f["t"] == last_id)


async def recv_rest(ws):
    """Every frame until the server hangs up."""
    frames = []
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            frames.append(await recv(ws))
    return frames


async def ask(ws, method, *params, ident=1):
    await ws.send(json.dumps({"method": method, "params": list(params), "id": ident}))
    return await recv(ws)


def newest_id(m, symbol="BTCUSDT"):
    return m.get("trades", symbol=symbol, limit=1)[0]["id"]


def history(m, first, last, symbol="BTCUSDT"):
    rows = []
    while first <= last:
        rows += m.get("historicalTrades", symbol=symbol, fromId=first, limit=min(1000, last - first + 1))
        first = rows[-1]["id"] + 1
    return rows


def ids(frames, key="t"):
    return [f[key] for f in frames]


def is_contiguous(numbers):
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# ------------------------------------------------------------------------------------- trades

def test_trades_are_those_of_rest(market):
    m = market()

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            before = newest_id(m)
            m.advance(60000)
            frames = await recv_trades(ws, newest_id(m))
            assert ids(frames) == list(range(before + 1, newest_id(m) + 1))
            for frame, row in zip(frames, history(m, before + 1, newest_id(m))):
                assert frame == {"e": "trade", "E": row["time"], "s": "BTCUSDT", "t": row["id"], "p": row["price"],
                                 "q": row["qty"], "T": row["time"], "m": row["isBuyerMaker"], "M": True}

    asyncio.run(run())


def test_aggregates_are_those_of_rest(market):
    m = market()

    async def run():
        async with m.connect("/ws/ethusdt@aggTrade") as ws:
            before = m.get("aggTrades", symbol="ETHUSDT", limit=1)[0]["a"]
            m.advance(60000)
            rows = m.get("aggTrades", symbol="ETHUSDT", fromId=before + 1, limit=1000)
            frames = await recv_until(ws, lambda f: f["a"] == rows[-1]["a"])
            assert [{k: v for k, v in f.items() if k not in "eEs"} for f in frames] == rows
            assert is_contiguous(ids(frames, "a"))
            assert all(f["e"] == "aggTrade" and f["s"] == "ETHUSDT" for f in frames)

    asyncio.run(run())


def test_a_dense_market_stays_consistent(market):
    """--live-rate: many trades a second, candles still what they add up to."""
    m = market("--live-rate", "200")

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            before = newest_id(m)
            m.advance(10000)
            frames = await recv_trades(ws, newest_id(m))
            assert 1000 < len(frames) < 4000
            assert ids(frames) == list(range(before + 1, before + 1 + len(frames)))
            rows = history(m, before + 1, newest_id(m))
            assert [(r["id"], r["price"], r["qty"], r["time"]) for r in rows] == \
                [(f["t"], f["p"], f["q"], f["T"]) for f in frames]
            for row in m.get("klines", symbol="BTCUSDT", interval="1s", startTime=JUNE + 1000, limit=8):
                inside = [f for f in frames if row[0] <= f["T"] <= row[6]]
                assert row[8] == len(inside)
                assert Decimal(row[5]) == sum(Decimal(f["q"]) for f in inside)
                assert Decimal(row[7]) == sum(Decimal(f["q"]) * Decimal(f["p"]) for f in inside)
                assert (row[1], row[4]) == (inside[0]["p"], inside[-1]["p"])

    asyncio.run(run())


def test_a_clock_of_its_own_runs(market):
    m = market(clock=("--start-ms", str(JUNE), "--speed", "50"))

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            frames = [await recv(ws) for _ in range(300)]
            assert is_contiguous(ids(frames))
            assert JUNE < frames[0]["T"] < JUNE + 3600000
            rows = history(m, frames[0]["t"], frames[-1]["t"])
            assert [(r["price"], r["qty"], r["time"]) for r in rows] == [(f["p"], f["q"], f["T"]) for f in frames]

    asyncio.run(run())


# ------------------------------------------------------------------------------- the protocol

def test_combined_streams_are_wrapped(market):
    m = market()

    async def run():
        async with m.connect("/stream?streams=btcusdt@trade/ethusdt@trade") as ws:
            m.advance(20000)
            last = {s: newest_id(m, s) for s in ("BTCUSDT", "ETHUSDT")}
            seen = {"btcusdt@trade": [], "ethusdt@trade": []}
            while not all(v and v[-1]["t"] == last[v[-1]["s"]] for v in seen.values()):
                frame = await recv(ws)
                assert set(frame) == {"stream", "data"}
                seen[frame["stream"]].append(frame["data"])
            assert all(is_contiguous(ids(v)) for v in seen.values())

    asyncio.run(run())


def test_streams_are_asked_for_and_given_up(market):
    m = market()

    async def run():
        async with m.connect("/ws") as ws:
            assert await ask(ws, "SUBSCRIBE", "btcusdt@trade", "nosuch@trade", ident=7) == {"result": None, "id": 7}
            assert await ask(ws, "LIST_SUBSCRIPTIONS", ident="x1") == \
                {"result": ["btcusdt@trade", "nosuch@trade"], "id": "x1"}
            m.advance(5000)
            frames = await recv_trades(ws, newest_id(m))
            assert {f["s"] for f in frames} == {"BTCUSDT"}
            assert await ask(ws, "UNSUBSCRIBE", "btcusdt@trade") == {"result": None, "id": 1}
            m.advance(5000)
            assert await ask(ws, "LIST_SUBSCRIPTIONS") == {"result": ["nosuch@trade"], "id": 1}

    asyncio.run(run())


def test_wrapping_is_a_property(market):
    m = market()

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            assert (await ask(ws, "GET_PROPERTY", "combined"))["result"] is False
            assert (await ask(ws, "SET_PROPERTY", "combined", True))["result"] is None
            m.advance(5000)
            assert (await recv(ws))["stream"] == "btcusdt@trade"

    asyncio.run(run())


@pytest.mark.parametrize("text, code, words", [
    ("{", 3, "Invalid JSON"), ("[]", 3, "Invalid JSON"), ('{"id":1}', 2, "missing field `method`"),
    ('{"method":"DANCE","id":1}', 2, "unknown variant"), ('{"method":"SUBSCRIBE","id":1}', 2, "missing field `params`"),
    ('{"method":"SUBSCRIBE","params":[],"id":{}}', 2, "request ID"),
    ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean"),
    ('{"method":"GET_PROPERTY","params":["x"],"id":1}', 0, "Unknown property")])
def test_what_cannot_be_understood_is_said(market, text, code, words):
    m = market()

    async def run():
        async with m.connect("/ws") as ws:
            await ws.send(text)
            error = (await recv(ws))["error"]
            assert error["code"] == code and words in error["msg"]
            assert (await ask(ws, "LIST_SUBSCRIPTIONS"))["result"] == []

    asyncio.run(run())


def test_a_connection_has_1024_streams_at_most(market):
    m = market()

    async def run():
        async with m.connect("/ws/" + "/".join(f"s{i}@trade" for i in range(1023))) as ws:
            assert (await ask(ws, "SUBSCRIBE", "a@trade"))["result"] is None
            assert (await ask(ws, "SUBSCRIBE", "a@trade"))["result"] is None
            assert (await ask(ws, "SUBSCRIBE", "b@trade"))["error"] == {"code": 4, "msg": "Too many subscriptions"}
            assert m.ws()["streams"] == 1024
        with pytest.raises(websockets.InvalidStatusCode):
            await m.connect("/stream?streams=" + "/".join(f"s{i}@trade" for i in range(1025)))

    asyncio.run(run())


def test_times_are_microseconds_when_asked(market):
    m = market()

    async def run():
        async with m.connect("/stream?streams=btcusdt@trade/btcusdt@kline_1s&timeUnit=MICROSECOND") as ws, \
                m.connect("/stream?streams=btcusdt@trade/btcusdt@kline_1s") as plain:
            m.advance(1000)
            for frame, ms in [(await recv(ws), await recv(plain)) for _ in range(2)]:
                frame, ms = frame["data"], ms["data"]
                assert frame["E"] == ms["E"] * 1000
                if "k" in frame:
                    assert (frame["k"]["t"], frame["k"]["T"]) == (ms["k"]["t"] * 1000, ms["k"]["T"] * 1000 + 999)
                else:
                    assert frame["T"] == ms["T"] * 1000

    asyncio.run(run())


def test_who_talks_too_much_is_cut(market):
    m = market()

    async def run():
        async with m.connect("/ws") as ws:
            with pytest.raises(websockets.ConnectionClosed) as end:
                for i in range(6):
                    await ws.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": i}))
                while True:
                    await recv(ws)
            assert (end.value.code, end.value.reason) == (1008, "Too many requests")
        async with m.connect("/ws") as ws:  # pings count too
            with pytest.raises(websockets.ConnectionClosed) as end:
                for _ in range(6):
                    await ws.ping()
                await recv(ws)
            assert end.value.code == 1008

    asyncio.run(run())


def test_pings_want_their_pong(market):
    m = market("--ws-ping-ms", "100", "--ws-rate", "30")

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            await asyncio.sleep(0.8)  # eight pings, answered by the library
            m.advance(5000)
            assert (await recv(ws))["e"] == "trade"
        reader, writer = await asyncio.open_connection("127.0.0.1", int(m.url.rsplit(":", 1)[1]))
        writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        began = time.monotonic()
        data = await asyncio.wait_for(reader.read(), PATIENCE)  # to its end: nobody answers
        assert 0.3 < time.monotonic() - began < 5
        frames = data.split(b"\r\n\r\n", 1)[1]
        assert frames[0] == 0x89 and abs(int(frames[2:2 + frames[1]]) / 1000 - time.time()) < 10
        writer.close()

    asyncio.run(run())


def test_a_connection_ends_after_its_life(market):
    m = market("--ws-life-ms", "300")

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            with pytest.raises(websockets.ConnectionClosed) as end:
                await recv(ws)
            assert end.value.code == 1001

    asyncio.run(run())


def test_streams_over_tls(market, tmp_path):
    make_authority(tmp_path, ["localhost"])
    m = market("--cert", str(tmp_path / "server.pem"), "--key", str(tmp_path / "server.key"),
               clock=("--start-ms", str(JUNE), "--speed", "1000"))
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    async def run():
        url = m.url.replace("http://127.0.0.1", "wss://localhost")
        async with websockets.connect(url + "/ws/btcusdt@trade", ssl=trust) as ws:
            assert is_contiguous(ids([await recv(ws) for _ in range(5000)]))

    asyncio.run(run())
