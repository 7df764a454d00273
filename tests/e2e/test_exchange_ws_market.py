"""sf-exchange's streams of books and candles against its REST; faults of frames and connections; tapes."""

import asyncio
import contextlib
import gzip
import json
from decimal import Decimal

import pytest
import websockets
from test_exchange_ws import (JUNE, history, ids, is_contiguous, newest_id, recv, recv_rest, recv_trades,
                              recv_until)

TRADE = {"path": "@trade"}


# -------------------------------------------------------------------------------- order books

def book_of(snapshot):
    return {side: {Decimal(p): q for p, q in snapshot[side]} for side in ("bids", "asks")}


def apply(book, event):
    for side, name in (("b", "bids"), ("a", "asks")):
        for price, quantity in event[side]:
            if Decimal(quantity) == 0:
                del book[name][Decimal(price)]  # what is taken away was there
            else:
                book[name][Decimal(price)] = quantity


@pytest.mark.parametrize("stream, step_ms", [("depth@100ms", 100), ("depth", 1000)])
def test_a_book_kept_by_the_diffs_is_that_of_rest(market, stream, step_ms):
    m = market()

    async def run():
        async with m.connect(f"/ws/btcusdt@{stream}") as ws:
            book, last, exact, inside = None, 0, 0, 0
            for _ in range(40):
                now = m.advance(step_ms)
                event = await recv(ws)
                assert (event["e"], event["E"], event["s"]) == ("depthUpdate", now, "BTCUSDT")
                snapshot = m.get("depth", symbol="BTCUSDT", limit=5000)
                if book is None:
                    book, last = book_of(snapshot), snapshot["lastUpdateId"]
                    assert event["U"] <= last
                    continue
                if exact + inside == 0:  # joined as the documentation says
                    assert event["U"] <= last + 1 <= event["u"]
                else:
                    assert event["U"] == last + 1
                apply(book, event)
                last = event["u"]
                assert book == book_of(snapshot)
                exact += snapshot["lastUpdateId"] == last
                inside += snapshot["lastUpdateId"] > last
            assert exact > 0 and (inside > 0 or step_ms == 1000)
            prices = [Decimal(p) for p, _ in snapshot["bids"]]
            assert prices == sorted(prices, reverse=True) and len(prices) == 5000
            assert prices[0] < Decimal(snapshot["asks"][0][0])

    asyncio.run(run())


def test_two_listeners_see_one_book(market):
    """Who comes later, or asks for the slow stream, gets to the same book."""
    m = market()

    async def run():
        async with m.connect("/ws/ethusdt@depth@100ms") as early:
            m.advance(1050)
            for _ in range(10):
                await recv(early)
            snapshot = m.get("depth", symbol="ETHUSDT", limit=5000)
            async with m.connect("/ws/ethusdt@depth@100ms") as late, m.connect("/ws/ethusdt@depth") as slow:
                m.advance(3950)
                fast = [await recv(early) for _ in range(40)]
                assert [await recv(late) for _ in range(40)] == fast
                books = []
                for events in (fast, [await recv(slow) for _ in range(4)]):
                    books.append(book_of(snapshot))
                    for event in events:
                        if event["u"] > snapshot["lastUpdateId"]:
                            apply(books[-1], event)
                assert books[0] == books[1] == book_of(m.get("depth", symbol="ETHUSDT", limit=5000))

    asyncio.run(run())


# ------------------------------------------------------------------------------------ candles

