"""Real data: expected.py against the published truth, and the adapters, walked by the oracle, against both.

No Kafka, no Redis, nothing of the product: this says what the numbers are and that the adapters carry them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.oracle import Config, Fact, Image, answer, parse, walk
from tests.oracle.model import DAY, Event, histories, json_hash
from tests.oracle.tickets import facts_and_spans
from tests.realdata import adapters, expected
from tests.realdata.where import in_part, real_data

# servicenow's cases go on after silences of months: nothing is forgotten in between (issue 3).
KEEP_ALL = Config(keep_tickets_ms=400 * DAY)
EVENTS_OF = {"bank": adapters.bank, "servicenow": adapters.servicenow, "sfo": adapters.sfo}
FILES = {"bank": "january.txt.gz", "servicenow": "incident_event_log.csv.gz", "sfo": "2017.csv.gz"}


def raw(folder: str) -> Path:
    """The raw file of a data set."""
    return real_data(folder) / FILES[folder]


@lru_cache(maxsize=1)  # the tests of a data set stand together
def events(path: Path, folder: str) -> list[Event]:
    """The events that the adapter of `folder` makes of the file."""
    return [parse(event) for event in EVENTS_OF[folder](str(path))]


@lru_cache(maxsize=1)  # the tests of a data set stand together
def image(path: Path, folder: str, config: Config, every: int = 1) -> Image:
    """What the oracle makes of them, or of those of one subject in `every`, a year after the last one."""
    history = [event for event in events(path, folder) if in_part(event["subject"], every)]
    return walk(history, config, max(event["time"] for event in history) + 365 * DAY)


@lru_cache
def cases_of() -> list[expected.Case]:
    """All cases of servicenow."""
    return expected.servicenow_cases(raw("servicenow"))


def ms(at: datetime) -> int:
    """Milliseconds since the epoch."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def local(wall: datetime, zone: ZoneInfo) -> datetime:
    """The same wall time in `zone`."""
    return wall.replace(tzinfo=zone)


