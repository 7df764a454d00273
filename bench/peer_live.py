#!/usr/bin/python3
"""The plain Python way to do loader-ws-trades: websockets, json, aiokafka. For comparison only.

Same fields, decimal strings kept, one Kafka record a trade, acks=all, idempotent, lz4; nothing is repaired.
"""
import asyncio
import json
import os

import websockets
from aiokafka import AIOKafkaProducer

COUNT, TOPIC = int(os.environ["COUNT"]), os.environ["KAFKA_TOPIC"]


def record(data):
    return {
        "_key": f"{data['s']}_{data['t']}", "exchange": "binance", "symbol": data["s"], "source": "ws", "run": 1,
        "trade_id": data["t"], "price": data["p"], "quantity": data["q"], "timestamp": data["T"],
        "is_buyer_maker": data["m"],
    }


async def main():
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], acks="all",
                                enable_idempotence=True, compression_type="lz4", linger_ms=5)
    await producer.start()
    n, last = 0, None
    async with websockets.connect(os.environ["BINANCE_WS_URL"] + "/stream?streams=btcusdt@trade",
                                  compression=None) as ws:
        async for text in ws:
            data = json.loads(text)["data"]
            last = await producer.send(TOPIC, json.dumps(record(data)).encode(), key=data["s"].encode())
            n += 1
            if n == COUNT:
                break
    await last
    await producer.stop()


asyncio.run(main())
