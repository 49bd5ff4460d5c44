"""Spans side by side, the top groups with all others, and answers for spreadsheets."""

from typing import Any

import pytest

from stream.cli.answer import as_csv
from stream.config import Config, parse
from stream.metrics.catalog import load_catalog
from stream.query.grouping import OverCap
from stream.query.memory import ImageReader
from stream.query.model import QueryError
from stream.query.plain import answer, as_plain
from stream.query.request import Request
from stream.query.windows import Calendar
from stream.serve.scrape import Scraper
from stream.shard import cap
from tests.answers import FloorReader, Told, floor, ms

UTC = Config()
NOW = "2026-03-10T10:00:00"


def ticket(time: str, name: str, team: str | None) -> Told:
    """A ticket of a team."""
    return time, "ticket.created", name, {"ticket": {"team": team}}


def reply(time: str, name: str) -> Told:
    """An agent answers it."""
    return time, "ticket.message_added", name, {"message": {"author": "agent"}}


TICKETS = [
    ticket("2026-03-02T09:10:00", "T1", "red"),
    ticket("2026-03-09T08:30:00", "T2", "red"),
    ticket("2026-03-09T09:30:00", "T3", "blue"),
    ticket("2026-03-10T09:20:00", "T4", "red"),
    ticket("2026-03-10T09:30:00", "T5", "red"),
    ticket("2026-03-10T09:40:00", "T6", None),
]
REPLIES = [
    *TICKETS,
    reply("2026-03-10T09:21:00", "T4"),
    reply("2026-03-10T09:32:00", "T5"),
    reply("2026-03-10T09:46:00", "T6"),
    ticket("2026-03-10T09:50:00", "T7", "other"),
    reply("2026-03-10T09:59:00", "T7"),
]


async def ask(reader: ImageReader, metric: str, **asked: Any) -> dict[str, Any]:
    """The JSON answer."""
    told = await answer(UTC, reader, load_catalog(), metric, Request(**asked), ms(NOW))
    return as_plain(told, Calendar("UTC"))


async def csv(events: list[Told], metric: str, **asked: Any) -> list[str]:
    """The lines of the answer for spreadsheets."""
    told = await answer(
        UTC, floor(UTC, NOW, tickets=events), load_catalog(), metric, Request(**asked), ms(NOW)
    )
    return as_csv(told, Calendar("UTC")).splitlines()


async def test_today_is_compared_with_yesterday_up_to_the_same_time() -> None:
    """Calendar words go back by days; what happened later yesterday is not part of it.

    Of yesterday only panes of a minute are kept, so its end is that of one: the answer says so."""
    late = ticket("2026-03-09T20:00:00", "T9", "red")
    told = await ask(
        floor(UTC, NOW, tickets=[*TICKETS, late]), "ticket_volume", window="today", compare="previous"
    )
    assert told["compared"] == {"from": "2026-03-09T00:00:00+00:00", "to": "2026-03-09T10:01:00+00:00"}
    (row,) = told["rows"]
    assert (row["values"], row["then"]) == ({"value": 3}, {"value": 2})
    assert (row["change"], row["relative"]) == ({"value": 1}, {"value": 0.5})


async def test_a_length_is_compared_with_what_was_just_before() -> None:
    """The hour before; a mean comes with the counts of both."""
    reader = floor(UTC, NOW, tickets=TICKETS)
    hour = {"from_": "2026-03-09 09:00", "to": "2026-03-09 10:00"}
    told = await ask(reader, "ticket_volume", **hour, compare="previous")
    assert told["compared"] == {"from": "2026-03-09T08:00:00+00:00", "to": "2026-03-09T09:00:00+00:00"}
    assert told["rows"][0]["change"] == {"value": 0}
    told = await ask(reader, "first_response_time", window="1h", compare="previous")
    assert told["rows"][0]["values"] == {"mean": None, "count": 0}
    assert told["rows"][0]["change"] == {"mean": None, "count": 0}


