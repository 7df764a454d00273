"""sfctl: what an operator types, against a manager; exit codes, tables, JSON, completion."""

import json
import os
import subprocess

import pytest
from flow import World, day_ms, free_port, wait_for
from manager import Manager
from sfproc import BIN

CANDLES = ("symbol=BTCUSDT", "type=api_candles_1h", "time_range=2024-06-01:2024-06-02")
LONG = ("symbol=BTCUSDT", "type=api_candles_1s", "time_range=2024-06-01:2024-06-10")
TOKEN = "operator-secret"


@pytest.fixture(scope="module")
def manager(kafka, tmp_path_factory):
    world = World(kafka, tmp_path_factory.mktemp("sfctl"))
    m = Manager(world, MANAGER_TOKEN=TOKEN)
    yield m.start()
    m.close()
    world.close()


@pytest.fixture
def sfctl(manager):
    def run(*args, code=0, env=None, **kw):
        full = {"PATH": f"{BIN}:{os.environ['PATH']}", "MANAGER_URL": manager.url, "MANAGER_TOKEN": TOKEN, **(env or {})}
        done = subprocess.run([BIN / "sfctl", *args], env=full, text=True, capture_output=True, timeout=60, check=False, **kw)
        assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done.stdout if code in (0, 4) else done.stderr

    yield run
    manager.world.faults()
    run("stop", "--all", "--wait")


def test_a_queue_from_start_to_deletion(manager, sfctl):
    lines = sfctl("start", *CANDLES, "labels.team=desk", "restart_max=2", "--wait").splitlines()
    assert lines[0].split()[:2] == ["QUEUE", "STATUS"]
    queue = lines[1].split()[0]
    assert lines[-1].split()[1:] == ["finished", queue]
    shown = json.loads(sfctl("show", queue, "--json"))
    assert (shown["request"]["labels"], shown["request"]["restart_max"]) == ({"team": "desk"}, 2)
    row = next(line for line in sfctl("list", "--status", "finished").splitlines() if line.startswith(queue))
    assert row.split()[1:5] == ["finished", "48", "48", "100%"]
    assert "arango-candles" in sfctl("show", queue) and "collection_name  btcusdt_candles_1h" in sfctl("show", queue)
    events = [line.split() for line in sfctl("events", queue).splitlines()[1:]]
    assert [e[2] for e in events if e[1] == "loader-api-candles"][-1] == "finished"
    assert all(e[0].startswith("20") and e[0].endswith("Z") for e in events)
    assert "event=ended" in sfctl("logs", queue, "--member=connector")
    assert queue in sfctl("list", "--quiet").split()
    assert "expected the queue's collection_name" in sfctl("delete", queue, "--collection", "other", code=1)
    wait_for(lambda: not manager.show(queue)["members"][1]["running"], 20, "end of its processes")
    assert sfctl("delete", queue, "--collection", shown["collection_name"]) == f"deleted {queue}\n"
    assert "HTTP 404 Not Found: no such queue" in sfctl("show", queue, code=1)


def test_pause_resume_stop(manager, sfctl):
    manager.world.faults({"kind": "delay", "ms": 300, "path": "/api/v3/klines"})
    queue = json.loads(sfctl("start", *LONG, "--json"))["queue_id"]
    manager.wait_status(queue, "loading")
    assert json.loads(sfctl("pause", queue, "--json"))["queues"][0]["wish"] == "pause"
    wait_for(lambda: "paused" in sfctl("show", queue), 20, "pause")
    sfctl("resume", queue)
    sfctl("ping", queue)
    wait_for(lambda: "pong" in sfctl("events", queue), 20, "pong")
    assert sfctl("stop", queue, "--wait").splitlines()[-1].split()[1:] == ["interrupted", queue]
    sfctl("watch", queue, code=4)
    assert "HTTP 409" in sfctl("pause", queue, code=1)


