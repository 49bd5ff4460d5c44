"""Real data through Kafka, worker and Redis: every figure is the published one, or the one of the raw rows.

Each data set comes in order to one worker, and shuffled within a day, every event twice, to three. What the
numbers must be, expected.py says; that it agrees with the published truth, test_realdata_expected.py.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from stream.lifecycle.entity import contributions, unpack_entity
from stream.metrics.measures import TICKETS_REOPENED
from stream.query.request import Request
from stream.shard.family import family
from tests.realdata import adapters, expected
from tests.realdata.deploy import (
    IN_ORDER,
    MIXED,
    PARTITIONS,
    Source,
    Way,
    ask,
    assert_intact,
    bring_in,
    over_one_log,
)
from tests.realdata.where import real_data
from tests.rig.pipeline import Pipeline

each_way = pytest.fixture(scope="module", params=[IN_ORDER, MIXED], ids=[IN_ORDER.name, MIXED.name])
DAY = timedelta(1)


class Read(NamedTuple):
    """A data set that is in Redis, and how it came there. `deployments`: one for each of the settings."""

    source: Source
    way: Way
    deployments: list[Pipeline]

    @property
    def only(self) -> Pipeline:
        """The deployment, where there is one."""
        (deployment,) = self.deployments
        return deployment


def read_in(request: pytest.FixtureRequest, source: Source, *settings: dict[str, str]) -> Iterator[Read]:
    """Brings the source in, the way that the fixture's parameter says."""
    kafka, redis = (request.getfixturevalue(name) for name in ("kafka", "redis_server"))
    logs: Path = request.getfixturevalue("tmp_path_factory").mktemp(source.adapter)
    way: Way = request.param
    with over_one_log(kafka.bootstrap, redis.url(), logs, *settings) as deployments:
        asyncio.run(bring_in(deployments, source, way))
        yield Read(source, way, deployments)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


# ---------------------------------------------------------------------------------------------------- bank

JANUARY = Request(from_="1999-01-01", to="1999-02-01")
ALL_ENDED = Request(from_="1999-01-01", to="1999-02-02")


@each_way
def bank(request: pytest.FixtureRequest) -> Iterator[Read]:
    """January 1999 in the bank's time zone; panes of 15 min kept, so that hours can be asked for."""
    source = Source("bank", real_data("bank") / "january.txt.gz", "1999-02-02T00:00:00+02:00")
    yield from read_in(request, source, {"TIMEZONE": adapters.BANK_ZONE.key, "RETENTION_15M": "400d"})


async def test_bank_january(bank: Read) -> None:
    """Offered, answered, abandoned, ASA, talk time and answered within 20 s of the month, as published."""
    offered = (await ask(bank.only, "calls_offered", JANUARY)).one()
    answered = (await ask(bank.only, "calls_answered", ALL_ENDED)).one()
    abandoned = (await ask(bank.only, "calls_abandoned", ALL_ENDED)).one()
    assert (offered["value"], answered["value"], abandoned["value"]) == (31_359, 27_060, 4_299)
    raw = (await ask(bank.only, "abandonment_rate_raw", ALL_ENDED)).one()
    assert (raw["numerator"], raw["denominator"]) == (4_299, 31_359)
    assert round(100 * raw["value"], 3) == 13.709
    wait = (await ask(bank.only, "call_wait_time", ALL_ENDED)).one()
    talk = (await ask(bank.only, "call_talk_time", ALL_ENDED)).one()
    assert (round(wait["mean"], 4), round(talk["mean"], 4)) == (35.0280, 183.4517)
    within = (await ask(bank.only, "service_level_by_arrival", JANUARY)).one()
    assert (within["numerator"], within["denominator"]) == (16_402, 31_359)
    assert round(100 * within["value"], 3) == 52.304
    assert (await ask(bank.only, "service_level", ALL_ENDED)).one()["numerator"] == 16_402


@pytest.mark.parametrize("table", ["hourly", "daily"])
async def test_bank_every_row_by_arrival(bank: Read, table: str) -> None:
    """Every row of truth_hourly and truth_daily; hours without a row are empty."""
    rows = expected.read(bank.source.file.with_name(f"truth_{table}_january.csv"))
    step, length = ("1h", timedelta(hours=1)) if table == "hourly" else ("1d", DAY)
    ends = [
        midnight(date.fromisoformat(row["d"]), adapters.BANK_ZONE)
        + timedelta(hours=int(row.get("hr", 0)))
        + length
        for row in rows
    ]
    steps = replace(JANUARY, step=step)
    offered = (await ask(bank.only, "calls_offered", steps)).by_end()
    assert len(offered) == 31 * DAY // length
    assert {end for end, values in offered.items() if values["value"]} == set(ends)
    answered = (await ask(bank.only, "answered_by_arrival", steps)).by_end()
    abandoned = (await ask(bank.only, "abandoned_by_arrival", steps)).by_end()
    within = (await ask(bank.only, "service_level_by_arrival", steps)).by_end()
    waits = (
        await ask(bank.only, "call_wait_by_arrival", replace(steps, stats=("sum", "count", "mean")))
    ).by_end()
    for row, end in zip(rows, ends, strict=True):
        assert offered[end]["value"] == int(row["offered"]), row
        for found, column in ((answered, "answered"), (abandoned, "abandoned"), (within, "answered_le20")):
            assert found[end]["numerator"] == int(row[column]), (row, column)
            assert found[end]["denominator"] == int(row["offered"]), (row, column)
        assert waits[end]["count"] == int(row["answered"]), row
        assert (waits[end]["sum"] or 0) == int(row["answered_wait_s"]), row
        if row["asa_s"]:
            assert waits[end]["mean"] == pytest.approx(float(row["asa_s"]), abs=5.1e-5), row  # four decimals


