"""Bad input: one clear error line that names the value and what was expected, one `error` event where a
queue is known, the right exit code, nothing written."""

import re

import pytest
from flow import PASSWORD, World, free_port, http
from sfproc import Proc
from tls_front import TlsFront, make_authority


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path)
    yield w
    w.close()


LOADER, CONNECTOR = "loader-api-candles", "arango-candles"

# program, settings changed (None: unset), what the one line must contain
SETTINGS = [
    (LOADER, {"QUEUE_ID": None}, "QUEUE_ID is not set"),
    (LOADER, {"QUEUE_ID": "a b"}, "QUEUE_ID='a b': expected 1 to 249 of letters"),
    (LOADER, {"SYMBOL": None}, "SYMBOL is not set"),
    (LOADER, {"SYMBOL": "btc/usdt"}, "SYMBOL='btc/usdt': expected a letter or digit"),
    (LOADER, {"SYMBOL": "A" * 21}, "at most 20 characters"),
    (LOADER, {"SYMBOL": "BTCUSDT,ETHUSDT", "GROUP": "MAJORS"}, "takes one symbol"),
    (LOADER, {"TYPE": None}, "TYPE is not set"),
    (LOADER, {"TYPE": "api_candels_5m"}, "did you mean api_candles_5m?"),
    (LOADER, {"TYPE": "api_candles_7m"}, "TYPE='api_candles_7m': expected api_candles_<i>"),
    (LOADER, {"TYPE": "api_candles"}, "TYPE='api_candles': expected api_candles_<i>"),
    (LOADER, {"TYPE": "ws_trades"}, "served by loader-ws-trades and arango-trades, not by loader-api-candles"),
    (LOADER, {"INTERVAL": "1m"}, "INTERVAL='1m': expected 5m"),
    (LOADER, {"TIME_RANGE": None}, "TIME_RANGE is not set"),
    (LOADER, {"TIME_RANGE": "2024-06-31:2024-07-01"}, "TIME_RANGE='2024-06-31:2024-07-01': expected YYYY-MM-DD"),
    (LOADER, {"TIME_RANGE": "2024-06-02:2024-06-01"}, "begins after it ends"),
    (LOADER, {"TIME_RANGE": "2024-06-01T00:00Z/2024-06-01T00:00Z"}, "begins after it ends"),
    (LOADER, {"EXCHANGE": "binanse"}, "EXCHANGE='binanse': expected one of binance"),
    (LOADER, {"BINANCE_API_URL": "ftp://x"}, "BINANCE_API_URL='ftp://x': expected http"),
    (LOADER, {"RATE_SHARE": "1.5"}, "RATE_SHARE='1.5': expected a share from 0.01 to 1"),
    (LOADER, {"PAGES_IN_FLIGHT": "0"}, "PAGES_IN_FLIGHT='0': expected an integer from 1 to 32"),
    (LOADER, {"PAGES_IN_FLIGHT": "4x"}, "expected an integer from 1 to 32"),
    (LOADER, {"TOPIC_RETENTION": "7 weeks"}, "expected a length of time"),
    (LOADER, {"TOPIC_CREATE": "maybe"}, "expected true or false"),
    (LOADER, {"LOG_LEVEL": "inof"}, "did you mean info?"),
    (LOADER, {"ADMIN_LISTEN": "9108"}, "ADMIN_LISTEN='9108': expected host:port"),
    (LOADER, {"CA_PATH": "/no/such/file"}, "CA_PATH='/no/such/file': expected a file that can be read"),
    (LOADER, {"KAFKA_USER": "u"}, "KAFKA_PASSWORD is not set"),
    (LOADER, {"KAFKA_PASSWORD_FILE": "/no/such/file"}, "KAFKA_PASSWORD_FILE='/no/such/file'"),
    (LOADER, {"KAFKA_BOOTSTRAP_SERVERS": "a:b"}, "KAFKA_BOOTSTRAP_SERVERS='a:b': expected host:port"),
    (LOADER, {"KAFKA_MECHANISM": "SCRAM-SHA-521"}, "did you mean SCRAM-SHA-512?"),
    (LOADER, {"QUEUE_EVENTS_TOPIC": "a b"}, "QUEUE_EVENTS_TOPIC='a b': expected 1 to 249"),
    (LOADER, {"CA_PATH": "/tmp"}, "CA_PATH='/tmp': expected a file that can be read"),
    (LOADER, {"KAFKA_TOPIC": "a/b"}, "KAFKA_TOPIC='a/b': expected"),
    (LOADER, {"KAFKA_TOPIC": "queue-events"}, "expected another topic than for commands or events"),
    (LOADER, {"UNTIL": "2024-06-02T00:00Z"}, "UNTIL='2024-06-02T00:00Z': TYPE='api_candles_5m' is a history"),
    (CONNECTOR, {"TYPE": "ws_trades"}, "served by loader-ws-trades and arango-trades, not by arango-candles"),
    (CONNECTOR, {"TYPE": "api_candles_7m"}, "TYPE='api_candles_7m': expected api_candles_<i>"),
    (CONNECTOR, {"TYPE": "ws_candles_5m", "SYMBOL": "BTCUSDT,ETHUSDT"}, "GROUP is not set: 2 symbols need a name"),
    (CONNECTOR, {"SYMBOL": None}, "SYMBOL is not set"),
    (CONNECTOR, {"ARANGO_CA_PATH": "/no/such/file"}, "ARANGO_CA_PATH='/no/such/file': expected a file"),
    (CONNECTOR, {"ARANGO_URL": None}, "ARANGO_URL is not set"),
    (CONNECTOR, {"ARANGO_URL": "http://root:secret1@db:8529"}, "without user or password"),
    (CONNECTOR, {"COLLECTION_NAME": "9lives"}, "COLLECTION_NAME='9lives': expected a letter"),
    (CONNECTOR, {"COLLECTION_NAME": "gaps"}, "COLLECTION_NAME='gaps': expected another one"),
    (CONNECTOR, {"ARANGO_DB": "a/b"}, "ARANGO_DB='a/b': expected a letter"),
    (CONNECTOR, {"SYMBOL": "ETHUSDT"}, "expected loader-ethusdt-api_candles_5m-2024_06_01-"),
    (CONNECTOR, {"DECIMALS": "float"}, "DECIMALS='float': expected one of number text"),
    (CONNECTOR, {"ARANGO_LANES": "-1"}, "expected an integer from 1 to 64"),
]


