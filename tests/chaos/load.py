"""The simulated floor, live: every event gets into the log, some twice when the broker was away."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from stream.cli.demo import working_zone
from stream.floor import simulate
from stream.sources.broker import BrokerError
from stream.sources.live import Told, play
from stream.sources.pace import Pace
from stream.sources.publish import Publisher
from tests.rig.pipeline import Pipeline, Sent

CONFIRMED_EVERY_S = 1.0
AGAIN_AFTER_S = 0.5


class Load:
    """A floor that is at its busiest hour. `rate`: events a second, about so many after the first minutes."""

    def __init__(self, deployment: Pipeline, seed: int, rate: float) -> None:
        self.told: Counter[str] = Counter()
        """Events by type."""
        self.reconnected = 0
        self.longest_wait_s = 0.0
        """The longest that the log took no event."""
        self._deployment = deployment
        now = datetime.now(UTC)
        zone = ZoneInfo(working_zone(now))
        self._events: Iterator[Told] = simulate(seed, int(now.timestamp() * 1000), rate, zone)
        self._unconfirmed: list[Sent] = []
        self._confirmed_s = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with Publisher(self._deployment.config.kafka) as publisher:
                    await self._send_again(publisher)
                    await play(self._events, lambda *told: self._send(publisher, *told), Pace(None))
            except BrokerError:
                self.reconnected += 1
                await asyncio.sleep(AGAIN_AFTER_S)

    async def finish(self) -> None:
        """What was told when `run` was cancelled gets into the log."""
        async with Publisher(self._deployment.config.kafka) as publisher:
            await self._send_again(publisher)

    async def _send(self, publisher: Publisher, family: str, event: dict[str, Any]) -> None:
        record = self._deployment.record(family, event)
        self._unconfirmed.append(record)
        self.told[event["type"]] += 1
        await publisher.publish(*record)
        if time.monotonic() - self._confirmed_s > CONFIRMED_EVERY_S:
            await publisher.flush()
            self._confirmed()

    async def _send_again(self, publisher: Publisher) -> None:
        """Some of these may be in the log already: an event that is there twice counts once."""
        for record in self._unconfirmed:
            await publisher.publish(*record)
        await publisher.flush()
        self._confirmed()

    def _confirmed(self) -> None:
        self._unconfirmed.clear()
        now_s = time.monotonic()
        self.longest_wait_s = max(self.longest_wait_s, now_s - self._confirmed_s)
        self._confirmed_s = now_s
