"""`floorcast wait`: until everything that is in the log is in Redis, what shards tell each other included."""

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
    deadline = time.monotonic() + timeout_s
    store = RedisStore(config.redis)
    try:
        for joined in (False, True):
            reading = _Reading(store, joined)
            while (behind := await reading.behind()) is None or behind:
                if time.monotonic() > deadline:
                    raise click.ClickException(_why(behind, timeout_s))
                await asyncio.sleep(POLL_S)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        await store.close()


class _Reading:
    """How far the shards read from now on. First those of the inputs, whose facts then are in the log of
    those that join them (`joined`)."""

    def __init__(self, store: RedisStore, joined: bool) -> None:
        self._store = store
        self._joined = joined
        self._asked_ms = int(time.time() * 1000)
        self._reached: dict[tuple[str, int], int] = {}
        """The offset at which a shard was seen at the end of its log."""

    async def behind(self) -> list[str] | None:
        """The shards that were not seen at the end of their log since, or whose dead letters or facts up to
        there are still under way; `None` before any worker has been here."""
        families = await self._store.topics()
        if not families:
            return None
        behind: list[str] = []
        for name in families:
            if (name == "contacts") == self._joined:
                behind += await self._behind(name)
        return behind

    async def _behind(self, name: str) -> list[str]:
        behind: list[str] = []
        fences = await self._store.fences(name)
        undelivered = await self._store.undelivered(name)
        for partition, fence in fences.items():
            if fence.fresh > self._asked_ms:
                self._reached.setdefault((name, partition), fence.offset)
            reached = self._reached.get((name, partition))
            if reached is None or (undelivered[partition] and fence.delivered < reached):
                behind.append(f"{name}/{partition}")
        return behind


def _why(behind: list[str] | None, timeout_s: float) -> str:
    if behind is None:
        return f"after {timeout_s:g} s no worker had written to this Redis and namespace: is one running?"
    listed = ", ".join(behind[:10]) + (" ..." if len(behind) > 10 else "")
    return f"after {timeout_s:g} s these shards had not read to the end of the log: {listed}"