async def test_the_same_weekday_and_hour_a_week_before() -> None:
    """Groups of either span have a row; what one lacks is zero there, and shares of nothing are empty."""
    reader = floor(UTC, NOW, tickets=TICKETS)
    hour = {"from_": "2026-03-09 09:00", "to": "2026-03-09 10:00"}
    told = await ask(reader, "ticket_volume", **hour, by=("team",), compare="week")
    assert told["compared"] == {"from": "2026-03-02T09:00:00+00:00", "to": "2026-03-02T10:00:00+00:00"}
    assert {
        row["by"]["team"]: (row["values"]["value"], row["then"]["value"], row["relative"]["value"])
        for row in told["rows"]
    } == {"blue": (1, 0, None), "red": (0, 1, -1.0)}


def test_a_week_back_is_the_same_local_time() -> None:
    """Over a change of the clocks a week is an hour longer or shorter."""
    calendar = Calendar("Europe/Berlin")
    now = calendar.instant("2026-04-01 09:00")
    assert calendar.text(calendar.days_before(now, 7)) == "2026-03-25T09:00:00+01:00"


@pytest.mark.parametrize(
    ("word", "then"),
    [
        ("yesterday", ("2026-03-08T00:00:00+01:00", "2026-03-09T00:00:00+01:00")),
        ("7d", ("2026-02-25T00:00:00+01:00", "2026-03-03T10:00:10+01:00")),
        ("month", ("2026-02-01T00:00:00+01:00", "2026-02-10T10:00:10+01:00")),
        ("2h", ("2026-03-10T06:00:10+01:00", "2026-03-10T08:00:10+01:00")),
    ],
)
def test_what_comes_before_a_window(word: str, then: tuple[str, str]) -> None:
    """As many days, the same part of the month before, or as long."""
    calendar = Calendar("Europe/Berlin")
    window = calendar.window(word, calendar.instant("2026-03-10 10:00"))
    assert tuple(map(calendar.text, calendar.previous(word, window))) == then


def test_the_end_of_a_month_has_no_counterpart_in_a_short_one() -> None:
    """The span of the month before ends where this month begins."""
    calendar = Calendar("UTC")
    window = calendar.window("month", calendar.instant("2026-03-31 10:00"))
    assert tuple(map(calendar.text, calendar.previous("month", window))) == (
        "2026-02-01T00:00:00+00:00",
        "2026-03-01T00:00:00+00:00",
    )


async def test_a_level_is_compared_at_its_instant() -> None:
    """Now and a week ago; just before now there is no span."""
    reader = floor(UTC, NOW, tickets=TICKETS)
    (row,) = (await ask(reader, "backlog", compare="week"))["rows"]
    assert (row["values"], row["then"]) == ({"value": 6}, {"value": 1})
    with pytest.raises(QueryError, match="needs a span"):
        await ask(reader, "backlog", compare="previous")


async def test_what_cannot_be_compared_says_so() -> None:
    """Steps, top groups, and what has no past."""
    reader = floor(UTC, NOW, tickets=TICKETS)
    with pytest.raises(QueryError, match="without --step"):
        await ask(reader, "ticket_volume", window="1h", step="15m", compare="week")
    with pytest.raises(QueryError, match="no past"):
        await ask(reader, "longest_wait", compare="week")
    with pytest.raises(QueryError, match="ask with --by"):
        await ask(reader, "ticket_volume", window="1h", top=2)


async def test_the_largest_groups_and_all_others() -> None:
    """The others are one row, marked, computed from what they have together: a mean is no mean of means."""
    reader = floor(UTC, NOW, tickets=REPLIES)
    told = await ask(
        reader, "first_response_time", window="today", by=("team",), top=1, stats=("mean", "count")
    )
    assert told["rows"] == [
        {"by": {"team": "red"}, "at": told["to"], "values": {"mean": 90.0, "count": 2}},
        {"by": {"team": "other"}, "at": told["to"], "values": {"mean": 450.0, "count": 2}, "other": True},
    ]


async def test_a_group_that_is_called_other_is_itself() -> None:
    """Only the row of the rest is marked."""
    reader = floor(UTC, NOW, tickets=REPLIES)
    told = await ask(reader, "ticket_volume", window="today", by=("team",), top=3)
    assert [(row["by"]["team"], row["values"]["value"], "other" in row) for row in told["rows"]] == [
        (None, 1, False), ("other", 1, False), ("red", 2, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "by", "stat"),
    [("backlog", "team", "value"), ("backlog", "team", "mean"), ("channel_share", "channel", "numerator")],
)
async def test_levels_and_shares_have_others(metric: str, by: str, stat: str) -> None:
    """With the top group they add up to the whole."""
    reader = floor(UTC, NOW, tickets=REPLIES)
    (whole,) = (await ask(reader, metric, window="7d", stats=(stat,)))["rows"]
    rows = (await ask(reader, metric, window="7d", by=(by,), top=1, stats=(stat,)))["rows"]
    assert sum(row["values"][stat] for row in rows) == pytest.approx(whole["values"][stat])


