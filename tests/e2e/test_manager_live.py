"""Followers of queue-manager: each event once, in order, resumed by id, filtered, and no slow one stalls the others."""

import asyncio
import json
import socket
import urllib.request

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


def stream(m, query="", **headers):
    return urllib.request.urlopen(urllib.request.Request(f"{m.url}/events{query}", headers=headers), timeout=PATIENCE)


def read_stream(answer, check):
    """(id, message) pairs up to the first message that @check accepts."""
    got, fields = [], {}
    while not got or not check(got[-1][1]):
        line = answer.readline().decode().rstrip("\n")
        if line:
            name, _, fields[name] = line.partition(": ")
        elif "data" in fields:
            got.append((int(fields["id"]), json.loads(fields["data"])))
            fields = {}
    return got


def test_server_sent_events_are_the_same_messages(manager):
    m = manager()
    with stream(m) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        queue = m.start_queue(**CANDLES)
        live = read_stream(answer, is_end(queue))
    assert all(i == x["id"] for i, x in live)
    kept = [(e["id"], e["event"]["status"]) for e in m.good("GET", f"/queues/{queue['queue_id']}/events")["events"]]
    assert [e for e in events(x for _, x in live) if e in kept] == kept
    with stream(m, "?after=-1", **{"Last-Event-ID": str(kept[0][0])}) as answer:
        assert events(x for _, x in read_stream(answer, lambda x: x["id"] == kept[-1][0])) == kept[1:]
    status, _, problem = m.call("GET", "/events", headers={"Last-Event-ID": "soon"})
    assert (status, problem["title"]) == (400, "Bad Request")
    assert m.call("HEAD", "/events")[0] == 200
    wait_for(lambda: "\nmanager_followers 0\n" in m.good("GET", "/metrics"), PATIENCE, "end of both followers")


def connect_narrow(m):
    """A client whose socket takes little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", int(m.url.rsplit(":", 1)[1])))
    return websockets.connect(m.url.replace("http", "ws") + "/ws/events", sock=sock, max_size=None)


def test_one_that_does_not_read_stalls_nobody_and_is_closed(manager):
    m = manager()
    queue = m.start_queue(**CANDLES)
    member = m.wait_status(queue["queue_id"], "finished")["members"][1]
    pongs = [{"queue_id": queue["queue_id"], "telemetry_id": member["telemetry_id"], "instance": member["instance"],
              "producer": member["telemetry_id"], "target": member["target"], "symbol": "BTCUSDT", "type": queue["type"],
              "status": "pong", "message": str(n) + " " * 20000, "records_written": 0, "finished": False,
              "timestamp": 1.5}
             for n in range(300)]  # 6 MB: more than the kernel keeps for a socket

    async def run():
        slow = await connect_narrow(m)
        slow.transport.pause_reading()
        async with connect(m) as ws:
            for at in range(0, len(pongs), 30):  # less at once than may wait for a client
                some = pongs[at:at + 30]
                m.world.kafka.produce("queue-events", [(queue["queue_id"], json.dumps(p)) for p in some])
                got = await read_until(ws, lambda x, last=at + 29: int(x["event"]["message"]) == last)
                assert [int(x["event"]["message"]) for x in got] == list(range(at, at + 30))
            await asyncio.to_thread(wait_for, lambda: "\nmanager_followers 1\n" in m.good("GET", "/metrics"), PATIENCE,
                                    "end of the slow one")
        slow.transport.resume_reading()
        seen = 0
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            while True:
                await asyncio.wait_for(slow.recv(), PATIENCE)
                seen += 1
        assert seen < len(pongs)

    asyncio.run(run())
