"""Answers in steps, and looks that read once."""

from typing import Any

import pytest
from msgspec.structs import replace

from stream.config import Config, parse
from stream.metrics.catalog import load_catalog
from stream.metrics.panes import Group, Pane
from stream.query.look import Look, OtherConfiguration, age_ms, now_of
from stream.query.memory import ImageReader
from stream.query.model import Question
from stream.query.plain import answer, as_plain
from stream.query.query import Queries
from stream.query.request import Request
from stream.query.windows import Calendar
from stream.shard.changes import Fence
from tests.answers import TEAM_A, Told, floor, ms

UTC = Config()
SHORT = parse({"retention": {"10s": "10m", "1m": "1h", "15m": "49h"}})


def created(*times: str) -> list[Told]:
    """A ticket each."""
    return [(time, "ticket.created", f"T{n}", TEAM_A) for n, time in enumerate(times)]


async def ask(config: Config, reader: ImageReader, metric: str, wall: str, **asked: Any) -> dict[str, Any]:
    """The JSON answer."""
    told = await answer(config, reader, load_catalog(), metric, Request(**asked), ms(wall))
    return as_plain(told, Calendar(config.timezone))


async def test_each_step_has_its_row() -> None:
    """`at` is the end of the step, also of steps in which nothing happened; the whole span stands beside."""
    reader = floor(UTC, "2026-03-02T10:00:00", tickets=created("2026-03-02T09:01:00", "2026-03-02T09:40:00"))
    told = await ask(
        UTC, reader, "ticket_volume", "2026-03-02T10:00:01",
        from_="2026-03-02 09:00", to="2026-03-02 09:45", step="15m",
    )  # fmt: skip
    assert told == {
        "metric": "ticket_volume", "unit": "tickets",
        "from": "2026-03-02T09:00:00+00:00", "to": "2026-03-02T09:45:00+00:00", "fresh_ms": 1000,
        "rows": [
            {"by": {}, "at": "2026-03-02T09:15:00+00:00", "values": {"value": 1}},
            {"by": {}, "at": "2026-03-02T09:30:00+00:00", "values": {"value": 0}},
            {"by": {}, "at": "2026-03-02T09:45:00+00:00", "values": {"value": 1}},
        ],
    }  # fmt: skip


async def test_steps_that_are_kept_no_more_count_once() -> None:
    """Of a past day only the day is kept: one row for it, not the day's sum for every hour."""
    events = created("2026-03-02T09:01:00", "2026-03-02T15:00:00", "2026-03-06T10:30:00")
    reader = floor(SHORT, "2026-03-06T12:00:00", tickets=events)
    span = {"from_": "2026-03-02 06:00", "to": "2026-03-03 06:00", "step": "6h"}
    told = await ask(SHORT, reader, "ticket_volume", "2026-03-06T12:00:00", **span)
    assert [(row["at"], row["values"]) for row in told["rows"]] == [
        ("2026-03-03T00:00:00+00:00", {"value": 2}), ("2026-03-04T00:00:00+00:00", {"value": 0}),
    ]  # fmt: skip
    assert told["from"] == "2026-03-02T00:00:00+00:00"


async def test_a_level_widens_to_both_edges_of_the_day() -> None:
    """Where only the day is kept, the value is that at its end, and the mean that of the whole day."""
    reader = floor(
        SHORT, "2026-03-06T12:00:00", tickets=created("2026-03-02T12:00:00", "2026-03-06T10:30:00")
    )
    told = await ask(
        SHORT, reader, "backlog", "2026-03-06T12:00:00",
        from_="2026-03-02 06:00", to="2026-03-02 18:00", stats=("value", "mean"),
    )  # fmt: skip
    assert (told["from"], told["to"]) == ("2026-03-02T00:00:00+00:00", "2026-03-03T00:00:00+00:00")
    assert told["rows"][0]["values"] == {"value": 1, "mean": 0.5}


