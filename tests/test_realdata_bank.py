"""The calls of a bank through Kafka, worker and Redis: every figure is the published one or the raw rows'."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from stream.query.request import Request
from tests.realdata import adapters, expected
from tests.realdata.deploy import (
    DAY,
    IN_ORDER,
    MIXED,
    Read,
    Source,
    ask,
    assert_intact,
    each_way,
    midnight,
    read_in,
)
from tests.realdata.where import real_data

JANUARY = Request(from_="1999-01-01", to="1999-02-01")
ALL_ENDED = Request(from_="1999-01-01", to="1999-02-02")


@each_way
def bank(request: pytest.FixtureRequest) -> Iterator[Read]:
    """January 1999 in the bank's time zone, mixed its first eight days; panes of 15 min kept, so that hours
    can be asked for."""
    name = "bank_week" if request.param is MIXED else "bank"
    source = Source(name, real_data("bank") / "january.txt.gz", "1999-02-02T00:00:00+02:00")
    yield from read_in(request, source, {"TIMEZONE": adapters.BANK_ZONE.key, "RETENTION_15M": "400d"})


@pytest.fixture
def rows(bank: Read) -> list[expected.Row]:
    """The raw rows that were read."""
    return expected.bank_rows(bank.source.file, adapters.BANK_WEEK if bank.way is MIXED else "")


async def test_bank_january(bank: Read, rows: list[expected.Row]) -> None:
    """Offered, answered, abandoned, ASA, talk time and answered within 20 s: of the raw rows, and in order
    (the whole month) as published."""
    total = expected.bank_total(rows)
    offered = (await ask(bank.only, "calls_offered", JANUARY)).one()
    answered = (await ask(bank.only, "calls_answered", ALL_ENDED)).one()
    abandoned = (await ask(bank.only, "calls_abandoned", ALL_ENDED)).one()
    assert offered["value"] == total.offered
    assert (answered["value"], abandoned["value"]) == (total.answered, total.abandoned)
    raw = (await ask(bank.only, "abandonment_rate_raw", ALL_ENDED)).one()
    assert (raw["numerator"], raw["denominator"]) == (total.abandoned, total.offered)
    wait = (await ask(bank.only, "call_wait_time", ALL_ENDED)).one()
    talk = (await ask(bank.only, "call_talk_time", ALL_ENDED)).one()
    assert wait["mean"] == pytest.approx(total.answered_wait_s / total.answered)
    assert talk["mean"] == pytest.approx(total.talk_s / total.answered)
    within = (await ask(bank.only, "service_level_by_arrival", JANUARY)).one()
    assert (within["numerator"], within["denominator"]) == (total.answered_le20, total.offered)
    assert (await ask(bank.only, "service_level", ALL_ENDED)).one()["numerator"] == total.answered_le20
    if bank.way is IN_ORDER:
        assert (offered["value"], answered["value"], abandoned["value"]) == (31_359, 27_060, 4_299)
        assert (round(100 * raw["value"], 3), round(100 * within["value"], 3)) == (13.709, 52.304)
        assert (round(wait["mean"], 4), round(talk["mean"], 4)) == (35.0280, 183.4517)


@pytest.mark.parametrize("table", ["hourly", "daily"])
async def test_bank_every_row_by_arrival(bank: Read, rows: list[expected.Row], table: str) -> None:
    """Every row of truth_hourly and truth_daily of the days that were read; hours without one are empty."""
    read_days = {row["date"] for row in rows}
    truth = expected.read(bank.source.file.with_name(f"truth_{table}_january.csv"))
    truth = [row for row in truth if row["d"][2:].replace("-", "") in read_days]
    step, length = ("1h", timedelta(hours=1)) if table == "hourly" else ("1d", DAY)
    ends = [
        midnight(date.fromisoformat(row["d"]), adapters.BANK_ZONE)
        + timedelta(hours=int(row.get("hr", 0)))
        + length
        for row in truth
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
    for row, end in zip(truth, ends, strict=True):
        assert offered[end]["value"] == int(row["offered"]), row
        for found, column in ((answered, "answered"), (abandoned, "abandoned"), (within, "answered_le20")):
            assert found[end]["numerator"] == int(row[column]), (row, column)
            assert found[end]["denominator"] == int(row["offered"]), (row, column)
        assert waits[end]["count"] == int(row["answered"]), row
        assert (waits[end]["sum"] or 0) == int(row["answered_wait_s"]), row
        if row["asa_s"]:
            assert waits[end]["mean"] == pytest.approx(float(row["asa_s"]), abs=5.1e-5), row  # four decimals


async def test_bank_by_queue(bank: Read, rows: list[expected.Row]) -> None:
    """Offered and answered of each queue (the raw rows' `type`)."""
    offered = Counter(row["type"] for row in rows if row["outcome"] != "PHANTOM")
    answered = Counter(row["type"] for row in rows if row["outcome"] == "AGENT")
    found = (await ask(bank.only, "answered_by_arrival", replace(JANUARY, by=("queue",)))).by("queue")
    assert {queue: values["denominator"] for queue, values in found.items()} == offered
    assert {queue: values["numerator"] for queue, values in found.items()} == {
        queue: answered[queue] for queue in offered
    }


async def test_bank_outcomes_by_queue(bank: Read, rows: list[expected.Row]) -> None:
    """Of each queue (and, read in order, each hour): abandonment with and without short abandons, all six
    service levels, and half and nine tenths of the waits within 1 %."""
    hours = not bank.way.mixed
    truth = expected.bank_outcomes(rows, hours)
    asked = replace(ALL_ENDED, by=("queue",), step="1h" if hours else None)

    async def found(metric: str, *stats: str) -> dict[tuple[str, datetime | None], dict[str, float | None]]:
        told = (await ask(bank.only, metric, replace(asked, stats=stats))).rows
        return {
            (row["by"]["queue"], datetime.fromisoformat(row["at"]) if hours else None): row["values"]
            for row in told
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
    """Every record counted, copies found out, and mixed `floorcast verify` says equal."""
    await assert_intact(bank.only, bank.source, bank.way)
