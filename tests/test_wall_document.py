"""The document of a wallboard: what its tiles say, and what of it is sent when something changes."""

import json
from typing import Any

import msgspec
import pytest

from stream.config import Config, parse
from stream.metrics.catalog import catalog_of, load_catalog
from stream.query.memory import ImageReader
from stream.query.model import QueryError
from stream.query.wall import Wall, WallAsk, Walls, boards_of, changes, read_wall, wall_json
from stream.query.wall_document import NumberTile, SlaTile, TableTile
from tests.answers import REPLY, TEAM_A, Told, floor, ms

CONFIG = Config()
NOW = "2026-03-12T10:00:00"
WALL_MS = ms("2026-03-12T10:00:01")
WEEK_AGO: list[Told] = [
    (f"2026-03-05T09:{minute}:00", "ticket.created", f"W{minute}", TEAM_A)
    for minute in ("10", "20", "40", "50")
]
TICKETS: list[Told] = [
    *WEEK_AGO,
    *((f"2026-03-06T09:{told[0][14:16]}:00", "ticket.resolved", told[2], {}) for told in WEEK_AGO),
    ("2026-03-12T08:30:00", "ticket.created", "T1", TEAM_A),
    ("2026-03-12T09:30:00", "ticket.created", "T2", {"ticket": {"team": "b"}}),
    ("2026-03-12T09:35:00", "ticket.message_added", "T2", {"message": {"author": "customer"}}),
    ("2026-03-12T09:40:00", "ticket.message_added", "T1", REPLY),
    ("2026-03-12T09:45:00", "ticket.resolved", "T1", {}),
]
CALLS: list[Told] = [
    ("2026-03-12T09:10:00", "call.queued", "C1", {"call": {"queue": "sales"}}),
    ("2026-03-12T09:10:30", "call.answered", "C1", {}),
    ("2026-03-12T09:58:00", "call.queued", "C2", {"call": {"queue": "help"}}),
]
AGENTS: list[Told] = [
    ("2026-03-12T09:00:10", "agent.logged_in", "ann", {}),
    ("2026-03-12T09:30:10", "agent.state_changed", "ann", {"state": "busy"}),
]


def reader(config: Config = CONFIG) -> ImageReader:
    """The small floor, whose worker had last caught up at NOW."""
    return floor(config, NOW, tickets=TICKETS, calls=CALLS, agents=AGENTS)


async def wall(board: str, config: Config = CONFIG, wall_ms: int = WALL_MS, **asked: Any) -> Wall:
    """A board of the small floor."""
    ask = WallAsk(board, asked.get("window"), tuple(asked.get("filters", {}).items()))
    return await read_wall(catalog_of(config), config, reader(config), ask, wall_ms)


def with_tiles(*tiles: dict[str, Any], **keys: Any) -> Config:
    """A configuration with one board `mine`."""
    return parse({"boards": {"mine": {"tiles": list(tiles), **keys}}, **keys.pop("config", {})})


async def number(tile: dict[str, Any], **asked: Any) -> NumberTile:
    """The one number of a board that has nothing else."""
    (made,) = (await wall("mine", with_tiles(tile), **asked)).tiles.values()
    assert isinstance(made, NumberTile)
    return made


def test_the_executive_board_has_exactly_the_seven() -> None:
    """In the contract's order."""
    (executive,) = [board for board in boards_of(CONFIG) if board.name == "executive"]
    assert [tile.metric for tile in executive.config.tiles if hasattr(tile, "metric")] == [
        "csat", "first_response_time", "resolution_time", "first_contact_resolution", "ticket_volume",
        "backlog", "sla_compliance",
    ]  # fmt: skip
    assert len(executive.config.tiles) == 7


def test_ready_made_boards_and_those_of_the_configuration() -> None:
    """A configured one of the same name takes the place of a ready-made one; single people's is private."""
    config = parse({"boards": {"floor": {"title": "Ours", "tiles": [{"metric": "backlog"}]},
                               "new": {"tiles": [{"metric": "backlog"}]}}})  # fmt: skip
    assert [(board.name, board.title, board.private) for board in boards_of(config)] == [
        ("executive", "Executive", False), ("floor", "Ours", False), ("tickets", "Tickets", False),
        ("sla", "SLA", False), ("surveys", "Surveys", False), ("team-lead", "Team lead", True),
        ("health", "Health", False), ("new", "new", False),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [board.name for board in boards_of(CONFIG)])
async def test_every_ready_made_board_can_be_read(name: str) -> None:
    """With the default configuration no tile has anything to excuse, and the document is JSON."""
    shown = await wall(name)
    assert {key: tile.note for key, tile in shown.tiles.items() if tile.note} == {}
    assert json.loads(json.dumps(wall_json(shown))) == json.loads(msgspec.json.encode(shown))


