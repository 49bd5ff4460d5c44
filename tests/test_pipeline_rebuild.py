"""`floorcast rebuild` on real servers: a second generation is filled beside the live one, and swapped in."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from aiokafka.admin import NewPartitions

from stream.events.sla import decode_sla
from stream.store import RedisStore
from tests.rig.kafka import Kafka
from tests.rig.log import read_until
from tests.rig.pipeline import (
    Pipeline,
    Process,
    Told,
    counted,
    expected,
    pipeline,
    recent_mix,
    until,
)
from tests.rig.receivers import receiver, webhook
from tests.rig.redis import RedisServer
from tests.test_alerts_pipeline import kinds, settings
from tests.test_pipeline_contacts import told as joined
from tests.test_pipeline_sla import due_in
from tests.test_pipeline_startup import admin_of, delete_head, filled


async def live(deployment: Pipeline) -> int:
    """The number of the generation that is live."""
    async with deployment.store() as store:
        return (await store.generations()).current


async def until_live(deployment: Pipeline, number: int, rebuild: Process) -> None:
    """Returns when this generation is."""
    while await live(deployment) != number:
        assert rebuild.exit_code is None, rebuild.output
        await asyncio.sleep(0.05)


async def facts(store: RedisStore) -> int:
    """Records about customers that were read."""
    return sum(fence.offset for fence in (await store.fences("contacts")).values())


async def test_events_arrive_while_the_log_is_counted_anew(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Killed in the middle, run again; what is answered meanwhile never falls behind what was there before;
    facts are not told again; the worker moves over by itself, and then everything is counted once."""
    events = recent_mix(10_000)
    before, then = events[:8_000], events[8_000:]
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS="50"
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(before)
        worker = deployment.worker()
        await deployment.wait()
        rebuild = deployment.start("rebuild")
        await until(lambda: " assigned " in rebuild.output)
        await asyncio.sleep(0.3)
        rebuild.kill9()
        assert await live(deployment) == 1
        least, most = expected(before)["ticket_volume"], expected(events)["ticket_volume"]
        arriving = asyncio.create_task(deployment.publish(then, per_second=200))
        async with deployment.store() as store:
            told = await facts(store)
            rebuild = deployment.start("rebuild")
            while rebuild.exit_code is None:
                volume = (await deployment.ask("ticket_volume"))["value"]
                assert volume is not None
                assert least <= volume <= most
                await asyncio.sleep(0.02)
            assert rebuild.exit_code == 0, rebuild.output
            assert "goes on with generation 2" in rebuild.output
            assert "workers have every shard of generation 2" in rebuild.output
            await arriving
            await deployment.wait()
            assert worker.exit_code is None
            assert await facts(store) < 1.7 * told
        assert await counted(deployment) == expected(events)
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()