def utc_midnight(day: date) -> datetime:
    """The beginning of a day, as wall time."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def by_bucket(facts: Iterable[Fact], zone: ZoneInfo, seconds: int) -> dict[int, Image]:
    """The facts of each hour or day of local time (zones without a change of clock in the data)."""
    buckets: dict[int, Image] = defaultdict(lambda: Image(0))
    for fact in facts:
        wall = datetime.fromtimestamp(fact.at_ms / 1000, zone).replace(tzinfo=UTC)
        buckets[ms(wall) // (seconds * 1000)].facts.append(fact)
    return buckets


def value(of: Image, metric: str, stat: str, where: dict[str, str] | None = None) -> float | None:
    """One stat over all time."""
    number = answer(of, metric, -(10**15), 10**15, where)[0].values[stat]
    return None if number is None else float(number)


def published(row: dict[str, str]) -> dict[str, float]:
    """The integer columns of a row of truth_hourly or truth_daily."""
    return {name: float(row[name]) for name in asdict(expected.Calls())}


# ---------------------------------------------------------------------------------------------------- bank


def test_bank_totals_from_the_raw_rows() -> None:
    """January 1999: offered, answered, abandoned, ASA, mean talk and answered within 20 s as published."""
    total = expected.bank_total(expected.bank_rows(raw("bank")))
    assert (total.offered, total.answered, total.abandoned) == (31_359, 27_060, 4_299)
    assert round(100 * total.abandoned / total.offered, 3) == 13.709
    assert round(total.answered_wait_s / total.answered, 4) == 35.0280
    assert round(total.talk_s / total.answered, 4) == 183.4517
    assert total.answered_le20 == 16_402
    assert round(100 * total.answered_le20 / total.offered, 3) == 52.304


def test_bank_ratios_are_those_of_the_definitions() -> None:
    """The worked example of the definitions: 1,000 answered (860 within 20 s), 60 abandoned in the queue (10
    within 5 s, 20 within 20 s)."""
    example = expected.Outcomes([20] * 860 + [21] * 140, [5] * 10 + [6] * 10 + [21] * 40)
    percent = {metric: round(100 * over / under, 2) for metric, (over, under) in example.ratios().items()}
    assert percent == {
        "abandonment_rate_raw": 5.66,
        "abandonment_rate": 4.76,
        "service_level": 82.69,
        "service_level_all_success": 83.02,
        "service_level_answered_only": 86.00,
        "service_level_offered": 81.13,
        "service_level_short_success": 82.08,
        "service_level_excl_short": 81.90,
    }


def test_bank_outcomes_from_the_raw_rows_and_from_the_events() -> None:
    """Of each queue and hour all ratios and the waits; together they are the month as docs/real-data.md has
    it."""
    truth = expected.bank_outcomes(expected.bank_rows(raw("bank")), hours=True)
    whole = expected.Outcomes()
    for outcomes in truth.values():
        whole.answered += outcomes.answered
        whole.abandoned += outcomes.abandoned
        whole.in_menu += outcomes.in_menu
    assert whole.ratios() == {
        "abandonment_rate_raw": (4_299, 31_359),
        "abandonment_rate": (4_104, 31_164),
        "service_level": (16_402, 29_155),
        "service_level_all_success": (17_408, 30_161),
        "service_level_answered_only": (16_402, 27_060),
        "service_level_offered": (16_402, 30_161),
        "service_level_short_success": (16_597, 30_161),
        "service_level_excl_short": (16_402, 29_966),
    }
    facts: dict[str, list[Fact]] = defaultdict(list)
    for fact in image(raw("bank"), "bank", Config()).facts:
        facts[fact.segments["queue"] or ""].append(fact)
    found = {queue: by_bucket(of_queue, adapters.BANK_ZONE, 3600) for queue, of_queue in facts.items()}
    for (queue, begin), outcomes in truth.items():
        assert begin is not None
        bucket = found[queue][ms(begin) // 3_600_000]
        for metric, parts in outcomes.ratios().items():
            assert (value(bucket, metric, "numerator"), value(bucket, metric, "denominator")) == parts, metric
        assert value(bucket, "call_wait_time", "count") == len(outcomes.answered)
        if outcomes.answered:
            assert value(bucket, "call_wait_time", "p50") == outcomes.wait(50)
            assert value(bucket, "call_wait_time", "p90") == outcomes.wait(90)


@pytest.mark.parametrize("table", ["hourly", "daily"])
def test_bank_rows_from_the_raw_rows(table: str) -> None:
    """Every row of truth_hourly and truth_daily, every column, and no row more."""
    rows = expected.read(real_data("bank") / f"truth_{table}_january.csv")
    computed: dict[tuple[str, ...], expected.Calls] = {}
    if table == "hourly":
        for at, calls in expected.bank_hours(raw("bank")).items():
            computed[at.date().isoformat(), str(at.hour)] = calls
    else:
        for day, calls in expected.bank_days(raw("bank")).items():
            computed[(day.isoformat(),)] = calls
    assert len(rows) == len(computed)
    for row in rows:
        calls = computed[(row["d"], row["hr"]) if table == "hourly" else (row["d"],)]
        assert asdict(calls) == published(row), row
        for column, seconds in (("asa_s", calls.answered_wait_s), ("aht_s", calls.talk_s)):
            if calls.answered:
                assert float(row[column]) == pytest.approx(seconds / calls.answered, abs=5.1e-5)
            else:
                assert row[column] == ""


def test_bank_events_give_the_totals() -> None:
    """The adapter's events, walked by the oracle."""
    of = image(raw("bank"), "bank", Config())
    total = expected.bank_total(expected.bank_rows(raw("bank")))
    assert value(of, "calls_offered", "value") == total.offered
    assert value(of, "calls_answered", "value") == total.answered
    assert value(of, "calls_abandoned", "value") == total.abandoned
    assert value(of, "abandonment_rate_raw", "value") == total.abandoned / total.offered
    assert value(of, "call_wait_time", "sum") == total.answered_wait_s
    assert value(of, "call_talk_time", "sum") == total.talk_s
    assert value(of, "call_talk_time", "count") == total.answered
    assert value(of, "service_level", "numerator") == total.answered_le20
    assert value(of, "time_to_abandon", "count") == total.abandoned_in_queue
    assert answer(of, "calls_waiting", None, of.now_ms)[0].values["value"] == 0


