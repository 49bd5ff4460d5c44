"""Kafka: can it be reached, has it the topics as floorcast needs them, and may we use them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from stream.config import format_duration
from stream.doctor.finding import Finding, ok, problem, warning
from stream.doctor.gather import Facts
from stream.shard.family import COUNTED
from stream.sources.topics import AFTER_MAX, FOR_EVER, topic_settings

AREA: Final = "kafka"
TOPIC_IDS: Final = 12
"""The first version of the metadata request that tells topics apart that have the same name."""


def connection(facts: Facts) -> Iterator[Finding]:
    """Everything comes from there."""
    if facts.kafka is None:
        todo = "numbers stand still until it answers; clocks wait, nothing is lost"
        yield problem(AREA, facts.kafka_fault, todo, "KafkaUnreachable")
    else:
        brokers = f"{facts.kafka.brokers} brokers" if facts.kafka.brokers > 1 else "one broker"
        yield ok(AREA, f"{facts.config.kafka.bootstrap} answers: cluster {facts.kafka.cluster_id}, {brokers}")


def versions(facts: Facts) -> Iterator[Finding]:
    """What the brokers can do."""
    if facts.kafka is None:
        return
    if facts.kafka.metadata < TOPIC_IDS:
        yield warning(
            AREA, f"its metadata request has version {facts.kafka.metadata} at most (Kafka before 3.0)",
            "a topic that is made anew is noticed by its offsets alone: use a newer Kafka", "OtherVersions",
        )  # fmt: skip
    if not facts.kafka.idempotent:
        yield warning(
            AREA, "it gives this user no idempotent producer",
            "a lost connection may put events into the log twice (they count once): allow IdempotentWrite",
            "KafkaRights",
        )  # fmt: skip
    if facts.kafka.metadata >= TOPIC_IDS and facts.kafka.idempotent:
        yield ok(AREA, "its versions have topic ids and idempotent producers")


def topics(facts: Facts) -> Iterator[Finding]:
    """All of them exist."""
    if facts.kafka is None:
        return
    hidden = sorted(name for name, said in facts.kafka.missing.items() if "Authorization" in said)
    missing = sorted(set(facts.kafka.missing) - set(hidden))
    if hidden:
        what = f"this user may not see {', '.join(hidden)}"
        yield problem(AREA, what, "allow it to describe them", "KafkaRights")
    if missing:
        what = f"there is no topic {', '.join(missing)}"
        yield problem(AREA, what, "run `floorcast topics create`", "KafkaTopics")
    if not facts.kafka.missing:
        counts = {
            name: facts.kafka.topics[getattr(facts.config.kafka.topics, name)].partitions for name in COUNTED
        }
        yield ok(AREA, "all topics exist; partitions: " + ", ".join(f"{n} {c}" for n, c in counts.items()))


def settings(facts: Facts) -> Iterator[Finding]:
    """As `floorcast topics create` makes them, or better."""
    if facts.kafka is None:
        return
    unread, good = [], True
    for name, wanted in topic_settings(facts.config).items():
        topic = facts.kafka.topics.get(name)
        if topic is None:
            continue
        if topic.settings is None:
            unread.append(name)
            continue
        for finding in _settings(name, wanted, topic.settings):
            good = False
            yield finding
    if unread:
        yield warning(
            AREA, f"this user may not read the settings of {len(unread)} topics: {', '.join(unread[:3])} ...",
            "allow DescribeConfigs, or compare them with docs/production.md by hand", "KafkaRights",
        )  # fmt: skip
    elif good and facts.kafka.topics:
        yield ok(AREA, "topics have the timestamps and the retention that numbers need")


def _settings(topic: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Finding]:
    for key, value in wanted.items():
        judge = _JUDGED.get(key, _same)
        what = judge(value, found.get(key))
        if what is not None:
            change = f"set {key}={value} (kafka-configs.sh --alter --topic {topic})"
            level = warning if key in (AFTER_MAX, "max.message.bytes") else problem
            yield level(AREA, f"topic {topic}: {key} {what}", change, "KafkaTopics")
    if (most := found.get("retention.bytes", "-1")) != "-1" and wanted["cleanup.policy"] == "delete":
        yield warning(
            AREA, f"topic {topic}: retention.bytes is {most}: a busy time deletes what a rebuild needs",
            f"set retention.bytes=-1 (kafka-configs.sh --alter --topic {topic})", "KafkaTopics",
        )  # fmt: skip


def _same(wanted: str, found: str | None) -> str | None:
    return None if found == wanted else f"is {found}, not {wanted}"


def _kept(wanted: str, found: str | None) -> str | None:
    if found is None or int(found) == FOR_EVER or 0 <= int(wanted) <= int(found):
        return None
    needed = "for ever" if int(wanted) == FOR_EVER else f"for {format_duration(int(wanted))}"
    return f"keeps {format_duration(int(found))}, and a rebuild needs it {needed}"


def _at_least(wanted: str, found: str | None) -> str | None:
    return None if found is None or int(found) >= int(wanted) else f"is {found}: less than {wanted}"


def _at_most(wanted: str, found: str | None) -> str | None:
    if found is None:
        return "is not known to this broker (Kafka before 3.6): one record from the future makes others late"
    ahead = f"lets a record be {found} ms ahead: one from a wrong clock makes others late"
    return None if int(found) <= int(wanted) else ahead


_JUDGED: Final[dict[str, Callable[[str, str | None], str | None]]] = {
    "retention.ms": _kept,
    "max.message.bytes": _at_least,
    AFTER_MAX: _at_most,
}


def replicas(facts: Facts) -> Iterator[Finding]:
    """What one broker loses, another has."""
    if facts.kafka is None or facts.kafka.brokers < 2:
        return
    single = [name for name, topic in facts.kafka.topics.items() if topic.replicas < 2]
    if single:
        yield warning(
            AREA, f"{len(single)} topics have one replica: {', '.join(single[:5])}",
            "give them three (kafka-reassign-partitions.sh)", "KafkaTopics",
        )  # fmt: skip
    else:
        yield ok(AREA, "all topics have replicas")


def rights(facts: Facts) -> Iterator[Finding]:
    """What this user may do with topics and with the workers' group, as far as Kafka tells."""
    if facts.kafka is None or not facts.kafka.topics:
        return
    if all(topic.rights is None for topic in facts.kafka.topics.values()):
        yield ok(AREA, "this broker does not tell what a user may do")
        return
    lacking = []
    names = facts.config.kafka.topics
    written = {
        names.contacts, names.sla, names.alerts, names.acknowledgements, names.annotations, names.config,
        names.deadletters,
    }  # fmt: skip
    for name, topic in facts.kafka.topics.items():
        needed = {"read", "write"} if name in written else {"read"}
        if topic.rights is not None and (without := needed - topic.rights):
            lacking.append(f"{' and '.join(sorted(without))} {name}")
    if facts.kafka.group_hidden:
        lacking.append(f"join the group {facts.config.kafka.group}")
    if lacking:
        todo = "allow it (docs/production.md, Kafka) where this user runs workers or alerts"
        yield warning(AREA, f"this user may not: {'; '.join(lacking)}", todo, "KafkaRights")
    else:
        yield ok(AREA, "this user may read and write what floorcast needs")


CHECKS = (connection, versions, topics, settings, replicas, rights)
