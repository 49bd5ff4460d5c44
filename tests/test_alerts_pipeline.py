"""`floorcast alerts` on real servers: from topic to receivers, over restarts, kill -9 and a lost Kafka."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from stream.alerts.blind import Blind
from stream.alerts.channels import channels
from stream.alerts.channels.http import new_client
from stream.alerts.dispatch import Dispatcher
from stream.config import Config
from stream.events.acknowledgements import acknowledgement, encode_acknowledgement
from stream.events.instants import instant
from stream.events.sla import Clock, Kind, encode_sla, sla_event
from stream.sources.alerting import AlertTopics
from tests.alerts import MINUTE, NOW, Desk
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, Sent, pipeline, until
from tests.rig.receivers import Receiver, pagerduty, receiver, slack, webhook
from tests.rig.redis import RedisServer

SECRET = "s3cr3t-Pa55"


@pytest.fixture(params=["kafka", "embedded"])
async def deployment(
    request: pytest.FixtureRequest, unique_name: str, tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[Pipeline]:
    """Topics of a test's own, once on the real Kafka and once on the embedded broker."""
    of = request.getfixturevalue("kafka" if request.param == "kafka" else "embedded_pair")
    with pipeline(of.bootstrap, redis_server.url(), unique_name, tmp_path) as one:
        await one.create_topics()
        yield one


@pytest.fixture
async def on_kafka(
    unique_name: str, tmp_path: Path, kafka: Kafka, redis_server: RedisServer
) -> AsyncIterator[Pipeline]:
    """The same, only on the real Kafka."""
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as one:
        await one.create_topics()
        yield one


@pytest.fixture
def began() -> int:
    """When the clocks of a test began (ms): an hour ago."""
    return time.time_ns() // 1_000_000 - 60 * MINUTE


def told(deployment: Pipeline, began: int, kind: Kind, subject: str, found_ms: int | None = None) -> Sent:
    """A transition, as the worker tells it: found now."""
    now_ms = time.time_ns() // 1_000_000 if found_ms is None else found_ms
    clock = Clock(
        clock="first_reply", instance=1, policy="all", target_ms=60 * MINUTE, started_at=instant(began),
        elapsed_ms=0, due_at=instant(began + 60 * MINUTE),
    )  # fmt: skip
    event = sla_event(subject, kind, clock, began + 60 * MINUTE, now_ms, {"team": "billing"})
    return deployment.config.kafka.topics.sla, subject.encode(), encode_sla(event)


def settings(**receivers: Receiver) -> dict[str, str]:
    """Destinations at receivers, by name; everything goes to all of them."""
    keys: dict[str, dict[str, Any]] = {
        "floor": {"kind": "slack", "channel": "C1", "token": SECRET},
        "pager": {"kind": "pagerduty", "routing_key": SECRET},
        "web": {"kind": "webhook", "secret": SECRET},
    }
    for name, one in receivers.items():
        at = {
            "floor": {"api": f"{one.url}/api"},
            "pager": {"api": one.url},
            "web": {"url": f"{one.url}/{SECRET}"},
        }
        keys[name] |= at[name]
    routes = [{"to": list(receivers), "on": ["at_risk", "breached"]}]
    return {
        "FLOORCAST_ALERTS_DESTINATIONS": json.dumps({name: keys[name] for name in receivers}),
        "FLOORCAST_ALERTS_ROUTES": json.dumps(routes),
    }


def kinds(one: Receiver) -> list[tuple[str, str]]:
    """What a webhook was told: (kind, subject)."""
    return [(alert["kind"], alert["subject"]) for got in one.got for alert in got.body["alerts"]]


async def settled(deployment: Pipeline, began: int, one: Receiver, marker: str) -> None:
    """Returns when what was published is dealt with: a breach of `marker`, told after it, is there."""
    topic = told(deployment, began, "breached", marker)
    before = len(one.got)
    await deployment.put([topic])
    await until(lambda: ("breached", marker) in kinds(one)[before:])


