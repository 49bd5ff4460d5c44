"""The truth of the real data, from the raw rows by plain Python and the definitions of catalog.md.

Independent of the product, of the oracle and of the adapters. Times carry the zone UTC only for arithmetic:
they are the wall times of the file (Asia/Jerusalem for the bank, no zone known for servicenow).
"""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeVar

Row = dict[str, str]
Value = TypeVar("Value", int, timedelta)


def read(path: Path, delimiter: str = ",") -> list[Row]:
    """The rows of a csv file, gzipped or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="latin-1", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def nearest_rank(values: Iterable[Value], percent: int) -> Value:
    """The nearest-rank percentile: the value at rank ceil(percent x n / 100)."""
    ordered = sorted(values)
    return ordered[-(-percent * len(ordered) // 100) - 1]


@dataclass
class Calls:
    """Calls by arrival: the columns of truth_hourly and truth_daily, in calls and seconds."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    abandoned_in_queue: int = 0
    phantom: int = 0
    answered_wait_s: int = 0
    talk_s: int = 0
    answered_le20: int = 0
    abandoned_le20: int = 0
    max_wait_s: int = 0

    def add(self, row: Row) -> None:
        """Counts one raw row."""
        if row["outcome"] == "PHANTOM":
            self.phantom += 1
            return
        wait_s = int(row["q_time"])
        self.offered += 1
        self.max_wait_s = max(self.max_wait_s, wait_s)
        if row["outcome"] == "AGENT":
            self.answered += 1
            self.answered_wait_s += wait_s
            self.talk_s += int(row["ser_time"])
            self.answered_le20 += wait_s <= 20
        else:
            self.abandoned += 1
            self.abandoned_in_queue += row["q_start"] != "0:00:00"
            self.abandoned_le20 += wait_s <= 20


def bank_rows(path: Path, last: str = "") -> list[Row]:
    """The raw rows (january.txt.gz), up to a day (yymmdd)."""
    return [row for row in read(path, "\t") if not last or row["date"] <= last]


def bank_total(rows: Iterable[Row]) -> Calls:
    """All of them together."""
    total = Calls()
    for row in rows:
        total.add(row)
    return total


def bank_hours(path: Path) -> dict[datetime, Calls]:
    """By hour of arrival, local time (the hour's beginning); only hours with a row."""
    hours: dict[datetime, Calls] = defaultdict(Calls)
    for row in read(path, "\t"):
        hours[_bank_arrival(row).replace(minute=0, second=0)].add(row)
    return dict(hours)


def bank_days(path: Path) -> dict[date, Calls]:
    """By day of arrival, local time."""
    days: dict[date, Calls] = defaultdict(Calls)
    for row in read(path, "\t"):
        days[_bank_arrival(row).date()].add(row)
    return dict(days)


@dataclass
class Outcomes:
    """Calls by the instant of their outcome; waits in seconds. Who hung up in the menu waited in no queue."""

    answered: list[int] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)
    in_menu: int = 0

    def ratios(self) -> dict[str, tuple[int, int]]:
        """Numerators and denominators by catalog.md "Calls" and definitions.md 2.2, at 20 s and 5 s."""
        answered, queue = len(self.answered), len(self.abandoned)
        in_time = sum(wait <= 20 for wait in self.answered)
        within, short = (sum(wait <= limit for wait in self.abandoned) for limit in (20, 5))
        left, reached = queue + self.in_menu, answered + queue
        return {
            "abandonment_rate_raw": (left, answered + left),
            "abandonment_rate": (left - short, answered + left - short),
            "service_level": (in_time, reached - within),
            "service_level_all_success": (in_time + within, reached),
            "service_level_answered_only": (in_time, answered),
            "service_level_offered": (in_time, reached),
            "service_level_short_success": (in_time + short, reached),
            "service_level_excl_short": (in_time, reached - short),
        }

    def wait(self, percent: int) -> int:
        """The nearest-rank percentile of the waits of who was answered."""
        return nearest_rank(self.answered, percent)


def bank_outcomes(rows: Iterable[Row], hours: bool) -> dict[tuple[str, datetime | None], Outcomes]:
    """By queue (`type`) and, if asked, by hour of the outcome: the arrival and the seconds until then."""
    found: dict[tuple[str, datetime | None], Outcomes] = defaultdict(Outcomes)
    for row in rows:
        if row["outcome"] == "PHANTOM":
            continue
        wait_s = max(0, int(row["q_time"]))
        at = _bank_arrival(row) + timedelta(seconds=max(0, int(row["vru_time"])) + wait_s)
        outcomes = found[row["type"], at.replace(minute=0, second=0) if hours else None]
        if row["outcome"] == "AGENT":
            outcomes.answered.append(wait_s)
        elif row["q_start"] != "0:00:00":
            outcomes.abandoned.append(wait_s)
        else:
            outcomes.in_menu += 1
    return dict(found)


