"""What a program says while Kafka or the database is not there, or something else is in its place."""

import http.server
import threading

import pytest
from flow import World, free_port, http as ask, wait_for


@pytest.fixture
def world(kafka, tmp_path):
    w = World(kafka, tmp_path)
    yield w
    w.close()


class NoArango(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *args):
        pass


def admin_url(proc):
    return f"http://127.0.0.1:{proc.wait_event('admin_listening')['port']}"


@pytest.mark.parametrize("program", ["loader-api-candles", "arango-candles"])
def test_health_is_answered_before_kafka_is(world, program):
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01", ADMIN_LISTEN="127.0.0.1:0",
                        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
    proc = queue.start(program)
    url = admin_url(proc)
    for _ in range(3):
        assert ask("GET", url + "/health/live", timeout=2)[0] == 200
        assert ask("GET", url + "/health/ready", timeout=2)[0] == 503
    assert proc.stop() == 143


def test_a_database_that_is_not_there_yet_is_told_and_waited_for(world):
    queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01", ADMIN_LISTEN="127.0.0.1:0")
    assert queue.loader().wait(60) == 0
    world.store.kill()
    connector = queue.connector()
    first = wait_for(lambda: queue.events(target="arango-candles", status="loading"), 30, "loading")[0]
    assert first["extra"]["database"] == "away"
    assert first["message"] == "the database does not answer; waiting"
    status, body = ask("GET", admin_url(connector) + "/health/ready", timeout=2)
    assert (status, body["why"]) == (503, "the database does not answer")
    world.store.start()
    assert connector.wait(60) == 0, connector.stderr()
    last = queue.events(target="arango-candles")[-1]
    assert (last["status"], last["extra"]["database"]) == ("finished", "up")
    queue.check_documents()


def test_what_is_no_arangodb_is_one_clear_error(world):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoArango)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        queue = world.queue("BTCUSDT", "5m", "2024-06-01", "2024-06-01", ARANGO_URL=url)
        connector = queue.connector()
        assert connector.wait(60) == 1, connector.stderr()
    finally:
        server.shutdown()
        server.server_close()
    error, = connector.events("failed")
    assert f"ARANGO_URL: {url} answers HTTP 404, but not as ArangoDB does" in error["text"]
    last = queue.events(target="arango-candles")[-1]
    assert (last["status"], last["error_message"]) == ("error", error["text"])


def test_a_topic_that_is_deleted_ends_its_loader_with_an_event(world):
    queue = world.queue("BTCUSDT", "1s", "2024-06-01", "2024-06-03")
    world.faults({"kind": "delay", "ms": 200, "path": "/api/v3/klines"})
    loader = queue.loader()
    wait_for(lambda: queue.topic in world.kafka.topics() and world.kafka.offsets(queue.topic)[0][1] > 2000, 60, "records")
    world.kafka.delete_topic(queue.topic)
    assert loader.wait(60) == 1, loader.stderr()
    error, = loader.events("failed")
    assert f"record for {queue.topic} lost" in error["text"]
    assert not loader.events("event_lost") and not loader.events("last_event_not_delivered")
    last = queue.events(target="loader-api-candles")[-1]
    assert (last["status"], last["finished"], last["error_message"]) == ("error", True, error["text"])