# kind of a setting, as --help prints it; values that are none of it
KINDS = [
    (r"integer (-?\d+) to (\d+)", lambda low, high: [int(low) - 1, int(high) + 1, f"{low}x", "1e1", "9" * 20]),
    (r"integer from (-?\d+)", lambda low: [int(low) - 1, "many", "9" * 20]),
    (r"true, false", lambda: ["maybe", "2"]),
    (r"one of .*", lambda: ["nothing-of-it"]),
    (r"time \(.*\)", lambda: ["1 week", "-5s", "s", "9" * 20]),
    (r"0.01 to 1", lambda: ["0", "1.01", "-1", "0.005", "half"]),
    (r"file", lambda: ["/no/such/file", "/"]),
    (r"topic", lambda: ["a b", "a/b", ".", "t" * 250]),
    (r"addresses", lambda: ["a:b", "a b", ",", "host:0", "host:65536"]),
    (r"host:port", lambda: ["9108", "host:", "host:x", "host:65536"]),
    (r"URLs?", lambda: ["ftp://x", "http://", "nonsense", "http://u:p@host"]),
    (r"text", lambda: []),
]


def nonsense(kind):
    for pattern, values in KINDS:
        match = re.fullmatch(pattern, kind)
        if match:
            return [str(v) for v in values(*match.groups())]
    raise AssertionError(f"no wrong values for settings that are {kind}")


