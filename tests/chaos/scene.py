"""Everything that a run hurts: the servers, the line to Redis, the workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from redis.asyncio import Redis
from redis.exceptions import RedisError

from stream.config import load
from tests.chaos.crew import Crew
from tests.chaos.watch import Watch
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, pipeline
from tests.rig.proxy import Proxy, proxy_to
from tests.rig.redis import RedisServer

PARTITIONS = 3
SNAPSHOT_EVERY_S = 10.0


@dataclass
class Scene:
    """Workers reach Redis through `line`; who watches does not."""

    kafka: Kafka
    redis: RedisServer
    line: Proxy
    deployment: Pipeline
    crew: Crew
    watch: Watch
    random: Random
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    """Of what one fault at a time may hurt."""

    async def start_kafka(self) -> None:
        """Back with what its log holds."""
        self.kafka.spawn()
        await asyncio.to_thread(self.kafka.wait_ready)

    async def start_redis(self) -> None:
        """Back with its last snapshot."""
        self.redis.spawn()
        await asyncio.to_thread(self.redis.wait_ready)

    async def snapshots(self) -> None:
        """Until cancelled, one every few seconds: what Redis loses when it is killed is what came since."""
        while True:
            await asyncio.sleep(SNAPSHOT_EVERY_S)
            async with self.locks["redis"], Redis.from_url(self.redis.url()) as redis:
                with suppress(RedisError):  # one is under way still
                    await redis.bgsave()


@asynccontextmanager
async def scene(
    kafka: Kafka, redis: RedisServer, name: str, directory: Path, workers: int, random: Random
) -> AsyncIterator[Scene]:
    """A deployment on these servers, its workers started; they are ended with the context."""
    async with proxy_to(redis.port) as line:
        url = f"redis://127.0.0.1:{line.port}/0"
        with pipeline(kafka.bootstrap, url, name, directory) as deployment:
            await deployment.create_topics(PARTITIONS)
            direct = load(None, {**deployment.settings, "FLOORCAST_REDIS_URL": redis.url()})
            crew = Crew(deployment, workers)
            locks = {what: asyncio.Lock() for what in ("broker", "redis", "line", "workers")}
            yield Scene(kafka, redis, line, deployment, crew, Watch(direct), random, locks)
