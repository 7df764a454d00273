"""Candles of the past: loader and connector, beside a plain Python pair."""
import datetime
import subprocess

from measured import BENCH, CACHE, ROOT, Measured, others_on_core_1, row

from flow import PASSWORD, World, day_ms

START = "2023-01-01"


def venv():
    """A Python with the packages of the peer, made once."""
    folder, packages = CACHE / "bench-venv", ["aiohttp", "aiokafka", "lz4", "cramjam", "websockets", "python-arango"]
    done = folder / ("done-" + "-".join(packages))
    if not done.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", *packages], check=True)
        done.touch()
    return folder / "bin" / "python"


def first_delivery_ms(world, bin_dir, runs=15):
    """exec to first delivery report of a fresh loader on an existing, empty topic: median of runs."""
    times = []
    for i in range(runs):
        q = world.queue("BTCUSDT", "1m", START, START)
        world.kafka.create_topic(q.topic)
        m = Measured([bin_dir / "loader-api-candles"], q.env(), world.folder)
        times.append(int(m.event("first_record_delivered")["us"]) / 1000)
    times.sort()
    return (f"loader-api-candles: exec to first delivery report, existing topic, plaintext: min {times[0]:.1f} ms, "
            f"median {times[len(times) // 2]:.1f} ms, max {times[-1]:.1f} ms.")


def measure(kafka, folder, candles, bin_dir):
    days = -(-candles // 1440)
    last = (datetime.date.fromisoformat(START) + datetime.timedelta(days=days - 1)).isoformat()
    n = days * 1440
    rows = []
    world = World(kafka, folder / "world", exchange_args=["--weight-limit", "100000000"])
    null = subprocess.Popen([BENCH / "nullserver"], stdout=subprocess.PIPE, text=True)
    null_url = "http://127.0.0.1:" + null.stdout.readline().split("port=")[1].strip()
    others_on_core_1(kafka.pid, world.exchange.proc.pid, world.store.proc.pid, null.pid)
    try:
        warm = world.queue("BTCUSDT", "1m", START, last)
        Measured([bin_dir / "loader-api-candles"], warm.env(), folder)  # the exchange has its rows now
        queue = world.queue("BTCUSDT", "1m", START, last)
        m = Measured([bin_dir / "loader-api-candles"], queue.env(PAGES_IN_FLIGHT=8), folder)
        rows.append(row("loader-api-candles: REST to Kafka", n, m))
        m = Measured([bin_dir / "arango-candles"], queue.env(ARANGO_URL=null_url, QUEUE_ID=queue.id), folder)
        rows.append(row("arango-candles: Kafka to a null server", n, m))
        second = {**queue.env(), "QUEUE_ID": queue.id, "KAFKA_TOPIC": queue.topic}
        m = Measured([bin_dir / "arango-candles"], {**second, "QUEUE_ID": queue.id[:-6] + "second"}, folder)
        rows.append(row("arango-candles: Kafka to sf-store", n, m))
        python, few = venv(), n // 8
        env = {"BINANCE_API_URL": world.exchange.url, "SYMBOL": "BTCUSDT", "INTERVAL": "1m", "KAFKA_TOPIC": "peer",
               "START_MS": day_ms(START), "END_MS": day_ms(START) + few * 60000, "COUNT": few,
               "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap(), "ARANGO_URL": world.store.url,
               "ARANGO_DB": "streamforge", "ARANGO_USER": "root", "ARANGO_PASSWORD": PASSWORD,
               "COLLECTION_NAME": "peer"}
        kafka.create_topic("peer")
        m = Measured([python, ROOT / "bench" / "peer_loader.py"], env, folder)
        rows.append(row("aiohttp + aiokafka: REST to Kafka", few, m))
        m = Measured([python, ROOT / "bench" / "peer_connector.py"], env, folder)
        rows.append(row("aiokafka + python-arango: Kafka to sf-store", few, m))
        return rows, first_delivery_ms(world, bin_dir)
    finally:
        null.kill()
        world.close()
