"""A ServiceNow's incidents by Kafka, worker and Redis: every figure is the published or the raw rows'."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from stream.lifecycle.entity import contributions, unpack_entity
from stream.metrics.measures import TICKETS_REOPENED
from stream.query.request import Request
from stream.shard.family import family
from tests.realdata import expected
from tests.realdata.deploy import (
    DAY,
    IN_ORDER,
    MIXED,
    PARTITIONS,
    Read,
    Source,
    ask,
    assert_intact,
    each_way,
    midnight,
    read_in,
)
from tests.realdata.where import real_data
from tests.rig.pipeline import Pipeline

YEAR = Request(from_="2016-01-01", to="2017-03-01")
# How long a finished ticket is kept, of each deployment; None: nothing is forgotten in between.
KEEPS = (None, timedelta(30))


@each_way
def servicenow(request: pytest.FixtureRequest) -> Iterator[Read]:
    """The incidents of 2016: in order all of them, nothing forgotten in between; mixed an eighth, also
    as by default (30 days, 8 days). They are sparse, which makes them slow to read."""
    file = real_data("servicenow") / "incident_event_log.csv.gz"
    mixed = request.param is MIXED
    source = Source("servicenow", file, "2017-03-01T00:00:00Z", every=8 if mixed else 1)
    settings: tuple[dict[str, str], ...] = ({"HORIZON": "400d", "KEEP_FINISHED_TICKETS": "400d"}, {})
    yield from read_in(request, source, *(settings if mixed else settings[:1]))


@pytest.fixture(scope="module")
def every_case() -> list[expected.Case]:
    """The raw rows by case."""
    return expected.servicenow_cases(real_data("servicenow") / "incident_event_log.csv.gz")


@pytest.fixture
def cases(servicenow: Read, every_case: list[expected.Case]) -> list[expected.Case]:
    """Those that were read."""
    return [case for case in every_case if servicenow.source.has(f"servicenow:{case.number}")]


async def test_servicenow_every_day(servicenow: Read, cases: list[expected.Case]) -> None:
    """Volume, resolutions, reopenings, durations, reassignments, backlog (end and mean) of every day."""
    for keep, deployment in zip(KEEPS, servicenow.deployments, strict=False):
        await assert_days(deployment, expected.servicenow_days(cases, keep))


async def assert_days(deployment: Pipeline, days: dict[date, expected.Tickets]) -> None:
    """The figures of every day, and no day between without."""
    first, last = min(days), max(days) + DAY
    counts = Request(from_=first.isoformat(), to=last.isoformat(), step="1d")
    sums, levels = replace(counts, stats=("count", "sum")), replace(counts, stats=("value", "mean"))
    volume = (await ask(deployment, "ticket_volume", counts)).by_end()
    resolved = (await ask(deployment, "tickets_resolved", counts)).by_end()
    reopened = (await ask(deployment, "tickets_reopened", counts)).by_end()
    once = (await ask(deployment, "resolution_time", sums)).by_end()
    full = (await ask(deployment, "full_resolution_time", sums)).by_end()
    waited = (await ask(deployment, "requester_wait_time", sums)).by_end()
    worked = (await ask(deployment, "agent_work_time", sums)).by_end()
    reassigned = (await ask(deployment, "reassignments_per_ticket", sums)).by_end()
    backlog = (await ask(deployment, "backlog", levels)).by_end()
    assert len(volume) == len(days)
    for day, row in days.items():
        end = midnight(day + DAY, ZoneInfo("UTC"))
        assert volume[end]["value"] == row.created, day
        assert resolved[end]["value"] == row.resolved, day
        assert reopened[end]["value"] == row.reopened, day
        assert once[end]["count"] == row.first_resolutions, day
        assert (once[end]["sum"] or 0) == row.resolution_time.total_seconds(), day
        assert full[end]["count"] == row.resolved, day
        assert (full[end]["sum"] or 0) == row.full_resolution_time.total_seconds(), day
        for found, amount in (
            (waited, row.work_time.total_seconds()),
            (worked, row.work_time.total_seconds()),
            (reassigned, row.reassignments),
        ):
            assert (found[end]["count"], found[end]["sum"] or 0) == (row.resolved, amount), day
        assert backlog[end]["value"] == row.backlog, day
        assert round(backlog[end]["mean"] * 86_400) == row.backlog_time.total_seconds(), day


async def test_servicenow_totals(servicenow: Read, cases: list[expected.Case]) -> None:
    """24,918 tickets and 331 reopenings, in 275 of the tickets whose state is in Redis."""
    reopenings = sum(day.reopened for day in expected.servicenow_days(cases, None).values())
    for deployment in servicenow.deployments:
        assert (await ask(deployment, "ticket_volume", YEAR)).one()["value"] == len(cases)
        assert (await ask(deployment, "tickets_reopened", YEAR)).one()["value"] == reopenings
    reopened = await reopenings_by_ticket(servicenow.deployments[0])
    assert (len(reopened), sum(reopened)) == (len(cases), reopenings)
    if servicenow.way is IN_ORDER:
        assert (len(cases), reopenings, sum(n > 0 for n in reopened)) == (24_918, 331, 275)


async def test_servicenow_distributions(servicenow: Read, cases: list[expected.Case]) -> None:
    """Work until the resolution: percentiles within 1 %; reassignments until then: exactly, as all small
    numbers are."""
    year = replace(YEAR, stats=("count", "p50", "p90", "p99", "min", "max"))
    for keep, deployment in zip(KEEPS, servicenow.deployments, strict=False):
        resolved = [
            life
            for case in cases
            for life in expected.lives(case, keep)
            if life.resolution_in_force is not None
        ]
        spans = [life.worked_until_then for life in resolved]
        changes = [life.reassignments_until_then for life in resolved]
        work = (await ask(deployment, "agent_work_time", year)).one()
        reassigned = (await ask(deployment, "reassignments_per_ticket", year)).one()
        assert work["count"] == reassigned["count"] == len(resolved)
        for percent in (50, 90, 99):
            exact = expected.nearest_rank(spans, percent).total_seconds()
            assert work[f"p{percent}"] == pytest.approx(exact, rel=0.01)
            assert reassigned[f"p{percent}"] == expected.nearest_rank(changes, percent)
        for stat, pick in (("min", min), ("max", max)):
            assert work[stat] == pytest.approx(pick(spans).total_seconds(), rel=0.01)
            assert reassigned[stat] == pick(changes)


async def reopenings_by_ticket(deployment: Pipeline) -> list[int]:
    """What each ticket's state contributes to `tickets_reopened`."""
    fold = family("tickets", deployment.config).fold
    found: list[int] = []
    async with deployment.store() as store:
        for partition in range(PARTITIONS):
            for packed in (await store.image("tickets", partition)).states.values():
                panes = contributions(fold, unpack_entity(fold, packed)).panes
                cells = [cell for segments in panes.values() for cell in segments.values()]
                found.append(sum(cell.get(TICKETS_REOPENED, 0) for cell in cells))
    return found


