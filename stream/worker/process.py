"""One worker process: transport, shards, dead letters and clock, ended together."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress

from aiokafka.errors import KafkaError

from stream.config import Config
from stream.shard.family import COUNTED
from stream.sources.broker import BrokerError
from stream.store import RedisStore
from stream.store.reports import keep_reporting
from stream.worker.claim import WrongImage
from stream.worker.letters import Letters
from stream.worker.log import LogUnreadable, log_identities
from stream.worker.ports import WorkerFailed
from stream.worker.shards import Shards
from stream.worker.transport import KafkaWorker
from stream.worker.versions import KnownVersions, settle

log = logging.getLogger("floorcast.worker")

LAST_REPORT_S = 1.0
LOOK_S = 1.0
"""Between two looks at which generation is live."""


class Moved(Exception):
    """Another generation is live than the one that is written."""


async def run_worker(
    config: Config, *, until_ms: int | None = None, session_timeout_ms: int = 10_000
) -> None:
    """Works until cancelled, then leaves cleanly. Raises what makes a restart (from Redis) necessary.

    `until_ms`: with `clock: events`, the instant to which time moves at the end of the log.
    """
    quiet_garbage_collector()
    store = RedisStore(config.redis)
    try:
        await store.check_server()
        await check_topics(config)
        while True:
            try:
                await _work(config, await store.live(), until_ms, session_timeout_ms)
                return
            except Moved as moved:
                log.info("%s", moved)
    finally:
        await store.close()


async def _work(config: Config, store: RedisStore, until_ms: int | None, session_timeout_ms: int) -> None:
    """Works for one generation. Raises Moved when another one is live."""
    config = await settled(config, store)
    versions = KnownVersions(config)
    shards = Shards(config, store, until_ms, versions)
    transport = KafkaWorker(
        config.kafka, shards.topics, shards, max_poll_records=config.worker.batch_records,
        session_timeout_ms=session_timeout_ms,
    )  # fmt: skip
    shards.transport = transport
    letters = Letters(config.kafka, lambda: shards.mailboxes.values())
    others = [
        shards.keep_time(), letters.run(), keep_reporting(store.write_report, shards.report),
        _until_moved(store),
    ]  # fmt: skip
    if config.clock == "wall":
        others.append(versions.follow(config))
    try:
        await until_first_ends(transport, others)
    finally:
        await _last_report(store, shards)


async def _until_moved(store: RedisStore) -> None:
    """Raises Moved once another generation than this one is live."""
    while True:
        current = (await store.generations()).current
        if current != store.generation:
            raise Moved(f"generation {current} is live now: its shards are claimed in place of these")
        await asyncio.sleep(LOOK_S)


async def _last_report(store: RedisStore, shards: Shards) -> None:
    """So that a refusal, which ends the worker, is seen. Whatever goes wrong here is not why it ends."""
    with suppress(Exception):
        async with asyncio.timeout(LAST_REPORT_S):
            await store.write_report(shards.report())


async def settled(config: Config, store: RedisStore) -> Config:
    """As `settle`; raises WorkerFailed."""
    try:
        return await settle(config, store)
    except (BrokerError, WrongImage) as e:
        raise WorkerFailed(str(e)) from e


async def check_topics(config: Config) -> None:
    """Without any of them a worker would sit in its group, idle and silent; and what is refused must have a
    place to go before the first is."""
    try:
        topics = config.kafka.topics
        counted = [getattr(topics, name) for name in COUNTED]
        published = [topics.config] if config.clock == "wall" else []
        await log_identities(config.kafka, [*counted, topics.deadletters, *published])
    except LogUnreadable as e:
        raise WorkerFailed(str(e)) from e
    except KafkaError as e:
        said = e or type(e).__name__
        raise WorkerFailed(f"cannot start on Kafka at {config.kafka.bootstrap}: {said}") from e


def quiet_garbage_collector() -> None:
    """What the worker keeps has no cycles, and there is a lot of it: looking for cycles took 15 % of the CPU,
    and a full search stops everything for as long as it takes to walk all entities."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 100, 1_000)


async def until_first_ends(transport: KafkaWorker, beside: Sequence[Coroutine[object, object, None]]) -> None:
    """Runs the transport and what is beside it until one of them ends; raises what that raised."""
    running = asyncio.create_task(transport.run(), name="transport")
    others = [asyncio.create_task(task) for task in beside]
    try:
        done, _ = await asyncio.wait([running, *others], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.cancelled():  # else it would pass for our own end, which is a clean one
                part = getattr(task.get_coro(), "__qualname__", "a part")
                raise WorkerFailed(f"{part} was cancelled by something below it")
            task.result()
    finally:
        await transport.stop()
        for task in others:
            task.cancel()
        await asyncio.wait([running, *others])
