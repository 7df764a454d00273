"""The images as a cluster runs them: locked down, small, and doing their work."""

import io
import json
import os
import subprocess
import tarfile
import urllib.request

import container
import dns
import pytest
import sfproc
import tls_front

IMAGES = sorted(p.parent.name for p in (sfproc.ROOT / "images").glob("*/Dockerfile"))
LIMIT_BYTES = 8 * 1024 * 1024
TAG = "e2e"
PASSWORD = "image-test"
NAMES = ("kafka.sf-test.example", "exchange.sf-test.example", "store.sf-test.example")


@pytest.fixture(scope="module")
def engine():
    try:
        engine = container.Engine()
        engine.base(os.environ.get("BASE_IMAGE", "debian:bookworm-slim"))
    except container.Unavailable as why:
        pytest.skip(f"no images: {why}")
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def images(engine):
    """Image name -> reference. Layers of an earlier build are used again."""
    env = {**engine.env, "IMAGE_TAG": TAG, "IMAGE_REGISTRY": "streamforge",
           "DOCKER_BUILD_FLAGS": "--network=host"}
    done = subprocess.run([sfproc.ROOT / "images" / "build.sh"], env=env, text=True, timeout=2400,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    return {name: f"streamforge/{name}:{TAG}" for name in IMAGES}


@pytest.fixture(scope="module")
def files(engine, images):
    """Image name -> tar archive of its files."""
    result = {}
    for name, reference in images.items():
        made = engine.docker("create", reference).strip()
        data = subprocess.run(["docker", "export", made], env=engine.env, timeout=60, check=True,
                              stdout=subprocess.PIPE).stdout
        engine.docker("rm", made)
        result[name] = tarfile.open(fileobj=io.BytesIO(data))
    return result


@pytest.mark.parametrize("name", IMAGES)
def test_is_small(engine, images, name):
    assert engine.inspect(images[name])["Size"] <= LIMIT_BYTES


@pytest.mark.parametrize("name", IMAGES)
def test_says_what_it_is(engine, images, name):
    config = engine.inspect(images[name])["Config"]
    labels = config["Labels"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == [f"/{name}"]
    assert labels["org.opencontainers.image.title"] == name
    assert labels["org.opencontainers.image.version"] == (sfproc.ROOT / "VERSION").read_text().strip()


@pytest.mark.parametrize("name", IMAGES)
def test_holds_one_program_and_no_shell(engine, images, files, name):
    executable = [m.name for m in files[name].getmembers()
                  if m.isfile() and m.mode & 0o111 and m.size > 0]  # empty: the engine's own
    assert executable == [name]
    for shell in ("/bin/sh", "/bin/bash", "/bin/busybox"):
        done = subprocess.run(["docker", "run", "--rm", "--network=host", "--entrypoint", shell,
                               images[name], "-c", "true"], env=engine.env, timeout=60,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        assert done.returncode == 127


@pytest.mark.parametrize("name", IMAGES)
def test_program_is_static(files, name, tmp_path):
    """No interpreter in its program headers: nothing is loaded from the image."""
    path = tmp_path / name
    path.write_bytes(files[name].extractfile(name).read())
    headers = subprocess.run(["readelf", "-lW", path], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    assert "INTERP" not in headers
    assert "GNU_RELRO" in headers


@pytest.mark.parametrize("name", IMAGES)
def test_holds_authorities_and_licences(files, name):
    archive = files[name]
    bundle = archive.extractfile("etc/ssl/certs/ca-certificates.crt").read()
    assert bundle.count(b"BEGIN CERTIFICATE") > 100
    names = archive.getnames()
    for library in ("librdkafka", "curl", "openssl"):
        assert f"usr/share/doc/{library}/copyright" in names


@pytest.mark.parametrize("name", IMAGES)
def test_answers_for_itself(engine, images, tmp_path, name):
    version = (sfproc.ROOT / "VERSION").read_text().strip()
    with container.Container(engine, images[name], {}, tmp_path, ["--version"]) as run:
        assert run.wait() == 0
        assert version in run.stdout()
    with container.Container(engine, images[name], {}, tmp_path, ["--check"]) as run:
        assert run.wait() == 2
        assert "QUEUE_ID" in run.stderr()


# --------------------------------------------------------------------------- their work


@pytest.fixture
def names(tmp_path):
    """A DNS server that knows this machine by other names, and the mount that has it asked."""
    try:
        server = dns.DnsServer({name: "127.0.0.1" for name in NAMES})
    except PermissionError:
        pytest.skip("a DNS server on port 53 of a loopback address needs root")
    with server:
        server.resolv = tmp_path / "resolv.conf"
        server.resolv.write_text(f"nameserver {server.address}\n")
        yield server


@pytest.fixture
def exchange(tmp_path):
    """Port of an sf-exchange."""
    with sfproc.Proc("sf-exchange", {}, tmp_path, ["--listen", "127.0.0.1:0", "--seed", "7"]) as proc:
        yield proc.wait_event("listening")["port"]


@pytest.fixture
def store(tmp_path):
    """Port of an sf-store."""
    with sfproc.Proc("sf-store", {"SF_STORE_ROOT_PASSWORD": PASSWORD}, tmp_path,
                     ["--listen", "127.0.0.1:0", "--data", str(tmp_path / "store")]) as proc:
        yield proc.wait_event("listening")["port"]


def fetch(url, body=None):
    request = urllib.request.Request(url, data=json.dumps(body).encode() if body else None)
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, url, "root", PASSWORD)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)


def queue_env(short_id, brokers, exchange_url, store_url):
    return {"QUEUE_ID": f"loader-btcusdt-api_candles_1h-2024_06_01-{short_id}", "SYMBOL": "BTCUSDT",
            "TYPE": "api_candles_1h", "TIME_RANGE": "2024-06-01:2024-06-30",
            "BINANCE_API_URL": exchange_url, "ARANGO_URL": store_url, "ARANGO_DB": "streamforge",
            "ARANGO_USER": "root", "ARANGO_PASSWORD": PASSWORD, "ADMIN_LISTEN": "127.0.0.1:0",
            **brokers}


def check_stored(exchange, store):
    rows = fetch(f"http://127.0.0.1:{exchange}/api/v3/klines?symbol=BTCUSDT&interval=1h"
                 "&startTime=1717200000000&endTime=1719791999999&limit=1000")
    docs = fetch(f"http://127.0.0.1:{store}/_db/streamforge/_api/cursor",
                 {"query": "FOR d IN @@c SORT d.open_time RETURN d", "batchSize": 1000,
                  "bindVars": {"@c": "btcusdt_candles_1h_2024_06_01"}})["result"]
    assert len(rows) == 720
    assert [(d["open_time"], d["open"], d["close"], d["volume"]) for d in docs] == \
           [(r[0], float(r[1]), float(r[4]), float(r[5])) for r in rows]


def run_pair(engine, images, env, folder, mounts):
    with container.Container(engine, images["loader-api-candles"], env, folder, mounts=mounts) as loader, \
            container.Container(engine, images["arango-candles"], env, folder, mounts=mounts) as connector:
        assert loader.wait(120) == 0, loader.stderr()
        assert connector.wait(120) == 0, connector.stderr()


def test_candles_arrive_by_name(engine, images, names, exchange, store, kafka, tmp_path):
    """Plain: every counterpart is found by its name, through DNS."""
    port = kafka.bootstrap().rpartition(":")[2]
    env = queue_env("plain1", {"KAFKA_BOOTSTRAP_SERVERS": f"{NAMES[0]}:{port}"},
                    f"http://{NAMES[1]}:{exchange}", f"http://{NAMES[2]}:{store}")
    run_pair(engine, images, env, tmp_path, {names.resolv: "/etc/resolv.conf"})
    check_stored(exchange, store)
    assert set(NAMES) <= set(names.asked)


def test_candles_arrive_over_tls(engine, images, names, exchange, store, kafka, tmp_path):
    """SASL_SSL with SCRAM to Kafka, HTTPS to the exchange under the image's own bundle."""
    tls_front.make_authority(tmp_path, NAMES)
    mounts = {names.resolv: "/etc/resolv.conf", kafka.ca_path: "/run/kafka-ca.pem",
              tmp_path / "ca.pem": "/etc/ssl/certs/ca-certificates.crt"}
    brokers = {**kafka.env("sasl"), "CA_PATH": "/run/kafka-ca.pem"}
    with tls_front.TlsFront(f"http://127.0.0.1:{exchange}", tmp_path) as front:
        env = queue_env("tls001", brokers, f"https://{NAMES[1]}:{front.port}",
                        f"http://{NAMES[2]}:{store}")
        run_pair(engine, images, env, tmp_path, mounts)
    check_stored(exchange, store)


def test_bundle_is_the_default_of_every_library(engine, images, names, exchange, kafka, tmp_path):
    """Without CA_PATH, librdkafka and curl both trust what the image's bundle holds."""
    tls_front.make_authority(tmp_path, NAMES)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text((tmp_path / "ca.pem").read_text() + kafka.ca_path.read_text())
    mounts = {names.resolv: "/etc/resolv.conf", bundle: "/etc/ssl/certs/ca-certificates.crt"}
    brokers = {k: v for k, v in kafka.env("sasl").items() if k != "CA_PATH"}
    with tls_front.TlsFront(f"http://127.0.0.1:{exchange}", tmp_path) as front:
        env = queue_env("bundle", brokers, f"https://{NAMES[1]}:{front.port}", "http://127.0.0.1:1")
        with container.Container(engine, images["loader-api-candles"], env, tmp_path,
                                 mounts=mounts) as loader:
            assert loader.wait(120) == 0, loader.stderr()
    assert NAMES[1] in names.asked
    records = kafka.read_topic("loader-btcusdt-api-candles-1h-2024-06-01-bundle")
    assert len([r for r in records if r.value is not None]) == 720


def test_unknown_authority_is_refused(engine, images, names, exchange, kafka, tmp_path):
    """The image's own bundle has no reason to trust a test's authority."""
    tls_front.make_authority(tmp_path, NAMES)
    with tls_front.TlsFront(f"http://127.0.0.1:{exchange}", tmp_path) as front:
        env = queue_env("tls002", kafka.env("plain"), f"https://{NAMES[1]}:{front.port}",
                        "http://127.0.0.1:1")
        with container.Container(engine, images["loader-api-candles"], env, tmp_path,
                                 mounts={names.resolv: "/etc/resolv.conf"}) as loader:
            assert loader.wait(120) == 1
            assert "certificate" in loader.events("failed")[0]["text"]


def test_sigterm_reaches_the_program(engine, images, kafka, tmp_path):
    """It is pid 1 in its container, where an unhandled SIGTERM would be ignored."""
    env = queue_env("sig001", kafka.env("plain"), "http://127.0.0.1:1", "http://127.0.0.1:1")
    with container.Container(engine, images["arango-candles"], env, tmp_path) as connector:
        connector.wait_event("admin_listening")
        assert connector.stop() == 143


def test_nothing_is_left_behind(engine, images):
    """The containers of the tests above are gone."""
    names = engine.docker("ps", "--all", "--format", "{{.Names}}").split()
    assert not [n for n in names if n.startswith("sf-test-")]
