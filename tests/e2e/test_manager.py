"""queue-manager: one request starts a queue, it is followed to its end, stop and kill -9 lose nothing."""

import json
import os
import signal

import pytest
from flow import PASSWORD, World, http, wait_for
from manager import Manager
from sfproc import Proc

CANDLES = {"symbol": "BTCUSDT", "type": "api_candles_1m", "time_range": "2024-06-01:2024-06-02"}
LONG = {**CANDLES, "type": "api_candles_1s", "time_range": "2024-06-01:2024-06-10"}


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


def slow(m, ms=500):
    m.world.faults({"kind": "delay", "ms": ms, "path": "/api/v3/klines"})


def check_documents(m, queue, n):
    rows = m.world.aql("FOR d IN @@c RETURN d._key", **{"@c": queue["collection_name"]})
    assert len(rows) == len(set(rows)) == n


def finals(m, queue):
    """Last events of all instances: {target: [status]}."""
    found = {}
    for r in m.world.kafka.read_topic("queue-events"):
        event = json.loads(r.value)
        if event["queue_id"] == queue["queue_id"] and event["finished"]:
            found.setdefault(event["target"], []).append(event["status"])
    return found


# ------------------------------------------------------------------------------ the normal run

def test_one_request_loads_a_history_to_its_end(manager):
    m = manager()
    queue = m.start_queue(**CANDLES)
    assert {x["target"] for x in queue["members"]} == {"loader-api-candles", "arango-candles"}
    done = m.wait_status(queue["queue_id"], "finished")
    assert [(x["status"], x["records_written"], x["restarts"]) for x in done["members"]] == [("finished", 2880, 0)] * 2
    check_documents(m, queue, 2880)
    statuses = [e["event"]["status"] for e in m.good("GET", f"/queues/{queue['queue_id']}/events")["events"]]
    assert statuses.count("started") == statuses.count("finished") == 2
    assert "event=ended status=finished" in m.good("GET", f"/queues/{queue['queue_id']}/logs?member=connector")
    wait_for(lambda: not m.members(), 10, "end of both processes")


def test_a_pipeline_runs_as_queues_of_its_own(manager):
    m = manager()
    answer = m.start_queue(symbol="BTCUSDT", time_range="2024-06-01:2024-06-01",
                           requests=[{"type": "api_candles", "interval": "1h"}, {"type": "api_candles_5m"}])
    assert len(answer["queues"]) == 2
    for queue, n in zip(answer["queues"], (24, 288)):
        assert queue["pipeline_id"] == answer["pipeline_id"]
        m.wait_status(queue["queue_id"], "finished")
        check_documents(m, queue, n)
    page = m.good("GET", f"/queues?pipeline_id={answer['pipeline_id']}&limit=1")
    rest = m.good("GET", f"/queues?pipeline_id={answer['pipeline_id']}&cursor={page['cursor']}")
    assert [q["queue_id"] for q in page["queues"] + rest["queues"]] == [q["queue_id"] for q in answer["queues"]]
    assert "cursor" not in rest
    wait_for(lambda: not m.members(), 20, "end of all processes")
    wait_for(lambda: not any(x["running"] for q in m.good("GET", "/queues")["queues"] for x in q["members"]), 20, "rest")
    etag = m.call("GET", "/queues")[1]["ETag"]
    assert m.call("GET", "/queues", headers={"If-None-Match": etag})[::2] == (304, "")
    assert m.call("GET", "/queues?limit=1", headers={"If-None-Match": etag})[0] == 200
    m.good("DELETE", f"/queues/{answer['queues'][0]['queue_id']}")
    status, headers, _ = m.call("GET", "/queues", headers={"If-None-Match": etag})
    assert status == 200 and headers["ETag"] != etag


