"""Facts for the checks. What does not answer is noted, and the rest is looked at all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stream.config import Config, ConfigError
from stream.shard.changes import Fence
from stream.shard.family import COUNTED
from stream.sources.broker import BrokerError
from stream.sources.topics import topic_settings
from stream.store import RedisStore, Report, StoredTopic, StoreError
from stream.store.inspect import RedisFacts
from stream.store.reports import DispatcherReport, WorkerReport, is_told
from stream.worker.inspect import KafkaFacts, inspect

WITHIN_S: Final = 30.0
"""So long each of the two may take."""
PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What workers have left in Redis."""

    topics: Mapping[str, StoredTopic]
    fences: Mapping[str, Mapping[int, Fence]]
    reports: Sequence[Report]


@dataclass(frozen=True, slots=True)
class Facts:
    """None where it could not be learnt; `kafka_fault` and `redis_fault` say why."""

    config: Config
    now_ms: int
    kafka: KafkaFacts | None = None
    kafka_fault: str = ""
    redis: RedisFacts | None = None
    store: StoreFacts | None = None
    redis_fault: str = ""

    def workers(self) -> list[WorkerReport]:
        """Those that run, as far as is known."""
        return [report for report in self._reports() if isinstance(report, WorkerReport)]

    def dispatchers(self) -> list[DispatcherReport]:
        """Those that run, as far as is known."""
        return [report for report in self._reports() if isinstance(report, DispatcherReport)]

    def _reports(self) -> list[Report]:
        reports = self.store.reports if self.store is not None else ()
        return [report for report in reports if is_told(report, self.now_ms)]


async def gather(config: Config) -> Facts:
    """Looks at both, side by side."""
    (kafka, kafka_fault), (redis, store, redis_fault) = await asyncio.gather(_kafka(config), _redis(config))
    return Facts(config, time.time_ns() // 1_000_000, kafka, kafka_fault, redis, store, redis_fault)


async def _kafka(config: Config) -> tuple[KafkaFacts | None, str]:
    counted = [getattr(config.kafka.topics, name) for name in COUNTED]
    try:
        async with asyncio.timeout(WITHIN_S):
            return await inspect(config.kafka, list(topic_settings(config)), counted), ""
    except TimeoutError:
        return None, f"Kafka at {config.kafka.bootstrap} gave no answer within {WITHIN_S:g} s"
    except (BrokerError, ConfigError) as error:
        return None, str(error)


async def _redis(config: Config) -> tuple[RedisFacts | None, StoreFacts | None, str]:
    store = RedisStore(config.redis, PATIENCE_S)
    redis: RedisFacts | None = None
    try:
        async with asyncio.timeout(WITHIN_S):
            redis = await store.inspect()
            topics, fences = await store.topics(), await store.fences_of(COUNTED)
            return redis, StoreFacts(topics, fences, await store.reports()), ""
    except TimeoutError:
        return redis, None, f"Redis at {config.redis.url} gave no answer within {WITHIN_S:g} s"
    except (StoreError, ConfigError) as error:
        return redis, None, str(error)
    finally:
        await store.close()
