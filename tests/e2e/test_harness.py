"""The harness itself, against the broker: what other tests rely on."""

import subprocess
import sys

import kafka as kafka_lib
import pytest
import sfproc


def test_topic_reads_back_digit_for_digit(kafka):
    kafka.create_topic("harness-read", partitions=2, config={"retention.ms": "-1"})
    kafka.produce("harness-read", [(b"BTCUSDT", b'{"p":"0.10"}'), (b"k", None, [("sf-end", b"{}")])])
    kafka.produce("harness-read", [b"other"], partition=1)
    records = kafka.read_topic("harness-read")
    assert [(r.partition, r.offset, r.key, r.value, r.headers) for r in records] == [
        (0, 0, b"BTCUSDT", b'{"p":"0.10"}', []),
        (0, 1, b"k", None, [("sf-end", b"{}")]),
        (1, 0, None, b"other", []),
    ]
    assert kafka.offsets("harness-read") == {0: (0, 2), 1: (0, 1)}
    assert kafka.topic_config("harness-read")["retention.ms"] == "-1"


def test_log_is_cut(kafka):
    kafka.create_topic("harness-cut")
    kafka.produce("harness-cut", [b"1", b"2", b"3"])
    kafka.delete_records("harness-cut", 0, 2)
    assert kafka.offsets("harness-cut") == {0: (2, 3)}
    assert [r.value for r in kafka.read_topic("harness-cut")] == [b"3"]


def test_topic_is_deleted(kafka):
    kafka.create_topic("harness-gone")
    kafka.delete_topic("harness-gone")
    assert kafka.partitions("harness-gone") == []


def test_sasl_listener_wants_the_password(kafka):
    from confluent_kafka.admin import AdminClient
    settings = {"bootstrap.servers": kafka.bootstrap("sasl"), "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512", "ssl.ca.location": str(kafka.ca_path),
                "sasl.username": kafka.user}
    assert AdminClient({**settings, "sasl.password": kafka.password}).list_topics(timeout=20).brokers
    with pytest.raises(Exception):
        AdminClient({**settings, "sasl.password": "wrong"}).list_topics(timeout=3)


def test_data_survives_kill(own_kafka):
    own_kafka.create_topic("harness-kill")
    own_kafka.produce("harness-kill", [b"%d" % i for i in range(100)])
    before = own_kafka.bootstrap()
    own_kafka.restart(hard=True)
    assert own_kafka.bootstrap() == before
    assert [r.value for r in own_kafka.read_topic("harness-kill")] == [b"%d" % i for i in range(100)]


def test_log_lines_are_parsed():
    line = 'ts=2026-01-02T03:04:05.678Z level=info prog=p event=e text="a \\"b\\" =c" n=5'
    assert sfproc.parse_line(line)["text"] == 'a "b" =c'
    assert sfproc.parse_line(line)["n"] == "5"
    assert sfproc.parse_line("not a line") == {}


def test_command_line_starts_and_stops(kafka, tmp_path):
    """kafka is here for its skip: the jars are fetched."""
    tool = [sys.executable, kafka_lib.__file__]
    started = subprocess.run([*tool, "start", "--dir", tmp_path / "k"], text=True, timeout=180,
                             stdout=subprocess.PIPE, check=True)
    host, port = started.stdout.strip().split(":")
    assert host == "127.0.0.1"
    assert kafka_lib._brokers(int(port)) == 1
    subprocess.run([*tool, "stop", "--dir", tmp_path / "k"], timeout=120, check=True)
    with pytest.raises(OSError):
        kafka_lib._brokers(int(port))