@pytest.mark.parametrize("interval, span_ms, step_ms", [("1s", 1000, 1000), ("1m", 60000, 2000)])
def test_closed_candles_are_those_of_rest(market, interval, span_ms, step_ms):
    m = market()

    async def run():
        async with m.connect(f"/ws/btcusdt@kline_{interval}") as ws:
            end = m.advance(3 * span_ms)
            frames = await recv_until(ws, lambda f: f["E"] == end)
            assert ids(frames, "E") == list(range(JUNE + step_ms, end + 1, step_ms))
            rows = m.get("klines", symbol="BTCUSDT", interval=interval, startTime=JUNE, limit=3)
            closed = [f["k"] for f in frames if f["k"]["x"]]
            assert [[k["t"], k["o"], k["h"], k["l"], k["c"], k["v"], k["T"], k["q"], k["n"], k["V"], k["Q"], k["B"]]
                    for k in closed] == rows
            for k in closed:
                trades = history(m, k["f"], k["L"])
                assert len(trades) == k["n"] and k["t"] <= trades[0]["time"] and trades[-1]["time"] <= k["T"]
            for before, frame in zip(frames, frames[1:]):  # a running candle only grows
                if before["k"]["t"] == frame["k"]["t"]:
                    assert not before["k"]["x"] and frame["k"]["n"] >= before["k"]["n"]
                    assert frame["k"]["f"] == before["k"]["f"] and Decimal(frame["k"]["v"]) >= Decimal(before["k"]["v"])

    asyncio.run(run())


# ------------------------------------------------------------------------------------- faults

async def trades_of(m, ws, ms=20000):
    """Ids that a healthy stream would have, and the frames that came."""
    first = newest_id(m) + 1
    m.advance(ms)
    last = newest_id(m)
    return list(range(first, last + 1)), await recv_trades(ws, last)


def test_frames_are_dropped_doubled_reordered(market):
    m = market()

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            m.faults({"kind": "ws_drop", "after": 5, "count": 2, **TRADE})
            wanted, frames = await trades_of(m, ws)
            assert ids(frames) == wanted[:4] + wanted[5:9] + wanted[10:]
            m.faults({"kind": "ws_duplicate", "after": 5, "count": 2, **TRADE})
            wanted, frames = await trades_of(m, ws)
            assert ids(frames) == wanted[:5] + wanted[4:10] + wanted[9:]
            m.faults({"kind": "ws_reorder", "after": 5, "count": 1, **TRADE})
            wanted, frames = await trades_of(m, ws)
            assert ids(frames) == wanted[:4] + [wanted[5], wanted[4]] + wanted[6:]
            m.faults({"kind": "ws_drop", "path": "ethusdt"})
            wanted, frames = await trades_of(m, ws)
            assert ids(frames) == wanted

    asyncio.run(run())


def test_frames_are_corrupted_and_delayed(market):
    m = market()

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws:
            m.faults({"kind": "ws_corrupt", "after": 3, "count": 1})
            m.advance(20000)
            texts = [await asyncio.wait_for(ws.recv(), 20) for _ in range(10)]
            with pytest.raises(ValueError):
                json.loads(texts[2])
            assert is_contiguous(ids([json.loads(t) for t in texts[3:]]))
        async with m.connect("/ws/btcusdt@trade") as ws:
            m.faults({"kind": "ws_delay", "ms": 500, "after": 3, "count": 1})
            loop = asyncio.get_running_loop()
            m.advance(20000)
            await recv(ws)
            await recv(ws)
            began = loop.time()
            frames = [await recv(ws) for _ in range(5)]
            assert 0.3 < loop.time() - began < 10 and is_contiguous(ids(frames))

    asyncio.run(run())


def test_sockets_are_cut_between_and_in_frames(market):
    m = market()

    async def run():
        async with m.connect("/ws/btcusdt@trade") as ws, m.connect("/ws/ethusdt@trade") as other:
            first = newest_id(m) + 1
            m.faults({"kind": "ws_cut", "after": 7, "count": 1, "path": "btcusdt"})
            m.advance(20000)
            assert ids(await recv_rest(ws)) == list(range(first, first + 7))
            assert ws.close_code == 1006
            assert (await recv(other))["s"] == "ETHUSDT"
        async with m.connect("/ws/btcusdt@trade") as ws:
            first = newest_id(m) + 1
            m.faults({"kind": "ws_cut_mid", "after": 7, "count": 1})
            m.advance(20000)
            assert ids(await recv_rest(ws)) == list(range(first, first + 6))
            assert ws.close_code == 1006
        async with m.connect("/ws/btcusdt@trade") as ws, m.connect("/ws/ethusdt@trade") as other:
            m.faults({"kind": "ws_cut", "path": "btcusdt"})
            assert await recv_rest(ws) == []
            m.advance(5000)
            assert (await recv(other))["s"] == "ETHUSDT"

    asyncio.run(run())


