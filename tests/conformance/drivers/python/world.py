"""What all parts share: a client, a database of their own, comparing and counting."""

import os

import arango

URL = os.environ["STORE_URL"]
PASSWORD = os.environ["STORE_PASSWORD"]

counted = 0


def same(got, want):
    """Fail unless both are equal."""
    global counted
    counted += 1
    if got != want:
        raise AssertionError(f"got {got!r}, expected {want!r}")


def fails(http, number, error, call, *args, **kw):
    """call() raises @error with this HTTP status and ArangoDB error number; its text."""
    try:
        got = call(*args, **kw)
    except error as why:
        same((why.http_code, why.error_code), (http, number))
        return str(why)
    raise AssertionError(f"expected {error.__name__} {number}, got {got!r}")


def system():
    return arango.ArangoClient(hosts=URL).db("_system", username="root", password=PASSWORD, verify=True)


def database(name):
    """A new database; the name tells driver and part."""
    name = "py_" + name
    same(system().create_database(name), True)
    return arango.ArangoClient(hosts=URL).db(name, username="root", password=PASSWORD, verify=True)


def plain(doc):
    """The attributes that are the user's own."""
    return {k: v for k, v in doc.items() if not k.startswith("_")}