async def test_bank_by_queue(bank: Read) -> None:
    """Offered and answered of each queue (the raw rows' `type`)."""
    rows = [row for row in expected.read(bank.source.file, "\t") if row["outcome"] != "PHANTOM"]
    offered = Counter(row["type"] for row in rows)
    answered = Counter(row["type"] for row in rows if row["outcome"] == "AGENT")
    found = (await ask(bank.only, "answered_by_arrival", replace(JANUARY, by=("queue",)))).by("queue")
    assert {queue: values["denominator"] for queue, values in found.items()} == offered
    assert {queue: values["numerator"] for queue, values in found.items()} == {
        queue: answered[queue] for queue in offered
    }


async def test_bank_outcomes_by_queue(bank: Read) -> None:
    """Of each queue (and, read in order, each hour): abandonment with and without short abandons, all six
    service levels, and half and nine tenths of the waits within 1 %."""
    hours = not bank.way.mixed
    truth = expected.bank_outcomes(bank.source.file, hours)
    asked = replace(ALL_ENDED, by=("queue",), step="1h" if hours else None)

    async def found(metric: str, *stats: str) -> dict[tuple[str, datetime | None], dict[str, float | None]]:
        rows = (await ask(bank.only, metric, replace(asked, stats=stats))).rows
        return {
            (row["by"]["queue"], datetime.fromisoformat(row["at"]) if hours else None): row["values"]
            for row in rows
        }

    def key(queue: str, begin: datetime | None) -> tuple[str, datetime | None]:
        return queue, begin and begin.replace(tzinfo=adapters.BANK_ZONE) + timedelta(hours=1)

    for metric in expected.Outcomes().ratios():
        ours = await found(metric)
        theirs = {key(*of): outcomes.ratios()[metric] for of, outcomes in truth.items()}
        assert {of: parts for of, parts in theirs.items() if any(parts)} == {
            of: (values["numerator"], values["denominator"]) for of, values in ours.items()
        }, metric
    waits = await found("call_wait_time", "p50", "p90", "count")
    answered = {key(*of): outcomes for of, outcomes in truth.items() if outcomes.answered}
    assert waits.keys() == answered.keys()
    for of, outcomes in answered.items():
        assert waits[of]["count"] == len(outcomes.answered)
        assert waits[of]["p50"] == pytest.approx(outcomes.wait(50), rel=0.01), of
        assert waits[of]["p90"] == pytest.approx(outcomes.wait(90), rel=0.01), of


async def test_bank_command(bank: Read) -> None:
    """`floorcast query` prints the same rows."""
    arguments = ("--from", "1999-01-01", "--to", "1999-02-01", "--step", "1d", "--json")
    status, output = await bank.only.run("query", "calls_offered", *arguments)
    assert status == 0, output
    assert (
        json.loads(output)["rows"]
        == (await ask(bank.only, "calls_offered", replace(JANUARY, step="1d"))).rows
    )


async def test_bank_intact(bank: Read) -> None:
    """Every record counted, copies found out, and `floorcast verify` says equal."""
    await assert_intact(bank.only, bank.source, bank.way)


# ---------------------------------------------------------------------------------------------- servicenow

YEAR = Request(from_="2016-01-01", to="2017-03-01")
# How long a finished ticket is kept, of each deployment; None: nothing is forgotten in between.
KEEPS = (None, timedelta(30))


@each_way
def servicenow(request: pytest.FixtureRequest) -> Iterator[Read]:
    """The incidents of 2016, nothing forgotten in between; in order also as by default (30 days, 8 days)."""
    file = real_data("servicenow") / "incident_event_log.csv.gz"
    source = Source("servicenow", file, "2017-03-01T00:00:00Z")
    settings: tuple[dict[str, str], ...] = ({"HORIZON": "400d", "KEEP_FINISHED_TICKETS": "400d"}, {})
    yield from read_in(request, source, *(settings[:1] if request.param is MIXED else settings))


@pytest.fixture(scope="module")
def cases() -> list[expected.Case]:
    """The raw rows by case."""
    return expected.servicenow_cases(real_data("servicenow") / "incident_event_log.csv.gz")


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


