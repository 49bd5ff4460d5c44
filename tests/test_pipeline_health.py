"""What `/metrics` says of floorcast itself, beside real servers: how workers are, what waits, who is gone."""

import asyncio
from contextlib import suppress
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families as parse_text
from redis.asyncio import Redis

from stream.embedded.probe import HOST, free_ports
from stream.store.layout import ShardKeys
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, pipeline, recent_mix
from tests.rig.redis import RedisServer
from tests.scraped import Scraped

EVENTS = 600
FEW = {
    "EXPORTER_GROUPINGS_CALLS": "[]",
    "EXPORTER_GROUPINGS_SURVEYS": "[]",
    "EXPORTER_GROUPINGS_SELFSERVICE": "[]",
    "EXPORTER_GROUPINGS_TICKETS": "[]",
}


class Watched:
    """A scrape after the other, until one is as it shall be."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def until(self, **series: object) -> Scraped:
        """The first scrape in which the sums of these names have these values; None: there are none. A text
        is another name, with the same sum."""
        async with asyncio.timeout(120):
            while True:
                with suppress(httpx.TransportError):
                    answer = await self._client.get("/metrics")
                    found = Scraped(list(parse_text(answer.text)) if answer.status_code == 200 else [])
                    values = {
                        name: sums(found, value) if isinstance(value, str) else value
                        for name, value in series.items()
                    }
                    if all(sums(found, name) == value for name, value in values.items()):
                        return found
                await asyncio.sleep(0.3)


def sums(scraped: Scraped, name: str) -> float | None:
    """Of all series of a name; None without any."""
    found = [
        sample.value
        for family in scraped.families.values()
        for sample in family.samples
        if sample.name == f"support_{name}"
    ]
    return sum(found) if found else None


async def take_over(deployment: Pipeline) -> None:
    """Somebody else writes the fence of a shard."""
    config = deployment.config.redis
    async with Redis.from_url(config.url) as raw:
        key = ShardKeys(config.namespace, "calls", 0).fence
        await raw.hset(key, "commit_id", "somebody else's")


async def test_how_floorcast_itself_is(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Records by what became of them, commits, lag, what waits, memory, the last verification; a refusal by
    the fence is counted, and a worker that is gone has no series, lag least of all."""
    (port,) = free_ports(1)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, EXPORTER_PORT=str(port), **FEW
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(recent_mix(EVENTS))
        await deployment.publish([("calls", {"no": "event", "subject": "C1"})])
        worker = deployment.worker()
        exporter = deployment.start("exporter")
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=30) as client:
            watched = Watched(client)
            await deployment.wait()
            found = await watched.until(
                worker_up=1, outbox_entries=0, shard_lag_records=0, batch_records_sum="events_total"
            )
            assert exporter.exit_code is None, exporter.output
            # Facts about customers, which shards tell each other, are records of a topic, too.
            applied = sum(found.all("events_total", "topic", result="applied").values())
            facts = found.all("events_total", "topic", result="applied")["contacts"]
            assert applied - facts == EVENTS
            assert sum(found.all("dead_letters_total", "topic").values()) == 1
            commits, bucketed = sums(found, "commit_seconds_count"), found.families["support_commit_seconds"]
            assert commits is not None
            assert commits >= (sums(found, "batch_records_count") or 0) > 0
            assert {s.labels["le"] for s in bucketed.samples if "le" in s.labels} >= {"0.005", "+Inf"}
            partitions = found.all("shard_lag_records", "partition", topic="tickets")
            assert len(partitions) == sum(found.all("shards", "topic", topic="tickets").values())
            assert sums(found, "fence_refusals_total") == 0
            memory = found.all("redis_memory_bytes", "kind")
            assert memory["states"] > 0
            assert memory["cells_10s"] > 0
            assert sum(memory.values()) < (sums(found, "redis_used_bytes") or 0)
            status, said = await deployment.run("verify")
            assert status == 0, said
            await watched.until(replay_drift=0)
            await take_over(deployment)
            await watched.until(fence_refusals_total=1)
            assert await worker.ended() == 1
            await watched.until(worker_up=None, shard_lag_records=None, commit_seconds_count=None)
