"""`floorcast rebuild` on real servers: a second generation is filled beside the live one, and swapped in."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.rig.kafka import Kafka
from tests.rig.pipeline import (
    Pipeline,
    Process,
    counted,
    expected,
    pipeline,
    recent_mix,
    until,
)
from tests.rig.redis import RedisServer


async def live(deployment: Pipeline) -> int:
    """The number of the generation that is live."""
    async with deployment.store() as store:
        return (await store.generations()).current


async def ended_well(rebuild: Process) -> None:
    """The rebuild is through: workers have all of its shards."""
    assert await rebuild.ended() == 0, rebuild.output
    assert "workers have every shard" in rebuild.output


async def test_events_arrive_while_the_log_is_counted_anew(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Killed in the middle, run again; what is read meanwhile never goes back; the worker moves over by
    itself, and then everything is counted once."""
    events = recent_mix(12_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS="50"
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(events[:10_000])
        worker = deployment.worker()
        await deployment.wait()
        rebuild = deployment.start("rebuild")
        await until(lambda: " assigned " in rebuild.output)
        await asyncio.sleep(0.3)
        rebuild.kill9()
        assert await live(deployment) == 1
        arriving = asyncio.create_task(deployment.publish(events[10_000:], per_second=300))
        rebuild = deployment.start("rebuild")
        read = 0
        async with deployment.store() as store:
            while rebuild.exit_code is None:
                fences = await store.fences_of(("tickets", "calls", "surveys"))
                now = sum(fence.offset for of in fences.values() for fence in of.values())
                assert now >= read - 100, (now, read)
                read = max(now, read)
                await asyncio.sleep(0.02)
        await ended_well(rebuild)
        assert "goes on with generation 2" in rebuild.output
        assert await live(deployment) == 2
        await arriving
        await deployment.wait()
        assert worker.exit_code is None
        assert await counted(deployment) == expected(events)
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()
