"""`floorcast top`: the floor on a terminal, live."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, safe, wall_ms
from stream.cli.running import run
from stream.config import Config
from stream.query.board import Board, Grid, Source, Tile, read_board
from stream.query.look import InForce
from stream.query.numbers import age
from stream.store import RedisStore, StoreError

REFRESH_S = 1.0


@click.command("top")
@click.option("--once", is_flag=True, help="Print one board and end.")
@click.option("--note", default="", metavar="TEXT", help="A line to show above it.")
@config_options
def command(once: bool, note: str, config_path: Path | None, data_dir: Path | None) -> None:
    """Show the floor live: volumes, response, backlog, queues, service level, surveys, sessions, freshness.

    Ends with Ctrl-C. Without a terminal one plain board is printed every second.
    """
    run(_watch(resolve(config_path, data_dir), Console(), once, note))


async def _watch(config: Config, console: Console, once: bool, note: str) -> None:
    """Shows the board until it is cancelled, which is how it ends."""
    above = [Text(note, style="bold cyan")] if note else []
    async with reading(config) as store:
        known = InForce(store, config)
        if once:
            console.print(*above, draw(await _read(known, store)), sep="\n")
            return
        with suppress(asyncio.CancelledError):
            await (_live if console.is_terminal else _plain)(known, store, console, above)


async def _live(known: InForce, store: RedisStore, console: Console, above: list[Text]) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(Group(*above, await _frame(known, store)), refresh=True)
            await asyncio.sleep(REFRESH_S)


async def _plain(known: InForce, store: RedisStore, console: Console, above: list[Text]) -> None:
    while True:
        console.print(Group(*above, await _frame(known, store)))
        await asyncio.sleep(REFRESH_S)


async def _read(known: InForce, store: RedisStore) -> Board:
    await known.look()
    return await read_board(known.catalog, known.config, store, wall_ms())


async def _frame(known: InForce, store: RedisStore) -> RenderableType:
    """The board; while the store cannot be read, what is wrong with it."""
    try:
        return draw(await _read(known, store))
    except StoreError as error:
        return Panel(Text(str(error), style="red"), title="no numbers")


def draw(board: Board) -> RenderableType:
    """The board as rich shows it."""
    parts: list[RenderableType] = [Text(f"floorcast  {board.now}", style="bold")]
    parts += [_source(source) for source in board.sources]
    parts.append(_tiles(board.tiles))
    parts += [_grid(grid) for grid in board.grids]
    return Group(*parts)


def _source(source: Source) -> Text:
    if not source.shards:
        return Text(f"{source.family:11} no worker has counted it here yet", style="yellow")
    shards = f"{source.shards} shard{'s' if source.shards > 1 else ''}"
    line = f"{source.family:11} {shards}, fresh {age(source.fresh_ms)}"
    if not source.stale:
        return Text(line, style="green")
    names = ", ".join(map(str, source.behind[:8])) + (", ..." if len(source.behind) > 8 else "")
    reached = f" (log read to {source.reached})" if source.reached else ""
    return Text(f"{line}: STALE, behind: {names}{reached}", style="bold red")


def _tiles(tiles: list[Tile]) -> Table:
    table = Table.grid(padding=(0, 3))
    for tile in tiles:
        values = Text()
        for place, (name, value) in enumerate(tile.values):
            values.append("   " if place else "")
            values.append(f"{name} " if name else "", style="dim")
            values.append(value, style="dim" if tile.stale else "bold")
        table.add_row(Text(tile.title), values, Text("STALE" if tile.stale else "", style="bold red"))
    return table


def _grid(grid: Grid) -> Table:
    table = Table(
        title=f"{grid.title}{' (stale)' if grid.stale else ''}", title_justify="left",
        caption=safe(grid.note), caption_justify="left", style="red" if grid.stale else "none",
    )  # fmt: skip
    for place, name in enumerate(grid.columns):
        table.add_column(name, justify="right" if place else "left")
    for row in grid.rows:
        table.add_row(*map(safe, row))
    return table
