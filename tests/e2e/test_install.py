"""make install, and a loader of a user's own that is built with nothing but pkg-config."""

import json
import os
import shutil
import subprocess

import pytest
import sfproc

EXAMPLE = sfproc.ROOT / "examples" / "file-candles"
HOUR_MS = 3600000
START_MS = 1717200000000  # 2024-06-01
DIGITS = "0.10000000"


def run(*command, cwd=None, env=None, stdin=None):
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, text=True, timeout=300,
                          input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    code, output = run("make", "-C", sfproc.ROOT, "install", f"PREFIX={folder}")
    assert code == 0, output
    return folder


@pytest.fixture(scope="module")
def example(prefix, tmp_path_factory):
    folder = tmp_path_factory.mktemp("outside") / "mine"
    shutil.copytree(EXAMPLE, folder)
    env = {"PATH": os.environ["PATH"], "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    code, output = run("make", cwd=folder, env=env)
    assert code == 0, output
    assert "warning" not in output
    return folder / "file-candles"


def page(count):
    return [[START_MS + i * HOUR_MS, "7.00000000", "9.5", "6", DIGITS, "123.456789012345678",
             START_MS + (i + 1) * HOUR_MS - 1, "1.0", 10 + i, "0.5", "0.25", "0"] for i in range(count)]


def example_env(kafka, short_id):
    return {"QUEUE_ID": f"loader-btcusdt-api_candles_1h-2024_06_01-{short_id}", "SYMBOL": "BTCUSDT",
            "TYPE": "api_candles_1h", "TIME_RANGE": "2024-06-01:2024-06-04", **kafka.env()}


def test_installs_what_a_user_needs(prefix):
    version = (sfproc.ROOT / "VERSION").read_text().strip()
    headers = {p.name for p in (sfproc.ROOT / "libsf" / "include" / "sf").glob("*.h")}
    assert {p.name for p in (prefix / "include" / "sf").iterdir()} == headers
    programs = sorted(p.name for p in (prefix / "bin").iterdir())
    assert {"loader-api-candles", "arango-candles"} <= set(programs)
    for name in programs:
        code, output = run(prefix / "bin" / name, "--version", env={})
        assert code == 0 and version in output, name
    code, output = run("pkg-config", "--modversion", prefix / "lib" / "pkgconfig" / "sf.pc")
    assert output.strip() == version


def test_example_is_short():
    assert len((EXAMPLE / "main.c").read_text().splitlines()) <= 60


def test_example_publishes(example, kafka):
    env = example_env(kafka, "exam01")
    rows = page(96)
    code, output = run(example, env=env, stdin=json.dumps(rows))
    assert code == 0, output
    records = kafka.read_topic("loader-btcusdt-api-candles-1h-2024-06-01-exam01")
    data = [json.loads(r.value) for r in records if r.value is not None]
    assert [(d["open_time"], d["close"], d["volume"], d["source"]) for d in data] == \
           [(r[0], DIGITS, r[5], "file") for r in rows]
    end = [dict(r.headers)["sf-end"] for r in records if r.headers and "sf-end" in dict(r.headers)]
    assert json.loads(end[0])["records"] == 96


def test_example_refuses_what_is_no_page(example, kafka):
    rows = page(3)
    rows[1][4] = "1e5"
    code, output = run(example, env=example_env(kafka, "exam02"), stdin=json.dumps(rows))
    assert code == 1
    assert "1e5" in output
    code, output = run(example, env=example_env(kafka, "exam03"), stdin="")
    assert code == 1
    assert "event=failed" in output
