"""Is floorcast blind? Kafka does not answer, or a shard has not been read to its end, for too long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from stream.alerts.book import Book
from stream.alerts.message import local
from stream.config import Config

LOOK_MS = 5_000
"""So often the shards are asked for their freshness."""
ASIDE_MS = 5_000
"""Sight that is younger than `blind_after` by this much ends an alert: no to and fro at the edge."""


class Blind:
    """Keeps when each was seen last, and tells the book."""

    def __init__(
        self, config: Config, fresh: Callable[[], Awaitable[int | None]], wall_ms: Callable[[], int]
    ) -> None:
        self._where = config.kafka.bootstrap
        self._after_ms = config.alerts.blind_after_ms
        self._zone = ZoneInfo(config.timezone)
        self._fresh = fresh
        self._wall_ms = wall_ms
        self._kafka_ms = self._shards_ms = wall_ms()
        self._looked_ms = 0

    def heard(self, at_ms: int) -> None:
        """Kafka answered then."""
        self._kafka_ms = max(self._kafka_ms, at_ms)

    async def look(self, book: Book) -> None:
        """Says in the book what is, when it has changed."""
        now_ms = self._wall_ms()
        if now_ms - self._looked_ms >= LOOK_MS:
            self._looked_ms = now_ms
            self._shards_ms = max(self._shards_ms, await self._fresh() or 0)
        since_ms = min(self._kafka_ms, self._shards_ms)
        if now_ms - since_ms >= self._after_ms:
            book.blind(self._reason(now_ms), since_ms, now_ms)
        elif now_ms - since_ms < max(self._after_ms - ASIDE_MS, self._after_ms // 2):
            book.seeing(f"everything has been read up to {local(since_ms, self._zone)}", now_ms)

    def _reason(self, now_ms: int) -> str:
        """Without Kafka no shard can be read either, so that comes first."""
        if now_ms - self._kafka_ms >= LOOK_MS:
            since = local(self._kafka_ms, self._zone)
            return f"Kafka at {self._where} has not answered since {since}; no breach can be found"
        since = local(self._shards_ms, self._zone)
        return f"a shard has not been read to its end since {since}; breaches wait for it"