def test_dry_run_names_and_starts_nothing(manager):
    m = manager(IMAGE_REGISTRY="registry.dmz.home/streamforge", IMAGE_TAG="v0.1.0")
    answer = m.good("POST", "/queues/start?dry_run=true",
                    {**CANDLES, "type": "api_candles_5m", "image": "loader-api-candles"})
    queue, = answer["queues"]
    assert queue["queue_id"].startswith("loader-btcusdt-api_candles_5m-2024_06_01-")
    assert queue["members"][0]["image"] == "registry.dmz.home/streamforge/loader-api-candles:v0.1.0"
    assert queue["members"][1]["target"] == "arango-candles"
    assert m.good("GET", "/queues")["queues"] == [] and not m.members()


# ------------------------------------------------------------------------------ commands

def test_stop_pause_resume(manager):
    m = manager()
    slow(m)
    queue = m.start_queue(**LONG)
    m.wait_status(queue["queue_id"], "loading")
    assert m.good("POST", f"/queues/{queue['queue_id']}/pause")["wish"] == "pause"
    wait_for(lambda: "paused" in {x["status"] for x in m.show(queue["queue_id"])["members"]}, 20, "pause")
    m.good("POST", f"/queues/{queue['queue_id']}/resume")
    m.wait_status(queue["queue_id"], "loading")
    m.good("POST", f"/queues/{queue['queue_id']}/ping")
    wait_for(lambda: [e for e in m.good("GET", f"/queues/{queue['queue_id']}/events")["events"]
                      if e["event"]["status"] == "pong"], 20, "pong")
    assert m.good("POST", f"/queues/{queue['queue_id']}/stop")["status"] == "stopping"
    m.wait_status(queue["queue_id"], "interrupted")
    assert finals(m, queue) == {"loader-api-candles": ["interrupted"], "arango-candles": ["interrupted"]}
    wait_for(lambda: not m.members(), 20, "end of both processes")
    status, _, problem = m.call("POST", f"/queues/{queue['queue_id']}/resume")
    assert (status, problem["title"]) == (409, "Conflict")


def test_stop_of_everything_is_one_call(manager):
    m = manager()
    slow(m)
    ids = [m.start_queue(**{**LONG, "symbol": s})["queue_id"] for s in ("BTCUSDT", "ETHUSDT")]
    answer = m.good("POST", "/queues/stop")
    assert [q["queue_id"] for q in answer["queues"]] == ids
    for queue_id in ids:
        m.wait_status(queue_id, "interrupted")


def test_delete_asks_for_the_end_and_for_the_name(manager):
    m = manager()
    first, second = m.start_queue(**CANDLES), m.start_queue(**CANDLES)
    path = f"/queues/{first['queue_id']}"
    collection = first["collection_name"]
    for queue in (first, second):
        m.wait_status(queue["queue_id"], "finished")

    def refusal(name):
        status, _, problem = m.call("DELETE", f"{path}?collection={name}")
        assert status == 409
        return problem["detail"]

    wait_for(lambda: "expected the queue's collection_name" in refusal("other"), 20, "end of the processes")
    wait_for(lambda: "another queue names" in refusal(collection), 20, "refusal")
    m.good("DELETE", path)
    assert m.call("GET", path)[0] == 404
    check_documents(m, second, 2880)
    wait_for(lambda: m.call("DELETE", f"/queues/{second['queue_id']}?collection={collection}")[0] == 200, 20, "deletion")
    assert m.world.aql("FOR q IN queues RETURN q._key") == []
    base = f"{m.world.store.url}/_db/streamforge/_api/collection"
    assert http("GET", f"{base}/queues", user=f"root:{PASSWORD}")[0] == 200
    assert http("GET", f"{base}/{collection}", user=f"root:{PASSWORD}")[0] == 404


# ------------------------------------------------------------------------------ kill -9

