"""Queries to a running store, and ArangoDB's order of values for the models that judge them."""

import functools
import pathlib

KINDS = {type(None): 0, bool: 1, int: 2, float: 2, str: 3, list: 4, dict: 5}


def compare(a, b):
    """ArangoDB's total order of JSON values."""
    if KINDS[type(a)] != KINDS[type(b)]:
        return KINDS[type(a)] - KINDS[type(b)]
    if a is None:
        return 0
    if isinstance(a, list):
        for i in range(max(len(a), len(b))):
            order = compare(a[i] if i < len(a) else None, b[i] if i < len(b) else None)
            if order:
                return order
        return 0
    return (a > b) - (a < b)


by_value = functools.cmp_to_key(compare)


def query(store, text, binds=None, **more):
    """All rows, through every batch."""
    doc = store.good("POST", "/_api/cursor", {"query": text, "bindVars": binds or {}, **more})
    rows = doc["result"]
    while doc["hasMore"]:
        doc = store.good("POST", f"/_api/cursor/{doc['id']}")
        rows += doc["result"]
    return rows


def documented(heading):
    """The query below a heading of docs/QUERIES.md."""
    page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "QUERIES.md"
    section = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    text = section.partition("```aql\n")[2].partition("```")[0]
    assert text, f"{page}: no query below '{heading}'"
    return text
