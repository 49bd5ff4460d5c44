"""How far back the log reaches, against what counting it from its start needs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from stream.config import Config, format_duration
from stream.sources.broker import not_there, partition_counts, stop_consumer, unreachable
from stream.sources.security import client_options
from stream.sources.topics import FOR_EVER, kept_ms

ANSWER_MS: Final = 5_000
_RETENTION: Final = "retention.ms"


class Reach(NamedTuple):
    """Of one topic. `needed_ms`: how far back a rebuild has to read, `kept_ms`: what the topic is set to keep
    (None: the broker does not tell); both FOR_EVER for all. `begins_ms`: since when all partitions have
    records, as far as the head of any was deleted; None while all of them are whole."""

    topic: str
    needed_ms: int
    kept_ms: int | None
    begins_ms: int | None

    def missing(self, now_ms: int) -> bool:
        """Whether a rebuild would lack some of what is needed."""
        if self.begins_ms is None:
            return False
        return self.needed_ms == FOR_EVER or self.begins_ms > now_ms - self.needed_ms

    def too_short(self) -> bool:
        """Whether the topic is set to keep less than is needed."""
        if self.kept_ms is None or self.kept_ms == FOR_EVER:
            return False
        return self.needed_ms == FOR_EVER or self.kept_ms < self.needed_ms

    def said(self, now_ms: int) -> str:
        """One line for people."""
        needed = _length(self.needed_ms)
        begins = "has all since it was made"
        if self.begins_ms is not None:
            begins = f"reaches back {format_duration((now_ms - self.begins_ms) // 1000 * 1000)}"
        kept = f", keeps {_length(self.kept_ms)}" if self.kept_ms is not None else ""
        what = ""
        if self.missing(now_ms):
            what = ": what is older cannot be counted again, a rebuild carries it over"
        elif self.too_short():
            what = f": raise its {_RETENTION}"
        return f"{self.topic} {begins}{kept}; a rebuild needs {needed}{what}"


def _length(ms: int) -> str:
    return "everything" if ms == FOR_EVER else format_duration(ms)


async def read_reach(config: Config, topics: Sequence[str]) -> list[Reach]:
    """Of these topics. Raises BrokerError."""
    consumer: Any = AIOKafkaConsumer(
        **client_options(config.kafka), group_id=None, enable_auto_commit=False, auto_offset_reset="none"
    )
    found = []
    try:
        await consumer.start()
        kept = await _kept(config, topics)
        counts = await partition_counts(consumer._client)
        for topic in topics:
            if topic not in counts:
                raise not_there(topic, config.kafka.bootstrap)
            begins_ms = await _begins_ms(consumer, [TopicPartition(topic, n) for n in range(counts[topic])])
            found.append(Reach(topic, kept_ms(config), kept.get(topic), begins_ms))
    except (KafkaError, OSError) as error:
        raise unreachable(config.kafka.bootstrap, error) from None
    finally:
        await stop_consumer(consumer)
    return found


async def _begins_ms(consumer: Any, places: list[TopicPartition]) -> int | None:
    """The timestamp of the first record of the partition that begins last, of those that were cut."""
    starts = await consumer.beginning_offsets(places)
    cut = [place for place in places if starts[place] > 0]
    begins_ms: int | None = None
    for place in cut:
        consumer.assign([place])
        consumer.seek(place, starts[place])
        records = (await consumer.getmany(place, timeout_ms=ANSWER_MS, max_records=1)).get(place)
        # Of one that is empty by now nothing is left.
        first_ms = records[0].timestamp if records else time.time_ns() // 1_000_000
        begins_ms = max(begins_ms or 0, first_ms)
    return begins_ms


async def _kept(config: Config, topics: Sequence[str]) -> dict[str, int]:
    """What topics are set to keep, where the broker tells (it need not, and not to everybody)."""
    admin = AIOKafkaAdminClient(**client_options(config.kafka))
    try:
        await admin.start()
        wanted = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        answers = await admin.describe_configs(wanted)
    except (KafkaError, OSError, NotImplementedError):
        return {}
    finally:
        await admin.close()
    return {
        resource[3]: int(entry[1])
        for answer in answers
        for resource in answer.resources
        for entry in resource[4]
        if entry[0] == _RETENTION and entry[1] is not None
    }
