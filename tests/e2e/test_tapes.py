"""Tapes: what a live loader received is recorded, and played it gives the same records, byte for byte."""

import gzip
import json
import os
import pathlib
import time

import pytest
from flow import World, wait_for
from live_queue import LiveQueue
from sfproc import Proc
from test_live_books import SYMBOL, LiveBookQueue

DATA = pathlib.Path(os.environ.get("SF_DATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"))


@pytest.fixture
def world(kafka, tmp_path):
    made = World(kafka, tmp_path / "world")
    yield made
    made.close()


@pytest.fixture
def live(world):
    queues = []

    def make(**args):
        queues.append(LiveQueue(world, **args))
        queues[-1].front.__enter__()
        return queues[-1]

    yield make
    for queue in queues:
        queue.kill()
        queue.front.__exit__(None, None, None)


def values(queue):
    """The bytes of the data records, in order."""
    return [r.value for r in queue.world.kafka.read_topic(queue.topic) if r.value is not None]


def replay(world, tape, **more):
    """A queue of its own that plays a tape; nobody listens where the exchange would be."""
    queue = LiveQueue(world, BINANCE_API_URL="http://127.0.0.1:9", BINANCE_WS_URL="ws://127.0.0.1:9",
                      TAPE_REPLAY=tape, **{"TAPE_SPEED": "0", **more})
    return queue


def env_of(queue):
    """Its own front is not used."""
    queue.front.env = dict
    return queue


def play(world, tape, timeout=60, **more):
    queue = env_of(replay(world, tape, **more))
    loader = queue.loader()
    assert loader.wait(timeout) == 0, loader.stderr()
    return queue, loader


def only_tape(folder):
    tapes = list(folder.glob("*.tape"))
    assert len(tapes) == 1
    return tapes[0]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "tapes"
    made.mkdir()
    return made


# ----------------------------------------------------------------------------- the same again

@pytest.mark.parametrize("kind", ["trades", "agg_trades"])
def test_a_tape_gives_the_same_bytes(live, world, folder, kind):
    queue = live(kind=kind, TAPE_RECORD=folder)
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 300, dropped=range(100, 120), doubled=range(200, 210))
    queue.wait_count(300)
    queue.front.say('{"stream":"btcusdt@trade","data":{"e":"trade",\n"t":"x"}}')
    queue.front.cut()
    queue.front.advance("BTCUSDT", 1500)
    queue.listening(loader, at=2)
    queue.wait_count(1800)
    queue.front.advance("BTCUSDT", 200, dropped=[0, 50, 51])
    queue.wait_count(2000)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    queue.check(2000)
    assert {b'"source":"ws"' in v for v in values(queue)} == {True, False}

    again, player = play(world, only_tape(folder), TYPE=f"ws_{kind}")
    assert values(again) == values(queue)
    assert not player.events("tape_left")
    end = again.controls("sf-end")
    assert [(e["records"], e["first"], e["last"]) for e in end] == [(2000, queue.first_id, queue.first_id + 1999)]
    assert again.events(target="loader-ws-trades")[-1]["status"] == "finished"
    assert [(g["from"], g["to"], g["cause"], g["repaired"]) for g in again.controls("sf-gap")] == \
        [(g["from"], g["to"], g["cause"], g["repaired"]) for g in queue.controls("sf-gap")]


def test_a_kill_leaves_a_tape_and_the_next_run_another(live, world, folder):
    queue = live(TAPE_RECORD=folder)
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 500, dropped=[7])
    queue.wait_count(500)
    wait_for(lambda: f'"t":{queue.first_id + 499},' in only_tape(folder).read_text(), 10, "the last frame on the disk")
    loader.kill()
    first = only_tape(folder)
    queue.front.advance("BTCUSDT", 100)  # nobody listens: the next run asks REST for them
    loader = queue.loader()
    queue.wait_count(600)
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 50)
    queue.wait_count(650)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    second, = set(folder.glob("*.tape")) - {first}
    with open(first, "ab") as tape:  # a kill in the middle of a write
        tape.write(b'1717200000000000 {"stream":"btcusdt@trade","data":{"e":"tra')
    both = []
    for tape in first, second:
        again, player = play(world, tape)
        assert not player.events("tape_left")
        both += values(again)
    assert both == values(queue)
    assert b'"run":2' in both[-1]


def test_a_tape_is_played_at_a_speed(live, world, folder):
    queue = live(TAPE_RECORD=folder)
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 10)
    time.sleep(4)  # the time on the tape is what is tested
    queue.front.advance("BTCUSDT", 10)
    queue.wait_count(20)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    took = {}
    for speed in "1", "20", "0":
        began = time.monotonic()
        again, _ = play(world, only_tape(folder), TAPE_SPEED=speed)
        took[speed] = time.monotonic() - began
        assert values(again) == values(queue)
    assert took["1"] >= 4


def test_a_replay_waits_when_paused_and_goes_on_after_a_kill(live, world, folder):
    queue = live(TAPE_RECORD=folder)
    loader = queue.loader()
    queue.listening(loader)
    for _ in range(4):
        queue.front.advance("BTCUSDT", 10, dropped=[5])
        time.sleep(1)  # the time on the tape
    queue.wait_count(40)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()

    again = env_of(replay(world, only_tape(folder), TAPE_SPEED="1"))
    player = again.loader()
    again.wait_count(10)
    again.command("pause")
    wait_for(lambda: again.events(status="paused"), 10, "paused")
    count = again.count()
    time.sleep(2)  # the absence itself is what is tested
    assert again.count() == count < 40
    again.command("resume")
    again.wait_count(count + 1)
    player.kill()
    second = again.loader(TAPE_SPEED="0")
    assert second.wait(60) == 0, second.stderr()
    records = again.symbol_records()
    assert [{**r, "run": 1, "source": ""} for r in records] == [{**r, "source": ""} for r in queue.symbol_records()]
    assert again.controls("sf-end")[-1]["records"] == 40


