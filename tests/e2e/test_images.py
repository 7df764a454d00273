"""The images as a cluster runs them: locked down, small, and doing their work."""

import io
import os
import subprocess
import tarfile

import container
import dns
import flow
import pytest
import sfproc
import tls_front

pytestmark = pytest.mark.xdist_group("docker")  # one engine at a time

IMAGES = sorted(p.parent.name for p in (sfproc.ROOT / "images").glob("*/Dockerfile"))
PROGRAMS = {"queue-manager": ["queue-manager", "sfctl"]}  # of images that have more than one
LIMIT_BYTES = {"queue-manager": 12 * 1024 * 1024}  # the others have one program
LIMIT_BYTES_OF_ONE = 8 * 1024 * 1024
TAG = "e2e"
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
    assert engine.inspect(images[name])["Size"] <= LIMIT_BYTES.get(name, LIMIT_BYTES_OF_ONE)


@pytest.mark.parametrize("name", IMAGES)
def test_says_what_it_is(engine, images, name):
    config = engine.inspect(images[name])["Config"]
    labels = config["Labels"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == [f"/{name}"]
    assert labels["org.opencontainers.image.title"] == name
    assert labels["org.opencontainers.image.version"] == (sfproc.ROOT / "VERSION").read_text().strip()


@pytest.mark.parametrize("name", IMAGES)
def test_holds_its_programs_and_no_shell(engine, images, files, name):
    executable = [m.name for m in files[name].getmembers()
                  if m.isfile() and m.mode & 0o111 and m.size > 0]  # empty: the engine's own
    assert sorted(executable) == PROGRAMS.get(name, [name])
    for shell in ("/bin/sh", "/bin/bash", "/bin/busybox"):
        done = subprocess.run(["docker", "run", "--rm", "--network=host", "--entrypoint", shell,
                               images[name], "-c", "true"], env=engine.env, timeout=60,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        assert done.returncode == 127


@pytest.mark.parametrize("name", IMAGES)
def test_program_is_static(files, name, tmp_path):
    """No interpreter in its program headers: nothing is loaded from the image."""
    for program in PROGRAMS.get(name, [name]):
        path = tmp_path / program
        path.write_bytes(files[name].extractfile(program).read())
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
        assert ("MANAGER_TOKEN" if name == "queue-manager" else "QUEUE_ID") in run.stderr()


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
def world(kafka, tmp_path):
    """sf-exchange and sf-store on this machine."""
    world = flow.World(kafka, tmp_path, seed="7")
    yield world
    world.close()


@pytest.fixture
def queue(world):
    return world.queue("BTCUSDT", "1h", "2024-06-01", "2024-06-30", ADMIN_LISTEN="127.0.0.1:0")


def by_name(name, url):
    """The same address with a name that only the DNS server of the test knows."""
    return f"http://{name}:{url.rpartition(':')[2]}"


def run_pair(engine, images, env, folder, mounts):
    with container.Container(engine, images["loader-api-candles"], env, folder, mounts=mounts) as loader, \
            container.Container(engine, images["arango-candles"], env, folder, mounts=mounts) as connector:
        assert loader.wait(120) == 0, loader.stderr()
        assert connector.wait(120) == 0, connector.stderr()


def test_candles_arrive_by_name(engine, images, names, world, queue, kafka, tmp_path):
    """Plain: every counterpart is found by its name, through DNS."""
    env = queue.env(KAFKA_BOOTSTRAP_SERVERS=f"{NAMES[0]}:{kafka.bootstrap().rpartition(':')[2]}",
                    BINANCE_API_URL=by_name(NAMES[1], world.exchange.url),
                    ARANGO_URL=by_name(NAMES[2], world.store.url))
    run_pair(engine, images, env, tmp_path, {names.resolv: "/etc/resolv.conf"})
    queue.check_complete()
    assert set(NAMES) <= set(names.asked)


def test_candles_arrive_over_tls(engine, images, names, world, queue, kafka, tmp_path):
    """SASL_SSL with SCRAM to Kafka under CA_PATH, HTTPS to exchange and database under the bundle."""
    tls_front.make_authority(tmp_path, NAMES)
    mounts = {names.resolv: "/etc/resolv.conf", kafka.ca_path: "/run/kafka-ca.pem",
              tmp_path / "ca.pem": "/etc/ssl/certs/ca-certificates.crt"}
    with tls_front.TlsFront(world.exchange.url, tmp_path) as exchange, \
            tls_front.TlsFront(world.store.url, tmp_path) as store:
        env = queue.env(**{**kafka.env("sasl"), "CA_PATH": "/run/kafka-ca.pem"},
                        BINANCE_API_URL=f"https://{NAMES[1]}:{exchange.port}",
                        ARANGO_URL=f"https://{NAMES[2]}:{store.port}")
        run_pair(engine, images, env, tmp_path, mounts)
    queue.check_complete()


def test_bundle_is_the_default_of_every_library(engine, images, names, world, queue, kafka, tmp_path):
    """Without CA_PATH, librdkafka and curl both trust what the image's bundle holds."""
    tls_front.make_authority(tmp_path, NAMES)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text((tmp_path / "ca.pem").read_text() + kafka.ca_path.read_text())
    mounts = {names.resolv: "/etc/resolv.conf", bundle: "/etc/ssl/certs/ca-certificates.crt"}
    with tls_front.TlsFront(world.exchange.url, tmp_path) as exchange:
        env = queue.env(**kafka.env("sasl"), BINANCE_API_URL=f"https://{NAMES[1]}:{exchange.port}")
        del env["CA_PATH"]
        with container.Container(engine, images["loader-api-candles"], env, tmp_path,
                                 mounts=mounts) as loader:
            assert loader.wait(120) == 0, loader.stderr()
    assert NAMES[1] in names.asked
    queue.check_topic()


def test_unknown_authority_is_refused(engine, images, names, world, queue, tmp_path):
    """The image's own bundle has no reason to trust a test's authority."""
    tls_front.make_authority(tmp_path, NAMES)
    with tls_front.TlsFront(world.exchange.url, tmp_path) as exchange:
        env = queue.env(BINANCE_API_URL=f"https://{NAMES[1]}:{exchange.port}")
        with container.Container(engine, images["loader-api-candles"], env, tmp_path,
                                 mounts={names.resolv: "/etc/resolv.conf"}) as loader:
            assert loader.wait(120) == 1
            assert "certificate" in loader.events("failed")[0]["text"]


def test_manager_answers_and_its_command_line_is_beside_it(engine, images, world, kafka, tmp_path):
    env = {**kafka.env(), "ARANGO_URL": world.store.url, "ARANGO_USER": "root", "ARANGO_PASSWORD": flow.PASSWORD,
           "MANAGER_LISTEN": "127.0.0.1:0", "MANAGER_TOKEN": "secret", "LAUNCHER_DIR": "/run/queues"}
    with container.Container(engine, images["queue-manager"], env, tmp_path,
                             options=["--tmpfs=/run:mode=1777"]) as manager:
        url = f"http://127.0.0.1:{manager.wait_event('listening')['port']}"

        def sfctl(*args):
            return engine.docker("exec", "--env", f"MANAGER_URL={url}", manager.container, "/sfctl", *args)

        assert "api_candles" in sfctl("types", "--quiet").split()
        told = sfctl("start", "symbol=BTCUSDT", "type=api_candles_5m", "time_range=2024-06-01:2024-06-02", "--dry-run",
                     "--quiet")
        assert told.startswith("loader-btcusdt-api_candles_5m-2024_06_01-")
        assert manager.stop() == 0, manager.stderr()


def test_sigterm_reaches_the_program(engine, images, queue, tmp_path):
    """It is pid 1 in its container, where an unhandled SIGTERM would be ignored."""
    env = queue.env(ARANGO_URL="http://127.0.0.1:1")
    with container.Container(engine, images["arango-candles"], env, tmp_path) as connector:
        connector.wait_event("admin_listening")
        assert connector.stop() == 143


def test_nothing_is_left_behind(engine, images):
    """The containers of the tests above are gone."""
    names = engine.docker("ps", "--all", "--format", "{{.Names}}").split()
    assert not [n for n in names if n.startswith("sf-test-")]
