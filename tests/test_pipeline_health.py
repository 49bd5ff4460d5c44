"""What `/metrics` says of floorcast itself, on real servers: how processes are, what waits, who is gone."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import Request

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families as parse_text
from redis.asyncio import Redis

from stream.config import ExporterConfig
from stream.serve.exporter import Exporter
from stream.shard.family import INPUTS
from stream.store.layout import ShardKeys
from stream.store.reports import GONE_MS
from tests.conftest import NewRedis
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, Told, counted, expected, pipeline, recent_mix
from tests.rig.receivers import receiver, webhook
from tests.rig.redis import RedisServer
from tests.scraped import Scraped, fetch, lint
from tests.test_alerts_pipeline import settings, told

EVENTS = 600
DOCS = Path(__file__).parents[1] / "docs" / "prometheus.md"
OF_A_REBUILD = {"support_rebuild_read_ratio", "support_carried_before_timestamp_seconds"}
OF_PROCESSES = (
    "worker_up",
    "dispatcher_up",
    "shard_lag_records",
    "commit_seconds_count",
    "batch_records_sum",
)


class Watched:
    """An exporter beside a deployment. `ahead_ms`: how far its clock is, so that a test need not wait."""

    def __init__(self, exporter: Exporter, url: str) -> None:
        self.ahead_ms = 0
        self._exporter = exporter
        self._url = url

    async def text(self) -> str:
        """What it says now."""
        await self._exporter.read()
        status, text = await asyncio.to_thread(fetch, Request(f"{self._url}/metrics"))
        assert status == 200, text
        return text

    async def until(self, **series: object) -> Scraped:
        """The first scrape in which the sums of these names have these values; None: there are none. A text
        is another name, with the same sum."""
        values: dict[str, tuple[object, object]] = {}
        try:
            async with asyncio.timeout(120):
                while True:
                    found = Scraped(list(parse_text(await self.text())))
                    for name, value in series.items():
                        wanted = sums(found, value) if isinstance(value, str) else value
                        values[name] = sums(found, name), wanted
                    if all(value == wanted for value, wanted in values.values()):
                        return found
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise AssertionError(f"(told, wanted): {values}") from None


def sums(scraped: Scraped, name: str) -> float | None:
    """Of all series of a name; None without any."""
    found = [
        sample.value
        for family in scraped.families.values()
        for sample in family.samples
        if sample.name == f"support_{name}"
    ]
    return sum(found) if found else None


@asynccontextmanager
async def watching(deployment: Pipeline) -> AsyncIterator[Watched]:
    """An exporter with few numbers besides."""
    few = ExporterConfig(port=0, groupings=replace(ExporterConfig().groupings, **dict.fromkeys(INPUTS, ())))
    async with deployment.store() as store:

        def wall_ms() -> int:
            return time.time_ns() // 1_000_000 + watched.ahead_ms

        exporter = Exporter(replace(deployment.config, exporter=few), store, wall_ms)
        watched = Watched(exporter, exporter.start())
        try:
            yield watched
        finally:
            await exporter.stop()


def documented() -> set[str]:
    """The names that docs/prometheus.md has in its tables about floorcast itself."""
    _, section = DOCS.read_text().split("## About floorcast itself")
    columns = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for column in columns for name in re.findall(r"`(support_\w+)`", column)}


async def take_over(deployment: Pipeline) -> None:
    """Somebody else writes the fence of a shard."""
    config = deployment.config.redis
    async with Redis.from_url(config.url) as raw:
        key = ShardKeys(config.namespace, "calls", 0).fence
        await raw.hset(key, "commit_id", "somebody else's")


async def publish(deployment: Pipeline, events: list[Told]) -> None:
    """Events, one of a type that nobody knows, and one that is none."""
    family, event = events[0]
    await deployment.publish([*events, (family, {**event, "type": f"{family[:-1]}.renamed"})])
    await deployment.publish([("calls", {"no": "event", "subject": "C1"})])


async def test_how_floorcast_itself_is(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Records by what became of them, commits, lag, what waits, deliveries, memory and the last verification,
    as it happened; every name of the docs. A refusal by the fence is counted, and stays. Processes that are
    killed have no series, lag least of all."""
    events = recent_mix(EVENTS)
    breach = int(time.time() * 1000) - 3_600_000
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        async with watching(deployment) as watched, receiver(webhook) as web:
            web.script.append((500, {}, b""))
            await publish(deployment, events)
            worker = deployment.worker()
            dispatcher = deployment.start("alerts", **settings(web=web))
            await deployment.put([told(deployment, breach, "breached", "zendesk:1")])
            await deployment.wait()
            found = await watched.until(
                worker_up=1, outbox_entries=0, shard_lag_records=0, timers_due=0,
                batch_records_sum="events_total", deliveries_total=2,
            )  # fmt: skip
            of_records(found, events)
            of_commits(found)
            by_result = found.all("deliveries_total", "result", destination="web", channel="webhook")
            assert by_result == {"sent": 1, "failed": 1, "refused": 0}
            assert len(web.got) == 2
            status, said = await deployment.run("verify")
            assert status == 0, said
            await watched.until(replay_drift=0, fence_refusals_total=0)
            text = await watched.text()
            names = documented() - OF_A_REBUILD
            assert len(names) > 20
            assert [name for name in sorted(names) if f"# TYPE {name} " not in text] == []
            assert await lint(text) == ""
            await take_over(deployment)
            assert await worker.ended() == 1
            await watched.until(fence_refusals_total=1)
            again = deployment.worker()
            await watched.until(shard_lag_records=0)
            again.kill9()
            dispatcher.kill9()
            await watched.until(shard_lag_records=0, dispatcher_up=1)
            watched.ahead_ms = GONE_MS + 1_000
            found = await watched.until(fence_refusals_total=1, deliveries_total=2)
            assert [name for name in OF_PROCESSES if sums(found, name) is not None] == []


