"""Followers of queue-manager: each event once, in order, resumed by id, filtered, and no slow one stalls the others."""

import asyncio
import json

import pytest
import websockets
from flow import World, wait_for
from manager import Manager

CANDLES = {"symbol": "BTCUSDT", "type": "api_candles_1h", "time_range": "2024-06-01:2024-06-02"}
PATIENCE = 30


@pytest.fixture
def manager(kafka, tmp_path):
    made = []

    def make(**settings):
        world = World(kafka, tmp_path / f"world{len(made)}")
        made.append(Manager(world, **settings))
        return made[-1].start()

    yield make
    for m in made:
        m.close()
        m.world.close()


def connect(m, query=""):
    return websockets.connect(m.url.replace("http", "ws") + "/ws/events" + query, max_size=None)


async def read_until(ws, check):
    """All messages up to the first that @check accepts."""
    got = []
    while not got or not check(got[-1]):
        got.append(json.loads(await asyncio.wait_for(ws.recv(), PATIENCE)))
    return got


def is_end(queue):
    return lambda x: x["queue_id"] == queue["queue_id"] and x["status"] == "finished"


def events(messages):
    return [(x["id"], x["event"]["status"]) for x in messages if "event" in x]


def test_a_follower_sees_a_queue_to_its_end_and_resumes_by_id(manager):
    m = manager()

    async def run():
        async with connect(m) as ws:
            queue = m.start_queue(**CANDLES)
            live = await read_until(ws, is_end(queue))
        ids = [x["id"] for x in live]
        assert ids == sorted(ids)
        kept = [(e["id"], e["event"]["status"]) for e in m.good("GET", f"/queues/{queue['queue_id']}/events")["events"]]
        assert [e for e in events(live) if e in kept] == kept and len(kept) >= 4

        other = m.start_queue(**{**CANDLES, "symbol": "ETHUSDT"})
        m.wait_status(other["queue_id"], "finished")
        async with connect(m, f"?after={kept[0][0]}&queue_id={queue['queue_id']}") as ws:
            assert events(await read_until(ws, lambda x: x["id"] == kept[-1][0])) == kept[1:]
        m.restart()
        async with connect(m, f"?after=-1&queue_id={other['queue_id']},{queue['queue_id']}") as ws:
            again = await read_until(ws, lambda x: (x["queue_id"], x["event"]["target"], x["event"]["finished"]) ==
                                     (other["queue_id"], "arango-candles", True))
        assert [e for e in events(again) if e in kept] == [e for e in kept if e[1] != "loading"]
        assert {x["queue_id"] for x in again} == {queue["queue_id"], other["queue_id"]}
        async with connect(m) as ws:
            m.good("DELETE", f"/queues/{queue['queue_id']}")
            assert json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["status"] == "deleted"

    asyncio.run(run())


def test_refused_as_any_request(manager):
    m = manager(MANAGER_TOKEN="operate-token-0123456789", MANAGER_READ_TOKEN="read-token-0123456789", STREAMS_MAX="1")

    async def status_of(query="", **headers):
        try:
            async with websockets.connect(m.url.replace("http", "ws") + "/ws/events" + query, extra_headers=headers):
                return 101
        except websockets.exceptions.InvalidStatusCode as e:
            return e.status_code

    async def run():
        read = {"Authorization": "Bearer read-token-0123456789"}
        assert await status_of() == 401
        assert await status_of(**read, Origin="http://elsewhere.example") == 403
        assert await status_of("?after=soon", **read) == 400
        assert await status_of("?queue_id=", **read) == 400
        async with websockets.connect(m.url.replace("http", "ws") + "/ws/events", extra_headers=read):
            assert await status_of(**read) == 429
        for _ in range(100):
            if await status_of(**read) == 101:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("the place of one that is gone stays taken")

    asyncio.run(run())
    assert m.call("GET", "/ws/events")[0] == 426


def test_one_that_does_not_read_stalls_nobody(manager):
    m = manager()

    async def run():
        queue = m.start_queue(**{**CANDLES, "type": "api_candles_1s", "time_range": "2024-06-01:2024-06-03"})
        slow = await connect(m, "?after=-1")
        slow.transport.pause_reading()
        async with connect(m) as ws:
            wanted = 300
            for _ in range(wanted):
                m.good("POST", f"/queues/{queue['queue_id']}/ping")
            seen = 0
            while seen < wanted // 2:
                seen += "event" in json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
        slow.transport.abort()
        m.good("POST", f"/queues/{queue['queue_id']}/stop")
        wait_for(lambda: m.show(queue["queue_id"])["status"] in ("interrupted", "finished"), PATIENCE, "end")

    asyncio.run(run())
