"""The exporter beside workers that are killed: its counters never fall, and say what was told. A real
Prometheus scrapes it all the while: its rates are right, too, when something is taken back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.embedded.probe import HOST, free_ports
from stream.floor.telling import rfc3339
from tests.conftest import _part
from tests.exported import ROOT
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, Process, Told, counted, expected, pipeline, recent_mix
from tests.rig.prometheus import PrometheusServer, prometheus_program
from tests.rig.redis import RedisServer
from tests.scraped import Scraped

SCRAPES = 100
KILLED_AT = (20, 50)
DELETED = 7
QUIET_S = 5
"""Some scrapes in which nothing changes."""
ALL_COUNTERS = '{__name__=~"support_.*_total"}'
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
    the numbers themselves have changed since the exporter began. Then tickets are deleted, which takes their
    creation and their resolution back: to Prometheus that is a rate of what was taken back, and of nothing
    else; no counter was ever reset."""
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
        async with scraping(port, tmp_path / "prometheus") as (client, prometheus):
            begin = await caught_up(client)
            publishing = asyncio.create_task(deployment.publish(events[half:], per_second=150))
            scraped = await hundred(client, deployment, worker)
            await publishing
            scraped.append(await until_counted(client, deployment, len(events)))
            deletions = deleted(events, DELETED)
            await until_scraped(prometheus, time.time())
            await asyncio.sleep(2 * QUIET_S)
            whole_s = time.time()
            await deployment.publish(deletions)
            scraped.append(await until_counted(client, deployment, len(events) + DELETED))
            await until_scraped(prometheus, time.time())
            rates_are_right(prometheus, whole_s)
        assert exporter.exit_code is None, exporter.output
        fallen = falls([begin, *scraped])
        assert fallen == []
        before, after = expected(events[:half]), expected(events)
        for metric in ("ticket_volume", "tickets_resolved"):
            after[metric] -= DELETED
        assert await counted(deployment) == after
        gained = {metric: net(scraped[-1], name) - net(begin, name) for metric, name in NAMES.items()}
        assert gained == {metric: after[metric] - before[metric] for metric in NAMES}
        by_team = net(scraped[-1], "team_tickets_resolved") - net(begin, "team_tickets_resolved")
        assert by_team == gained["tickets_resolved"]


def rates_are_right(prometheus: PrometheusServer, whole_s: float) -> None:
    """What Prometheus makes of the deletions that came after `whole_s`, and of all scrapes."""
    now_s = time.time()
    since = f"{int(now_s - whole_s) + QUIET_S}s"  # so that a scrape of before is within

    def one(expr: str) -> float:
        ((_, value),) = prometheus.query(expr, now_s)
        return value

    counters = [labels["__name__"] for labels, _ in prometheus.query(f"group by (__name__) ({ALL_COUNTERS})")]
    assert len(counters) > 20
    assert [name for name in counters if one(f"max(resets({name}[1h]))") != 0] == []
    for name in ("tickets_created", "team_tickets_resolved"):
        added, retracted = f"support_{name}_total", f"support_{name}_retracted_total"
        assert one(f"sum(rate({added}[{since}]))") == 0
        assert one(f"sum({retracted}) - sum({retracted} offset {since})") == DELETED
        # Prometheus takes what it saw between two scrapes for a part of the window, and adds the rest.
        taken = one(f"sum(increase({retracted}[{since}]))")
        assert DELETED <= taken < 2 * DELETED
        net_change = one(f"sum(increase({added}[{since}]) - increase({retracted}[{since}]))")
        assert net_change == pytest.approx(-taken)


def deleted(events: Iterable[Told], count: int) -> list[Told]:
    """Deletions, now, of tickets that are resolved."""
    told = list(events)
    reopened = {event["subject"] for _, event in told if event["type"] == "ticket.reopened"}
    resolved = [event for _, event in told if event["type"] == "ticket.resolved"]
    return [
        ("tickets", {
            **event, "id": f"deletion-{number}", "type": "ticket.deleted", "data": {},
            "time": rfc3339(time.time_ns() // 1_000_000),
        })
        for number, event in enumerate([one for one in resolved if one["subject"] not in reopened][:count])
    ]  # fmt: skip


@asynccontextmanager
async def scraping(port: int, directory: Path) -> AsyncIterator[tuple[httpx.AsyncClient, PrometheusServer]]:
    """Who reads /metrics: the test, and a Prometheus, every two seconds."""
    source = ROOT / "grafana" / "prometheus"
    prometheus = PrometheusServer(directory, _part(prometheus_program), source, f"{HOST}:{port}")
    prometheus.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=30) as client:
            yield client, prometheus
    finally:
        prometheus.stop()


async def until_scraped(prometheus: PrometheusServer, after_s: float) -> None:
    """Returns when Prometheus has what was read after an instant."""
    async with asyncio.timeout(120):
        while not prometheus.query(f"support_scrape_timestamp_seconds > {after_s}"):
            await asyncio.sleep(0.2)


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
