"""deploy/prometheus and deploy/grafana: valid, about metrics that exist, and each alert described."""

import json
import re

import drivers
import promtool
import pytest
from flow import World, http, wait_for
from sfproc import ROOT

RULES = ROOT / "deploy" / "prometheus" / "streamforge.rules.yml"
BOARD = ROOT / "deploy" / "grafana" / "streamforge.json"
NO_METRIC = {"rate", "increase", "deriv", "sum", "max", "by", "and", "le", "histogram_quantile", "label_values", "queue_id"}


@pytest.fixture(scope="module")
def tool():
    try:
        return promtool.path()
    except drivers.Unavailable as why:
        pytest.skip(f"no promtool: {why}")


def rules():
    """[(alert, expression)]; the file has one line for each."""
    text = RULES.read_text()
    return list(zip(re.findall(r"alert: (\w+)", text), re.findall(r"expr: (.*)", text), strict=True))


def names_in(expression):
    return set(re.findall(r"[a-z][a-z_]+", re.sub(r'"[^"]*"|\[\w+\]', "", expression))) - NO_METRIC


def expressions():
    board = json.loads(BOARD.read_text())
    yield from (expr for _, expr in rules())
    yield from (t["expr"] for panel in board["panels"] for t in panel["targets"])
    yield from (v["query"] for v in board["templating"]["list"] if v["type"] == "query")


def test_rules_are_valid_and_each_fires_on_what_it_is_for(tool, tmp_path):
    assert f"{len(rules())} rules found" in drivers.run(tool, "check", "rules", RULES)
    cases = tmp_path / "alerts.test.yml"
    cases.write_text((ROOT / "tests" / "e2e" / "alerts.test.yml").read_text().replace("STREAMFORGE_RULES", str(RULES)))
    assert "SUCCESS" in drivers.run(tool, "test", "rules", cases)
    fired = re.findall(r'alertname="(\w+)"', cases.read_text())
    assert sorted(fired) == sorted(alert for alert, _ in rules())


def test_every_metric_that_rules_and_board_use_exists(kafka, tmp_path):
    world = World(kafka, tmp_path / "world")
    try:
        world.faults({"kind": "delay", "ms": 5000, "path": "/api/v3/klines"})
        loader = world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-01", ADMIN_LISTEN="127.0.0.1:0").loader()
        url = f"http://127.0.0.1:{loader.wait_event('admin_listening')['port']}/metrics"
        text = wait_for(lambda: http("GET", url)[1], 30, "metrics")
    finally:
        world.close()
    exist = set(re.findall(r"^(\w+)\{", text, re.M))
    assert len(exist) > 20
    used = [(name, e) for e in expressions() for name in names_in(e)]
    assert len({name for name, _ in used}) > 10
    assert [u for u in used if u[0] not in exist] == []


def test_each_alert_is_described():
    section = (ROOT / "docs" / "OPERATIONS.md").read_text().split("## Alerts")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == [alert for alert, _ in rules()]


def test_the_board_is_whole():
    board = json.loads(BOARD.read_text())
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["title"] and panel["targets"] for panel in board["panels"])
