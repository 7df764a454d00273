#!/usr/bin/python3
"""The plain Python way to do loader-api-candles: aiohttp, json, aiokafka. For comparison only.

Same work a record as ours: same fields, decimal strings kept, one Kafka record a candle, acks=all,
idempotent, lz4; pages one after the other, as scripts of this kind do.
"""
import asyncio
import json
import os

import aiohttp
from aiokafka import AIOKafkaProducer

API = os.environ["BINANCE_API_URL"]
SYMBOL, INTERVAL, TOPIC = os.environ["SYMBOL"], os.environ["INTERVAL"], os.environ["KAFKA_TOPIC"]
START, END = int(os.environ["START_MS"]), int(os.environ["END_MS"])


def record(row):
    return {
        "_key": f"{SYMBOL}_{INTERVAL}_{row[0]}", "exchange": "binance", "symbol": SYMBOL, "source": "rest",
        "run": 1, "interval": INTERVAL, "open_time": row[0], "close_time": row[6], "open": row[1],
        "high": row[2], "low": row[3], "close": row[4], "volume": row[5], "quote_asset_volume": row[7],
        "number_of_trades": row[8], "taker_buy_base_asset_volume": row[9],
        "taker_buy_quote_asset_volume": row[10], "closed": True, "version": 9007199254740991,
    }


async def main():
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], acks="all",
                                enable_idempotence=True, compression_type="lz4", linger_ms=5)
    await producer.start()
    start, sent, last = START, 0, None
    async with aiohttp.ClientSession() as session:
        while start < END:
            params = {"symbol": SYMBOL, "interval": INTERVAL, "startTime": start, "endTime": END - 1, "limit": 1000}
            async with session.get(f"{API}/api/v3/klines", params=params) as answer:
                rows = await answer.json()
            if not rows:
                break
            for row in rows:
                last = await producer.send(TOPIC, json.dumps(record(row)).encode(), key=SYMBOL.encode())
            sent += len(rows)
            start = rows[-1][0] + 1
    if last:
        await last
    await producer.stop()
    print(sent)


asyncio.run(main())
