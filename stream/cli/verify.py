"""`floorcast verify`: is the store what the log says?"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from stream.cli.options import config_options, resolve
from stream.cli.reading import wall_ms
from stream.cli.running import run
from stream.config import Config
from stream.events.instants import instant
from stream.printable import printable
from stream.query.look import in_force
from stream.store import ImageMoved, RedisStore, StoreError
from stream.store.reports import VerifyReport
from stream.verify.compare import Comparison, compare
from stream.verify.rebuild import Rebuild, from_histories

ATTEMPTS = 100
"""How often a shard in use is read again: a busy machine may take about as long for it as the worker does
between two commits."""
PAUSE_S = 0.1


@click.command("verify")
@config_options
def command(config_path: Path | None, data_dir: Path | None) -> None:
    """Recompute everything from the log and compare it with Redis, key by key.

    Of a shard whose log has lost its beginning, numbers are recomputed from the histories in Redis, as far as
    those reach back: what is not compared is said.

    Exit status 0: all equal; 1: something differs, or could not be read.
    """
    same = run(_verify(resolve(config_path, data_dir)))
    sys.exit(0 if same else 1)


async def _verify(config: Config) -> bool:
    store = RedisStore(config.redis)
    equal: Counter[str] = Counter()
    different: Counter[str] = Counter()
    try:
        config = await in_force(store, config)
        topics = await store.topics()
        if not topics:
            click.echo("nothing to verify: no worker has written to this Redis and namespace yet")
            return False
        for name, topic in sorted(topics.items()):
            for partition in range(topic.partitions):
                result = await verify_shard(config, store, name, partition)
                equal.update(result.equal)
                different.update(result.different)
                for line in (*filter(None, [result.limits]), *result.differences):
                    click.echo(printable(f"{topic.name}/{partition}: {line}"))
        with suppress(StoreError):  # who may only read may verify
            await store.write_report(
                VerifyReport(name="verify", at_ms=wall_ms(), differences=sum(different.values()))
            )
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        await store.close()
    listed = ", ".join(f"{count} {kind}" for kind, count in equal.items())
    wrong = ", ".join(f"{count} {kind}" for kind, count in different.items() if count)
    click.echo(f"equal: {listed}")
    click.echo(f"DIFFERENT: {wrong}" if wrong else "no differences")
    return not wrong


async def verify_shard(config: Config, store: RedisStore, name: str, partition: int) -> Comparison:
    """Compares one shard. A shard in use is read again until no commit came meanwhile."""
    from stream.worker.reader import HeadGone, read_log

    for attempt in range(ATTEMPTS):
        try:
            stored = await store.image(name, partition)
            break
        except ImageMoved:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(PAUSE_S)
    topic = getattr(config.kafka.topics, name)
    rebuild = Rebuild(name, topic, partition, config, stored.fence)
    try:
        if stored.fence.offset:
            async for records in read_log(config.kafka, topic, partition, stored.fence.offset):
                rebuild.read(records)
    except HeadGone as gone:
        told, come_to, since_ms = from_histories(name, topic, partition, config, stored)
        result = compare(name, told, come_to)
        since = instant(since_ms).astimezone(ZoneInfo(config.timezone))
        result.limits = (
            f"{gone}. Compared with the histories in Redis; not compared: these, and "
            f"{len(stored.cells) - len(told.cells)} panes before {since:%Y-%m-%d}"
        )
        return result
    return compare(name, stored, rebuild.finish())