def test_manager_killed_while_queues_run_loses_nothing(manager):
    m = manager()
    slow(m)
    queue = m.start_queue(**{**LONG, "time_range": "2024-06-01:2024-06-01"})
    for _ in range(3):
        m.wait_status(queue["queue_id"], "loading")
        before = m.members()
        m.restart()
        assert m.members().get("loader-api-candles", []) == before["loader-api-candles"]
    m.world.faults()
    done = m.wait_status(queue["queue_id"], "finished", 120)
    assert [x["restarts"] for x in done["members"]] == [0, 0]
    assert finals(m, queue) == {"loader-api-candles": ["finished"], "arango-candles": ["finished"]}
    check_documents(m, queue, 86400)


def test_what_ends_while_the_manager_is_dead_is_known_afterwards(manager):
    m = manager()
    queue = m.start_queue(**CANDLES)
    m.proc.kill()
    wait_for(lambda: not m.members(), 60, "end of both processes")
    m.start()
    done = m.wait_status(queue["queue_id"], "finished")
    assert [x["restarts"] for x in done["members"]] == [0, 0]
    check_documents(m, queue, 2880)


def test_a_stop_that_was_answered_survives_kill_9(manager):
    m = manager()
    slow(m)
    queue = m.start_queue(**LONG)
    m.wait_status(queue["queue_id"], "loading")
    assert m.call("POST", f"/queues/{queue['queue_id']}/stop")[0] == 202
    m.restart()
    m.wait_status(queue["queue_id"], "interrupted")
    wait_for(lambda: not m.members(), 20, "end of both processes")


def test_the_same_idempotency_key_starts_once_across_kill_9(manager):
    m = manager()
    key = {"Idempotency-Key": "june"}
    status, _, first = m.call("POST", "/queues/start", CANDLES, key)
    assert status == 201
    m.restart()
    status, _, again = m.call("POST", "/queues/start", CANDLES, key)
    assert (status, again["queue_id"]) == (200, first["queue_id"])
    assert m.call("POST", "/queues/start", LONG, key)[0] == 409
    assert len(m.good("GET", "/queues")["queues"]) == 1


def test_half_of_a_pipeline_that_was_not_launched_is_rolled_back(manager):
    """As kill -9 between two writes leaves it: one document of two, and nothing was started."""
    m = manager()
    key = {"Idempotency-Key": "pipe"}
    pipeline = {"symbol": "BTCUSDT", "time_range": "2024-06-01:2024-06-01",
                "requests": [{"type": "api_candles_1h"}, {"type": "api_candles_4h"}]}
    status, _, first = m.call("POST", "/queues/start", pipeline, key)
    assert status == 201
    ids = [q["queue_id"] for q in first["queues"]]
    for queue_id in ids:
        m.wait_status(queue_id, "finished")
    m.restart()  # a pipeline that was launched stays, whole or not
    assert [q["queue_id"] for q in m.good("GET", "/queues")["queues"]] == ids
    m.proc.kill()
    base, user = f"{m.world.store.url}/_db/streamforge/_api/document/queues", f"root:{PASSWORD}"
    assert http("DELETE", f"{base}/{ids[1]}", user=user)[0] in (200, 202)
    doc = http("GET", f"{base}/{ids[0]}", user=user)[1]
    for member in doc["members"]:
        member.update(is_launched=False, is_over=False, is_final=False, instance="", offset=-1)
    assert http("PUT", f"{base}/{ids[0]}", doc, user)[0] in (201, 202)
    m.start()
    assert m.proc.wait_event("half_started")["queue"] == ids[0]
    assert m.good("GET", "/queues")["queues"] == [] and m.world.aql("FOR q IN queues RETURN q._key") == []
    status, _, again = m.call("POST", "/queues/start", pipeline, key)
    assert status == 201 and not {q["queue_id"] for q in again["queues"]} & set(ids)
    for queue in again["queues"]:
        m.wait_status(queue["queue_id"], "finished")


