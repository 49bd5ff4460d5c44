"""Clocks on real servers: breaches are found without an event, told in `support.sla`, each under one id."""

import time
from pathlib import Path
from typing import Any

from aiokafka.structs import ConsumerRecord

from stream.events.sla import SlaEvent, decode_sla
from stream.floor.telling import rfc3339
from tests.rig.kafka import Kafka
from tests.rig.log import read_until
from tests.rig.pipeline import Pipeline, Told, a_moment, pipeline
from tests.rig.redis import RedisServer

POLICIES = "[{name: all, targets: {first_reply: 10m}, warn: [50%]}]"
TARGET_MS = 600_000
REPLY = {"message": {"author": "agent"}}


def now_ms() -> int:
    """The wall's time."""
    return time.time_ns() // 1_000_000


def told(kind: str, name: str, at_ms: int, data: dict[str, Any] | None = None) -> Told:
    """An event of a ticket."""
    return "tickets", {
        "specversion": "1.0", "id": f"{name}/{kind}", "source": "desk", "type": kind, "subject": name,
        "time": rfc3339(at_ms), "data": data or {},
    }  # fmt: skip


def due_in(number: int, ms: int) -> Told:
    """A ticket whose first reply is due so long from now."""
    return told("ticket.created", f"T{number:04d}", now_ms() + ms - TARGET_MS, {"ticket": {"team": "red"}})


async def sla_events(deployment: Pipeline, breached: int) -> list[SlaEvent]:
    """All that is told of clocks, once so many of them have breached."""
    config = deployment.config.kafka
    records = await read_until(
        config.bootstrap, [config.topics.sla],
        lambda records: len({e.subject for e in _decoded(records) if e.kind == "breached"}) >= breached,
    )  # fmt: skip
    return _decoded(records)


def _decoded(records: list[ConsumerRecord[bytes, bytes]]) -> list[SlaEvent]:
    return [decode_sla(record.value) for record in records if record.value is not None]


async def test_breaches_are_told_once_though_a_worker_is_killed(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """No event comes after the creations. Of 300 tickets that come due while workers die, each breach is
    there under one id, at its due instant; and Redis is the image of the log."""
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, POLICIES=POLICIES
    ) as deployment:
        await deployment.create_topics()
        events = [due_in(number, 8_000 + 40 * number) for number in range(300)]
        await deployment.publish(events)
        for _ in range(2):
            worker = deployment.worker()
            await deployment.until_read(300)
            await a_moment(3.0, 5.0)
            worker.kill9()
        deployment.worker()
        found = await sla_events(deployment, 300)
        breaches = {event.id for event in found if event.kind == "breached"}
        created = {event["subject"]: event["time"] for _, event in events}
        assert {event.subject for event in found if event.kind == "breached"} == created.keys()
        assert len(breaches) == 300
        for event in found:
            if event.kind == "breached":
                assert event.time == event.data.sla.due_at
                assert (event.time - event.data.sla.started_at).total_seconds() * 1000 == TARGET_MS
                assert event.data.segments == {"team": "red"}
        assert (await deployment.ask("sla_breaches"))["value"] == 300
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()


async def test_what_was_answered_in_the_unread_part_pages_nobody(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """A shard that lags by an hour: no breach of what was answered in time in what it had not read, one of
    what was not, found when it catches up."""
    hour_ago = now_ms() - 3_600_000
    events = [
        told("ticket.created", "answered", hour_ago),
        told("ticket.message_added", "answered", hour_ago + 60_000, REPLY),
        told("ticket.created", "forgotten", hour_ago),
        told("ticket.created", "late", hour_ago),
        told("ticket.message_added", "late", hour_ago + 2 * TARGET_MS, REPLY),
    ]
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, POLICIES=POLICIES
    ) as deployment:
        await deployment.create_topics(1)
        await deployment.publish(events)
        deployment.worker()
        found = await sla_events(deployment, 2)
        assert sorted(event.subject for event in found if event.kind == "breached") == ["forgotten", "late"]
        assert sorted(event.subject for event in found if event.kind == "fulfilled") == ["answered", "late"]
        # Warnings of clocks that are decided by now would come too late.
        assert [event for event in found if event.kind == "at_risk"] == []
        answered = (await deployment.ask("sla_compliance"))["numerator"]
        assert answered == 1
