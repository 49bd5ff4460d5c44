"""Counters made of numbers that fall: they never do, and say what was added and what was taken back."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.config import Config, parse
from stream.metrics.catalog import catalog_of
from stream.query.look import Look
from stream.query.panes import PaneMemory
from stream.scenario.judge import run_now
from stream.serve.counters import Tally
from stream.serve.numbers import Moment, Numbers
from stream.serve.samples import Families, Labels
from stream.shard.image import Image, run_batch
from tests.answers import REPLY, Told, ms, record
from tests.core import new_shard
from tests.marking import Marking
from tests.strategies import DAY_MS, Sent, deliveries, told
from tests.test_core_order import KEPT_LONG, KEPT_SHORT

DAYS = 4
_GROUPS = {
    "exporter": {"groupings": {"tickets": [["team"]]}, "groups_max": 1, "windows": {"tickets": ["1h"]}}
}
CONFIGS = [parse({**kept, **_GROUPS}) for kept in (KEPT_LONG, KEPT_SHORT)]
Series = dict[tuple[str, Labels], float]


class Read:
    """An exporter's numbers of tickets, read now and then."""

    def __init__(self, config: Config, reader: Marking) -> None:
        self._config = config
        self._catalog = catalog_of(config)
        self._reader = reader
        self._memory = PaneMemory()
        self._numbers = Numbers()

    def counters(self, now_ms: int) -> Series:
        """All counters at a moment."""
        look = Look(self._reader, self._config, self._memory)
        moment = Moment(self._catalog, self._config, look, now_ms, now_ms)
        return _counters(run_now(self._numbers.read(moment)))

    def days(self, now_ms: int, metric_id: str, stat: str) -> dict[int, float]:
        """What a query says, by day: without any memory."""
        moment = Moment(self._catalog, self._config, Look(self._reader, self._config), now_ms, now_ms)
        metric = self._catalog.get(metric_id)
        return {day[0]: float(run_now(moment.rows(metric, (), day))[()][stat] or 0) for day in moment.days}


def _counters(families: Families) -> Series:
    return {
        (family.name, labels): value
        for family in families
        if family.type == "counter"
        for labels, value in family.samples
    }


def net(series: Series, name: str) -> float:
    """What was added less what was taken back, of all series of a pair."""
    ended = [(f"{name}_total", 1), (f"{name}_retracted_total", -1)]
    return sum(sign * value for (of, _), value in series.items() for end, sign in ended if of == end)


PAIRS = {
    "support_tickets_created": ("ticket_volume", "value"),
    "support_tickets_resolved": ("tickets_resolved", "value"),
    "support_frt_sum_seconds": ("first_response_time", "sum"),
    "support_full_resolution_samples": ("full_resolution_time", "count"),
    "support_fcr_numerator": ("first_contact_resolution", "numerator"),
}
BY_TEAM = {
    "support_team_tickets_resolved": "support_tickets_resolved",
    "support_team_frt_sum_seconds": "support_frt_sum_seconds",
}


class Expected:
    """What pairs of counters must say: what each day has gained since it was first looked at."""

    def __init__(self) -> None:
        self._base: defaultdict[str, dict[int, float]] = defaultdict(dict)
        self._last: defaultdict[str, dict[int, float]] = defaultdict(dict)
        self._since: int | None = None

    def see(self, read: Read, now_ms: int) -> None:
        """At every reading."""
        self._since = now_ms if self._since is None else self._since
        for name, (metric, stat) in PAIRS.items():
            for day, value in read.days(now_ms, metric, stat).items():
                self._base[name].setdefault(day, 0.0 if day >= self._since else value)
                self._last[name][day] = value

    def of(self, name: str) -> float:
        """The difference of a pair."""
        return sum(value - self._base[name][day] for day, value in self._last[name].items())