async def test_a_breach_goes_everywhere_once_and_is_resolved(deployment: Pipeline, began: int) -> None:
    """Over a restart, and though every event comes twice; with no secret in the log."""
    async with receiver(slack) as floor, receiver(pagerduty) as pager, receiver(webhook) as web:
        everyone = settings(floor=floor, pager=pager, web=web)
        breach = told(deployment, began, "breached", "zendesk:1")
        await deployment.put([breach, breach])
        process = deployment.start("alerts", **everyone)
        await until(lambda: floor.got and pager.got and web.got)
        process.stop()
        again = deployment.start("alerts", **everyone)
        note = acknowledgement("zendesk:1", "first_reply", "Ann", time.time_ns() // 1_000_000)
        noted = deployment.config.kafka.topics.acknowledgements, b"zendesk:1", encode_acknowledgement(note)
        await deployment.put([breach, noted])
        await until(lambda: ("acknowledged", "zendesk:1") in kinds(web))
        await deployment.put([told(deployment, began, "fulfilled", "zendesk:1")])
        await until(lambda: len(floor.got) == len(pager.got) == len(web.got) == 3)
        again.stop()
    assert [kind for kind, _ in kinds(web)] == ["breached", "acknowledged", "resolved"]
    assert [got.body["event_action"] for got in pager.got] == ["trigger", "acknowledge", "resolve"]
    assert len({got.body["dedup_key"] for got in pager.got}) == 1
    assert floor.got[0].body.get("thread_ts") is None
    assert floor.got[1].body["thread_ts"] == floor.got[2].body["thread_ts"] is not None
    assert SECRET not in process.output + again.output
    assert "Traceback" not in process.output + again.output


async def test_killed_between_send_and_record_it_is_sent_once_more_under_the_same_id(
    on_kafka: Pipeline, began: int
) -> None:
    """The receiver has it and never said so. In Slack, which cannot tell, it says that it may repeat."""
    async with receiver(slack) as floor, receiver(webhook) as web:
        both = settings(floor=floor, web=web)
        floor.script.append("hang")
        web.script.append("hang")
        await on_kafka.put([told(on_kafka, began, "breached", "zendesk:1")])
        process = on_kafka.start("alerts", **both)
        await until(lambda: floor.got and web.got)
        process.kill9()
        again = on_kafka.start("alerts", **both)
        await until(lambda: len(floor.got) == len(web.got) == 2)
        again.kill9()
        last = on_kafka.start("alerts", **both)
        await settled(on_kafka, began, web, "marker")
        last.stop()
    # The second kill may have come between send and record, too: then there is one repetition more.
    repeated = [got for got in web.got if got.body["alerts"][0]["subject"] == "zendesk:1"]
    assert len(repeated) in (2, 3)
    assert len({got.headers["webhook-id"] for got in repeated}) == 1
    assert "perhaps again" not in floor.got[0].body["text"]
    assert "perhaps again" in floor.got[1].body["text"]


async def test_nothing_is_lost_while_a_destination_fails(on_kafka: Pipeline, began: int) -> None:
    """429, 5xx and dropped connections; the other destination does not wait for it."""
    async with receiver(slack) as floor, receiver(webhook) as web:
        web.script.extend([(429, {"Retry-After": "1"}, b""), (503, {}, b""), "drop", "deaf"])
        await on_kafka.put([told(on_kafka, began, "breached", f"{n}") for n in range(3)])
        process = on_kafka.start("alerts", **settings(floor=floor, web=web))
        await until(lambda: len(floor.got) == 3)
        await until(lambda: len(web.got) >= 6)
        process.stop()
    arrived = kinds(web)[3:]
    assert sorted(arrived) == [("breached", "0"), ("breached", "1"), ("breached", "2")]
    assert len({got.headers["webhook-id"] for got in web.got}) == 3


async def test_what_is_too_old_or_decided_is_not_sent(on_kafka: Pipeline, began: int) -> None:
    """A replay of old events, a warning with its answer behind it in the topic, a breach taken back."""
    async with receiver(webhook) as web:
        await on_kafka.put(
            [
                told(on_kafka, began, "breached", "old", found_ms=began - MINUTE),
                told(on_kafka, began, "at_risk", "answered"),
                told(on_kafka, began, "fulfilled", "answered"),
                told(on_kafka, began, "breached", "proved wrong"),
                told(on_kafka, began, "breach_retracted", "proved wrong"),
                (on_kafka.config.kafka.topics.sla, b"x", b"not ours"),
            ]
        )
        process = on_kafka.start("alerts", **settings(web=web))
        await settled(on_kafka, began, web, "marker")
        process.stop()
    assert kinds(web) == [("breached", "marker")]


async def test_two_dispatchers_share_the_partitions(on_kafka: Pipeline, began: int) -> None:
    """Each alert is sent by one of them; when one is gone the other goes on with what it left."""
    subjects = [f"{n}" for n in range(20)]
    async with receiver(webhook) as web:
        one, two = (on_kafka.start("alerts", **settings(web=web)) for _ in range(2))
        await until(lambda: "alerts are known" in one.output and "alerts are known" in two.output)
        await on_kafka.put([told(on_kafka, began, "breached", each) for each in subjects])
        await until(lambda: len(kinds(web)) >= len(subjects))
        one.kill9()
        await on_kafka.put([told(on_kafka, began, "fulfilled", each) for each in subjects])
        await until(lambda: {("resolved", each) for each in subjects} <= set(kinds(web)))
        two.stop()
    for each in subjects:
        said = [got.headers["webhook-id"] for got in web.got if got.body["alerts"][0]["subject"] == each]
        assert len(set(said)) == 2


@asynccontextmanager
async def dispatching(config: Config) -> AsyncIterator[Dispatcher]:
    """A dispatcher in this process, whose shards are always fresh."""

    async def fresh() -> int:
        return time.time_ns() // 1_000_000

    async with new_client() as client:
        there = channels(config.alerts.destinations, client)
        dispatcher = Dispatcher(config, there, lambda: AlertTopics(config.kafka), fresh)
        task = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_lost_kafka_is_one_alert_and_its_return_another(
    new_kafka: Callable[[], Kafka], unique_name: str, tmp_path: Path
) -> None:
    """No breach is invented; floorcast says that it is blind, and when it sees again."""
    kafka = new_kafka()
    async with receiver(webhook) as web:
        hook = json.dumps({"web": {"kind": "webhook", "url": web.url}})
        blind = {"ALERTS_DESTINATIONS": hook, "ALERTS_ROUTES": '[{"on": blind, "to": web}]'}
        with pipeline(
            kafka.bootstrap, "redis://127.0.0.1:1/0", unique_name, tmp_path, ALERTS_BLIND_AFTER="8s", **blind
        ) as deployment:
            await deployment.create_topics()
            async with dispatching(deployment.config) as dispatcher:
                await until(lambda: dispatcher._ready)
                kafka.kill9()
                await until(lambda: web.got)
                kafka.start()
                await until(lambda: len(web.got) == 2)
                await until(lambda: dispatcher._ready)
    assert [kind for kind, _ in kinds(web)] == ["blind", "seeing"]
    assert kafka.bootstrap in web.got[0].body["alerts"][0]["title"]


async def test_a_shard_that_is_never_read_to_its_end_makes_blind_as_well() -> None:
    """By the time of the oldest; until it has caught up."""
    desk = Desk([{"on": ["blind"], "to": ["a"]}], blind_after="10m")
    fresh_ms: int | None = None

    async def fresh() -> int | None:
        return fresh_ms

    config = Config(alerts=desk.config)
    watch = Blind(config, fresh, lambda: desk.now)
    said = []
    for minute in range(30):
        desk.now = NOW + minute * MINUTE
        watch.heard(desk.now)
        fresh_ms = desk.now if minute == 20 else fresh_ms
        await watch.look(desk.book)
        said += [(minute, kind) for _, kind, _ in desk.deliver()]
    assert said == [(10, "blind"), (20, "seeing")]


async def test_an_hour_without_kafka_is_one_alert() -> None:
    """By the clock: not one for each look, and no end before it answers again."""
    desk = Desk([{"on": ["blind"], "to": ["a"]}], blind_after="10m")

    async def fresh() -> int:
        return NOW

    watch = Blind(Config(alerts=desk.config), fresh, lambda: desk.now)
    said = []
    for second in range(0, 3_600, 5):
        desk.now = NOW + second * 1000
        await watch.look(desk.book)
        said += [(second, kind) for _, kind, _ in desk.deliver()]
    assert said == [(600, "blind")]


async def test_one_of_each_kind_is_sent_as_a_test(unique_name: str, tmp_path: Path) -> None:
    """`floorcast alerts test`, without Kafka and Redis; a failure is told, and the exit status."""
    async with receiver(slack) as floor, receiver(pagerduty) as pager, receiver(webhook) as web:
        with pipeline("127.0.0.1:1", "redis://127.0.0.1:1/0", unique_name, tmp_path) as deployment:
            deployment.settings |= settings(floor=floor, pager=pager, web=web)
            status, output = await deployment.run("alerts", "test")
            assert status == 0, output
            assert output.count(": sent") == 8 + 7 + 8
            # PagerDuty hears of the breach and of the end of the warning.
            assert (len(floor.got), len(pager.got), len(web.got)) == (8, 7 + 1, 8)
            assert all(alert["test"] for got in web.got for alert in got.body["alerts"])
            assert all("[TEST]" in got.body["text"] for got in floor.got)
            web.script.append((404, {}, SECRET.encode()))
            status, output = await deployment.run("alerts", "test", "--to", "web")
    assert status == 1
    assert "web: at_risk: status 404" in output
    assert SECRET not in output
