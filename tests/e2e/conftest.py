"""Fixtures of the tests of sf-exchange's streams."""

import pytest


@pytest.fixture
def market(tmp_path):
    """Start sf-exchange, its clock at JUNE; @clock: flags of another clock."""
    from test_exchange_ws import JUNE, Market  # a module of tests, loaded by pytest
    started = []

    def start(*args, clock=("--now-ms", str(JUNE))):
        started.append(Market(tmp_path, "--seed", "5", "--weight-limit", "1000000", *clock, *args))
        return started[-1]

    yield start
    for m in started:
        m.proc.kill()
