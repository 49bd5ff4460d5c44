"""`floorcast wait`: until everything that is in the log is in Redis."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from stream.cli.options import config_options, resolve
from stream.cli.running import run
from stream.config import Config
from stream.store import RedisStore, StoreError

POLL_S = 0.1


@click.command("wait")
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds; then exit status 1.",
)
@config_options
def command(timeout_s: float, config_path: Path | None, data_dir: Path | None) -> None:
    """Return when every shard has read, since now, to the end of its log. So a script can import, wait and
    query."""
    run(_wait(resolve(config_path, data_dir), timeout_s))


async def _wait(config: Config, timeout_s: float) -> None:
    asked_ms = int(time.time() * 1000)
    deadline = time.monotonic() + timeout_s
    store = RedisStore(config.redis)
    try:
        while True:
            behind = await _behind(store, asked_ms)
            if behind is not None and not behind:
                return
            if time.monotonic() > deadline:
                raise click.ClickException(_why(behind, timeout_s))
            await asyncio.sleep(POLL_S)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        await store.close()


async def _behind(store: RedisStore, asked_ms: int) -> list[str] | None:
    """The shards that were not seen at the end of their log since; `None` before any worker has been here."""
    families = await store.topics()
    if not families:
        return None
    behind: list[str] = []
    for name in families:
        fences = await store.fences(name)
        behind += [f"{name}/{partition}" for partition, fence in fences.items() if fence.fresh <= asked_ms]
    return behind


def _why(behind: list[str] | None, timeout_s: float) -> str:
    if behind is None:
        return f"after {timeout_s:g} s no worker had written to this Redis and namespace: is one running?"
    listed = ", ".join(behind[:10]) + (" ..." if len(behind) > 10 else "")
    return f"after {timeout_s:g} s these shards had not read to the end of the log: {listed}"
