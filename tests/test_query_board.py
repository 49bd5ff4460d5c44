"""The terminal board: what it shows, and that it says when that is old."""

import io

from rich.console import Console

from stream.cli.top import draw
from stream.config import Config, parse
from stream.metrics.catalog import load_catalog
from stream.query.board import Board, Source, read_board
from stream.query.board_layout import TABLES, TILES
from stream.query.memory import ImageReader
from tests.answers import TEAM_A, Told, floor, ms

CONFIG = Config()
NOW = "2026-03-02T10:00:00"
TICKETS: list[Told] = [
    ("2026-03-02T08:30:00", "ticket.created", "T1", TEAM_A),
    ("2026-03-02T09:30:00", "ticket.created", "T2", {"ticket": {"team": "[red]b\x1b[2J"}}),
    ("2026-03-02T09:40:00", "ticket.resolved", "T1", {}),
]
CALLS: list[Told] = [
    ("2026-03-02T09:10:00", "call.queued", "C1", {"call": {"queue": "sales"}}),
    ("2026-03-02T09:10:30", "call.answered", "C1", {}),
    ("2026-03-02T09:58:00", "call.queued", "C2", {"call": {"queue": "help"}}),
]
AGENTS: list[Told] = [
    ("2026-03-02T09:00:10", "agent.logged_in", "ann", {}),
    ("2026-03-02T09:30:10", "agent.state_changed", "ann", {"state": "busy"}),
    ("2026-03-02T10:00:00", "agent.state_changed", "ann", {"state": "break"}),
]


async def board(config: Config = CONFIG, wall: str = "2026-03-02T10:00:01") -> Board:
    """The board of the small floor, whose worker had last caught up at NOW."""
    reader = floor(config, NOW, tickets=TICKETS, calls=CALLS, agents=AGENTS)
    return await read_board(load_catalog(), config, reader, ms(wall))


def drawn(shown: Board) -> str:
    """The board on a wide screen without colours."""
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(draw(shown))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_number_on_it_is_in_the_catalog() -> None:
    """With a stat that the metric has."""
    catalog = load_catalog()
    values = [*(value for tile in TILES.values() for value in tile), *(v for t in TABLES for v in t.columns)]
    assert [value for value in values if value.stat not in catalog.get(value.metric).formula.stats] == []


async def test_the_numbers_of_now() -> None:
    """In words, with what they are made of; where there is no data it says so."""
    tiles = {tile.title: dict(tile.values) for tile in (await board()).tiles}
    assert tiles["Tickets created"] == {"last hour": "1", "today": "2"}
    assert tiles["Backlog"] == {"open": "1", "unanswered": "1"}
    assert tiles["Waiting now"] == {"calls": "1", "longest": "2m 01s"}
    assert tiles["Agents"] == {"logged in": "1", "occupancy, last hour": "49.9 %"}
    assert tiles["Service level, last hour"] == {"": "0.0 %", "in time": "0", "of": "1"}
    assert tiles["CSAT, 7 days"] == {"": "-", "answers": "0"}


async def test_tables_have_a_row_for_each_group_with_anything() -> None:
    """Zeros are filled in; a ratio of nothing stays empty. The greatest come first."""
    queues, teams = (await board()).grids
    assert queues.rows == [
        ("help", "1", "2m 01s", "1", "0", "-", "-", "-"),
        ("sales", "0", "-", "1", "1", "0.0 %", "30.0 s", "0.0 %"),
    ]
    assert [row[:4] for row in teams.rows] == [("[red]b\x1b[2J", "1", "1", "1"), ("a", "0", "0", "0")]


async def test_what_is_old_is_marked() -> None:
    """Who has not caught up lately, how far it had read, and every number made of it."""
    fresh = await board()
    assert not any(tile.stale for tile in fresh.tiles)
    assert fresh.sources[0] == Source("tickets", 1, 1000)
    stale = await board(wall="2026-03-02T10:00:15")
    assert all(tile.stale for tile in stale.tiles)
    assert stale.sources[0] == Source("tickets", 1, 15_000, (0,), "2026-03-02 09:40:00")
    shown = drawn(stale)
    assert "tickets     1 shard, fresh 15.0 s: STALE, behind: 0 (log read to 2026-03-02 09:40:00)" in shown
    assert "Tickets by team, last hour (stale)" in shown


async def test_texts_of_events_cannot_steer_the_terminal() -> None:
    """A team's name is shown as it is, without what is not printable."""
    shown = drawn(await board())
    assert "[red]b?[2J" in shown
    assert "\x1b" not in shown


async def test_without_the_grouping_a_table_says_how_to_get_it() -> None:
    """The rest of the board stands."""
    config = parse({"groupings": {"calls": [["agent"]]}})
    queues, teams = (await board(config)).grids
    assert queues.rows == []
    assert "list it in floorcast.yaml under groupings.calls" in queues.note
    assert teams.rows


async def test_before_any_worker_ran_it_says_so() -> None:
    """An empty store is no error."""
    shown = await read_board(load_catalog(), CONFIG, ImageReader({}), ms(NOW))
    assert shown.sources[0] == Source("tickets", 0, None)
    assert "tickets     no worker has counted it here yet" in drawn(shown)
