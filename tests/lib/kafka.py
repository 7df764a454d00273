#!/usr/bin/python3
"""A real Apache Kafka for tests and demos: fetched once from Maven Central, KRaft, one node.

As a library: make_kafka(folder) -> start(), stop(), kill(), restart() and helpers to look
into topics. As a program, standard library only:

    tests/lib/kafka.py start --dir D     prints its bootstrap address
    tests/lib/kafka.py stop --dir D

Listeners: plaintext, and SASL_SSL with SCRAM-SHA-512 under a certificate made at run time.
"""

import argparse
import collections
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sfproc import free_port  # noqa: E402

VERSION = "3.9.1"
ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("SF_KAFKA_CACHE", ROOT / "tests" / ".cache" / "kafka"))
USER, PASSWORD = "alice", "alice-secret"
START_TIMEOUT_S = 90

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
 <groupId>sf.test</groupId><artifactId>kafka-dist</artifactId><version>1</version>
 <packaging>pom</packaging>
 <dependencies>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
   <version>{VERSION}</version></dependency>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId>
   <version>{VERSION}</version></dependency>
  <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId>
   <version>1.7.36</version></dependency>
 </dependencies>
 <build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
  <executions><execution><phase>package</phase><goals><goal>copy-dependencies</goal></goals>
   <configuration><outputDirectory>${{project.build.directory}}/libs</outputDirectory>
    <includeScope>runtime</includeScope></configuration>
  </execution></executions></plugin></plugins></build></project>
"""

LOG4J = """log4j.rootLogger=WARN, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=[%d] %p %m (%c)%n
"""

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://localhost:{sasl}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
ssl.client.auth=none
log.dirs={folder}/data
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=1000
num.network.threads=2
num.io.threads=2
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=2097152
auto.create.topics.enable=false
"""

JVM = ["-Xmx384m", "-Xms96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
       "-Djava.awt.headless=true"]

Record = collections.namedtuple("Record", "partition offset timestamp_ms key value headers")


class Unavailable(Exception):
    """This machine cannot have such a broker; the text says why."""


# ------------------------------------------------------------------------------- fetching

def fetch():
    """Folder of Kafka's jars, fetched when it is not there; one process at a time."""
    libs = CACHE / f"libs-{VERSION}"
    if libs.is_dir():
        return libs
    for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is missing (apt-get install {package})")
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if libs.is_dir():
            return libs
        build = CACHE / "build"
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir()
        (build / "pom.xml").write_text(POM)
        done = subprocess.run(["mvn", "-q", "-B", "package"], cwd=build, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=900, check=False)
        if done.returncode != 0:
            raise Unavailable(f"Maven could not fetch Kafka {VERSION}: {done.stdout[-500:]}")
        (build / "target" / "libs").rename(libs)
        shutil.rmtree(build)
    return libs