@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_counters_only_grow_and_their_difference_is_that_of_the_numbers(data: st.DataObject) -> None:
    """Two shards with late events, reopenings, merges, owners that change their mind; groups that come into
    the top and leave it; a shard that nobody has for a while."""
    config = data.draw(st.sampled_from(CONFIGS))
    sent: list[Sent] = data.draw(told("tickets", DAYS))
    delivery = data.draw(deliveries(sent, config.horizon_ms))
    images = {("tickets", 0): Image(), ("tickets", 1): Image()}
    shards = [new_shard("tickets", config), new_shard("tickets", config)]
    reader = Marking(images)
    read, expected, before = Read(config, reader), Expected(), Series()
    offset, now_ms = 0, 0
    for place, batch in enumerate(delivery.batches):
        partition = place % 2
        records = [one.record(offset + number) for number, one in enumerate(batch)]
        offset += len(records)
        now_ms = max([now_ms, *(one.sent_ms + data.draw(st.sampled_from([0, DAY_MS])) for one in batch)])
        reader.commit(partition, run_batch(shards[partition], images["tickets", partition], records, now_ms))
        owned = data.draw(st.integers(0, 4)) > 0
        images["tickets", 0].fence.fresh = now_ms if owned else now_ms - DAY_MS
        images["tickets", 1].fence.fresh = now_ms
        counters = read.counters(now_ms)
        if not owned:
            assert counters == {}, "what nobody keeps up to date is not told"
            continue
        expected.see(read, now_ms)
        assert before.keys() <= counters.keys(), "no series goes away"
        assert [key for key, value in before.items() if counters[key] < value] == []
        for name in PAIRS:
            assert net(counters, name) == pytest.approx(expected.of(name), abs=1e-6), name
        for name, whole in BY_TEAM.items():
            assert net(counters, name) == pytest.approx(net(counters, whole), abs=1e-6), name
        before = counters


class Floor:
    """One shard of tickets, told event by event."""

    def __init__(self, config: Config) -> None:
        self.images = {("tickets", 0): Image()}
        self.reader = Marking(self.images)
        self.shard = new_shard("tickets", config)
        self._offset = 0

    def tell(self, now: str, *events: Told) -> int:
        """Events that are recorded now, whenever they happened."""
        records = [record(self._offset + place, one, ms(now)) for place, one in enumerate(events)]
        self._offset += len(records)
        image = self.images["tickets", 0]
        self.reader.commit(0, run_batch(self.shard, image, records, ms(now)))
        image.fence.fresh = ms(now)
        return ms(now)


def team(name: str) -> dict[str, object]:
    """A ticket of a team."""
    return {"ticket": {"team": name}}


def value(series: Series, name: str, **labels: str) -> float:
    """Of one series."""
    return series[f"support_{name}", tuple(labels.items())]


def test_a_reopening_and_a_late_event_are_counted_where_they_belong() -> None:
    """`tickets_resolved` goes up by the resolution and is taken back by the reopening, whatever the day."""
    config = parse({})
    floor = Floor(config)
    read = Read(config, floor.reader)
    at = floor.tell("2026-03-02T10:00:00", ("2026-03-02T09:00:00", "ticket.created", "T1", team("a")))
    first = read.counters(at)
    assert value(first, "tickets_created_total") == 0, "what was there before is not counted"
    at = floor.tell(
        "2026-03-02T11:00:00",
        ("2026-03-02T10:30:00", "ticket.resolved", "T1", {}),
        ("2026-03-02T10:40:00", "ticket.created", "T2", team("b")),
    )
    read.counters(at)
    at = floor.tell(
        "2026-03-03T09:00:00",
        ("2026-03-03T08:00:00", "ticket.reopened", "T1", {}),
        ("2026-03-01T23:00:00", "ticket.created", "T3", team("a")),
        ("2026-03-03T08:30:00", "ticket.created", "T4", team("a")),
        ("2026-03-03T08:40:00", "ticket.message_added", "T4", REPLY),
    )
    last = read.counters(at)
    assert value(last, "tickets_created_total") == 3
    assert value(last, "tickets_created_retracted_total") == 0
    assert value(last, "tickets_resolved_total") == 1
    assert value(last, "tickets_resolved_retracted_total") == 1
    assert value(last, "team_tickets_resolved_retracted_total", team="a") == 1
    assert value(last, "team_tickets_resolved_retracted_total", team="b") == 0
    at = floor.tell("2026-03-03T10:00:00", ("2026-03-02T10:50:00", "ticket.resolved", "T2", {}))
    last = read.counters(at)
    assert value(last, "tickets_resolved_total") == 2, "of a day that was read when it was over"
    assert value(last, "tickets_created_total") == 3
    at = floor.tell("2026-03-11T10:00:00", ("2026-03-11T09:00:00", "ticket.created", "T5", team("a")))
    last = read.counters(at)
    assert value(last, "tickets_created_total") == 4, "days that are over for a week stay counted"
    assert value(last, "tickets_created_retracted_total") == 0


