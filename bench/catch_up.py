"""How fast workers read a log that is there already: the whole way from Kafka to Redis, exact at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient

from bench.events import Log
from bench.exact import check_numbers
from bench.machine import memory_mb
from bench.servers import Deployment
from bench.workers import Progress, workers

REBALANCE_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What a run took, and the memory of its worker at the end (the first one's)."""

    events: int
    cpu_s: float
    wall_s: float
    waited_s: float
    """Of the wall time, what the workers waited for a core: it says how far to trust the wall's figures."""
    rss_mb: float
    peak_mb: float

    @property
    def per_cpu_s(self) -> float:
        """Events per CPU-second of the worker processes."""
        return self.events / self.cpu_s

    @property
    def per_s(self) -> float:
        """Events per second of wall time."""
        return self.events / self.wall_s


async def catch_up(of: Deployment, log: Log, cores: Sequence[int]) -> CatchUp:
    """From the claim of the shards, so before the first fetch, to the last record's commit. The log is there.

    CPU is that of the whole process: clients of Kafka and Redis, their threads, fold, garbage collection.
    Raises NotExact when what is in Redis afterwards is not what was published.
    """
    total = len(log.events)
    with workers(of, cores) as running:
        async with Progress(of, running) as progress:
            await progress.claimed()
            before = await progress.count() if len(cores) == 1 else await _all_in(of, progress, len(cores))
            cpu_s, waited_s, start = running.cpu_s(), running.waited_s(), time.perf_counter()
            await progress.committed(total)
            wall_s = time.perf_counter() - start
            cpu_s, waited_s = running.cpu_s() - cpu_s, running.waited_s() - waited_s
            first = running.children[0].pid
            rss_mb, peak_mb = memory_mb(first, "VmRSS"), memory_mb(first, "VmHWM")
            await check_numbers(of.config, progress.store, log)
    return CatchUp(total - before, cpu_s, wall_s, waited_s, rss_mb, peak_mb)


async def _all_in(of: Deployment, progress: Progress, members: int) -> int:
    """Returns when the group has all its members and goes on after that: how many records are in Redis."""
    admin = AIOKafkaAdminClient(bootstrap_servers=of.config.kafka.bootstrap)
    await admin.start()
    try:
        while not await _stable(admin, of.config.kafka.group, members):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(REBALANCE_POLL_S)
    finally:
        await admin.close()
    before = await progress.count()
    while (now := await progress.count()) == before:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.005)
    return now


async def _stable(admin: AIOKafkaAdminClient, group: str, members: int) -> bool:
    (answer,) = await admin.describe_consumer_groups([group])
    error, _, state, _, _, found = answer.groups[0][:6]
    return error == 0 and state == "Stable" and len(found) == members
