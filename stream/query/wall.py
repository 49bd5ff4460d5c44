"""The document of a wallboard: read at an instant, as JSON, and what has changed between two of them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from stream.config import Config
from stream.metrics.catalog import Catalog
from stream.query.freshness import reached
from stream.query.look import Fences, Look, now_of
from stream.query.model import QueryError
from stream.query.panes import PaneMemory
from stream.query.query import Queries, Shared
from stream.query.wall_boards import Board, boards_of, conditions_of, find_board
from stream.query.wall_document import NumberTile, TableTile, Wall, WallSource
from stream.query.wall_lists import Notes, no_notes
from stream.query.wall_memory import Memory
from stream.query.wall_tiles import Maker, Moment, View, WallReader
from stream.query.windows import Calendar
from stream.shard.family import COUNTED

__all__ = [
    "Board", "Moment", "QueryError", "Wall", "WallAsk", "WallReader", "WallSource", "Walls", "boards_of",
    "changes", "read_wall", "view_of", "wall_json",
]  # fmt: skip


class WallAsk(Struct, frozen=True):
    """One view of a board, shared by all who look at it. `window` stands for that of every tile that has
    one; `filters`: (dimension, value), beside the board's own."""

    board: str
    window: str | None = None
    filters: tuple[tuple[str, str], ...] = ()


def view_of(config: Config, ask: WallAsk, wall_ms: int) -> tuple[Board, dict[str, str]]:
    """The board, and the condition of its view. Raises QueryError: no such board, window or filter."""
    board = find_board(config, ask.board)
    where = conditions_of(board, ask.filters, config)
    if ask.window is not None:
        Calendar(config.timezone).window(ask.window, wall_ms)
    return board, where


class Walls:
    """Reads boards again and again. What changes slowly (sparklines, comparisons) is remembered for a
    while, so keep one of these for as long as boards are shown."""

    def __init__(
        self, catalog: Catalog, config: Config, reader: WallReader, panes: PaneMemory | None = None,
        notes: Notes = no_notes,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._config = config
        self._reader = reader
        self._panes = panes
        self._notes = notes
        self._memory = Memory()

    async def moment(self, wall_ms: int, read: tuple[WallReader, Fences] | None = None) -> Moment:
        """How things stand now, for any number of boards; `read`: fences that have just been read, and the
        pinned reader that did. Raises what the store raises."""
        reader, fences = read or (self._reader, None)
        look = Look(reader, self._config, self._panes, fences)
        await look.shards()
        now_ms = await now_of(look, self._config, wall_ms)
        sources = [await reached(look, family, wall_ms) for family in COUNTED]
        queries = Queries(self._catalog, self._config, look, remembered=look.remembered, shared=Shared())
        return Moment(queries=queries, sources=sources, now_ms=now_ms, wall_ms=wall_ms, notes=self._notes)

    async def read(self, ask: WallAsk, at: Moment) -> Wall:
        """A board at a moment. Raises QueryError: no such board, window or filter; and what the store
        raises."""
        board, where = view_of(self._config, ask, at.wall_ms)
        view = View(board.config, ask.window, where)
        maker = Maker(self._catalog, self._config, self._reader.pinned(), self._memory, at, view)
        return Wall(
            board=board.name, title=board.title, window=ask.window, filters=dict(ask.filters),
            now_ms=at.now_ms, timezone=self._config.timezone, private=board.private, sources=at.sources,
            tiles=await maker.tiles(),
        )  # fmt: skip


async def read_wall(catalog: Catalog, config: Config, reader: WallReader, ask: WallAsk, wall_ms: int) -> Wall:
    """A board at this moment, with nothing remembered."""
    walls = Walls(catalog, config, reader)
    return await walls.read(ask, await walls.moment(wall_ms))


def wall_json(wall: Wall) -> dict[str, Any]:
    """The document as JSON has it."""
    plain: dict[str, Any] = msgspec.to_builtins(wall)
    return plain


def changes(before: Wall, after: Wall) -> dict[str, Any]:
    """What a page that has `before` needs to show `after`: now, sources, and the tiles that differ.

    A length of time that has only ticked on is no difference. Both are of one view.
    """
    differing = {
        name: tile for name, tile in after.tiles.items() if _settled(tile) != _settled(before.tiles.get(name))
    }
    plain: dict[str, Any] = msgspec.to_builtins(
        {"now_ms": after.now_ms, "sources": after.sources, "tiles": differing}
    )
    return plain


def _settled(tile: object) -> object:
    """A tile without the values that tick in the page."""
    if isinstance(tile, NumberTile) and tile.ticks is not None:
        return msgspec.structs.replace(tile, value=None)
    if isinstance(tile, TableTile):
        rows = [
            (row.name, [(cell.state, cell.ticks, None if cell.ticks else cell.value) for cell in row.cells])
            for row in tile.rows
        ]
        return msgspec.structs.replace(tile, rows=[]), rows
    return tile