async def test_servicenow_totals(servicenow: Read) -> None:
    """24,918 tickets and 331 reopenings, in 275 of the tickets whose state is in Redis."""
    for deployment in servicenow.deployments:
        assert (await ask(deployment, "ticket_volume", YEAR)).one()["value"] == 24_918
        assert (await ask(deployment, "tickets_reopened", YEAR)).one()["value"] == 331
    reopened = await reopenings_by_ticket(servicenow.deployments[0])
    assert len(reopened) == 24_918
    assert (sum(reopened), sum(n > 0 for n in reopened)) == (331, 275)


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
    """From our full resolution time to the published 178.1716 h over 23,362 cases: leave out the cases
    without `resolved_at`, and let a row that repeats Resolved move the resolution to it."""
    sums = replace(YEAR, stats=("count", "sum"))
    ours = (await ask(servicenow.deployments[0], "full_resolution_time", sums)).one()
    without = moved = timedelta()
    others = 0
    for case in cases:
        (life,) = expected.lives(case, None)
        assert life.resolution_in_force is not None
        if case.resolved_at is None:
            others += 1
            without += life.resolution_in_force - case.opened
        else:
            moved += case.resolved_at - life.resolution_in_force
    assert ours["count"] - others == 23_362
    assert moved > timedelta()
    published_s = ours["sum"] - without.total_seconds() + moved.total_seconds()
    assert round(published_s / 3600 / 23_362, 4) == 178.1716


async def test_servicenow_intact(servicenow: Read) -> None:
    """Every record counted, copies found out, and `floorcast verify` says equal."""
    source, way = servicenow.source, servicenow.way
    await asyncio.gather(*(assert_intact(each, source, way) for each in servicenow.deployments))


# ----------------------------------------------------------------------------------------------------- sfo

SUMMER = Request(from_="2017-05-01", to="2017-09-01")
NPS = ("value", "count", "promoters", "passives", "detractors")


@each_way
def sfo(request: pytest.FixtureRequest) -> Iterator[Read]:
    """The passengers of 2017 in the airport's time zone, by question too."""
    source = Source("sfo", real_data("sfo") / "2017.csv.gz", "2017-09-01T00:00:00-07:00")
    groupings = "[[kind], [channel], [category]]"
    yield from read_in(request, source, {"TIMEZONE": adapters.SFO_ZONE.key, "GROUPINGS_SURVEYS": groupings})


async def test_sfo_totals(sfo: Read) -> None:
    """NPS 39.8398 of 1,436 / 968 / 342 and CSAT 82.068 % of 2,688."""
    nps = (await ask(sfo.only, "nps", replace(SUMMER, stats=NPS))).one()
    assert (nps["promoters"], nps["passives"], nps["detractors"]) == (1_436, 968, 342)
    assert round(nps["value"], 4) == 39.8398
    csat = (await ask(sfo.only, "csat", SUMMER)).one()
    assert csat["denominator"] == 2_688
    assert round(100 * csat["value"], 3) == 82.068


async def test_sfo_every_day(sfo: Read) -> None:
    """The daily table of another author (NPS with its groups), and CSAT and CES by question of each day."""
    days = expected.sfo_days(sfo.source.file)
    daily = replace(SUMMER, step="1d")
    nps = (await ask(sfo.only, "nps", replace(daily, stats=NPS))).by_end()
    csat = (await ask(sfo.only, "csat", daily)).by_end()
    ends = {midnight(day + DAY, adapters.SFO_ZONE): row for day, row in days.items()}
    assert {end for end, values in nps.items() if values["count"]} == set(ends)
    for end, row in ends.items():
        assert nps[end] == {
            "value": row.nps, "count": row.answers,
            "promoters": row.promoters, "passives": row.passives, "detractors": row.detractors,
        }, end  # fmt: skip
        assert (csat[end]["numerator"], csat[end]["denominator"]) == (row.satisfied, row.rated), end
    published = expected.read(sfo.source.file.with_name("ref2017_agg_nps_daily.csv"))
    assert len(published) == len(ends)
    for line in published:
        day = nps[midnight(date.fromisoformat(line["date"]) + DAY, adapters.SFO_ZONE)]
        assert day["value"] == pytest.approx(float(line["nps"])), line
    for category, question in (("finding", "Q14FIND"), ("security", "Q14PASSTHRU")):
        asked = replace(daily, stats=("value", "count"), where=(f"category={category}",))
        ces = (await ask(sfo.only, "ces", asked)).by_end()
        scores = {end: row.ces[question] for end, row in ends.items() if row.ces[question]}
        assert ces == {end: {"value": sum(s) / len(s), "count": len(s)} for end, s in scores.items()}


async def test_sfo_intact(sfo: Read) -> None:
    """Every record counted, copies found out, and `floorcast verify` says equal."""
    await assert_intact(sfo.only, sfo.source, sfo.way)