def test_gaps_of_a_history(manager, sfctl):
    begin = day_ms("2024-06-01") + 3600000
    manager.world.faults({"kind": "missing", "symbol": "BTCUSDT", "from": begin, "to": begin + 2 * 3600000 - 1})
    queue = sfctl("start", *CANDLES, "--quiet", "--wait").split()[0]
    gap, = json.loads(sfctl("gaps", queue, "--json"))["gaps"]
    assert gap["event"]["extra"]["records"] == 2
    title, row = sfctl("gaps", queue).splitlines()
    assert title.split()[1:] == ["SYMBOL", "KIND", "FROM", "TO", "CAUSE", "REPAIRED", "RECORDS"]
    assert row.split()[1:] == ["BTCUSDT", "candles_1h", str(begin), str(begin + 3600000), "exchange", "false", "2"]


def test_a_pipeline_from_a_file_and_a_dry_run(manager, sfctl, tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps({"symbol": "BTCUSDT", "time_range": "2024-06-01:2024-06-01",
                                "requests": [{"type": "api_candles_1h"}, {"type": "api_candles_4h"}]}))
    before = sfctl("list", "--quiet")
    assert len(sfctl("start", "--file", str(path), "--dry-run", "--quiet").split()) == 2
    assert sfctl("list", "--quiet") == before
    first = sfctl("start", "--file", "-", "--key", "pipe", "--quiet", "--wait", input=path.read_text()).split("\n")[:2]
    assert sfctl("start", "--file", str(path), "--key", "pipe", "--quiet").split() == first


def test_problems_name_the_field(sfctl):
    told = sfctl("start", "symbol=BTCUSDT", "type=api_candels_5m", "time_range=2024-06-01:2024-06-01", code=1)
    assert "HTTP 422" in told and "/type: " in told and "did you mean api_candles_5m" in told
    assert "did you mean time_range?" in sfctl("start", "time_rang=x", code=2)
    assert json.loads(sfctl("show", "none", "--json", code=1))["status"] == 404


def test_usage_and_absence_have_codes_of_their_own(sfctl):
    for args in ((), ("nothing",), ("list", "--member", "x"), ("show",), ("show", "a", "b"), ("list", "--json=1"),
                 ("list", "--status"), ("stop", "a", "--all"), ("help", "nothing"), ("start", "--file", "/nonexistent")):
        sfctl(*args, code=2)
    assert "no answer of" in sfctl("list", "--url", f"http://127.0.0.1:{free_port()}", code=3)


def test_the_token_is_read_from_its_file(sfctl, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    away = {"MANAGER_TOKEN": ""}
    assert "HTTP 401" in sfctl("list", code=1, env=away)
    sfctl("list", env={**away, "MANAGER_TOKEN_FILE": str(tmp_path / "token")})
    sfctl("list", code=2, env={**away, "MANAGER_TOKEN_FILE": str(tmp_path / "none")})


def test_help_lists_every_command_and_field(sfctl):
    overview = sfctl("--help")
    for name in sfctl("completion").split("compgen -W '")[1].split("'")[0].split():
        assert f"\n  {name} " in overview
        assert sfctl("help", name).startswith(f"sfctl {name} ")
        assert sfctl(name, "--help") == sfctl("help", name)
    assert sfctl("--json", "--help") == overview
    assert "time_range=2024-06-01:2024-06-30" in sfctl("help", "start")


def test_bash_completes_commands_fields_types_and_queues(manager, sfctl):
    queue = sfctl("start", *CANDLES, "--quiet").strip()
    script = ('source <(sfctl completion); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sfctl; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "MANAGER_URL": manager.url, "MANAGER_TOKEN": TOKEN}

    def complete(*words):
        done = subprocess.run(["bash", "-c", script, "bash", "sfctl", *words], env=env, text=True, capture_output=True,
                              timeout=60, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    assert complete("st") == ["start", "stop"]
    assert complete("start", "ty") == ["type="]
    assert "api_candles" in complete("start", "type", "=", "api_")
    assert complete("start", "type", "=")[0] != "="
    assert queue in complete("show", "loader-")
    assert complete("list", "--st") == ["--status"]
    assert complete("help", "pau") == ["pause"]