@pytest.mark.parametrize("program", [LOADER, CONNECTOR])
def test_every_setting_is_judged(program, tmp_path):
    """The table as --help prints it: each wrong value is told, in one line with the setting's name."""
    def run(env, arg):
        proc = Proc(program, env, tmp_path, [arg])
        return proc.wait(30), proc

    _, proc = run({}, "--help")
    table = re.findall(r"^  ([A-Z_]+)(?: \(required\))?\n      .*\n      ([^;\n]+)", proc.stdout(), re.M)
    wrong = {name: nonsense(kind) for name, kind in table}
    assert len(wrong) > 25 and {"QUEUE_ID", "KAFKA_BOOTSTRAP_SERVERS", "LOG_LEVEL"} <= wrong.keys()
    for i in range(max(map(len, wrong.values()))):
        changes = {name: values[i] for name, values in wrong.items() if i < len(values)}
        code, proc = run({"QUEUE_ID": "loader-btcusdt-api_candles_5m-2024_06_01-abc123", "SYMBOL": "BTCUSDT",
                          "TYPE": "api_candles_5m", "TIME_RANGE": "2024-06-01:2024-06-01",
                          "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "ARANGO_URL": "http://127.0.0.1:9", **changes},
                         "--check")
        assert code == 2
        told = [re.match("[A-Z_]+", p["text"])[0] for p in proc.events("bad_setting")]
        assert sorted(told) == sorted(changes)


def collections(world):
    """Names of the collections that were made in the database."""
    status, answer = http("GET", world.store.url + "/_db/streamforge/_api/collection?excludeSystem=true",
                          user=f"root:{PASSWORD}")
    return [c["name"] for c in answer["result"]] if status == 200 else []


def clean(env, changes):
    return {k: v for k, v in {**env, **changes}.items() if v is not None}


@pytest.mark.parametrize("program, changes, text", SETTINGS, ids=lambda v: str(v)[:40])
def test_wrong_setting_is_one_line_and_exit_2(world, program, changes, text):
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01")
    proc = Proc(program, clean(queue.env(), changes), world.folder / "p")
    assert proc.wait(30) == 2
    problems = proc.events("bad_setting")
    assert len(problems) == 1, proc.stderr()
    assert text in problems[0]["text"]
    assert "secret1" not in proc.stderr()
    assert queue.topic not in world.kafka.topics()
    assert collections(world) == []
    if changes.keys() & {"QUEUE_ID", "KAFKA_USER", "KAFKA_PASSWORD_FILE", "CA_PATH", "KAFKA_BOOTSTRAP_SERVERS",
                       "QUEUE_EVENTS_TOPIC"}:
        return
    last, = queue.events()
    assert (last["status"], last["finished"], last["target"]) == ("error", True, program)
    assert text in last["error_message"]


def test_every_problem_is_told_at_once(world):
    proc = Proc(LOADER, {"SYMBOL": "?", "TYPE": "x", "RATE_SHARE": "2"}, world.folder)
    assert proc.wait(30) == 2
    texts = " ".join(p["text"] for p in proc.events("bad_setting"))
    for name in ("QUEUE_ID", "SYMBOL", "TYPE", "RATE_SHARE", "KAFKA_BOOTSTRAP_SERVERS"):
        assert name in texts


@pytest.mark.parametrize("program", [LOADER, CONNECTOR])
def test_options(world, program):
    def run(*args, **env):
        proc = Proc(program, env, world.folder, args)
        return proc.wait(30), proc.stdout(), proc.stderr()

    assert run("--version") == (0, f"{program} 0.1.0\n", "")
    code, out, _ = run("--help")
    assert code == 0 and "QUEUE_ID (required)" in out
    code, _, err = run("--wat")
    assert code == 2 and "unknown argument '--wat'; expected --help, --check or --version" in err
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01")
    code, out, _ = run("--check", **queue.env(KAFKA_USER="u", KAFKA_PASSWORD="hidden-pw"))
    assert code == 0 and "KAFKA_PASSWORD=***" in out and "hidden-pw" not in out
    assert f"topic {queue.topic}" in out
    assert run("--check")[0] == 2


def fails(world, program, text, **changes):
    """The program ends with exit code 1, one `failed` line that contains @text, one error event."""
    queue = world.queue(changes.pop("symbol", "BTCUSDT"), "5m", "2024-06-01", "2024-06-01")
    proc = Proc(program, clean(queue.env(), changes), world.folder / "p")
    assert proc.wait(60) == 1, proc.stderr()
    error, = proc.events("failed")
    assert text in error["text"], error
    for secret in ("wrong-pw", PASSWORD, world.kafka.password):
        assert secret not in proc.stderr()
    assert queue.topic not in world.kafka.topics() or queue.records() == []
    assert world.store.url.startswith("https") or collections(world) == []
    return queue, proc


def has_error_event(queue, program, text):
    last = queue.events(target=program)[-1]
    assert (last["status"], last["finished"]) == ("error", True)
    assert text in last["error_message"]


def test_unknown_symbol(world):
    queue, _ = fails(world, LOADER, "SYMBOL='NOSUCH'", symbol="NOSUCH")
    has_error_event(queue, LOADER, "does not know it")
    assert queue.records() == [] and queue.controls("sf-end") == []


@pytest.mark.parametrize("time_range", ["2009-01-01:2009-01-02", "2097-01-01:2097-01-02"])
def test_range_wholly_outside(world, time_range):
    queue, _ = fails(world, LOADER, "TIME_RANGE", TIME_RANGE=time_range)
    has_error_event(queue, LOADER, "TIME_RANGE")
    assert queue.records() == [] and queue.controls("sf-end") == []


@pytest.mark.parametrize("program", [LOADER, CONNECTOR])
def test_topic_that_may_not_be_created(world, program):
    for topic in ("queue-control", "queue-events"):
        if topic not in world.kafka.topics():
            world.kafka.create_topic(topic)
    queue, _ = fails(world, program, "loader-btcusdt-api-candles-5m-2024-06-01", TOPIC_CREATE="false")
    has_error_event(queue, program, queue.topic)
    assert queue.topic not in world.kafka.topics()


@pytest.mark.parametrize("program", [LOADER, CONNECTOR])
def test_kafka_refuses_the_password(world, program):
    fails(world, program, "authentication failed", **{**world.kafka.env("sasl"), "KAFKA_PASSWORD": "wrong-pw"})


@pytest.mark.parametrize("program", [LOADER, CONNECTOR])
def test_kafka_certificate_does_not_verify(world, program):
    fails(world, program, "certificate", **{**world.kafka.env("sasl"), "CA_PATH": None})


def test_exchange_certificate_does_not_verify(world, tmp_path):
    make_authority(tmp_path, ["localhost"])
    with TlsFront(world.exchange.url, tmp_path) as front:
        queue, _ = fails(world, LOADER, "certificate", BINANCE_API_URL=f"https://localhost:{front.port}")
    has_error_event(queue, LOADER, "certificate")


def test_sasl_ssl_works(world):
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-02", **world.kafka.env("sasl"))
    queue.run_to_end()
    queue.check_complete()


def test_no_broker(world):
    fails(world, LOADER, "127.0.0.1:", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")


def test_arango_refuses_the_password(world):
    for auth in ("basic", "jwt"):
        queue, _ = fails(world, CONNECTOR, "password", ARANGO_PASSWORD="wrong-pw", ARANGO_AUTH=auth)
        has_error_event(queue, CONNECTOR, "password")


def test_arango_user_without_rights(world):
    root = f"root:{PASSWORD}"
    url = world.store.url
    assert http("POST", url + "/_api/database", {"name": "streamforge"}, root)[0] in (201, 409)
    assert http("POST", url + "/_api/user", {"user": "guest", "passwd": "guest-pw"}, root)[0] == 201
    assert http("PUT", url + "/_api/user/guest/database/streamforge", {"grant": "ro"}, root)[0] == 200
    queue, proc = fails(world, CONNECTOR, "guest", ARANGO_USER="guest", ARANGO_PASSWORD="guest-pw")
    assert "guest-pw" not in proc.stderr()
    has_error_event(queue, CONNECTOR, "rights")


def test_arango_over_tls(kafka, tmp_path):
    cert, key = kafka.folder / "server.pem", kafka.folder / "server.pem"
    w = World(kafka, tmp_path, store_args=["--cert", str(cert), "--key", str(key)])
    try:
        w.store.url = f"https://localhost:{w.store.port}"
        queue, _ = fails(w, CONNECTOR, "certificate", ARANGO_URL=w.store.url)
        has_error_event(queue, CONNECTOR, "certificate")
        for auth in ("basic", "jwt"):
            queue = w.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01", ARANGO_CA_PATH=kafka.ca_path,
                            ARANGO_AUTH=auth)
            loader, connector = queue.loader(), queue.connector()
            assert loader.wait(60) == 0 and connector.wait(60) == 0, connector.stderr()
            assert queue.events(target=CONNECTOR)[-1]["records_written"] == 288
    finally:
        w.close()


def test_dead_coordinator_is_passed_over(world):
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01",
                        ARANGO_URL=f"http://127.0.0.1:{free_port()},{world.store.url}")
    queue.run_to_end()
    queue.check_complete()