async def test_breaches_page_once_before_during_and_after_a_rebuild(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Clocks run out all the time. What was told before the rebuild is told in no topic again; every breach
    pages once. A dead letter is one."""
    policies = "[{name: all, targets: {first_reply: 10m}}]"
    past = [due_in(number, -1_000 * number) for number in range(1, 21)]
    coming = [due_in(number, 200 * number) for number in range(100, 350)]
    everybody = sorted(str(event["subject"]) for _, event in [*past, *coming])
    async with receiver(webhook) as web:
        with pipeline(
            kafka.bootstrap, redis_server.url(), unique_name, tmp_path, POLICIES=policies
        ) as deployment:
            await deployment.create_topics()
            await deployment.publish([*past, *coming])
            topics = deployment.config.kafka.topics
            await deployment.put([(topics.tickets, b"T", b"{")])
            deployment.worker()
            deployment.start("alerts", **settings(web=web))
            await until(lambda: len(kinds(web)) >= len(past))
            rebuild = deployment.start("rebuild")
            await until_live(deployment, 2, rebuild)
            paged = len(kinds(web))
            assert await rebuild.ended() == 0, rebuild.output
            await until(lambda: len(kinds(web)) >= len(everybody))
            records = await read_until(
                kafka.bootstrap,
                [topics.sla, topics.deadletters],
                lambda records: len(records) > len(everybody),
            )
    assert paged < len(everybody)
    assert sorted(subject for kind, subject in kinds(web) if kind == "breached") == everybody
    assert len(kinds(web)) == len(everybody)
    assert sum(record.topic == topics.deadletters for record in records) == 1
    of_sla = [record.value for record in records if record.topic == topics.sla and record.value is not None]
    found = Counter(event.subject for event in map(decode_sla, of_sla) if event.kind == "breached")
    assert {found[str(event["subject"])] for _, event in past} == {1}
    assert set(found) == set(everybody)


async def test_another_configuration_takes_over(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """The worker of before goes on until the swap, and stops with the reason; until one of the new
    configuration comes, the rebuild itself goes on. Then what was before is dropped, and Redis lost."""
    events = recent_mix(3_000)
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        await deployment.publish(events[:1_000])
        old = deployment.worker()
        await deployment.wait()
        deployment.settings["FLOORCAST_HORIZON"] = "9d"
        assert "`floorcast rebuild` counts" in await refused(deployment.worker())
        rebuild = deployment.start("rebuild")
        await until_live(deployment, 2, rebuild)
        assert "another configuration of what shapes numbers" in await refused(old)
        await deployment.publish(events[1_000:2_000])
        await deployment.wait()
        assert rebuild.exit_code is None
        worker = deployment.worker()
        assert await rebuild.ended() == 0, rebuild.output
        await deployment.publish(events[2_000:])
        await deployment.wait()
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()
        await drop_what_was(deployment, unique_name)
        worker.stop()

        async with deployment.store() as store:
            await store.delete_namespace()
        rebuild = deployment.start("rebuild")
        await until_live(deployment, 2, rebuild)
        rebuild.stop()
        deployment.worker()
        await deployment.wait()
        assert (await deployment.verify()).same


async def refused(worker: Process) -> str:
    """What a worker said that must not go on."""
    assert await worker.ended() == 3, worker.output
    return worker.output.splitlines()[-1]


async def drop_what_was(deployment: Pipeline, namespace: str) -> None:
    """`floorcast namespaces` lists both; only the one that is not live can be dropped."""
    status, listed = await deployment.run("namespaces")
    assert status == 0
    rows = [[cell.strip() for cell in row.split("│")[1:3]] for row in listed.splitlines() if namespace in row]
    assert rows == [[namespace, "was live"], [f"{namespace}:2", "live"]]
    status, said = await deployment.run("namespaces", "drop", f"{namespace}:2", "--yes")
    assert (status, "is live" in said) == (2, True)
    assert (await deployment.run("namespaces", "drop", namespace, "--yes"))[0] == 0
    async with deployment.store() as store:
        assert await store.at(1).topics() == {}
        assert all(fence.commit_id == "" for fence in (await store.at(1).fences("tickets")).values())
    assert (await deployment.verify()).same


async def test_a_topic_that_grew_is_put_together_by_a_copy(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Half of the events lie where their keys were before. A rebuild of that is refused; the copy has every
    entity in one partition, goes on where it ended, follows what comes until it is told to end, and is
    counted, what joins customers, too."""
    events = recent_mix(3_000)
    source, target = f"{unique_name}.tickets", f"{unique_name}.tickets.new"
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        await deployment.publish(events[:1_000])
        worker = deployment.worker()
        await deployment.wait()
        worker.stop()
        async with admin_of(deployment) as admin:
            await admin.create_partitions({source: NewPartitions(total_count=3)})
        await deployment.publish(events[1_000:2_000])
        assert "`floorcast topics copy` into a new topic" in await refused(deployment.start("rebuild"))
        deployment.settings["FLOORCAST_KAFKA_TOPICS_TICKETS"] = target
        assert (await deployment.run("topics", "create", "--partitions", "4"))[0] == 0
        await copied(deployment, source, target, of_tickets(events[:2_000]))
        said = await refused(deployment.start("rebuild"))
        assert "name a new topic in kafka.topics.contacts" in said
        deployment.settings["FLOORCAST_KAFKA_TOPICS_CONTACTS"] = f"{unique_name}.contacts.new"
        assert (await deployment.run("topics", "create", "--partitions", "4"))[0] == 0
        rebuild = deployment.start("rebuild")
        await until_live(deployment, 2, rebuild)
        worker = deployment.worker()
        copying = deployment.start("topics", "copy", "--follow", source, target)
        await deployment.publish(events[2_000:])
        await deployment.until_read(len(events))
        copying.ask_to_end()
        assert await copying.ended() == 130, copying.output
        assert await rebuild.ended() == 0, rebuild.output
        await deployment.wait()
        assert await counted(deployment) == expected(events)
        await joined(deployment, events)
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()


def of_tickets(events: list[Told]) -> int:
    """How many of these are of tickets."""
    return sum(family == "tickets" for family, _ in events)


async def copied(deployment: Pipeline, source: str, target: str, count: int) -> None:
    """`floorcast topics copy` copies exactly so many."""
    status, said = await deployment.run("topics", "copy", source, target)
    assert status == 0, said
    assert f"{count} records copied" in said


async def test_what_the_log_has_lost_is_carried_over(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Under load, by two that share the work; of calls the panes, too, which they have forgotten so soon.
    `floorcast check --live` warns, `namespaces` and `verify` tell what of it is not counted. Refused where
    the live generation has not kept what is asked for; `--from-log` counts the log alone."""
    events = recent_mix(3_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, KEEP_FINISHED_CALLS="1h"
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(events[:2_000])
        worker = deployment.worker()
        await deployment.wait()
        await delete_head(deployment, keep=10)
        said = await refused(deployment.start("rebuild", FLOORCAST_HORIZON="9d"))
        assert "counted with another configuration of what shapes numbers" in said
        assert "`floorcast rebuild --from-log`" in said
        policies = "[{name: all, targets: {first_reply: 10m}}]"
        said = await refused(deployment.start("rebuild", FLOORCAST_POLICIES=policies))
        assert "stored tickets have kept no clocks" in said
        assert "As this log is too short, that needs `floorcast rebuild --from-log`" in said
        status, checked = await deployment.run("check", "--live")
        assert status == 0
        warned = [line.split()[1] for line in checked.splitlines() if line.startswith("warning:")]
        assert warned == [f"{unique_name}.tickets", f"{unique_name}.calls"]
        assert f"# {unique_name}.surveys has all since it was made, keeps " in checked

        arriving = asyncio.create_task(deployment.publish(events[2_000:], per_second=200))
        rebuilds = [deployment.start("rebuild") for _ in range(2)]
        for rebuild in rebuilds:
            assert await rebuild.ended() == 0, rebuild.output
        said = "".join(rebuild.output for rebuild in rebuilds)
        assert said.count("the log's beginning is gone: carried over") == 4
        await arriving
        await deployment.wait()
        assert await live(deployment) == 2
        assert await counted(deployment) == expected(events)
        await joined(deployment, events)
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()
        assert verdict.output.count("Compared with the histories in Redis; not compared: these, and ") == 4
        status, listed = await deployment.run("namespaces")
        assert status == 0
        assert "calls before " in listed
        worker.stop()

        rebuild = deployment.start("rebuild", "--from-log")
        await until_live(deployment, 3, rebuild)
        rebuild.stop()
        assert (await deployment.journal())["records"] < len(events)


async def test_nothing_is_carried_over_from_an_empty_redis(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Nothing is begun then."""
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await filled(deployment)
        await delete_head(deployment, keep=10)
        async with deployment.store() as store:
            await store.delete_namespace()
        said = await refused(deployment.start("rebuild"))
        assert "the live generation has nothing of it" in said
        async with deployment.store() as store:
            assert (await store.generations()).filling == []