def test_neither_a_rollback_nor_another_deployments_numbers_make_one_fall() -> None:
    """Redis from an older snapshot, and then what was lost is counted again; at last an empty one."""
    config = parse({})
    floor = Floor(config)
    read = Read(config, floor.reader)
    at = floor.tell("2026-03-02T10:30:00")
    seen = [read.counters(at)]
    floor.tell("2026-03-02T10:31:00", ("2026-03-02T10:30:30", "ticket.created", "T0", team("a")))
    old = copy.deepcopy(floor.images["tickets", 0])
    at = floor.tell(
        "2026-03-02T10:32:00",
        *(("2026-03-02T10:31:30", "ticket.created", f"T{n}", team("a")) for n in range(1, 5)),
    )
    seen.append(read.counters(at))
    assert value(seen[-1], "tickets_created_total") == 5
    new = floor.images["tickets", 0]
    for image in (old, new, _empty(at)):
        floor.images["tickets", 0] = floor.reader._images["tickets", 0] = image
        image.fence.fresh, image.fence.commit_id = at, f"again {len(seen)}"
        seen.append(read.counters(at))
        for before, after in pairwise(seen):
            assert all(after[key] >= amount for key, amount in before.items())
    assert value(seen[-1], "tickets_created_total") == 9
    assert value(seen[-1], "tickets_created_retracted_total") == 9


def _empty(at_ms: int) -> Image:
    image = Image()
    image.fence.clock = image.fence.retention_clock = at_ms
    return image


Numbers_ = dict[int, dict[str, int]]


@given(
    st.lists(
        st.dictionaries(st.integers(-3, 3), st.dictionaries(st.sampled_from("ab"), st.integers(-9, 99)))
    ),
    st.integers(-3, 3),
)
def test_any_numbers_make_counters_that_grow(readings: list[Numbers_], since: int) -> None:
    """Of days in any order, forgotten and seen again or not."""
    tally = Tally()
    tally.begin(since)
    before: dict[str, float] = {}
    for place, reading in enumerate(readings):
        for day, numbers in reading.items():
            tally.see(day, place, {(name, ()): float(amount) for name, amount in numbers.items()})
        tally.forget(place - 3)
        now = {f"{name}+": amount for (name, _), amount in tally.added.items()}
        now |= {f"{name}-": amount for (name, _), amount in tally.retracted.items()}
        assert all(now[name] >= amount for name, amount in before.items())
        before = now


def test_groups_beyond_the_places_of_counters_are_counted_together() -> None:
    """One place: the first two groups that come to the top have series, who comes later is among the others;
    nothing is counted twice, nothing falls."""
    config = parse(_GROUPS)
    floor = Floor(config)
    read = Read(config, floor.reader)
    read.counters(floor.tell("2026-03-02T10:00:00"))
    before: Series = {}
    for hour, name in enumerate(("a", "b", "c", "d"), 1):
        events = [
            (f"2026-03-02T1{hour}:00:00", "ticket.created", f"{name}{n}", team(name)) for n in range(hour)
        ]
        at = floor.tell(f"2026-03-02T1{hour}:30:00", *events)
        after = read.counters(at)
        assert all(after[key] >= amount for key, amount in before.items())
        before = after
    assert _teams(before) == {"a", "b", "other"}
    taken_back = [before[key] for key in before if key[0] == "support_team_tickets_created_retracted_total"]
    assert set(taken_back) == {0}, "a group that gets a series takes nothing back from the others"
    assert net(before, "support_team_tickets_created") == net(before, "support_tickets_created") == 10


def _teams(series: Iterable[tuple[str, Labels]]) -> set[str]:
    return {dict(labels)["team"] for name, labels in series if name == "support_team_tickets_created_total"}