async def test_a_ratio_comes_with_what_it_is_made_of_and_is_judged() -> None:
    """One of two calls has an outcome, it was answered too late."""
    made = await number({"metric": "service_level"})
    assert (made.value, made.count, made.unit) == (0.0, {"numerator": 0, "denominator": 1}, "ratio")
    assert made.target is not None
    assert (made.target.value, made.target.bound, made.state) == (0.8, "lower", "bad")


async def test_nothing_is_no_data_and_not_a_number() -> None:
    """A ratio of nothing; and a board before any worker ran, whose counts would be 0."""
    made = await number({"metric": "csat"})
    assert (made.value, made.state, made.freshness) == (None, "none", "fresh")
    empty = await read_wall(load_catalog(), CONFIG, ImageReader({}), WallAsk("tickets"), WALL_MS)
    assert {tile.freshness for tile in empty.tiles.values()} == {"none"}
    assert {tile.value for tile in empty.tiles.values() if isinstance(tile, NumberTile)} == {None}


async def test_a_gauge_ticks_from_its_instant() -> None:
    """So that the page counts on; it has no past."""
    made = await number({"metric": "longest_wait"})
    assert made.ticks is not None
    assert (made.value, made.ticks.since_ms, made.state) == (121.0, ms("2026-03-12T09:58:00"), "bad")
    assert (made.spark, made.change) == ([], None)


async def test_against_the_same_weekday_and_hour() -> None:
    """One ticket in this hour. A week ago there were four in the hour, which is kept in quarters: of the
    window that was read then so many as it is longer are taken off."""
    made = await number({"metric": "ticket_volume", "window": "1h"})
    assert made.value == 1
    assert made.change is not None
    assert made.change.then == 4
    assert made.change.relative == pytest.approx(1 / (4 * 3600 / 4500) - 1)
    assert made.change.better is None  # `within the forecast` has no direction


async def test_nothing_a_week_ago_is_no_change() -> None:
    """Growth from nothing is no share."""
    assert (await number({"metric": "tickets_resolved"})).change is None
    assert (await number({"metric": "ticket_volume", "compare": "none"})).change is None


async def test_the_sparkline_has_whole_steps_from_the_first_that_has_any() -> None:
    """Quarters of an hour for an hour, days for days; never more than 24."""
    made = await number({"metric": "ticket_volume", "window": "1h"})
    assert [(at - ms("2026-03-12T08:45:00")) // 900_000 for at, _ in made.spark] == [0, 1, 2, 3, 4, 5]
    assert [value for _, value in made.spark] == [1, 0, 0, 0, 1, 0]
    days = await number({"metric": "ticket_volume", "window": "28d"})
    assert [value for _, value in days.spark] == [4, 0, 0, 0, 0, 0, 0]
    level = await number({"metric": "backlog"})
    assert [value for _, value in level.spark][-4:] == [1, 1, 2, 1]


async def test_a_table_has_a_row_for_each_group_and_ticks() -> None:
    """Zeros are filled in, a ratio of nothing stays empty, the greatest come first."""
    (table, states) = [t for t in (await wall("floor")).tiles.values() if isinstance(t, TableTile)]
    assert [(row.name, [cell.value for cell in row.cells]) for row in table.rows] == [
        ("help", [1, 121.0, None, 0.0, None, 0]),
        ("sales", [0, None, 0.0, 0.0, 0.0, 1]),
    ]
    assert table.rows[0].cells[1].ticks is not None
    assert [(row.name, row.cells[0].value) for row in states.rows] == [
        ("available", 0), ("ringing", 0), ("busy", 1), ("hold", 0), ("wrapup", 0), ("break", 0),
    ]  # fmt: skip


async def test_rows_that_are_left_out_are_counted() -> None:
    """With `top`."""
    tile = {
        "kind": "table",
        "by": "team",
        "top": 1,
        "columns": [{"metric": "ticket_volume", "window": "28d"}],
    }
    (table,) = (await wall("mine", with_tiles(tile))).tiles.values()
    assert isinstance(table, TableTile)
    assert ([row.name for row in table.rows], table.more) == (["a"], 1)


async def test_a_view_of_one_team() -> None:
    """Every number is of that team; where it is not kept by teams the tile says so instead of showing all."""
    shown = await wall("tickets", filters={"team": "b"})
    backlog = shown.tiles["00-backlog"]
    assert isinstance(backlog, NumberTile)
    assert (backlog.value, backlog.where) == (1, {"team": "b"})
    sessions = (await wall("health", filters={"team": "b"})).tiles["04-selfservice_sessions"]
    assert isinstance(sessions, NumberTile)
    assert sessions.value is None
    assert "no grouping of selfservice holds team" in (sessions.note or "")


async def test_a_board_of_one_team_cannot_be_asked_for_another() -> None:
    """A board's own condition stands; that of a single tile leaves it empty."""
    config = with_tiles({"metric": "backlog"}, where={"team": "a"})
    with pytest.raises(QueryError, match="team can be one value only: a, or b"):
        await wall("mine", config, filters={"team": "b"})
    made = await number({"metric": "backlog", "where": {"team": "a"}}, filters={"team": "b"})
    assert (made.value, made.note) == (None, "this is of a only")


async def test_a_view_over_another_window() -> None:
    """It stands for that of every tile that has one."""
    tiles = (await wall("tickets", window="28d")).tiles
    created, backlog = tiles["04-ticket_volume"], tiles["00-backlog"]
    assert isinstance(created, NumberTile)
    assert isinstance(backlog, NumberTile)
    assert (created.window, created.value, backlog.window) == ("28d", 6, None)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (WallAsk("flor"), "no board 'flor'; the nearest is floor"),
        (WallAsk("floor", "soon"), "window 'soon'"),
        (WallAsk("floor", None, (("taem", "a"),)), "unknown dimension 'taem'; the nearest known one is team"),
        (WallAsk("floor", None, (("team", "a"), ("team", "b"))), "team can be one value only: a, or b"),
    ],
)
async def test_what_cannot_be_shown(ask: WallAsk, message: str) -> None:
    """The error says what can."""
    with pytest.raises(QueryError, match=message):
        await read_wall(load_catalog(), CONFIG, reader(), ask, WALL_MS)


