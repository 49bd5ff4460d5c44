"""Calendars and policies change while a system runs, on real servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, pipeline
from tests.rig.redis import RedisServer
from tests.test_pipeline_sla import REPLY, now_ms, sla_events, told

LOOSE = "[{name: all, targets: {first_reply: 8h}}]"
TIGHT = "[{name: all, targets: {first_reply: 10m}}]"
COUNT = 40


async def publish(deployment: Pipeline, policies: str) -> str:
    """`floorcast config publish` with these policies; what it says."""
    deployment.settings["FLOORCAST_POLICIES"] = policies
    status, output = await deployment.run("config", "publish")
    assert status == 0, output
    return output


async def breaches(deployment: Pipeline, clock: str, count: int) -> set[str]:
    """Whose clocks have breached, once so many tickets have any; each under one id."""
    found = [event for event in await sla_events(deployment, count) if event.kind == "breached"]
    of_clock = {(event.id, event.subject) for event in found if event.data.sla.clock == clock}
    subjects = {subject for _, subject in of_clock}
    assert len(of_clock) == len(subjects)
    return subjects


async def test_running_clocks_are_recomputed_at_the_instant_and_closed_ones_stay(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """One worker runs on through the change, others are killed around one and start after it. Redis is the
    image of the log and of what was published."""
    hour_ago = now_ms() - 3_600_000
    open_ones = [told("ticket.created", f"T{number:02d}", hour_ago) for number in range(COUNT)]
    closed = [
        told("ticket.created", "closed", hour_ago),
        told("ticket.message_added", "closed", hour_ago + 1_800_000, REPLY),
    ]
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path, POLICIES=LOOSE) as deployment:
        await deployment.create_topics()
        worker = deployment.worker()
        await deployment.publish([*open_ones, *closed])
        await deployment.until_read(COUNT + 2)
        assert (await deployment.ask("sla_breaches"))["value"] == 0

        assert "version 2 is in force from" in await publish(deployment, TIGHT)
        assert await breaches(deployment, "first_reply", COUNT) == {
            event["subject"] for _, event in open_ones
        }
        assert (await deployment.ask("sla_compliance"))["numerator"] == 1  # it kept the target of then
        worker.kill9()

        # With nobody running: who starts next takes it over.
        await publish(deployment, "[{name: all, targets: {resolution: 30m}}]")
        for _ in range(2):
            worker = deployment.worker()
            await deployment.wait()
            worker.kill9()
        deployment.worker()
        everybody = await breaches(deployment, "resolution", COUNT + 1)
        assert everybody == {event["subject"] for _, event in (*open_ones, *closed)}
        assert (await deployment.ask("sla_breaches"))["value"] == 2 * COUNT + 1
        await deployment.wait()
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()


async def test_a_file_of_before_is_refused_until_it_is_published_again(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """A forgotten host must not take a change back by being restarted; a new file needs no command."""
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path, POLICIES=LOOSE) as deployment:
        await deployment.create_topics(1)
        deployment.worker()
        await deployment.publish([told("ticket.created", "T", now_ms())])
        await deployment.until_read(1)
        tight = deployment.worker(FLOORCAST_POLICIES=TIGHT)
        async with deployment.store() as store:
            while len(await store.versions(0)) < 2:
                await asyncio.sleep(0.05)
        loose = deployment.worker()
        assert await loose.ended() == 3
        assert "version 1, and number 2 is in force" in loose.output
        told_of = (await deployment.run("config", "history"))[1]
        assert [line.split("│")[1].strip() for line in told_of.splitlines() if "all" in line] == ["1", "2"]
        assert tight.exit_code is None

        needing = deployment.worker(FLOORCAST_POLICIES="[{name: vip, when: {tags: vip}, targets: {}}]")
        assert await needing.ended() == 3
        assert "policies ask for tags, which stored tickets have not kept" in needing.output

        assert "version 3 is in force from" in await publish(deployment, LOOSE)
        assert "nothing to publish" in await publish(deployment, LOOSE)
        again = deployment.worker()
        await deployment.wait()
        assert again.exit_code is None
