"""libsf's producer, reader and consumer against the real broker, by tests/unit/probe_kafka.c:
what librdkafka's mock cluster cannot do."""

import pathlib
import random
import time

import pytest
import sfproc
from sfproc import Proc

QUEUE = {"QUEUE_ID": "loader-btcusdt-api_candles_5m-2024_06_01-abc123", "SYMBOL": "BTCUSDT",
         "TYPE": "api_candles_5m", "TIME_RANGE": "2024-06-01:2024-06-01"}


@pytest.fixture
def probe(tmp_path):
    """probe(broker, verb, arguments..., NAME=value...) starts one; all are killed at the end."""
    running = []

    def start(broker, *args, security=None, **env):
        proc = Proc("probe_kafka", {**QUEUE, **broker.env(security), **env}, tmp_path,
                    [str(a) for a in args], bin_dir=pathlib.Path(sfproc.BIN).parent / "test")
        running.append(proc)
        return proc

    yield start
    for proc in running:
        proc.kill()


def lines(proc, word):
    return [line.split() for line in proc.stdout().splitlines() if line.startswith(word + " ")]


def wait_line(proc, word, timeout=60):
    return proc.wait_until(lambda: lines(proc, word), timeout, f"line '{word}'")[-1]


# ----------------------------------------------------------------------------- start-up

def test_topic_is_made_over_sasl_with_our_settings(kafka, probe):
    made = probe(kafka, "ensure", "lib-made", 1, 20000, security="sasl")
    assert made.wait(30) == 0
    assert made.stdout() == "partitions 2\n"
    config = kafka.topic_config("lib-made")
    assert config["retention.ms"] == "3600000"
    assert config["cleanup.policy"] == "delete"
    again = probe(kafka, "ensure", "lib-made", 0, 20000, security="sasl")
    assert again.wait(30) == 0


def test_missing_topic_that_may_not_be_made(kafka, probe):
    proc = probe(kafka, "ensure", "lib-nowhere", 0, 20000)
    assert proc.wait(30) == 1
    assert proc.stdout().startswith("error ENOTFOUND Kafka: topic lib-nowhere does not exist at ")
    assert "lib-nowhere" not in kafka.topics()


def refused(proc):
    """Its one error line; soon, although it would have had a minute."""
    began = time.monotonic()
    assert proc.wait(30) == 1
    assert time.monotonic() - began < 15
    assert len(proc.stdout().splitlines()) == 1
    return proc.stdout()


def test_wrong_password_is_one_clear_error(kafka, probe):
    proc = probe(kafka, "ensure", "lib-x", 1, 60000, security="sasl", KAFKA_PASSWORD="pw-oops-77")
    error = refused(proc)
    assert error.startswith("error EAUTH Kafka: SASL authentication failed for user alice at localhost:")
    assert "pw-oops-77" not in error + proc.stderr()


def test_unknown_user_is_one_clear_error(kafka, probe):
    error = refused(probe(kafka, "ensure", "lib-x", 1, 60000, security="sasl", KAFKA_USER="nobody"))
    assert error.startswith("error EAUTH Kafka: SASL authentication failed for user nobody at ")


def test_certificate_of_another_authority_is_refused(kafka, probe):
    proc = probe(kafka, "ensure", "lib-x", 1, 60000, security="sasl",
                 CA_PATH=kafka.ca_path.parent / "other-ca.pem")
    error = refused(proc)
    assert error.startswith("error EIO Kafka: TLS to localhost:")
    assert "certificate" in error


def test_nobody_listens(kafka, probe):
    at = f"127.0.0.1:{sfproc.free_port()}"
    proc = probe(kafka, "ensure", "lib-x", 1, 700, security="plain", KAFKA_BOOTSTRAP_SERVERS=at)
    assert proc.wait(30) == 1
    assert proc.stdout().startswith("error EIO Kafka: looking for topic lib-x: "
                                    f"no broker answers at {at} for 700 ms: ")
    assert "Connection refused" in proc.stdout()


def test_sigterm_ends_a_start_up_step(kafka, probe):
    at = f"127.0.0.1:{sfproc.free_port()}"
    proc = probe(kafka, "ensure", "lib-x", 1, 60000, security="plain", KAFKA_BOOTSTRAP_SERVERS=at)
    proc.wait_event("kafka_log")
    began = time.monotonic()
    proc.stop(10)
    assert time.monotonic() - began < 3
    assert proc.stdout().startswith("error ESTOPPED ")


# ----------------------------------------------------------------------------- delivery

def numbers(records):
    return [int(r.value[5:-1]) for r in records]


