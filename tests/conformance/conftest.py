"""A store for each test module; tests use collections of their own."""

import itertools

import pytest

from store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("store")) as running:
        yield running


numbers = itertools.count()


@pytest.fixture
def coll(store):
    """Name of a new, empty collection."""
    name = f"c{next(numbers)}"
    store.good("POST", "/_api/collection", {"name": name})
    return name
