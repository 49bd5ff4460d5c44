"""From an event's instant to the commit that makes it readable in Redis, at a steady rate of events."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from redis.asyncio import Redis

from bench.events import Event, Log, mix_log, now_ms
from bench.exact import check_numbers
from bench.results import percentile
from bench.servers import SHARDS, Deployment
from bench.workers import Progress, workers
from stream.sources.lanes import partition_hash
from stream.sources.publish import Publisher
from stream.sources.topics import PARTITIONS, create_topics, topic_names
from stream.store.layout import ShardKeys

POLL_S = 0.005
HEAD_START_MS = 1_500
MAKING_US = 40
"""Of each event, generously: the log begins when it has been made."""

Instants = dict[tuple[str, int], list[int]]
"""By shard, the instants (ms) of its records in the order of their offsets."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles over all events, ms."""

    events: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_share: float
    """Of its core, what the worker needed meanwhile."""
    waited_share: float
    """Of the time, how long it waited for its core: it says how far to trust the others."""


async def latency(of: Deployment, rate: float, seconds: float, core: int) -> Latency:
    """Publishes each event at its instant; the worker has read everything before. Raises NotExact."""
    await create_topics(of.config, PARTITIONS)
    with workers(of, [core]) as running:
        async with Progress(of, running) as progress:
            await progress.claimed()
            count = int(rate * seconds)
            begin_ms = now_ms() + HEAD_START_MS + count * MAKING_US // 1000
            log = mix_log(count, rate, begin_ms)
            watching = asyncio.create_task(_watch(of, _instants(log.events)))
            cpu_s, waited_s, start = running.cpu_s(), running.waited_s(), time.perf_counter()
            await publish(of, log)
            waits = sorted(await watching)
            took_s = time.perf_counter() - start
            shares = ((running.cpu_s() - cpu_s) / took_s, (running.waited_s() - waited_s) / took_s)
            await check_numbers(of.config, progress.store, log)
    return Latency(count, percentile(waits, 50), percentile(waits, 99), waits[-1], *shares)


def _instants(events: list[Event]) -> Instants:
    instants: Instants = {shard: [] for shard in SHARDS}
    for event in events:
        instants[event.family, partition_hash(event.key) % PARTITIONS].append(event.at_ms)
    return instants


async def publish(of: Deployment, log: Log) -> None:
    """Publishes each event at its instant."""
    names = topic_names(of.config.kafka)
    async with Publisher(of.config.kafka) as publisher:
        for event in log.events:
            while now_ms() < event.at_ms:  # noqa: ASYNC110 - time is what it waits for
                await asyncio.sleep(0.001)
            await publisher.publish(names[event.family], event.key, event.value, event.at_ms)


async def _watch(of: Deployment, instants: Instants) -> list[int]:
    """How long each event took, ms: up to the poll that saw its offset committed."""
    fences = [ShardKeys(of.config.redis.namespace, *shard).fence for shard in instants]
    seen = dict.fromkeys(instants, 0)
    waits: list[int] = []
    total = sum(map(len, instants.values()))
    async with Redis.from_url(of.config.redis.url) as redis:
        while len(waits) < total:
            async with redis.pipeline(transaction=False) as pipeline:
                for fence in fences:
                    pipeline.hget(fence, "offset")
                offsets = await pipeline.execute()
            at_ms = now_ms()
            for shard, offset in zip(instants, map(int, offsets), strict=True):
                waits += [at_ms - instant for instant in instants[shard][seen[shard] : offset]]
                seen[shard] = offset
            await asyncio.sleep(POLL_S)
    return waits
