"""docs/MIGRATION.md names settings, routes and tests that exist."""

import re

from sfproc import ROOT

TEXT = (ROOT / "docs" / "MIGRATION.md").read_text()


def now(section):
    """The last column of a section's table."""
    rows = TEXT.split(f"## {section}\n")[1].split("\n## ")[0]
    return "\n".join(line.rsplit(" | ", 1)[1] for line in rows.splitlines() if line.startswith("| "))


def test_each_test_that_shows_a_defect_gone_exists():
    code = "\n".join(f.read_text() for f in (ROOT / "tests").glob("e2e/test_*.py"))
    named = re.findall(r"`(test_\w+)`", now("Defects, and the tests that show them gone"))
    assert len(named) > 15
    assert [name for name in named if f"def {name}(" not in code] == []


def test_each_route_exists():
    table = (ROOT / "manager" / "routes.c").read_text()
    routes = set(re.findall(r'\.method = "(\w+)", \.path = "([^"]+)"', table))
    named = re.findall(r"`(GET|POST) ([^`]+)`", now("Routes"))
    assert len(named) > 5
    assert [route for route in named if route not in routes] == []


def test_each_setting_exists():
    settings = (ROOT / "docs" / "SETTINGS.md").read_text()
    named = re.findall(r"`([A-Z][A-Z_]{3,})`", now("Settings"))
    assert "IMAGE_REGISTRY" in named
    assert [name for name in named if name not in settings] == []