def _bank_arrival(row: Row) -> datetime:
    wall = datetime.strptime("19" + row["date"] + " " + row["vru_entry"], "%Y%m%d %H:%M:%S")  # noqa: DTZ007
    return wall.replace(tzinfo=UTC)


RATINGS = ("1", "2", "3", "4", "5")
ZERO = timedelta()
FINISHED = ("Resolved", "Closed")


@dataclass
class Tickets:
    """One day of tickets; durations are sums.

    `backlog`: not finished when the day ends (what happens at midnight is the next day's); `backlog_time`:
    its time integral over the day, so the mean is that / 24 h. `work_time` and `reassignments` are of the
    tickets resolved.
    """

    created: int = 0
    resolved: int = 0
    reopened: int = 0
    first_resolutions: int = 0
    resolution_time: timedelta = ZERO
    full_resolution_time: timedelta = ZERO
    work_time: timedelta = ZERO
    reassignments: int = 0
    backlog: int = 0
    backlog_time: timedelta = ZERO


class Update(NamedTuple):
    """A row of a case: instant, clamped; state, where `-100` is the one before; agent, if it names one."""

    at: datetime
    state: str
    agent: str | None


@dataclass
class Case:
    """A servicenow case: when it was opened, and its rows."""

    number: str
    opened: datetime
    updates: list[Update]
    resolved_at: datetime | None
    last_resolved_row: datetime | None
    reopen_count: int


def servicenow_cases(path: Path) -> list[Case]:
    """The cases of incident_event_log.csv.gz; the rows of a case stand together, in order."""
    return [_case(number, list(rows)) for number, rows in groupby(read(path), lambda row: row["number"])]


def _case(number: str, rows: list[Row]) -> Case:
    opened = now = _minute(rows[0]["opened_at"])
    updates: list[Update] = []
    for row in rows:
        now = max(now, _minute(row["sys_updated_at"]))
        state = updates[-1].state if row["incident_state"] == "-100" and updates else row["incident_state"]
        updates.append(Update(now, state, None if row["assigned_to"] == "?" else row["assigned_to"]))
    resolved_rows = [row for row in rows if row["incident_state"] == "Resolved"]
    return Case(
        number=number,
        opened=opened,
        updates=updates,
        resolved_at=None if rows[-1]["resolved_at"] == "?" else _minute(rows[-1]["resolved_at"]),
        last_resolved_row=_minute(resolved_rows[-1]["sys_updated_at"]) if resolved_rows else None,
        reopen_count=int(rows[-1]["reopen_count"]),
    )


def _minute(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)


@dataclass
class Life:
    """What one case did, from its opening or (`known_open` False) from being heard of again.

    `worked`: time in New and Active, the only states that are neither finished nor pending; none is on hold,
    so it is both what the requester waited for and what agents had to do. `agents`: one after the other.
    """

    created: datetime
    known_open: bool
    worked: timedelta = ZERO
    agents: list[str] = field(default_factory=list)
    first_resolution: datetime | None = None
    resolution_in_force: datetime | None = None
    worked_until_then: timedelta = ZERO
    reassignments_until_then: int = 0
    reopenings: list[datetime] = field(default_factory=list)
    active: list[tuple[datetime, datetime | None]] = field(default_factory=list)


def lives(case: Case, keep_finished: timedelta | None) -> list[Life]:
    """The lives of a case: one, or with `keep_finished` (events.md 3: 30 days) as many as its silences make.

    What follows a longer silence of a finished case is a new ticket that exists from there on.
    """
    life = Life(case.opened, known_open=True)
    found = [life]
    since: datetime | None = case.opened
    before, before_at = "New", case.opened
    for at, state, agent in case.updates:
        if keep_finished is not None and before in FINISHED and at - before_at > keep_finished:
            life = Life(at, known_open=False)
            found.append(life)
        if before not in FINISHED and not before.startswith("Awaiting "):
            life.worked += at - before_at
        if agent is not None and life.agents[-1:] != [agent]:
            life.agents.append(agent)
        if before in FINISHED and state not in FINISHED:
            life.reopenings.append(at)
            life.resolution_in_force = None
            since = at
        elif before not in FINISHED and state in FINISHED:
            life.first_resolution = life.first_resolution or at
            life.resolution_in_force = at
            life.worked_until_then = life.worked
            life.reassignments_until_then = max(0, len(life.agents) - 1)
            life.active.append((since or at, at))
            since = None
        before, before_at = state, at
    if since is not None:
        life.active.append((since, None))
    return found