async def test_instants_have_no_from() -> None:
    """A level now is read at the end of the pane of now."""
    reader = floor(UTC, "2026-03-02T10:00:00", tickets=created("2026-03-02T09:01:00"))
    told = await ask(UTC, reader, "backlog", "2026-03-02T10:00:03", by=("team",))
    assert (told["from"], told["to"]) == (None, "2026-03-02T10:00:10+00:00")
    row = {"by": {"team": "a"}, "at": "2026-03-02T10:00:10+00:00", "values": {"value": 1}}
    assert told["rows"] == [row]
    told = await ask(UTC, reader, "backlog", "2026-03-02T10:00:03", at="2026-03-02 09:01")
    assert (told["to"], told["rows"][0]["values"]) == ("2026-03-02T09:01:00+00:00", {"value": 0})


class Counting(ImageReader):
    """A reader that counts the panes it is asked for."""

    read = 0

    async def read_cells(
        self, family: str, panes: dict[int, list[Pane]], groups: list[Group] | None
    ) -> dict[int, dict[Pane, dict[Group, bytes]]]:
        self.read += sum(len(asked) for asked in panes.values())
        return await super().read_cells(family, panes, groups)


async def test_a_look_reads_a_pane_once() -> None:
    """Several metrics of one window cost the reads of one, and give what they give alone."""
    reader = floor(UTC, "2026-03-02T10:00:00", tickets=created("2026-03-02T09:01:00"))
    counting = Counting(reader._images)
    look = Look(counting, UTC)
    queries = Queries(load_catalog(), UTC, look)
    now = await now_of(look, UTC, ms("2026-03-02T10:00:03"))
    window = Calendar("UTC").window("1h", now)
    first = await queries.ask(Question("ticket_volume", now, *window))
    read = counting.read
    again = await queries.ask(Question("tickets_resolved", now, *window))
    assert (first.rows[0].values, again.rows[0].values, counting.read) == ({"value": 1}, {"value": 0}, read)


async def test_what_lies_behind_a_shard_that_lags_costs_nothing() -> None:
    """A shard that nobody has written, or not for weeks, is not looked up in ten-second panes until now."""
    reader = floor(UTC, "2026-03-02T10:00:00", tickets=created("2026-03-02T09:01:00"))
    counting = Counting(reader._images)
    told = await ask(UTC, counting, "ticket_volume", "2026-06-02T10:00:00", window="100d")
    assert told["rows"][0]["values"] == {"value": 1}
    counting._images["tickets", 0].fence = Fence()
    await ask(UTC, counting, "ticket_volume", "2026-06-02T10:00:00", window="100d")
    assert counting.read < 500


async def test_a_window_longer_than_anything_kept_is_answered() -> None:
    """Days that are kept no more are passed over, not searched."""
    reader = Counting(floor(UTC, "2026-03-02T10:00:00", tickets=created("2026-03-02T09:01:00"))._images)
    told = await ask(UTC, reader, "ticket_volume", "2026-03-02T10:00:00", from_="1970-01-01")
    assert told["rows"][0]["values"] == {"value": 1}
    assert reader.read < 600


async def test_numbers_of_another_configuration_are_not_read() -> None:
    """Groups of other groupings would be taken for those that are asked for."""
    other = replace(UTC, timezone="Europe/Berlin")
    with pytest.raises(OtherConfiguration, match=r"tickets/0 was counted under another configuration"):
        await Look(floor(UTC, "2026-03-02T10:00:00"), other).fences("tickets")


async def test_now_is_the_wall_or_the_greatest_clock() -> None:
    """With `clock: events` history reads as if it were live; with nothing read yet it is the wall."""
    events = parse({"clock": "events"})
    wall = ms("2026-03-02T10:00:00")
    past = floor(events, "2026-03-02T10:00:00", tickets=created("1999-01-05T09:01:00"))
    assert await now_of(Look(past, events), events, wall) == ms("1999-01-05T09:01:00")
    assert await now_of(Look(floor(UTC, "2026-03-02T09:00:00"), UTC), UTC, wall) == wall
    assert await now_of(Look(ImageReader({}), events), events, wall) == wall


def test_what_never_caught_up_has_no_age() -> None:
    """And an age is never negative, whoever's clock is ahead."""
    assert (age_ms(0, 5000), age_ms(4000, 5000), age_ms(6000, 5000)) == (None, 1000, 0)
