"""The topics that floorcast reads and writes, created with the settings that they need."""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidConfigurationError, KafkaError, TopicAlreadyExistsError, for_code

from stream.config import Config, KafkaConfig
from stream.events.decode import FAMILIES
from stream.sources.broker import BrokerError, unreachable
from stream.sources.security import client_options

PARTITIONS = 8
REPLICAS_MAX = 3
OUT_KEPT_MS = 30 * 86_400_000
DEADLETTERS_BYTES_MAX = 8 * 1024 * 1024
"""Largest dead letter: an event as large as any topic takes by default (1 MiB), and what is told about it."""
VISIBLE_TIMEOUT_S = 30.0
_LOOK_AGAIN_S = 0.05
AFTER_MAX = "message.timestamp.after.max.ms"
FOR_EVER = -1


class TopicReport(NamedTuple):
    """What became of one topic."""

    name: str
    outcome: Literal["created", "exists"]
    partitions: int
    note: str
    """What differs from what was asked for; empty when nothing does."""


async def create_topics(
    config: Config, partitions: int = PARTITIONS, replicas: int | None = None
) -> list[TopicReport]:
    """Create the topics of the contract that do not exist; those that do stay as they are and are reported.

    `replicas`: of each partition, by default one on every broker, up to three. Raises BrokerError.
    """
    admin = AIOKafkaAdminClient(**client_options(config.kafka))
    try:
        await admin.start()
        if replicas is None:
            replicas = min(REPLICAS_MAX, len((await admin.describe_cluster())["brokers"]))
        wanted = dict.fromkeys(topic_settings(config), partitions) | {config.kafka.topics.config: 1}
        made = {
            name: await _create(admin, NewTopic(name, wanted[name], replicas, topic_configs=settings))
            for name, settings in topic_settings(config).items()
        }
        counts = await _partition_counts(admin, set(made))
    except (KafkaError, OSError) as error:
        raise unreachable(config.kafka.bootstrap, error) from None
    finally:
        await admin.close()
    return [_report(name, note, counts[name], wanted[name]) for name, note in made.items()]


def kept_ms(config: Config) -> int:
    """How long inputs are kept, as a rebuild reads them: the longest pane and the horizon, of history all."""
    return FOR_EVER if config.clock == "events" else config.retention.panes_1d_ms + config.horizon_ms


def topic_settings(config: Config) -> dict[str, dict[str, str]]:
    """Every topic's settings, by name.

    Inputs are kept so long that a rebuild gives the same numbers; with `clock: events` for ever, because
    history's own timestamps are older than any retention. One record from a wrong clock must not move the
    log's time, so the broker refuses what is too far ahead of its own.
    """
    common = {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime"}
    inputs = {
        **common,
        "retention.ms": str(kept_ms(config)),
        AFTER_MAX: str(config.future_ms),
    }
    topics = config.kafka.topics
    return {
        **dict.fromkeys(topic_names(config.kafka).values(), inputs),
        topics.contacts: inputs,  # kept as long, so that a rebuild reads the same facts
        topics.acknowledgements: inputs,
        topics.sla: {**common, "retention.ms": str(OUT_KEPT_MS)},
        topics.alerts: {**common, "cleanup.policy": "compact"},
        # By the broker's clock, so that everybody agrees on which version came too late.
        topics.config: {
            **common,
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": str(FOR_EVER),
        },
        topics.deadletters: {
            **common,
            "retention.ms": str(OUT_KEPT_MS),
            "max.message.bytes": str(DEADLETTERS_BYTES_MAX),
        },
    }


def topic_names(kafka: KafkaConfig) -> dict[str, str]:
    """The input topic of each family of the contract."""
    return {family: getattr(kafka.topics, family) for family in FAMILIES}


async def _create(admin: AIOKafkaAdminClient, topic: NewTopic) -> str | None:
    """Create one topic: a note on how (often empty), or None when it exists."""
    note = ""
    error = await _ask(admin, topic)
    if isinstance(error, InvalidConfigurationError) and AFTER_MAX in topic.topic_configs:
        # Kafka before 3.6 does not know it.
        topic.topic_configs = {k: v for k, v in topic.topic_configs.items() if k != AFTER_MAX}
        error, note = await _ask(admin, topic), f"without {AFTER_MAX}, which this broker refuses"
    if isinstance(error, TopicAlreadyExistsError):
        return None
    if error is not None:
        raise BrokerError(f"topic {topic.name} could not be created: {type(error).__name__}: {error}")
    return note


async def _partition_counts(admin: AIOKafkaAdminClient, names: set[str]) -> dict[str, int]:
    """Each topic's number of partitions; waits until all are known, so that a producer finds them at once."""
    try:
        async with asyncio.timeout(VISIBLE_TIMEOUT_S):
            while True:
                counts = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
                if all(counts.get(name) for name in names):
                    return counts
                await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError:
        raise BrokerError(
            f"created topics are not to be seen after {VISIBLE_TIMEOUT_S:.0f} s; may this user describe them?"
        ) from None


def _report(name: str, note: str | None, there: int, asked: int) -> TopicReport:
    if note is not None:
        return TopicReport(name, "created", there, note)
    differs = f"{asked} were asked for; a change would move keys" if there != asked else ""
    return TopicReport(name, "exists", there, differs)


async def _ask(admin: AIOKafkaAdminClient, topic: NewTopic) -> KafkaError | None:
    answer = await admin.create_topics([topic])
    _, code, message = answer.topic_errors[0]
    return None if code == 0 else for_code(code)(message or "")