def servicenow_days(cases: Iterable[Case], keep_finished: timedelta | None = None) -> dict[date, Tickets]:
    """catalog.md's ticket metrics by day (UTC), from the first to the last day on which anything happened."""
    all_lives = [life for case in cases for life in lives(case, keep_finished)]
    days: dict[date, Tickets] = defaultdict(Tickets)
    for life in all_lives:
        if life.known_open:
            days[life.created.date()].created += 1
        for at in life.reopenings:
            days[at.date()].reopened += 1
        if life.first_resolution is not None:
            days[life.first_resolution.date()].first_resolutions += 1
            days[life.first_resolution.date()].resolution_time += life.first_resolution - life.created
        if life.resolution_in_force is not None:
            then = days[life.resolution_in_force.date()]
            then.resolved += 1
            then.full_resolution_time += life.resolution_in_force - life.created
            then.work_time += life.worked_until_then
            then.reassignments += life.reassignments_until_then
    last = max(days)
    for life in all_lives:
        for since, until in life.active:
            for day, share, at_end in _by_day(since, until, last):
                days[day].backlog_time += share
                days[day].backlog += at_end
    first = min(days)
    return {first + timedelta(n): days[first + timedelta(n)] for n in range((last - first).days + 1)}


def _by_day(since: datetime, until: datetime | None, last: date) -> Iterator[tuple[date, timedelta, bool]]:
    """(day, time in it, still there at its end) of a span; an open one goes on to the end of `last`."""
    end = until or _midnight(last + timedelta(1))
    day = since.date()
    while day <= last and _midnight(day) <= end:
        midnight = _midnight(day + timedelta(1))
        share = min(end, midnight) - max(since, midnight - timedelta(1))
        yield day, share, until is None or until >= midnight
        day += timedelta(1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def servicenow_published_mean_h(cases: Iterable[Case]) -> tuple[int, float]:
    """(cases, mean hours) as published: opened -> `resolved_at`, over the cases that have one.

    `resolved_at` is the *last* Resolved row. A row that repeats `Resolved` is no transition, so by catalog.md
    the resolution in force stays at the first row of its run; and cases without `resolved_at` are resolved,
    too.
    """
    spans = [case.resolved_at - case.opened for case in cases if case.resolved_at is not None]
    return len(spans), sum(spans, ZERO) / timedelta(hours=1) / len(spans)


@dataclass
class Passengers:
    """Answers of a day or of all: NPS groups, satisfied (4, 5) of the rated, CES scores by question."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    satisfied: int = 0
    rated: int = 0
    ces: dict[str, list[int]] = field(default_factory=lambda: {"Q14FIND": [], "Q14PASSTHRU": []})

    @property
    def answers(self) -> int:
        """Answers to the NPS question."""
        return self.promoters + self.passives + self.detractors

    @property
    def nps(self) -> float:
        """100 x (promoters less detractors) / answers."""
        return 100 * (self.promoters - self.detractors) / self.answers

    def add(self, row: Row) -> None:
        """Counts one respondent; NETPRO 11 is blank, Q7ALL 6 and Q14* 6 are not applicable, 0 is blank."""
        if row["NETPRO"] not in ("", "11"):
            score = int(row["NETPRO"])
            self.promoters += score >= 9
            self.passives += 7 <= score <= 8
            self.detractors += score <= 6
        if row["Q7ALL"] in RATINGS:
            self.rated += 1
            self.satisfied += row["Q7ALL"] in RATINGS[3:]
        for question, scores in self.ces.items():
            if row[question] in RATINGS:
                scores.append(int(row[question]))


def sfo_total(path: Path) -> Passengers:
    """All answers of 2017.csv.gz."""
    total = Passengers()
    for row in read(path):
        total.add(row)
    return total


def sfo_days(path: Path) -> dict[date, Passengers]:
    """By day of the interview: days of May 2017, but for two stragglers whose weekdays fit later months."""
    days: dict[date, Passengers] = defaultdict(Passengers)
    for row in read(path):
        days[_SFO_LATER.get((row["INTDATE"], row["DAY"]), date(2017, 5, int(row["INTDATE"])))].add(row)
    return dict(days)


# Monday the 5th is in June, Tuesday the 15th in August (the other author's table has them there, too).
_SFO_LATER = {("5", "MON"): date(2017, 6, 5), ("15", "TUE"): date(2017, 8, 15)}


def sfo_ratings(path: Path, question: str) -> Counter[int]:
    """How often each score 1-5 was given to one of the Q7 questions."""
    return Counter(int(row[question]) for row in read(path) if row[question] in RATINGS)