def test_state_of_many_pages_is_read_back(manager):
    m = manager()
    queue = m.start_queue(**CANDLES)
    m.wait_status(queue["queue_id"], "finished")
    m.stop()
    others = "".join(json.dumps({"queue_id": "other", "status": "gap", "offset": -i}) + "\n" for i in range(1, 2501))
    status, answer = http("POST", f"{m.world.store.url}/_db/streamforge/_api/import?collection=queue_events&type=documents",
                          others.encode(), f"root:{PASSWORD}")
    assert (status, answer["created"]) == (201, 2500)
    m.start()
    statuses = [e["event"]["status"] for e in m.good("GET", f"/queues/{queue['queue_id']}/events")["events"]]
    assert statuses.count("started") == statuses.count("finished") == 2
    assert m.show(queue["queue_id"])["members"][1]["records_written"] == 2880


# ------------------------------------------------------------------------------ failures

def test_killed_members_are_restarted_and_the_data_is_complete(manager):
    m = manager(RESTART_BACKOFF_MS="50")
    slow(m)
    queue = m.start_queue(**{**LONG, "time_range": "2024-06-01:2024-06-01"})
    m.wait_status(queue["queue_id"], "loading")
    for image in ("loader-api-candles", "arango-candles"):
        os.kill(m.members()[image][0], signal.SIGKILL)
    m.world.faults()
    done = m.wait_status(queue["queue_id"], "finished", 120)
    assert [x["restarts"] for x in done["members"]] == [1, 1]
    check_documents(m, queue, 86400)


def test_without_restarts_a_killed_member_ends_its_queue(manager):
    m = manager()
    slow(m)
    queue = m.start_queue(**LONG, restart="never")
    m.wait_status(queue["queue_id"], "loading")
    os.kill(m.members()["loader-api-candles"][0], signal.SIGKILL)
    done = m.wait_status(queue["queue_id"], "error")
    assert "without a last event" in done["members"][0]["error_message"]
    wait_for(lambda: not m.members(), 30, "end of the connector")


def test_a_silent_member_is_lost_and_replaced(manager):
    m = manager(LOST_AFTER_S="3", RESTART_BACKOFF_MS="50")
    slow(m)
    queue = m.start_queue(**LONG)
    m.wait_status(queue["queue_id"], "loading")
    os.kill(m.members()["loader-api-candles"][0], signal.SIGSTOP)
    wait_for(lambda: m.show(queue["queue_id"])["members"][0]["restarts"] == 1, 30, "replacement")
    m.good("POST", "/queues/stop")
    m.wait_status(queue["queue_id"], "interrupted")


def test_a_pipeline_that_cannot_start_is_rolled_back(manager, tmp_path):
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    real = os.path.realpath(os.environ.get("SF_BIN", "build/bin"))
    os.symlink(f"{real}/loader-api-candles", bin_dir / "loader-api-candles")
    m = manager(LAUNCHER_BIN=str(bin_dir))
    status, _, problem = m.call("POST", "/queues/start", CANDLES)
    assert status == 502 and "arango-candles" in problem["detail"]
    queue, = m.good("GET", "/queues")["queues"]
    assert "arango-candles" in m.wait_status(queue["queue_id"], "error")["error_message"]
    wait_for(lambda: not m.members(), 20, "end of the loader")


def test_while_the_database_is_away_nothing_is_promised(manager):
    m = manager()
    slow(m)
    queue = m.start_queue(**LONG)
    m.wait_status(queue["queue_id"], "loading")
    m.world.store.kill()
    m.proc.wait_event("database_away", timeout=30)
    assert m.call("POST", "/queues/start", CANDLES)[0] == 503
    assert m.call("GET", "/health/ready")[0] == 503
    assert m.show(queue["queue_id"])["status"] == "loading"
    m.world.store.start()
    wait_for(lambda: m.call("GET", "/health/ready")[0] == 200, 30, "the database")
    m.good("POST", f"/queues/{queue['queue_id']}/stop")
    m.wait_status(queue["queue_id"], "interrupted")


# ------------------------------------------------------------------------------ the API