# ----------------------------------------------------------------------------- what goes wrong

def test_a_full_disk_ends_the_recording_not_the_stream(live):
    queue = live(TAPE_RECORD="/dev/full")
    loader = queue.loader()
    queue.listening(loader)
    stopped = loader.wait_event("tape_stopped")
    assert stopped["level"] == "error" and "no space left" in stopped["text"]
    queue.front.advance("BTCUSDT", 500)
    queue.wait_count(500)
    queue.check(500)
    assert loader.is_running() and len(loader.events("tape_stopped")) == 1
    wait_for(lambda: [e for e in queue.events(status="loading") if "recording has ended" in e["message"]], 10, "the event")


@pytest.mark.parametrize("text, word", [
    ("", "it is empty"),
    ("1717200000000000 {\n", None),  # a frame like any other bad one
    ("hello\n", "expected a time in us"),
    ('1717200000000000 {"stream":"!sf.begin","data":{"type":"ws_agg_trades","exchange":"binance","symbols":[]}}\n',
     "recorded with TYPE='ws_agg_trades'"),
    ('1717200000000000 {"stream":"!sf.begin","data":{"type":"ws_trades","exchange":"binance","run":1,'
     '"symbols":[["ETHUSDT",-1,-1,0,-1]]}}\n', "another SYMBOL"),
    ('1717200000000000 {"stream":"!sf.begin","data":{"type":7}}\n', "its begin is malformed"),
])
def test_what_is_no_tape_of_this_queue_is_refused(world, folder, text, word):
    tape = folder / "a.tape"
    tape.write_text(text)
    queue = env_of(replay(world, tape))
    loader = queue.loader()
    assert loader.wait(30) == (1 if word else 0), loader.stderr()
    assert not word or word in loader.stderr()


def test_a_recording_never_overwrites(live, folder):
    tape = folder / "a.tape"
    tape.write_text("1 {}\n")
    queue = live(TAPE_RECORD=tape)
    loader = queue.loader()
    assert loader.wait(30) == 1
    assert "there is a tape already" in loader.stderr() and tape.read_text() == "1 {}\n"


# ----------------------------------------------------------------------------- tapes of others

def test_a_tape_of_another_recorder_is_played(world, folder):
    source = DATA / "hftbacktest" / "btcusdt_20240808.gz"
    if not source.exists():
        pytest.skip(f"no {source}")
    tape = folder / "a.tape"
    tape.write_bytes(gzip.decompress(source.read_bytes()))
    want = [line.split(b'"t":')[1].split(b",")[0] for line in tape.read_bytes().splitlines() if b"btcusdt@trade" in line]
    queue, _ = play(world, tape, PRODUCER_QUEUE_KB="64")  # Kafka's pace, not the disk's
    assert [str(r["trade_id"]).encode() for r in queue.records()] == want
    assert queue.controls("sf-end")[-1]["records"] == len(want) > 5000


def test_a_book_of_another_recorder_is_played(world, folder):
    source = DATA / "hftbacktest" / "btcusdt_20240808.gz"
    if not source.exists():
        pytest.skip(f"no {source}")
    tape = folder / "a.tape"
    tape.write_bytes(gzip.decompress(source.read_bytes()))
    frames = [json.loads(line.split(b" ", 1)[1]) for line in tape.read_bytes().splitlines()]
    snapshot, = [f for f in frames if "lastUpdateId" in f]
    diffs = [f["data"] for f in frames if f.get("stream") == "btcusdt@depth@100ms" and f["data"]["u"] > snapshot["lastUpdateId"]]
    queue = LiveBookQueue(world, TAPE_REPLAY=tape, TAPE_SPEED="0")
    queue.front.env = dict
    loader = queue.loader()
    assert loader.wait(60) == 0, loader.stderr()
    first, *deltas = queue.symbol_records(SYMBOL)
    assert (first["event"], first["last_update_id"]) == ("snapshot", snapshot["lastUpdateId"])
    assert first["bids"] == snapshot["bids"] and first["asks"] == snapshot["asks"]
    assert [(d["first_update_id"], d["last_update_id"], d["bids"], d["asks"]) for d in deltas] == \
        [(d["U"], d["u"], d["b"], d["a"]) for d in diffs]


def test_the_exchange_serves_what_a_loader_recorded(live, world, folder, tmp_path):
    queue = live(TAPE_RECORD=folder)
    loader = queue.loader()
    queue.listening(loader)
    queue.front.advance("BTCUSDT", 200)
    queue.wait_count(200)
    queue.command("stop")
    assert loader.wait(30) == 0, loader.stderr()
    with Proc("sf-exchange", {}, tmp_path / "x", ["--listen", "127.0.0.1:0", "--ws-tape", str(only_tape(folder))]) as proc:
        again = LiveQueue(world, BINANCE_WS_URL=f"ws://127.0.0.1:{proc.wait_event('listening')['port']}")
        again.front.env = lambda: {"BINANCE_API_URL": world.exchange.url}
        second = again.loader()
        again.wait_count(200)
        again.command("stop")
        assert second.wait(30) == 0, second.stderr()
    assert values(again)[:200] == values(queue)