async def test_servicenow_published_mean(servicenow: Read, cases: list[expected.Case]) -> None:
    """From our full resolution time to the published mean (178.1716 h over all 23,362 cases that have one):
    leave out the cases without `resolved_at`, and let a row that repeats Resolved move the resolution."""
    sums = replace(YEAR, stats=("count", "sum"))
    ours = (await ask(servicenow.deployments[0], "full_resolution_time", sums)).one()
    without = moved = timedelta()
    others = 0
    published = [case.resolved_at - case.opened for case in cases if case.resolved_at is not None]
    for case in cases:
        (life,) = expected.lives(case, None)
        assert life.resolution_in_force is not None
        if case.resolved_at is None:
            others += 1
            without += life.resolution_in_force - case.opened
        else:
            moved += case.resolved_at - life.resolution_in_force
    assert ours["count"] - others == len(published)
    assert moved > timedelta()
    published_s = ours["sum"] - without.total_seconds() + moved.total_seconds()
    assert published_s == sum(published, timedelta()).total_seconds()
    if servicenow.way is IN_ORDER:
        assert (len(published), round(published_s / 3600 / len(published), 4)) == (23_362, 178.1716)


async def test_servicenow_intact(servicenow: Read) -> None:
    """Every record counted, copies found out, and mixed `floorcast verify` says equal."""
    source, way = servicenow.source, servicenow.way
    await asyncio.gather(*(assert_intact(each, source, way) for each in servicenow.deployments))
