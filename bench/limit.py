"""The limit: aiokafka's getmany, our decoder, one dict update an event. Run by bench/baselines.py.

Arguments: bootstrap, topics as family=topic (with commas), number of events after which it ends.
Prints events, CPU and wall seconds, from before the first fetch to the last event.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from stream.events.decode import decoder_of

AT_ONCE = 5_000
FETCH_BYTES = 4 * 1024 * 1024


async def main(bootstrap: str, topics: dict[str, str], count: int) -> None:
    """Reads until it has enough."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=FETCH_BYTES
    )
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()
        decoders = {topic: decoder_of(family).decode for family, topic in topics.items()}
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        consumer.assign(
            [TopicPartition(t, p) for t in decoders for p in cluster.partitions_for_topic(t) or ()]
        )
        counts: dict[str, int] = {}
        seen = 0
        while seen < count:
            for place, records in (await consumer.getmany(timeout_ms=1_000, max_records=AT_ONCE)).items():
                decode = decoders[place.topic]
                for record in records:
                    event = decode(record.value, record.headers)
                    counts[event.type] = counts.get(event.type, 0) + 1
                seen += len(records)
        took = {"events": seen, "cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
        print(json.dumps(took), flush=True)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    uvloop.install()
    pairs = dict(pair.split("=") for pair in sys.argv[2].split(","))
    asyncio.run(main(sys.argv[1], pairs, int(sys.argv[3])))