def test_a_shutdown_is_announced_and_a_life_ends(market):
    m = market()

    async def run():
        async with m.connect("/stream?streams=btcusdt@trade") as ws:
            m.faults({"kind": "ws_shutdown", "ms": 300})
            assert await recv(ws) == {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": JUNE}}
            now = m.advance(5000)
            frames = [f["data"] for f in await recv_rest(ws)]  # goes on until the end
            assert frames[-1]["t"] == newest_id(m) and frames[-1]["T"] <= now
            assert ws.close_code == 1001
        async with m.connect("/ws/btcusdt@trade") as ws:
            m.faults({"kind": "ws_roll"})
            assert await recv_rest(ws) == [] and ws.close_code == 1001

    asyncio.run(run())


def test_nobody_may_connect_for_a_while(market):
    m = market()

    async def run():
        m.faults({"kind": "ws_refuse", "ms": 400})
        with pytest.raises(websockets.InvalidStatusCode) as no:
            await m.connect("/ws")
        assert no.value.status_code == 503 and m.ws()["refused"] == 1
        for _ in range(100):
            with contextlib.suppress(websockets.InvalidStatusCode):
                await (await m.connect("/ws")).close()
                break
            await asyncio.sleep(0.1)
        assert m.ws()["accepted"] == 1

    asyncio.run(run())


def test_attempts_to_connect_are_limited(market):
    m = market("--ws-connects", "3")

    async def run():
        for _ in range(3):
            await (await m.connect("/ws")).close()
        with pytest.raises(websockets.InvalidStatusCode) as no:
            await m.connect("/ws")
        assert no.value.status_code == 429

    asyncio.run(run())


# -------------------------------------------------------------------------------------- tapes

def tape_line(time_us, stream, number):
    return f'{time_us} {{"stream":"{stream}","data":{{"n":{number},"note":"as it was, \\u00e9 1.10"}}}}'


@pytest.mark.parametrize("packed", [False, True])
def test_a_tape_is_served_frame_for_frame(market, tmp_path, packed):
    lines = [tape_line(1717200000000000 + i * 10, "btcusdt@trade" if i % 3 else "ethusdt@trade", i) for i in range(5000)]
    path = tmp_path / "tape"
    others = ['1717200000000000 {"stream":"!sf.up","data":{}}', '1717200000000001 {"lastUpdateId":1}']
    text = "\n".join([lines[0], *others, *lines[1:], "17172"])  # the recorder was killed in the last line
    path.write_bytes((gzip.compress if packed else bytes)(text.encode()))
    m = market("--ws-tape", str(path), "--ws-tape-speed", "0")

    async def run():
        frames = [line.split(" ", 1)[1] for line in lines]
        async with m.connect("/stream?streams=btcusdt@trade/ethusdt@trade") as ws:
            assert [await asyncio.wait_for(ws.recv(), 20) for _ in frames] == frames
        async with m.connect("/stream?streams=ethusdt@trade") as ws:
            wanted = [f for f in frames if "ethusdt" in f]
            assert [await asyncio.wait_for(ws.recv(), 20) for _ in wanted] == wanted

    asyncio.run(run())


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_tape_keeps_its_time(market, tmp_path, unit):
    path = tmp_path / "tape"
    path.write_text("".join(tape_line((1717200000000000 + i * 10_000_000) * unit, "btcusdt@trade", i) + "\n"
                            for i in range(4)))
    m = market("--ws-tape", str(path), "--ws-tape-speed", "50")

    async def run():
        loop = asyncio.get_running_loop()
        async with m.connect("/stream?streams=btcusdt@trade") as ws:
            began = loop.time()
            await recv(ws)
            for _ in range(3):
                await recv(ws)
            assert 0.4 < loop.time() - began < 10

    asyncio.run(run())


@pytest.mark.parametrize("text, words", [("", "line 1"), ("17 {}\nx {}\n", "line 2"), (None, "no such file")])
def test_what_is_no_tape_is_said(market, tmp_path, text, words):
    path = tmp_path / "tape"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AssertionError, match="exited 1") as why:
        market("--ws-tape", str(path))
    assert words in str(why.value)
