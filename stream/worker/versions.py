"""What this worker knows of the configuration's history: published at its start where it says something new,
followed from then on."""

from __future__ import annotations

import asyncio
import logging
import time

from msgspec.structs import replace

from stream.config import Config
from stream.config.history import APPENDED_MS, next_version, source_hash
from stream.config.published import History
from stream.events.instants import FOREVER, instant
from stream.shard.changes import Fence
from stream.shard.family import COUNTED
from stream.shard.succession import why_rebuild
from stream.sources.broker import BrokerError
from stream.sources.versions import VersionsTopic, publish_version, read_versions
from stream.store import RedisStore
from stream.worker.claim import REBUILD, WrongImage

log = logging.getLogger("floorcast.worker")

POLL_S = 0.5
SKEW_MS = 2_000
"""So far the clocks of the broker and of this machine may be apart."""
KNOWN_FOR_MS = APPENDED_MS - SKEW_MS
"""No version that was not in the log yet begins within this."""


class KnownVersions:
    """The history as far as it is known, and the instant up to which nothing else can come into force."""

    def __init__(self, config: Config) -> None:
        """What a worker starts with. Of history that is over (`clock: events`) nothing is published."""
        self.history: History = config.published
        self.until_ms = FOREVER if config.clock == "events" else 0  # not before `follow` has read

    async def follow(self, config: Config) -> None:
        """Reads what is published until cancelled. While it cannot, `until_ms` stands still, and time of the
        shards with it."""
        failed = False
        while True:
            try:
                async with VersionsTopic(config.kafka) as topic:
                    while True:
                        known_ms = await topic.read()
                        self.history, self.until_ms = topic.history, known_ms + KNOWN_FOR_MS
                        failed = False
                        await asyncio.sleep(POLL_S)
            except BrokerError as error:
                if not failed:
                    log.warning("time of the shards stands still: %s", error)
                failed = True
                await asyncio.sleep(POLL_S)


async def settle(config: Config, store: RedisStore) -> Config:
    """The configuration with its history, at a worker's start: published first where it is another one.

    Raises WrongImage: it is one from before, or what it changes needs a rebuild; BrokerError.
    """
    if config.clock == "events":
        return config
    history = await read_versions(config.kafka)
    source = source_hash(config)
    # Published at once with another worker's, one of the two may have to follow the other.
    while not history or all(version.source != source for version in history):
        history = await publish(config, store, history)
    if history[-1].source == source:
        return replace(config, published=history)
    number = max(place for place, version in enumerate(history, start=1) if version.source == source)
    begin = instant(history[-1].from_ms).isoformat(" ", "seconds")
    raise WrongImage(
        f"calendars and policies of this configuration are version {number}, and number {len(history)} is in "
        f"force from {begin} on: give this worker the newest, or return to these with "
        "`floorcast config publish`"
    )


async def publish(config: Config, store: RedisStore, history: History) -> History:
    """Publishes the calendars and policies of a configuration; the history with them.

    They come into force some seconds from now, behind all that was counted. Raises WrongImage, when that
    needs a rebuild, BrokerError, StoreError.
    """
    fences = [fence for name in COUNTED for fence in (await store.fences(name)).values()]
    counted = [fence for fence in fences if fence.commit_id]
    now_ms = max([time.time_ns() // 1_000_000, *map(_reached, counted)])
    version = next_version(config, history, now_ms)
    # Of the first version nothing is asked: it is what the store was written with, or the claim refuses it.
    reasons = why_rebuild(config, history, version) if history and counted else []
    if history and any(fence.shape != config.shape_hash() for fence in counted):
        reasons = ["more than calendars, policies and queues' max_wait differs from the store's"]
    if reasons:
        raise WrongImage(f"these calendars and policies cannot follow: {'; '.join(reasons)}. {REBUILD}.")
    return await publish_version(config.kafka, version)


def _reached(fence: Fence) -> int:
    return max(fence.clock, fence.log_clock, fence.latest)