async def test_the_clocks_that_run_out_next() -> None:
    """The soonest first, with the instant to count down to, the owner and what to do."""
    config = parse({"policies": [{"name": "all", "targets": {"first_reply": "1h"}, "warn": ["75%"]}]})
    tiles = (await wall("sla", config)).tiles
    (listed,) = [tile for tile in tiles.values() if isinstance(tile, SlaTile)]
    (row,) = listed.rows
    assert (row.subject, row.clock, row.state, row.ticks.until_ms) == (
        "T2", "first_reply", "running", ms("2026-03-12T10:30:00"),
    )  # fmt: skip
    assert (row.segments, row.next_step) == ({"team": "b"}, "answer the customer")
    other = (await wall("sla", config, filters={"team": "a"})).tiles
    assert [tile.rows for tile in other.values() if isinstance(tile, SlaTile)] == [[]]


async def test_what_is_old_says_since_when() -> None:
    """Once no shard has caught up for ten seconds."""
    stale = await wall("tickets", wall_ms=ms("2026-03-12T10:00:30"))
    assert {(tile.freshness, tile.since_ms) for tile in stale.tiles.values()} == {("stale", ms(NOW))}
    assert {source.state for source in stale.sources} == {"stale"}


async def test_only_what_differs_is_sent() -> None:
    """A gauge that has only ticked on does not."""
    before, after = await wall("floor"), await wall("floor", wall_ms=WALL_MS + 1000)
    assert changes(before, after) == {
        "now_ms": after.now_ms, "sources": wall_json(after)["sources"], "tiles": {},
    }  # fmt: skip
    stale = changes(before, await wall("floor", wall_ms=WALL_MS + 60_000))
    assert list(stale["tiles"]) == list(before.tiles)


class Counting(ImageReader):
    """Counts what is read."""

    reads = 0

    async def read_cells(self, *asked: Any) -> Any:
        self.reads += 1
        return await super().read_cells(*asked)


async def test_what_changes_slowly_is_not_read_at_every_change() -> None:
    """The second reading of a board costs a fraction of the first; a minute later all is read again."""
    counting = Counting(reader()._images)
    walls = Walls(load_catalog(), CONFIG, counting)
    seen = []
    for wall_ms in (WALL_MS, WALL_MS + 250, WALL_MS + 61_000):
        counting.reads = 0
        await walls.read(WallAsk("executive"), await walls.moment(wall_ms))
        seen.append(counting.reads)
    assert seen[1] < seen[0] / 5
    assert seen[2] == seen[0]


async def test_health_tells_what_was_refused() -> None:
    """By topic and reason, since the shard's image began."""
    refused: list[Told] = [*TICKETS, ("2026-03-12T09:50:00", "ticket.message_added", "T3", {})]
    letters = floor(CONFIG, NOW, tickets=refused)
    tiles = (await read_wall(load_catalog(), CONFIG, letters, WallAsk("health"), WALL_MS)).tiles
    rows = wall_json_rows(tiles["01-deadletters"])
    assert rows[0]["family"] == "tickets"
    assert rows[0]["refused"] == {"missing": 1}


def wall_json_rows(tile: object) -> list[dict[str, Any]]:
    """The rows of a tile as JSON has them."""
    rows: list[dict[str, Any]] = msgspec.to_builtins(tile)["rows"]
    return rows