def of_records(found: Scraped, events: list[Told]) -> None:
    """What became of the records, and of events by type."""
    by_type: dict[str, float] = {}
    for topic in INPUTS:
        by_type |= found.all("events_applied_total", "type", topic=topic)
    assert by_type == Counter(event["type"] for _, event in events)
    # Facts about customers, which shards tell each other, are records of a topic, too.
    applied = found.all("events_total", "topic", result="applied")
    assert sum(applied.values()) - applied["contacts"] == EVENTS
    assert sum(found.all("events_total", "topic", result="ignored").values()) == 1
    assert sums(found, "dead_letters_total") == 1
    assert found.value("dead_letters_total", topic="calls", reason="missing") == 1
    assert sums(found, "records_lost_total") == 0


def of_commits(found: Scraped) -> None:
    """Commits, their records, shards and memory."""
    commits, batches = sums(found, "commit_seconds_count"), sums(found, "batch_records_count")
    assert commits is not None
    assert batches is not None
    assert commits >= batches > 0
    bounds = {s.labels["le"] for s in found.families["support_commit_seconds"].samples if "le" in s.labels}
    assert bounds >= {"0.005", "+Inf"}
    partitions = found.all("shards", "topic")["tickets"]
    for name in ("shard_lag_records", "shard_clock_timestamp_seconds"):
        assert len(found.all(name, "partition", topic="tickets")) == partitions
    memory = found.all("redis_memory_bytes", "kind")
    assert memory["states"] > 0
    assert memory["cells_10s"] > 0
    assert sum(memory.values()) < (sums(found, "redis_used_bytes") or 0)


async def test_a_worker_that_cannot_report_works_on(
    kafka: Kafka, new_redis: NewRedis, unique_name: str, tmp_path: Path
) -> None:
    """It says so once, everything is counted, and nobody claims to see it."""
    events = recent_mix(EVENTS)
    prefix = f"~floorcast:4:{unique_name}:"
    server = new_redis(
        users={"mute": f"on nopass {prefix}{{* {prefix}topics {prefix}versions {prefix}generations +@all"}
    )
    with pipeline(kafka.bootstrap, server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        await deployment.publish(events)
        worker = deployment.worker(FLOORCAST_REDIS_USERNAME="mute", FLOORCAST_REDIS_PASSWORD="any")
        await deployment.wait()
        assert await counted(deployment) == expected(events)
        async with watching(deployment) as watched:
            found = await watched.until(outbox_entries=0)
            assert sums(found, "worker_up") is None
        assert worker.output.count("/metrics says nothing of this process: Redis at ") == 1
        worker.stop()
