"""docs/OPERATIONS.md tells every event that the code logs, with its levels, and no other."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r'\bsf_log(?:_write|_error)?\(\s*([^,"]+),\s*"([a-z_0-9]+)"')


def logged():
    """{event: levels}, of the calls whose event and level stand in them."""
    found = {}
    for folder in ("libsf/src", "loaders", "connectors", "manager", "embedded"):
        for path in (ROOT / folder).rglob("*.c"):
            for level, event in CALL.findall(path.read_text()):
                levels = re.findall(r"SF_LOG_([A-Z]+)", level)
                found.setdefault(event, set()).update(name.lower() for name in levels)
    return found


def told():
    text = (ROOT / "docs/OPERATIONS.md").read_text()
    logs = text[text.index("\n## Logs"):text.index("\n## When Kafka is away")]
    rows = re.findall(r"^\| (`[^|]*) \| ([^|]*) \| [^|]+ \|$", logs, re.M)
    return {event: set(levels.split(", ")) for events, levels in rows for event in re.findall(r"`([a-z_]+)`", events)}


def test_every_event_of_the_log_is_told():
    code, page = logged(), told()
    assert len(code) > 80
    assert sorted(code.keys() - page.keys()) == [], "not in docs/OPERATIONS.md"
    assert sorted(page.keys() - code.keys()) == [], "in docs/OPERATIONS.md only"
    assert {event: sorted(levels - page[event]) for event, levels in code.items() if levels - page[event]} == {}
