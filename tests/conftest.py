"""Fixtures of all end-to-end tests."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import kafka as kafka_lib  # noqa: E402


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """A running broker for the whole session; tests use topics of their own."""
    try:
        broker = kafka_lib.make_kafka(tmp_path_factory.mktemp("kafka")).start()
    except kafka_lib.Unavailable as why:
        pytest.skip(f"no Kafka: {why}")
    yield broker
    broker.stop()


@pytest.fixture
def own_kafka(tmp_path):
    """A broker for one test that kills it."""
    try:
        broker = kafka_lib.make_kafka(tmp_path / "kafka").start()
    except kafka_lib.Unavailable as why:
        pytest.skip(f"no Kafka: {why}")
    yield broker
    broker.kill()