def make_certificates(folder):
    """ca.pem, server.pem (key and chain) for localhost and 127.0.0.1, other-ca.pem."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("ca", "other-ca"):
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-days", "30", "-subj", f"/CN=sf-test-{name}")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.crt", "-days", "30", "-extfile", "server.ext")
    pem = "".join((folder / f).read_text() for f in ("server.key", "server.crt", "ca.pem"))
    (folder / "server.pem").write_text(pem)


# ----------------------------------------------------------------- a little of the protocol

def _text(s):
    data = s.encode()
    return struct.pack(">h", len(data)) + data


def _request(port, api, version, body, timeout=10):
    """One request on a connection of its own; the answer behind its header."""
    packet = struct.pack(">hhi", api, version, 1) + _text("sf-test") + body
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(struct.pack(">i", len(packet)) + packet)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
            piece = s.recv(65536)
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
    return data[8:]


def _brokers(port):
    """How many brokers the Metadata (v1, no topics) counts."""
    return struct.unpack(">i", _request(port, 3, 1, struct.pack(">i", 0), 2)[:4])[0]


# ------------------------------------------------------------------------------ the broker

class Kafka:
    """What tests use of a broker, whichever it is."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.ports = {}
        self.security = os.environ.get("SF_TEST_KAFKA_SECURITY", "plain")
        self.user, self.password = USER, PASSWORD
        self.ca_path = self.folder / "ca.pem"
        self.admins = {}

    def bootstrap(self, security="plain"):
        if security == "sasl":
            return f"localhost:{self.ports['sasl']}"
        return f"127.0.0.1:{self.ports['plain']}"

    def env(self, security=None):
        """Settings for a StreamForge program."""
        security = security or self.security
        env = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap(security)}
        if security == "sasl":
            env.update(KAFKA_USER=self.user, KAFKA_PASSWORD=self.password,
                       CA_PATH=str(self.ca_path))
        return env

    # ------------------------------------------------------------------ topics, for tests

    def _admin(self):
        from confluent_kafka.admin import AdminClient  # Debian: python3-confluent-kafka
        at = self.bootstrap()
        if at not in self.admins:  # kept: a client that is collected drops its answers
            self.admins[at] = AdminClient({"bootstrap.servers": at})
        return self.admins[at]

    def create_topic(self, name, partitions=1, config=None):
        from confluent_kafka.admin import NewTopic
        topic = NewTopic(name, partitions, 1, config=config or {})
        self._admin().create_topics([topic], operation_timeout=30)[name].result(30)
        wait_for(lambda: len(self.partitions(name)) == partitions, 30, f"topic {name}")

    def delete_topic(self, name):
        self._admin().delete_topics([name], operation_timeout=30)[name].result(30)
        wait_for(lambda: name not in self.topics(), 30, f"topic {name} to go")

    def topics(self):
        return set(self._admin().list_topics(timeout=30).topics)

    def topic_config(self, name):
        from confluent_kafka.admin import ConfigResource
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        entries = self._admin().describe_configs([resource])[resource].result(30)
        return {e.name: e.value for e in entries.values()}

    def partitions(self, name):
        """Sorted partition ids; [] when there is no such topic."""
        topic = self._admin().list_topics(timeout=30).topics.get(name)
        return sorted(topic.partitions) if topic else []

    def _consumer(self, group="sf-test-reader"):
        from confluent_kafka import Consumer
        return Consumer({"bootstrap.servers": self.bootstrap(), "group.id": group,
                         "enable.auto.commit": False, "enable.partition.eof": True,
                         "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50})

    def offsets(self, name):
        """{partition: (begin, end)} of the log."""
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        def ends(consumer, part):
            try:
                return consumer.get_watermark_offsets(TopicPartition(name, part), timeout=30)
            except KafkaException as e:  # a broker that has just come back may lead no partition yet
                if e.args[0].code() not in (KafkaError._UNKNOWN_PARTITION, KafkaError.LEADER_NOT_AVAILABLE,
                                            KafkaError.NOT_LEADER_FOR_PARTITION):
                    raise
                return None
        with contextlib.closing(self._consumer()) as consumer:
            return {p: wait_for(lambda p=p: ends(consumer, p), 30, f"a leader of {name} {p}")
                    for p in self.partitions(name)}

    def committed(self, group, name):
        """{partition: committed offset, None without}."""
        from confluent_kafka import TopicPartition
        with contextlib.closing(self._consumer(group)) as consumer:
            asked = [TopicPartition(name, p) for p in self.partitions(name)]
            return {t.partition: t.offset if t.offset >= 0 else None
                    for t in consumer.committed(asked, timeout=30)}

    def read_topic(self, name, timeout=120):
        """Every Record from the beginning to the end as it is now, by partition and offset."""
        from confluent_kafka import KafkaError, TopicPartition
        left = {p: ends for p, ends in self.offsets(name).items() if ends[1] > ends[0]}
        records = []
        deadline = time.monotonic() + timeout
        with contextlib.closing(self._consumer()) as consumer:
            consumer.assign([TopicPartition(name, p, ends[0]) for p, ends in left.items()])
            while left and time.monotonic() < deadline:
                for m in consumer.consume(10000, timeout=0.2):
                    if m.error() and m.error().code() == KafkaError._PARTITION_EOF:
                        left.pop(m.partition(), None)
                    elif m.error():
                        raise AssertionError(f"reading {name}: {m.error()}")
                    else:
                        records.append(Record(m.partition(), m.offset(), m.timestamp()[1],
                                              m.key(), m.value(), m.headers() or []))
        if left:
            raise AssertionError(f"{name} was not read to its end within {timeout} s: {left}")
        return sorted(records, key=lambda r: (r.partition, r.offset))

    def produce(self, name, records, partition=0):
        """Records are values, or (key, value), or (key, value, [(header, value)...])."""
        from confluent_kafka import Producer
        producer = Producer({"bootstrap.servers": self.bootstrap(), "linger.ms": 5,
                             "enable.idempotence": True})
        lost = []
        for r in records:
            key, value, headers = (tuple(r) + (None,))[:3] if isinstance(r, tuple) \
                else (None, r, None)
            while True:
                try:
                    producer.produce(name, value, key, partition, headers=headers or [],
                                     on_delivery=lambda e, _: e and lost.append(e))
                    break
                except BufferError:
                    producer.poll(1)
            producer.poll(0)
        left = producer.flush(60)
        assert not lost and left == 0, f"{name}: {lost[:1]}, {left} undelivered"

    def delete_records(self, name, partition, before):
        """Cut the log: offsets below @before are gone (DeleteRecords v0)."""
        body = struct.pack(">i", 1) + _text(name) + struct.pack(">iiqi", 1, partition, before, 30000)
        answer = _request(self.ports["plain"], 21, 0, body, 40)
        error = struct.unpack(">h", answer[-2:])[0]
        assert error == 0, f"DeleteRecords {name}/{partition}: error {error}"


class ApacheKafka(Kafka):
    """Data, certificates and logs live in @folder; restart() keeps ports and data."""

    def __init__(self, folder):
        super().__init__(folder)
        self.pid = None
        self.popen = None
        self.libs = None

    def _java(self, *args):
        return ["java", *JVM, f"-Dlog4j.configuration=file:{self.folder}/log4j.properties",
                "-cp", f"{self.libs}/*", *args]

    def _prepare(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "server.pem").exists():
            make_certificates(self.folder)
        (self.folder / "log4j.properties").write_text(LOG4J)
        self.ports = {name: free_port() for name in ("plain", "sasl", "controller")}
        (self.folder / "server.properties").write_text(
            PROPERTIES.format(folder=self.folder, **self.ports))
        if (self.folder / "data" / "meta.properties").exists():
            return
        scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", "c2YtdGVzdC1jbHVzdGVyMQ",
                       "-c", str(self.folder / "server.properties"), "--add-scram", scram),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
            stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise AssertionError(f"Kafka's storage format failed:\n{done.stdout}")

    def _run(self):
        with open(self.folder / "kafka.log", "ab") as log:
            self.popen = subprocess.Popen(
                self._java("kafka.Kafka", str(self.folder / "server.properties")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.pid = self.popen.pid

    def _is_up(self):
        if self.popen.poll() is not None:
            raise AssertionError(f"Kafka exited {self.popen.returncode}:\n{self.log_tail()}")
        try:
            return _brokers(self.ports["plain"]) > 0
        except OSError:
            return False

    def start(self):
        """Fetch, format, run, wait until it answers. Another process may take one of the
        free ports before Kafka does: then once more with others."""
        self.libs = self.libs or fetch()
        for last in (False, False, True):
            self._prepare()
            self._run()
            try:
                wait_for(self._is_up, START_TIMEOUT_S, "Kafka's first answer", 0.1)
                return self
            except AssertionError:
                self.kill()
                if last or "Address already in use" not in self.log_tail():
                    raise
        return self

    def resume(self):
        """Run again after stop() or kill(): same ports, same data."""
        self._run()
        wait_for(self._is_up, START_TIMEOUT_S, "Kafka's first answer", 0.1)

    def stop(self, timeout=60):
        if self.popen and self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """kill -9."""
        if self.popen and self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()

    def restart(self, hard=False):
        if hard:
            self.kill()
        else:
            self.stop()
        self.resume()

    def log_tail(self):
        return (self.folder / "kafka.log").read_text(errors="replace")[-4000:]


def wait_for(check, timeout, what, every=0.05):
    """Poll check() until it is true; returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(every)


def make_kafka(folder):
    """The broker that SF_TEST_KAFKA names, not started."""
    kind = os.environ.get("SF_TEST_KAFKA", "kafka")
    if kind != "kafka":
        raise Unavailable(f"SF_TEST_KAFKA={kind}: there is no such broker, expected kafka")
    return ApacheKafka(folder)


# ------------------------------------------------------------------------------- as a program

def command_start(folder):
    kafka = ApacheKafka(folder).start()
    state = {"pid": kafka.pid, "ports": kafka.ports}
    (kafka.folder / "kafka.json").write_text(json.dumps(state))
    print(kafka.bootstrap())


def command_stop(folder):
    path = pathlib.Path(folder).resolve() / "kafka.json"
    if not path.exists():
        return
    pid = json.loads(path.read_text())["pid"]
    cmdline = pathlib.Path(f"/proc/{pid}/cmdline")
    # the number may belong to another process by now
    if cmdline.exists() and str(path.parent).encode() in cmdline.read_bytes():
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not cmdline.exists() or not cmdline.read_bytes(), 60, "Kafka's end")
    path.unlink()


def main():
    parser = argparse.ArgumentParser(description="Apache Kafka in the background, for make demo")
    parser.add_argument("command", choices=("fetch", "start", "stop"))
    parser.add_argument("--dir", help="its data, certificates and log")
    args = parser.parse_args()
    try:
        if args.command == "fetch":
            print(fetch())
        elif not args.dir:
            parser.error("--dir is missing")
        elif args.command == "start":
            command_start(args.dir)
        else:
            command_stop(args.dir)
    except (Unavailable, AssertionError) as e:
        print(f"kafka.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