def test_what_is_wrong_is_said_by_field(manager):
    m = manager(QUEUES_MAX="1", REQUEST_MAX_KB="4")
    status, headers, problem = m.call("POST", "/queues/start", {**CANDLES, "type": "api_candels_1m", "colour": 1})
    assert status == 422 and headers["Content-Type"] == "application/problem+json"
    assert {e["pointer"]: e.get("nearest") for e in problem["errors"]} == {"/type": "api_candles_1m", "/colour": None}
    post = ("POST", "/queues/start")
    assert m.call(*post, b"{")[0] == 400
    assert m.call(*post, b"{}", {"Content-Type": "text/plain"})[0] == 415
    assert m.call(*post, b" " * 5000)[0] == 413
    queue = m.start_queue(**CANDLES, queue_id="loader-btcusdt-api_candles_1m-2024_06_01-abc123")
    assert m.call(*post, CANDLES)[0] == 429
    for method, path, want in (("GET", "/nothing", 404), ("PUT", "/queues", 405), ("GET", "/queues/none", 404),
                               ("GET", "/queues?limit=x", 400), ("GET", "/queues?status=x", 400),
                               ("DELETE", f"/queues/{queue['queue_id']}?collection=x", 409)):
        status, _, problem = m.call(method, path)
        assert (status, problem["status"]) == (want, want), path
    m.wait_status(queue["queue_id"], "finished")
    path = f"/queues/{queue['queue_id']}"
    wait_for(lambda: m.call("GET", path, headers={"If-None-Match": m.call("GET", path)[1]["ETag"]})[0] == 304,
             20, "rest of a queue that is over")


def test_tokens_have_roles(manager):
    m = manager(MANAGER_TOKEN="op-secret", MANAGER_READ_TOKEN="read-secret")
    assert m.call("GET", "/queues", token="wrong")[0] == 401
    assert m.call("GET", "/queues", token="read-secret")[0] == 200
    assert m.call("POST", "/queues/stop", token="read-secret")[0] == 403
    assert m.call("POST", "/queues/stop")[0] == 202
    assert m.call("POST", "/queues/stop", headers={"Origin": "http://evil.example"})[0] == 403
    assert m.call("GET", "/health/live", token="wrong")[0] == 200
    queue = m.start_queue(**CANDLES)
    m.wait_status(queue["queue_id"], "finished")
    told = m.proc.stderr() + json.dumps(m.show(queue["queue_id"])) + json.dumps(m.good("GET", "/queues"))
    for secret in ("op-secret", "read-secret", m.env["ARANGO_PASSWORD"]):
        assert secret not in told


def test_off_the_loopback_a_token_is_needed(manager):
    m = manager()
    proc = Proc("queue-manager", {**m.env, "MANAGER_LISTEN": "0.0.0.0:0"}, m.world.folder / "refused")
    assert proc.wait(30) == 2 and "MANAGER_TOKEN" in proc.stderr()


def test_two_managers_do_not_share_a_folder(manager):
    m = manager()
    proc = Proc("queue-manager", m.env, m.world.folder / "second")
    assert proc.wait(30) == 1 and "another manager has it" in proc.stderr()


def test_the_document_lists_every_route(manager):
    m = manager()
    document = m.good("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    page = m.good("GET", "/docs")
    assert {"/queues/start", "/queues/{queue_id}", "/health/ready"} <= set(document["paths"])
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in page
            if method == "get" and "{" not in path:
                is_stream = "text/event-stream" in route["responses"].get("200", {}).get("content", {})
                assert m.call("HEAD" if is_stream else "GET", path)[0] == (426 if "101" in route["responses"] else 200), path
    assert "manager_queues{status=\"finished\"} 0" in m.good("GET", "/metrics")
    assert {t["type"] for t in m.good("GET", "/types")["types"]} >= {"api_candles", "ws_trades"}
    assert m.good("GET", "/images")["images"]["arango-candles"].endswith("/arango-candles:" + m.env.get(
        "IMAGE_TAG", "v" + document["info"]["version"]))
