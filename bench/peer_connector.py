#!/usr/bin/python3
"""The plain Python way to do arango-candles: aiokafka and python-arango. For comparison only.

Batches of 2000 documents by insert_many with overwrite, commits after the database answered.
"""
import asyncio
import json
import os

from aiokafka import AIOKafkaConsumer
from arango import ArangoClient

COUNT = int(os.environ["COUNT"])  # stop behind this many records
DECIMALS = ("open", "high", "low", "close", "volume", "quote_asset_volume", "taker_buy_base_asset_volume",
            "taker_buy_quote_asset_volume")


def document(value):
    doc = json.loads(value)
    del doc["run"]
    for field in DECIMALS:
        doc[field] = float(doc[field])
    return doc


async def main():
    client = ArangoClient(hosts=os.environ["ARANGO_URL"])
    db = client.db(os.environ["ARANGO_DB"], username=os.environ["ARANGO_USER"],
                   password=os.environ["ARANGO_PASSWORD"])
    name = os.environ["COLLECTION_NAME"]
    collection = db.collection(name) if db.has_collection(name) else db.create_collection(name)
    consumer = AIOKafkaConsumer(os.environ["KAFKA_TOPIC"], group_id="peer-" + name, enable_auto_commit=False,
                                auto_offset_reset="earliest",
                                bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"])
    await consumer.start()
    stored = 0
    while stored < COUNT:
        batches = await consumer.getmany(timeout_ms=1000, max_records=2000)
        docs = [document(m.value) for batch in batches.values() for m in batch if m.value is not None]
        if docs:
            collection.insert_many(docs, overwrite_mode="replace", silent=True)
            await consumer.commit()
            stored += len(docs)
    await consumer.stop()
    print(stored)


asyncio.run(main())
