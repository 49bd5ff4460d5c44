"""`floorcast namespaces`: the generations of the namespace that rebuilds have made, and dropping old ones."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from stream.cli.options import InputError, config_options, resolve
from stream.cli.reading import reading
from stream.cli.running import run
from stream.config import Config
from stream.shard.changes import Fence
from stream.store import Generation, RedisStore
from stream.store.layout import generation_name

WIDTH = 160
"""Of the table where it is no terminal that it goes to: names are not cut."""


@click.group("namespaces", invoke_without_command=True)
@click.pass_context
@config_options
def command(context: click.Context, config_path: Path | None, data_dir: Path | None) -> None:
    """List the generations: the live one, what a rebuild fills, what was live before."""
    if context.invoked_subcommand is None:
        run(_list(resolve(config_path, data_dir)))


@command.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_options
def drop(name: str, yes: bool, config_path: Path | None, data_dir: Path | None) -> None:
    """Delete a generation that is not live: one that was, or an unfinished rebuild (end that before)."""
    run(_drop(resolve(config_path, data_dir), name, yes))


async def _list(config: Config) -> None:
    table = Table()
    titles = ("namespace", "state", "shards", "records read", "memory", "begun", "live since", "carried over")
    for title in titles:
        table.add_column(title, justify="right" if title in ("shards", "records read", "memory") else "left")
    async with reading(config) as store:
        generations = await store.generations()
        for one in generations.known.values():
            row = await _row(store, one, generations.current, ZoneInfo(config.timezone))
            if row is not None:
                table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


async def _row(store: RedisStore, one: Generation, current: int, zone: ZoneInfo) -> list[str] | None:
    """None when nothing is left of it."""
    view = store.at(one.number)
    fences = await view.fences_of(list(await view.topics()))
    shards = {(family, partition): fence for family, of in fences.items() for partition, fence in of.items()}
    if not shards and not one.began_ms and one.number != current:
        return None
    used = sum((await view.memory(list(shards))).by_kind.values())
    state = "was live"
    if one.number == current:
        state = "live"
    elif one.began_ms and one.swapped_ms is None:
        state = "is filled"
    return [
        generation_name(store.namespace, one.number), state, str(len(shards)),
        f"{sum(fence.offset for fence in shards.values()):,}", f"{used / 1e6:,.1f} MB",
        _when(one.began_ms, zone), _when(one.swapped_ms or 0, zone), _carried(shards, zone),
    ]  # fmt: skip


def _carried(shards: Mapping[tuple[str, int], Fence], zone: ZoneInfo) -> str:
    """What came from the generation before, as the log did not tell it any more: panes, by family."""
    before: dict[str, int] = {}
    for (family, _), fence in shards.items():
        if fence.carried_ms:
            before[family] = max(fence.carried_ms, before.get(family, 0))
    return "\n".join(
        f"{family} before {datetime.fromtimestamp(at_ms // 1000, zone):%Y-%m-%d}"
        for family, at_ms in before.items()
    )


def _when(at_ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, zone):%Y-%m-%d %H:%M:%S}" if at_ms else ""


async def _drop(config: Config, name: str, yes: bool) -> None:
    async with reading(config) as store:
        generations = await store.generations()
        named = {generation_name(store.namespace, number): number for number in generations.known}
        if name not in named:
            raise InputError(f"there is no {name}: {', '.join(named)}")
        if named[name] == generations.current:
            raise InputError(f"{name} is live: `floorcast rebuild` puts another in its place")
        if not yes:
            click.confirm(f"Delete everything in {name}?", abort=True)
        await store.drop(named[name])
    click.echo(f"{name} is deleted")
