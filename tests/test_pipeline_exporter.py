"""The exporter beside workers that are killed: its counters never fall, and say what was told."""

import asyncio
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.embedded.probe import HOST, free_ports
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, Process, counted, expected, pipeline, recent_mix
from tests.rig.redis import RedisServer
from tests.scraped import Scraped

SCRAPES = 100
KILLED_AT = (20, 50)
SMALL = {
    "EXPORTER_GROUPINGS_CALLS": "[[queue]]",
    "EXPORTER_GROUPINGS_SURVEYS": "[]",
    "EXPORTER_GROUPINGS_SELFSERVICE": "[]",
    "EXPORTER_GROUPINGS_TICKETS": "[[team]]",
    "EXPORTER_WINDOWS_TICKETS": "[1h]",
    "EXPORTER_GROUP_WINDOWS_TICKETS": "[1h]",
    "WORKER_BATCH_RECORDS": "50",
}
NAMES = {
    "ticket_volume": "tickets_created",
    "tickets_resolved": "tickets_resolved",
    "tickets_reopened": "tickets_reopened",
    "calls_offered": "calls_offered",
    "calls_answered": "calls_answered",
}
OF_EACH_TOPIC = {"support_calls_waiting", "support_sla_compliance_ratio", "support_csat_ratio"}


async def scrape(client: httpx.AsyncClient) -> Scraped:
    """One scrape, parsed."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scraped(list(parse_text(answer.text)))


async def caught_up(client: httpx.AsyncClient) -> Scraped:
    """The first scrape in which all topics have numbers again."""
    async with asyncio.timeout(300):
        while True:
            try:
                found = await scrape(client)
            except httpx.TransportError:
                found = Scraped([])
            if found.families.keys() >= OF_EACH_TOPIC:
                return found
            await asyncio.sleep(0.2)


async def until_counted(client: httpx.AsyncClient, deployment: Pipeline, events: int) -> Scraped:
    """A scrape of everything that is in the log."""
    await deployment.until_read(events)
    await deployment.wait()
    await asyncio.sleep(3)  # read anew meanwhile
    return await caught_up(client)


async def test_no_counter_of_a_running_exporter_falls_while_workers_are_killed(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """A hundred scrapes with two kills -9 in between; at the end `_total` less `_retracted_total` is how much
    the numbers themselves have changed since the exporter began."""
    events = recent_mix(4_000)
    half = len(events) // 2
    (port,) = free_ports(1)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, EXPORTER_PORT=str(port), **SMALL
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(events[:half])
        worker = deployment.worker()
        await deployment.wait()
        exporter = deployment.start("exporter")
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=30) as client:
            begin = await caught_up(client)
            publishing = asyncio.create_task(deployment.publish(events[half:], per_second=150))
            scraped = await hundred(client, deployment, worker)
            await publishing
            scraped.append(await until_counted(client, deployment, len(events)))
        assert exporter.exit_code is None, exporter.output
        fallen = falls([begin, *scraped])
        assert fallen == []
        before, after = expected(events[:half]), expected(events)
        assert await counted(deployment) == after
        gained = {metric: net(scraped[-1], name) - net(begin, name) for metric, name in NAMES.items()}
        assert gained == {metric: after[metric] - before[metric] for metric in NAMES}
        by_team = net(scraped[-1], "team_tickets_resolved") - net(begin, "team_tickets_resolved")
        assert by_team == gained["tickets_resolved"]


async def hundred(client: httpx.AsyncClient, deployment: Pipeline, worker: Process) -> list[Scraped]:
    """Scrapes; the worker is killed now and then, and another one started."""
    found = []
    for number in range(SCRAPES):
        if number in KILLED_AT:
            worker.kill9()
            worker = deployment.worker()
        found.append(await scrape(client))
        await asyncio.sleep(0.2)
    return found


def falls(scraped: list[Scraped]) -> list[str]:
    """The series of counters that are less than they were in any scrape before."""
    most: dict[tuple[str, str], float] = {}
    found = []
    for one in scraped:
        for family in one.families.values():
            if family.type == "counter":
                for sample in family.samples:
                    key = sample.name, str(sorted(sample.labels.items()))
                    if sample.value < most.get(key, 0.0):
                        found.append(f"{key}: {most[key]} -> {sample.value}")
                    most[key] = max(sample.value, most.get(key, 0.0))
    assert len(most) > 100
    return found


def net(scraped: Scraped, name: str) -> float:
    """What was added less what was taken back, over all labels."""
    return sum(
        sign * sample.value
        for ending, sign in (("", 1), ("_retracted", -1))
        for sample in scraped.families[f"support_{name}{ending}"].samples
    )
