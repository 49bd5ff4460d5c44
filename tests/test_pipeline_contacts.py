"""Facts about customers on real servers: told by some shards, joined by others, whatever happens between."""

import time
from pathlib import Path

from stream.metrics.catalog import load_catalog
from stream.query.model import Question
from stream.query.query import Queries
from tests import oracle
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, Told, a_moment, pipeline, recent_mix
from tests.rig.redis import RedisServer

METRICS = ("repeat_contact_rate", "first_contact_resolution_7d")


async def told(deployment: Pipeline, events: list[Told]) -> None:
    """Both metrics are what the oracle makes of the events, as a whole and by category."""
    now_ms = time.time_ns() // 10_000_000_000 * 10_000 + 10_000
    truth = oracle.walk([oracle.parse(event) for _, event in events], oracle.Config(), now_ms)
    async with deployment.store() as store:
        queries = Queries(load_catalog(), deployment.config, store)
        for metric in METRICS:
            for by in ((), ("category",)):
                question = Question(metric, now_ms, now_ms - 7_200_000, now_ms, by)
                answer = await queries.ask(question)
                assert answer.from_ms is not None
                rows = oracle.answer(truth, metric, answer.from_ms, answer.to_ms, {}, by)
                expected = {tuple(row.by.items()): row.values["numerator"] for row in rows}
                assert {tuple(r.by.items()): r.values["numerator"] for r in answer.rows} == expected
                assert sum(expected.values()) > 0  # type: ignore[arg-type]


async def test_facts_arrive_once_when_workers_are_killed(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """kill -9 in the middle of a backlog: what was told twice counts once, what was lost is told again, and
    Redis is the image of all logs, that of the facts included."""
    events = recent_mix(6_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS="50"
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(events)
        for _ in range(2):
            before = await deployment.read()
            worker = deployment.worker()
            await deployment.until_read(before + 1)
            await a_moment(0.0, 0.6)
            worker.kill9()
        deployment.worker()
        await deployment.wait()
        await told(deployment, events)
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()


async def test_a_lost_redis_is_made_again_from_the_logs(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Every shard tells its facts a second time: they are the same, so nothing changes."""
    events = recent_mix(2_000)
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        await deployment.publish(events)
        worker = deployment.worker()
        await deployment.wait()
        await told(deployment, events)
        worker.stop()
        async with deployment.store() as store:
            await store.delete_namespace()
        deployment.worker()
        await deployment.wait()
        await told(deployment, events)
        assert (await deployment.verify()).same
