"""What is written over HTTP arrives in Kafka: events, acknowledgements; and what is read from its topics."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from stream.alerts.state import Alert, encode_alert
from stream.config import Config, KafkaConfig, RedisConfig, TopicNames
from stream.events.acknowledgements import decode_acknowledgement
from stream.events.decode import decoder_of
from stream.events.instants import to_ms
from stream.sources.ingest import Ingest, Outgoing
from stream.sources.topics import create_topics
from tests.answers import ms
from tests.rig.log import read_log
from tests.rig.redis import RedisServer
from tests.rig.serving import NO_KAFKA, serving

WALL_MS = ms("2026-03-02T10:00:01")


@pytest.fixture(params=["kafka", "embedded_pair"])
async def config(request: pytest.FixtureRequest, redis_server: RedisServer, unique_name: str) -> Config:
    """A deployment on each of the brokers."""
    bootstrap = request.getfixturevalue(request.param).bootstrap
    topics = TopicNames(**{field: f"{unique_name}.{field}" for field in TopicNames.__struct_fields__})
    redis = RedisConfig(url=redis_server.url(), namespace=unique_name)
    config = Config(kafka=KafkaConfig(bootstrap=bootstrap, topics=topics), redis=redis)
    await create_topics(config, partitions=3)
    return config


@pytest.fixture
async def client(config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """Asks a server of that deployment."""
    async with serving(config, lambda: WALL_MS) as client:
        yield client


def event(number: int, kind: str = "ticket.created", **more: Any) -> dict[str, Any]:
    """A CloudEvent."""
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "desk", "type": kind,
        "subject": f"desk:{number}", "time": "2026-03-02T09:00:00Z",
        "data": {"ticket": {"team": "a"}}, **more,
    }  # fmt: skip


async def posted(client: httpx.AsyncClient, body: Any, kind: str = "application/json") -> httpx.Response:
    """The answer to events."""
    return await client.post("/api/v1/events", content=json.dumps(body), headers={"Content-Type": kind})


async def test_events_arrive_as_the_worker_reads_them(client: httpx.AsyncClient, config: Config) -> None:
    """Single, as a list and as a batch: key = subject, `recordedtime` stamped where it was absent."""
    told = event(2, recordedtime="2026-03-02T09:30:00Z")
    for body, kind in (
        (event(1), "application/cloudevents+json; charset=utf-8"), ([told], "application/json"),
        ([event(3), event(4)], "application/cloudevents-batch+json"), (event(5), "application/json"),
    ):  # fmt: skip
        got = await posted(client, body, kind)
        assert got.status_code == 200, got.text
        assert {one["status"] for one in got.json()["events"]} == {"accepted"}
    records = await read_log(config.kafka.bootstrap, [config.kafka.topics.tickets], 5)
    decode = decoder_of("tickets").decode
    found = {record.key.decode(): decode(record.value) for record in records}
    assert set(found) == {f"desk:{number}" for number in range(1, 6)}
    stamps = {key: to_ms(one.recordedtime) for key, one in found.items()}
    assert stamps.pop("desk:2") == ms("2026-03-02T09:30:00")
    assert set(stamps.values()) == {WALL_MS}


async def test_each_event_has_its_own_answer(client: httpx.AsyncClient, config: Config) -> None:
    """What is wrong with one does not keep the others out; the reason is that of a dead letter."""
    no_time = {name: value for name, value in event(2).items() if name != "time"}
    bad = [no_time, event(3, "order.created"), event(4, "ticket.eaten"), 5, event(6, time="yesterday"),
           event(7, data={"ticket": {"team": "x" * 300_000}})]  # fmt: skip
    got = await posted(client, [event(1), *bad, event(8)])
    assert got.status_code == 207, got.text
    said = got.json()
    assert (said["accepted"], said["refused"], said["failed"]) == (2, 6, 0)
    assert [one["index"] for one in said["events"]] == list(range(8))
    assert [one.get("reason") for one in said["events"]] == [
        None, "missing", "invalid", "invalid", "invalid", "invalid", "too_large", None,
    ]  # fmt: skip
    assert said["events"][5]["path"] == "time"
    got = await posted(client, [no_time])
    assert (got.status_code, got.json()["refused"]) == (422, 1)
    for body, status in (([], 422), ([1] * 1_001, 422), ("x" * 9_000_000, 413)):
        assert (await posted(client, body)).status_code == status
    assert (await posted(client, event(1), "text/plain")).status_code == 415
    assert (await posted(client, event(1), "application/cloudevents-batch+json")).status_code == 422


async def test_an_acknowledgement_is_an_event_on_its_topic(client: httpx.AsyncClient, config: Config) -> None:
    """Which the dispatcher of alerts reads."""
    taken = {"subject": "desk:1", "clock": "first_reply", "by": "Ann"}
    got = await client.post("/api/v1/alerts/acknowledge", json=taken)
    assert got.status_code == 200, got.text
    (record,) = await read_log(config.kafka.bootstrap, [config.kafka.topics.acknowledgements], 1)
    made = decode_acknowledgement(record.value)
    assert record.key == b"desk:1"
    assert (made.subject, made.data.clock, made.data.by, to_ms(made.time)) == (
        "desk:1", "first_reply", "Ann", WALL_MS,
    )  # fmt: skip
    wrongs: list[Any] = [
        {**taken, "clock": "lunch"},
        {**taken, "by": ""},
        {"subject": "desk:1"},
        [],
        {**taken, "x": 1},
    ]
    for wrong in wrongs:
        assert (await client.post("/api/v1/alerts/acknowledge", json=wrong)).status_code == 422


async def test_open_alerts_are_those_of_the_dispatchers_topic(config: Config) -> None:
    """The soonest due first, without those that have ended or are forgotten."""

    def alert(subject: str, due: str, team: str, **more: Any) -> Outgoing:
        made = Alert(
            key=f"{subject}/first_reply/1", subject=subject, clock="first_reply", stage="breached", cause="c",
            at_ms=ms(due), found_ms=ms(due), changed_ms=ms(due), due_ms=ms(due), segments={"team": team},
            **more,
        )  # fmt: skip
        return Outgoing(config.kafka.topics.alerts, made.key.encode(), encode_alert(made))

    ingest = Ingest(config.kafka, config.max_event_bytes)
    faults = await ingest.send([
        alert("desk:1", "2026-03-02T09:50:00", "a"), alert("desk:2", "2026-03-02T09:40:00", "b"),
        alert("desk:3", "2026-03-02T09:30:00", "a", ended="fulfilled"),
        Outgoing(config.kafka.topics.alerts, b"x", b"no alert"),
    ])  # fmt: skip
    await ingest.close()
    assert faults == [None] * 4
    async with serving(config, lambda: WALL_MS) as client:
        found = (await client.get("/api/v1/alerts")).json()
        assert [one["subject"] for one in found["alerts"]] == ["desk:2", "desk:1"]
        assert found["more"] == 0
        found = (await client.get("/api/v1/alerts?team=a")).json()
        assert [(one["subject"], one["stage"]) for one in found["alerts"]] == [("desk:1", "breached")]


async def test_annotations_are_published_and_read(config: Config) -> None:
    """All of a source, whose name is their key; those that touch the window, the latest first."""

    def note(number: int, starts: str, ends: str | None = None) -> dict[str, Any]:
        data = {"title": f"Release {number}", "kind": "release", "starts_at": starts, "ends_at": ends}
        return event(number, "annotation.published", subject="deployments", data=data)

    notes = [
        note(1, "2026-03-02T08:00:00Z"), note(2, "2026-03-02T09:00:00Z"),
        note(3, "2026-02-01T00:00:00Z", "2026-03-02T09:30:00Z"), note(4, "2026-02-01T00:00:00Z"),
    ]  # fmt: skip
    async with serving(config, lambda: WALL_MS) as client:
        assert (await posted(client, notes)).status_code == 200
    async with serving(config, lambda: WALL_MS) as client:
        found = (await client.get("/api/v1/annotations?window=today")).json()["annotations"]
        assert [one["title"] for one in found] == ["Release 2", "Release 1", "Release 3"]
        params = {"from": "2026-02-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}
        found = (await client.get("/api/v1/annotations", params=params)).json()["annotations"]
        assert {one["title"] for one in found} == {"Release 3", "Release 4"}


async def test_without_kafka_nothing_is_said_to_be_accepted(
    redis_server: RedisServer, unique_name: str
) -> None:
    """And what is wrong with an event is still said."""
    redis = RedisConfig(url=redis_server.url(), namespace=unique_name)
    async with serving(Config(kafka=NO_KAFKA, redis=redis), lambda: WALL_MS) as client:
        got = await posted(client, event(1))
        assert got.status_code == 503
        assert "Kafka" in got.json()["detail"]
        assert (await posted(client, [5])).status_code == 422


async def test_a_topic_that_is_not_there_is_named(config: Config) -> None:
    """With the command that makes it."""
    gone = replace(config.kafka, topics=replace(config.kafka.topics, tickets="nowhere"))
    async with serving(replace(config, kafka=gone), lambda: WALL_MS) as client:
        got = await posted(client, event(1))
        assert got.status_code == 503
        (one,) = got.json()["events"]
        assert one["status"] == "failed"
        assert "floorcast topics create" in one["detail"]
        assert msgspec.json.decode(got.content)["failed"] == 1
