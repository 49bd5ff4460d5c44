"""What the checks of `floorcast doctor` say of given facts: each finds what it is for, and nothing else."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import stream
from stream.config import Config, parse
from stream.doctor.checks import findings
from stream.doctor.finding import Finding
from stream.doctor.gather import Facts, StoreFacts
from stream.shard.changes import Fence
from stream.shard.family import COUNTED
from stream.sources.topics import topic_settings
from stream.store import StoredTopic
from stream.store.inspect import READING, WRITING, RedisFacts
from stream.store.reports import BATCH_RECORDS, COMMIT_S, Histogram, WorkerReport
from stream.worker.inspect import KafkaFacts, PartitionFacts, TopicFacts
from tests.exported import ROOT

NOW_MS = 1_764_000_000_000
CONFIG = Config()
TOPICS = CONFIG.kafka.topics
INFO = {
    "redis_version": "7.0.15", "maxmemory": 2**30, "used_memory": 2**20, "maxmemory_policy": "noeviction",
    "role": "master", "rdb_last_bgsave_status": "ok", "rdb_last_save_time": NOW_MS // 1000 - 60,
    "aof_enabled": 0, "evicted_keys": 0,
}  # fmt: skip
ALL = frozenset({"read", "write", "describe", "describe_configs"})


def kafka(**changed: Any) -> KafkaFacts:
    """One on which all is well, with one partition a topic and ten records in each."""
    topics = {name: TopicFacts(1, 3, "id", ALL, wanted) for name, wanted in topic_settings(CONFIG).items()}
    places = {(getattr(TOPICS, name), 0): PartitionFacts(0, 10, NOW_MS - 500) for name in COUNTED}
    return KafkaFacts("cluster", 3, 13, True, topics, {}, False, places)._replace(**changed)


def fence(**changed: Any) -> Fence:
    """Of a shard that is at the end of its log."""
    return replace(
        Fence(
            commit_id="c", offset=10, fresh=NOW_MS - 300, log_clock=NOW_MS - 500, log_id="cluster/id/1",
            shape=CONFIG.shape_hash(),
        ),
        **changed,
    )  # fmt: skip


def store(**fences: Fence) -> StoreFacts:
    """Of a deployment with one worker that has every shard; other fences by family."""
    worker = WorkerReport(
        name="host:1", at_ms=NOW_MS - 2_000, version=stream.__version__, commits=Histogram(COMMIT_S),
        batches=Histogram(BATCH_RECORDS), refusals=0, lag={f"{name}/0": 0 for name in COUNTED},
    )  # fmt: skip
    return StoreFacts(
        {name: StoredTopic(getattr(TOPICS, name), 1) for name in COUNTED},
        {name: {0: fences.get(name, fence())} for name in COUNTED}, [worker],
    )  # fmt: skip


def redis(info: Mapping[str, Any] = {}, **changed: Any) -> RedisFacts:
    """One on which all is well."""
    return RedisFacts({**INFO, **info}, 3, 1, "300 1", frozenset())._replace(**changed)


WELL = Facts(CONFIG, NOW_MS, kafka(), "", redis(), store())


def wrong(facts: Facts) -> list[Finding]:
    """What is not as it should be."""
    return [finding for finding in findings(facts) if finding.level != "ok"]


def settings(topic: str, **changed: str) -> KafkaFacts:
    """A Kafka in which one topic has other settings; dots are `_`."""
    facts = kafka()
    new = {name.replace("_", "."): value for name, value in changed.items()}
    found = facts.topics[topic]
    return facts._replace(
        topics={**facts.topics, topic: found._replace(settings={**(found.settings or {}), **new})}
    )


def of_calls(**changed: str) -> KafkaFacts:
    """The same of the topic of calls."""
    return settings(TOPICS.calls, **changed)


def test_a_healthy_deployment_has_no_findings() -> None:
    """And every area says something."""
    assert wrong(WELL) == []
    assert {finding.area for finding in findings(WELL)} == {
        "software", "kafka", "redis", "shards", "clocks", "alerts"
    }  # fmt: skip


OTHER = fence(shape="other")
STALE = fence(fresh=NOW_MS - 90_000, offset=4)
AHEAD = fence(log_clock=NOW_MS + 7_200_000)
DESTINATION = parse({"alerts": {"destinations": {"ops": {"kind": "slack", "url_file": "/nowhere/slack"}}}})
SPOILT: list[tuple[str, dict[str, Any], str, str]] = [
    ("problem", {"kafka": None, "kafka_fault": "cannot use Kafka"}, "cannot use Kafka", "KafkaUnreachable"),
    ("warning", {"kafka": kafka(metadata=8)}, "Kafka before 3.0", "OtherVersions"),
    ("warning", {"kafka": kafka(idempotent=False)}, "no idempotent producer", "KafkaRights"),
    ("problem", {"kafka": of_calls(retention_ms="3600000")}, "keeps 1h, and a rebuild", "KafkaTopics"),
    ("problem", {"kafka": settings(TOPICS.config, retention_ms="3600000")}, "it for ever", "KafkaTopics"),
    ("problem", {"kafka": of_calls(cleanup_policy="compact")}, "is compact, not delete", "KafkaTopics"),
    ("warning", {"kafka": of_calls(retention_bytes="10")}, "retention.bytes is 10", "KafkaTopics"),
    ("warning", {"kafka": settings(TOPICS.deadletters, max_message_bytes="9")}, "is 9: less", "KafkaTopics"),
    ("warning", {"kafka": kafka(group_hidden=True)}, "join the group floorcast", "KafkaRights"),
    ("problem", {"redis": redis({"maxmemory_policy": "allkeys-lru"})}, "allkeys-lru", "RedisSettings"),
    ("problem", {"redis": redis({"evicted_keys": 3})}, "has evicted 3 keys", "RedisSettings"),
    ("problem", {"redis": redis({"rdb_last_bgsave_status": "err"})}, "snapshot failed", "RedisPersistence"),
    ("warning", {"redis": redis(saves="")}, "keeps no snapshots", "RedisPersistence"),
    ("problem", {"redis": redis({"used_memory": 2**30 * 9 // 10})}, "90% of maxmemory", "FloorcastRedisFull"),
    ("warning", {"redis": redis({"used_memory": 2**30 * 8 // 10})}, "80% of maxmemory", "FloorcastRedisFull"),
    ("problem", {"redis": redis(refused=frozenset({"HGET key f"}))}, "may not run HGET", "RedisRights"),
    ("warning", {"redis": redis(refused=frozenset({"ZADD key 0 m"}))}, "not for workers", "RedisRights"),
    ("problem", {"redis": redis(refused=None)}, "may run no scripts", "RedisRights"),
    ("warning", {"redis": redis(ahead_ms=-2_500)}, "2.5 s behind", "ClocksApart"),
    ("problem", {"store": store(tickets=OTHER)}, "another configuration of what shapes", "OtherImage"),
    ("problem", {"store": store(tickets=fence(log_id="cluster/old/1"))}, "another topic of", "OtherImage"),
    ("problem", {"store": store(tickets=fence(format=3))}, "the store has format 3", "OtherImage"),
    ("problem", {"store": store(calls=STALE)}, ": calls/0 (6 records)", "FloorcastStale"),
    ("warning", {"store": store(calls=fence(seen=1_000, refused=50))}, "calls/0 5%", "FloorcastDeadLetters"),
    ("problem", {"store": store(calls=AHEAD)}, "2.0 h ahead of now", "ClocksApart"),
    ("problem", {"config": DESTINATION}, "/nowhere/slack: no such file", "AlertDestinations"),
    ("warning", {"config": DESTINATION}, "no route leads to ops", "AlertDestinations"),
    ("problem", {"config": DESTINATION}, "no dispatcher", "FloorcastDispatcherGone"),
]  # fmt: skip
"""Level, what is spoilt, a part of what is said, and the section of the runbook."""


@pytest.mark.parametrize(("level", "spoilt", "said", "runbook"), SPOILT, ids=lambda value: str(value)[:40])
def test_what_is_spoilt_is_found(level: str, spoilt: dict[str, Any], said: str, runbook: str) -> None:
    """With its level, and where it is told what to do."""
    (finding,) = [one for one in wrong(replace(WELL, **spoilt)) if said in one.what]
    assert (finding.level, finding.runbook) == (level, runbook)
    assert finding.todo


def test_nobody_and_two_at_a_shard() -> None:
    """By what workers report; a report that is old counts for nobody."""
    well = store()
    (worker,) = well.reports
    assert isinstance(worker, WorkerReport)
    fewer = WorkerReport(**{**_fields(worker), "lag": {"calls/0": 0}})
    again = WorkerReport(**{**_fields(worker), "name": "host:2", "lag": {"calls/0": 0}})
    gone = WorkerReport(**{**_fields(worker), "at_ms": NOW_MS - 60_000})
    told = [one.what for one in wrong(replace(WELL, store=replace(well, reports=[fewer, again])))]
    assert any(text.startswith("nobody reports to have tickets/0, surveys/0") for text in told)
    assert "two report to have calls/0" in told
    told = [one.what for one in wrong(replace(WELL, store=replace(well, reports=[gone])))]
    assert told == ["no worker reports"]


def _fields(report: WorkerReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in report.__struct_fields__}


def test_the_rights_that_are_tried_are_those_of_the_docs() -> None:
    """docs/redis.md lists them for a worker and for a reader."""
    rules = re.findall(
        r"^    user floorcast\S* on .*-@all (.*)$", (ROOT / "docs" / "redis.md").read_text(), re.M
    )
    worker, reader = (set(re.findall(r"\+(\S+)", rule)) for rule in rules)

    def named(lines: tuple[str, ...]) -> set[str]:
        return {re.sub("^memory usage", "memory|usage", line.lower()).split()[0] for line in lines}

    # Those of a cluster need no trying: without them nothing there is answered at all.
    assert named(READING) == reader - {"auth", "select", "cluster|slots", "asking"}
    assert named(WRITING) == worker - reader