@pytest.mark.parametrize("seconds", [3600, 86400], ids=["hourly", "daily"])
def test_bank_events_give_every_row_by_arrival(seconds: int) -> None:
    """Offered, answered, abandoned, waits and within 20 s of each hour and day of arrival, no bucket more."""
    of = image(raw("bank"), "bank", Config())
    buckets = by_bucket(of.facts, adapters.BANK_ZONE, seconds)
    calls: dict[datetime, expected.Calls] = (
        expected.bank_hours(raw("bank"))
        if seconds == 3600
        else {utc_midnight(day): row for day, row in expected.bank_days(raw("bank")).items()}
    )
    for wall, row in calls.items():
        bucket = buckets[ms(wall) // (seconds * 1000)]
        assert value(bucket, "calls_offered", "value") == row.offered
        for metric, numerator in (
            ("answered_by_arrival", row.answered),
            ("abandoned_by_arrival", row.abandoned),
            ("service_level_by_arrival", row.answered_le20),
        ):
            assert value(bucket, metric, "numerator") == numerator, (wall, metric)
            assert value(bucket, metric, "denominator") == row.offered, (wall, metric)
        assert value(bucket, "call_wait_by_arrival", "count") == row.answered
        assert (value(bucket, "call_wait_by_arrival", "sum") or 0) == row.answered_wait_s
    offered = sum(value(bucket, "calls_offered", "value") or 0 for bucket in buckets.values())
    assert offered == sum(row.offered for row in calls.values())


def test_bank_hours_lie_in_jerusalem() -> None:
    """The hour of arrival is local time: a window of one hour in UTC finds the row of the bank's hour."""
    of = image(raw("bank"), "bank", Config())
    wall, row = max(expected.bank_hours(raw("bank")).items(), key=lambda item: item[1].offered)
    begin = ms(local(wall, adapters.BANK_ZONE))
    assert begin == ms(wall) - 2 * 3600 * 1000
    rows = answer(of, "service_level_by_arrival", begin, begin + 3600 * 1000)
    assert rows[0].values["numerator"] == row.answered_le20
    assert rows[0].values["denominator"] == row.offered


# ---------------------------------------------------------------------------------------------- servicenow


def test_servicenow_published_figures_from_the_raw_rows() -> None:
    """24,918 cases; 331 reopenings in 275 of them, those that `reopen_count` counts; the published mean."""
    cases = cases_of()
    reopened = [len(life.reopenings) for case in cases for life in expected.lives(case, None)]
    assert len(cases) == 24_918
    assert (sum(reopened), sum(n > 0 for n in reopened)) == (331, 275)
    assert reopened == [case.reopen_count for case in cases]
    with_time = [case for case in cases if case.resolved_at is not None]
    assert all(case.resolved_at == case.last_resolved_row for case in with_time)
    count, mean_h = expected.servicenow_published_mean_h(cases)
    assert (count, round(mean_h, 4)) == (23_362, 178.1716)


def test_servicenow_work_from_the_raw_rows() -> None:
    """Time in New and Active, and changes of agent, until the resolution in force, as docs/real-data.md has
    them."""
    cases = cases_of()
    resolved = [life for case in cases for life in expected.lives(case, None) if life.resolution_in_force]
    spans = [life.worked_until_then for life in resolved]
    changes = [life.reassignments_until_then for life in resolved]
    assert len(resolved) == 24_918
    assert round(sum(spans, timedelta()) / timedelta(hours=1) / len(spans), 4) == 100.3662
    assert expected.nearest_rank(spans, 50) == timedelta(hours=4, minutes=16)
    assert (sum(changes), sum(n > 0 for n in changes), max(changes)) == (4_862, 2_849, 9)


def test_servicenow_daily_table_from_the_raw_rows() -> None:
    """truth_daily: opened and reopened by day are ours; its `resolved` counts the days of `resolved_at`."""
    cases = cases_of()
    days = expected.servicenow_days(cases)
    by_resolved_at = defaultdict[str, int](int)
    for case in cases:
        if case.resolved_at is not None:
            by_resolved_at[case.resolved_at.date().isoformat()] += 1
    for row in expected.read(real_data("servicenow") / "truth_daily.csv"):
        day = days.get(date.fromisoformat(row["day"]), expected.Tickets())
        assert (day.created, day.reopened) == (int(row["opened"]), int(row["reopened"])), row
        assert by_resolved_at[row["day"]] == int(row["resolved"]), row


def test_servicenow_the_published_mean_and_ours_differ_by_repeated_rows_and_other_cases() -> None:
    """From our full resolution time to the published mean: leave out the cases without `resolved_at`, and let
    a row that repeats Resolved move the resolution to it."""
    cases = cases_of()
    published_h = ours_h = moved_h = timedelta()
    moved = without = 0
    for case in cases:
        (life,) = expected.lives(case, None)
        assert life.resolution_in_force is not None
        if case.resolved_at is None:
            without += 1
            continue
        published_h += case.resolved_at - case.opened
        ours_h += life.resolution_in_force - case.opened
        moved += case.resolved_at != life.resolution_in_force
        moved_h += case.resolved_at - life.resolution_in_force
    assert without == 24_918 - 23_362
    assert moved > 0
    assert published_h == ours_h + moved_h
    assert round(published_h / timedelta(hours=1) / 23_362, 4) == 178.1716


@pytest.mark.parametrize(
    ("config", "keep"),
    [(KEEP_ALL, None), (Config(), timedelta(days=30))],
    ids=["nothing forgotten", "finished tickets kept for 30 days"],
)
def test_servicenow_events_give_every_day(config: Config, keep: timedelta | None) -> None:
    """Volume, resolutions, reopenings, durations, reassignments, backlog (end and mean) of every day."""
    every = 1 if keep is None else 4  # what is forgotten shows in a part of the cases as well
    of = image(raw("servicenow"), "servicenow", config, every)
    cases = [case for case in cases_of() if in_part(f"servicenow:{case.number}", every)]
    days = expected.servicenow_days(cases, keep)
    buckets = by_bucket(of.facts, ZoneInfo("UTC"), 86400)
    assert set(buckets) <= {ms(utc_midnight(day)) // DAY for day in days}
    for day, row in days.items():
        bucket = buckets[ms(utc_midnight(day)) // DAY]
        assert value(bucket, "ticket_volume", "value") == row.created
        assert value(bucket, "tickets_resolved", "value") == row.resolved
        assert value(bucket, "tickets_reopened", "value") == row.reopened
        assert value(bucket, "resolution_time", "count") == row.first_resolutions
        assert (value(bucket, "resolution_time", "sum") or 0) == row.resolution_time.total_seconds()
        assert value(bucket, "full_resolution_time", "count") == row.resolved
        assert (value(bucket, "full_resolution_time", "sum") or 0) == row.full_resolution_time.total_seconds()
        for metric in ("requester_wait_time", "agent_work_time"):
            assert value(bucket, metric, "count") == row.resolved
            assert (value(bucket, metric, "sum") or 0) == row.work_time.total_seconds()
        assert value(bucket, "reassignments_per_ticket", "count") == row.resolved
        assert (value(bucket, "reassignments_per_ticket", "sum") or 0) == row.reassignments
    backlog = _backlog_by_day(of, list(days))
    assert backlog == {day: (row.backlog, row.backlog_time) for day, row in days.items()}


def _backlog_by_day(of: Image, days: list[date]) -> dict[date, tuple[int, timedelta]]:
    """(value at the day's end, time integral) of every day: the oracle's answer over that day's spans."""
    spans: dict[int, Image] = defaultdict(lambda: Image(0))
    last = ms(utc_midnight(days[-1])) // DAY
    for span in of.spans:
        if span.level == "backlog":
            end = last if span.to_ms is None else min(last, span.to_ms // DAY)
            for number in range(span.from_ms // DAY, end + 1):
                spans[number].spans.append(span)
    found: dict[date, tuple[int, timedelta]] = {}
    for day in days:
        begin = ms(utc_midnight(day))
        stats = answer(spans[begin // DAY], "backlog", begin, begin + DAY)[0].values
        level, mean = stats["value"], stats["mean"]
        assert isinstance(level, int)
        assert mean is not None
        found[day] = (level, timedelta(milliseconds=int(mean * DAY)))
    return found


def test_servicenow_events_give_331_reopenings_in_275_tickets() -> None:
    """Also when a finished ticket is forgotten after 30 days: `ticket.reopened` is a reopening even then."""
    by_ticket = histories(events(raw("servicenow"), "servicenow"), json_hash)
    assert len(by_ticket) == 24_918
    for config in (KEEP_ALL, Config()):
        reopened = [
            sum(fact.measure == "tickets_reopened" for fact in facts_and_spans(history, config, 0)[0])
            for history in by_ticket.values()
        ]
        assert (sum(reopened), sum(n > 0 for n in reopened)) == (331, 275)


# ----------------------------------------------------------------------------------------------------- sfo


def test_sfo_totals_from_the_raw_rows() -> None:
    """NPS 39.8398 of 1,436 / 968 / 342 and CSAT 82.068 % of 2,688."""
    total = expected.sfo_total(raw("sfo"))
    assert (total.promoters, total.passives, total.detractors) == (1_436, 968, 342)
    assert round(total.nps, 4) == 39.8398
    assert total.rated == 2_688
    assert round(100 * total.satisfied / total.rated, 3) == 82.068


def test_sfo_daily_tables_from_the_raw_rows() -> None:
    """The other author's tables: NPS by day, and every rated item of question 7."""
    days = expected.sfo_days(raw("sfo"))
    rows = expected.read(real_data("sfo") / "ref2017_agg_nps_daily.csv")
    assert {date.fromisoformat(row["date"]) for row in rows} == set(days)
    for row in rows:
        day = days[date.fromisoformat(row["date"])]
        groups = (day.promoters, day.passives, day.detractors, day.answers)
        columns = ("promoter", "passive", "detractor", "n_total")
        assert groups == tuple(float(row[name]) for name in columns), row
        assert day.nps == pytest.approx(float(row["nps"]))
    for row in expected.read(real_data("sfo") / "ref2017_agg_q7_metrics.csv"):
        scores = expected.sfo_ratings(raw("sfo"), row["q7_item"])
        assert scores.total() == int(row["n"]), row
        assert scores[4] + scores[5] == int(row["top2_n"]), row


def test_sfo_events_give_totals_and_every_day() -> None:
    """NPS with its groups, CSAT and CES of every day and of all."""
    of = image(raw("sfo"), "sfo", Config())
    buckets = by_bucket(of.facts, adapters.SFO_ZONE, 86400)
    days = expected.sfo_days(raw("sfo"))
    assert len(buckets) == len(days)
    pairs = [(buckets[ms(utc_midnight(day)) // DAY], row) for day, row in days.items()]
    for bucket, row in [*pairs, (of, expected.sfo_total(raw("sfo")))]:
        for group in ("promoters", "passives", "detractors"):
            assert value(bucket, "nps", group) == getattr(row, group)
        assert value(bucket, "nps", "value") == row.nps
        assert value(bucket, "csat", "numerator") == row.satisfied
        assert value(bucket, "csat", "denominator") == row.rated
        for category, question in (("finding", "Q14FIND"), ("security", "Q14PASSTHRU")):
            scores = row.ces[question]
            rows = answer(bucket, "ces", -(10**15), 10**15, {"category": category})
            assert sum(int(r.values["count"] or 0) for r in rows) == len(scores)
            if scores:
                assert [float(r.values["value"] or 0) for r in rows] == [sum(scores) / len(scores)]