@pytest.mark.parametrize("security", ["plain", "sasl"])
def test_records_arrive_in_order_through_kills_of_the_broker(own_kafka, probe, security):
    """Idempotence: no record twice, none missing, none out of order."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    n = 400000
    own_kafka.create_topic("lib-kill")
    proc = probe(own_kafka, "produce", "lib-kill", n, security=security, PRODUCER_QUEUE_KB=1024)
    for _ in range(3):
        time.sleep(dice.uniform(0.05, 0.4))  # the kill's moment, not a wait for anything
        own_kafka.restart(hard=True)
    assert proc.wait(120) == 0
    assert proc.stdout() == f"delivered {n} failed 0\n"
    records = own_kafka.read_topic("lib-kill")
    assert numbers(records) == list(range(n))


# ------------------------------------------------------------------------------ reading

def fill(kafka, name, n):
    kafka.create_topic(name)
    kafka.produce(name, [b'{"n":%d}' % i for i in range(n)])


def test_walk_sees_all_and_where_the_log_begins(kafka, probe):
    fill(kafka, "lib-walk", 30000)
    proc = probe(kafka, "walk", "lib-walk", 0, 100)
    assert proc.wait(60) == 0
    assert proc.stdout() == "walked 30000 begin 0 end 30000\n"
    kafka.delete_records("lib-walk", 0, 12345)
    proc = probe(kafka, "walk", "lib-walk", 12345, 0)
    assert proc.wait(60) == 0
    assert proc.stdout() == "walked 17655 begin 12345 end 30000\n"


def test_walk_waits_for_the_last_words_of_another_producer(kafka, probe):
    kafka.create_topic("lib-still")
    kafka.produce("lib-still", [b'{"n":0}'])
    proc = probe(kafka, "walk", "lib-still", 0, 1500)
    for i in range(1, 6):
        kafka.produce("lib-still", [b'{"n":%d}' % i])
        time.sleep(0.2)
    assert proc.wait(60) == 0
    assert proc.stdout() == "walked 6 begin 0 end 6\n"


def test_killed_consumer_goes_on_where_it_committed(kafka, probe):
    n = 20000
    fill(kafka, "lib-group", n)
    first = probe(kafka, "consume", "lib-group", "g-kill", "committed", 10 * n)
    first.wait_until(lambda: kafka.committed("g-kill", "lib-group")[0] == n, 30, "commit")
    kafka.produce("lib-group", [b'{"n":%d}' % i for i in range(n, 3 * n)])
    first.wait_until(lambda: len(lines(first, "shown")) > 2 * n // 1000, 30, "more records")
    first.kill()
    committed = kafka.committed("g-kill", "lib-group")[0]
    assert committed >= n
    kafka.produce("lib-group", [b'{"n":%d}' % (3 * n)])
    second = probe(kafka, "consume", "lib-group", "g-kill", "committed", 3 * n + 1 - committed)
    assert wait_line(second, "assigned")[3] == str(committed)
    assert second.wait(60) == 0
    assert lines(second, "disorder") == []
    assert kafka.committed("g-kill", "lib-group") == {0: 3 * n + 1}


def test_stopped_consumer_has_committed_and_left(kafka, probe):
    fill(kafka, "lib-leave", 5000)
    first = probe(kafka, "consume", "lib-leave", "g-leave", "begin", 1000000)
    first.wait_until(lambda: len(lines(first, "shown")) == 5, 30, "5000 records")
    assert first.stop(20) == 0
    assert kafka.committed("g-leave", "lib-leave") == {0: 5000}
    began = time.monotonic()
    second = probe(kafka, "consume", "lib-leave", "g-leave", 4999, 1)
    assert second.wait(30) == 0
    assert time.monotonic() - began < 5  # nobody waits for the first one's session to end
    assert wait_line(second, "assigned")[3] == "5000"


def test_offset_below_the_log_is_lost_and_not_reset(kafka, probe):
    fill(kafka, "lib-lost", 100)
    kafka.delete_records("lib-lost", 0, 60)
    proc = probe(kafka, "consume", "lib-lost", "g-lost", 10, 1)
    assert proc.wait(30) == 1
    assert wait_line(proc, "assigned") == ["assigned", "0", "committed", "-1", "begin", "60",
                                           "end", "100"]
    assert "error ELOST Kafka: topic lib-lost partition 0: offset 10 " in proc.stdout()


def test_topic_that_is_deleted_is_told_and_the_program_ends(kafka, probe):
    fill(kafka, "lib-gone", 2000)
    proc = probe(kafka, "consume", "lib-gone", "g-gone", "begin", 1000000)
    proc.wait_until(lambda: len(lines(proc, "shown")) == 2, 30, "2000 records")
    kafka.delete_topic("lib-gone")
    assert proc.wait(90) == 1
    assert "error ENOTFOUND Kafka: topic lib-gone does not exist at " in proc.stdout()


def test_consumer_that_comes_before_its_topic_waits(kafka, probe):
    proc = probe(kafka, "consume", "lib-early", "g-early", "begin", 1000)
    proc.wait_event("kafka_consume_failed")
    fill(kafka, "lib-early", 1000)
    assert proc.wait(60) == 0
    assert lines(proc, "disorder") == []


def test_consumer_lives_through_kills_of_the_broker(own_kafka, probe):
    fill(own_kafka, "lib-ride", 20000)
    proc = probe(own_kafka, "consume", "lib-ride", "g-ride", "committed", 1000000)
    wait_line(proc, "shown")
    own_kafka.restart(hard=True)
    own_kafka.produce("lib-ride", [b'{"n":%d}' % i for i in range(20000, 30000)])
    proc.wait_until(lambda: own_kafka.committed("g-ride", "lib-ride") == {0: 30000}, 60, "commit")
    assert proc.stop(30) == 0
    assert lines(proc, "disorder") == []