async def test_csv() -> None:
    """A line of names, a line a row; what is null is empty, text is quoted where it must be."""
    hour = {"from_": "2026-03-10 09:00", "to": "2026-03-10 10:00"}
    events = [*TICKETS, ticket("2026-03-10T09:41:00", "T8", 'a "b", c')]
    edges = "2026-03-10T09:00:00+00:00,2026-03-10T10:00:00+00:00,2026-03-10T10:00:00+00:00"
    assert await csv(events, "ticket_volume", **hour, by=("team",)) == [
        "from,to,at,team,value", f"{edges},,1", f'{edges},"a ""b"", c",1', f"{edges},red,2",
    ]  # fmt: skip
    assert await csv(events, "first_response_time", **hour) == ["from,to,at,mean", f"{edges},"]


async def test_csv_of_a_comparison() -> None:
    """What was then stands behind what is now."""
    end = "2026-03-10T10:00:10+00:00"
    assert await csv(TICKETS, "ticket_volume", window="today", compare="previous") == [
        "from,to,at,value,then_value", f"2026-03-10T00:00:00+00:00,{end},{end},3,2",
    ]  # fmt: skip


CROWD = [ticket(f"2026-03-10T09:20:0{n}", f"T{n}", f"t{n}") for n in range(4)]


def crowded(config: Config, most: int) -> FloorReader:
    """A floor on which four teams got a ticket, where so many groups are stored."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cap, "GROUPS_MAX", most)
        return floor(config, NOW, tickets=CROWD)


async def test_a_grouping_at_the_cap_is_answered() -> None:
    """All of it, or the largest."""
    told = await ask(crowded(UTC, 4), "ticket_volume", window="1h", by=("team",), top=1)
    assert [row["values"]["value"] for row in told["rows"]] == [1, 3]


@pytest.mark.parametrize("asked", [{"by": ("team",)}, {"by": ("team",), "top": 1}, {"where": ("team=t1",)}])
async def test_a_grouping_over_the_cap_is_refused_by_name(asked: dict[str, Any]) -> None:
    """With what to do; whatever of it is asked for, as what it has is not all."""
    reader = crowded(UTC, 3)
    with pytest.raises(OverCap) as refused:
        await ask(reader, "ticket_volume", window="1h", **asked)
    assert str(refused.value) == (
        "of tickets nothing is told by [team], [team, agent], [team, priority] any more: one shard has had "
        "more than 10,000 groups. Mend the source that sends so many values, or group by less; counting by "
        "it again needs a rebuild"
    )
    (row,) = (await ask(reader, "ticket_volume", window="1h", by=("channel",)))["rows"]
    assert row["values"] == {"value": 4}


async def test_a_grouping_that_is_not_over_the_cap_answers_in_its_place() -> None:
    """Any that holds what is asked for does."""
    config = parse({"groupings": {"tickets": [["category", "team"], ["category", "plan"]]}})
    request = Request(window="1h", by=("category",))
    told = await answer(config, crowded(config, 3), load_catalog(), "ticket_volume", request, ms(NOW))
    assert [row["values"] for row in as_plain(told, Calendar("UTC"))["rows"]] == [{"value": 4}]


async def test_a_grouping_over_the_cap_leaves_the_other_metrics() -> None:
    """/metrics says which one is invalid."""
    scraped = await Scraper(crowded(UTC, 3)).read(load_catalog(), UTC, ms(NOW))
    families = {family.name: family.samples for family in scraped}
    invalid = [dict(labels)["dimension"] for labels, value in families["support_grouping_invalid"] if value]
    assert invalid == ["team", "team,agent", "team,priority"]
    by = [of for of in ("", "channel_", "team_") if f"support_{of}tickets_created_in_window" in families]
    assert by == ["", "channel_"]
