"""Dead letters through the whole pipeline: what is refused arrives as it was, nothing good is lost."""

import asyncio
import random
import time
from collections.abc import Callable
from itertools import chain, cycle, islice
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from stream.floor.telling import rfc3339
from stream.shard.family import COUNTED
from tests.rig.log import read_log
from tests.rig.pipeline import Pipeline, Sent, counted, expected, recent_mix

DAY_MS = 86_400_000
BROKERS_MAX = 1_048_500
"""With a few bytes more Kafka would not take a record unless told to: its letter must still get through."""


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    """An event that lacks an attribute."""
    return lambda event: {key: value for key, value in event.items() if key != name}


def having(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    """An event with other attributes."""
    return lambda event: event | changed


def at(shift_ms: int) -> Callable[[dict[str, Any]], Any]:
    """An event of another time than now."""
    return lambda event: event | {"time": rfc3339(time.time_ns() // 1_000_000 + shift_ms)}


def cut(event: dict[str, Any]) -> bytes:
    """A record that ends in the middle."""
    return msgspec.json.encode(event)[:-7]


def noise(event: dict[str, Any]) -> bytes:
    """Random bytes, of which none opens an object."""
    return b"\xff" + random.randbytes(random.randrange(200))


def not_utf8(event: dict[str, Any]) -> bytes:
    """A wrong byte in a text."""
    return msgspec.json.encode(event).replace(event["id"].encode(), b"\xc3\x28")


MUTATIONS: list[tuple[str, str, Callable[[dict[str, Any]], Any]]] = [
    ("not_json", "", cut),
    ("not_json", "", noise),
    ("not_json", "", not_utf8),
    ("not_json", "", lambda event: b'{"data":' * 20_000),
    ("missing", "id", without("id")),
    ("missing", "source", without("source")),
    ("missing", "subject", without("subject")),
    ("missing", "type", without("type")),
    ("missing", "time", without("time")),
    ("invalid", "id", having(id="")),
    ("invalid", "source", having(source=7)),
    ("invalid", "subject", having(subject=None)),
    ("invalid", "time", having(time="yesterday")),
    ("invalid", "time", having(time="2026-02-30T00:00:00Z")),
    ("invalid", "time", having(time="2026-02-03T04:05:06")),
    ("invalid", "specversion", having(specversion="2.0")),
    ("invalid", "data", having(data=[1])),
    ("invalid", "data.", lambda event: event | {"data": dict.fromkeys(event["data"], 7)}),
    ("late", "time", at(-9 * DAY_MS)),
    ("late", "time", having(time="1999-01-01T00:00:00Z")),
    ("future", "time", at(3_600_000)),
    ("future", "time", having(time="2222-02-02T00:00:00Z")),
]
"""Reason, a part of what path or detail must name, and how a good event becomes one that is refused so."""

Told = dict[bytes, tuple[str, str]]
"""Value -> reason, and what path or detail must name."""


def spoilt(deployment: Pipeline, count: int) -> tuple[list[Sent], Told]:
    """So many refused records, and what must be told of each."""
    sent: list[Sent] = []
    told: Told = {}
    for (family, event), (reason, named, mutate) in islice(
        zip(cycle(recent_mix(2_000, seed=9)), cycle(MUTATIONS), strict=False), count
    ):
        topic, key, _ = deployment.record(family, event)
        mutated = mutate(event)
        value = mutated if isinstance(mutated, bytes) else msgspec.json.encode(mutated)
        sent.append((topic, key, value))
        told[value] = reason, named
    return sent, told


def header(record: ConsumerRecord[bytes, bytes], name: str) -> str:
    """A header's text."""
    return bytes(dict(record.headers)[f"floorcast_{name}"]).decode()


async def test_what_is_refused_arrives_as_it_was(deployment: Pipeline) -> None:
    """20,000 refused records among as many good ones: bytes, key and headers untouched, with reason and
    path; the outbox is empty in the end, and the good ones are all counted."""
    await deployment.create_topics()
    good = recent_mix(20_000)
    bad, told = spoilt(deployment, 20_000)
    sent = chain.from_iterable(zip((deployment.record(*event) for event in good), bad, strict=True))
    await deployment.put(sent)
    tickets = deployment.config.kafka.topics.tickets
    binary = [("ce_id", b"1"), ("ce_time", b"noon"), ("trace", b"\x00\xff")]
    large = b"{" + b" " * BROKERS_MAX
    async with AIOKafkaProducer(
        bootstrap_servers=deployment.config.kafka.bootstrap, max_request_size=2 * BROKERS_MAX
    ) as producer:
        await producer.send_and_wait(tickets, b"{}", key=b"k", headers=binary)
        await producer.send_and_wait(tickets, large, key=b"h")
        await producer.send_and_wait(tickets, None, key=b"t")
        bare = producer.create_batch()
        bare.append(key=None, value=None, timestamp=None)  # neither: a producer of ours would not send it
        await (await producer.send_batch(bare, tickets, partition=0))
    told |= {b"{}": ("missing", "specversion"), large: ("too_large", ""), b"": ("empty", "")}
    worker = deployment.worker()
    await deployment.wait()
    topics = deployment.config.kafka.topics
    letters = await read_log(deployment.config.kafka.bootstrap, [topics.deadletters], 20_004)
    log = await read_log(
        deployment.config.kafka.bootstrap, [topics.tickets, topics.calls, topics.surveys], 40_004
    )
    originals = {(record.topic, record.partition, record.offset): record for record in log}
    for letter in letters:
        place = header(letter, "topic"), int(header(letter, "partition")), int(header(letter, "offset"))
        original = originals.pop(place)
        nothing = b"" if original.key is None else None  # a record of ours needs one of the two
        assert (letter.key, letter.value) == (original.key, original.value or nothing)
        assert letter.headers[: len(original.headers)] == original.headers
        reason, named = told[letter.value or b""]
        assert header(letter, "reason") == reason, letter
        assert named in header(letter, "path") + header(letter, "detail"), letter
    await outbox_empty(deployment)
    verdict = await deployment.verify()
    assert verdict.same, verdict.output
    assert await counted(deployment) == expected(good)
    journal = await deployment.journal()
    assert sum(n for name, n in journal.items() if name.startswith("refused_")) == 20_004
    worker.stop()


async def outbox_empty(deployment: Pipeline) -> None:
    """Returns when no letter waits any more: a commit after the delivery notes it."""
    async with deployment.store() as store, asyncio.timeout(60):
        for family in COUNTED:
            for partition in await store.fences(family):
                while (await store.restore(family, partition)).outbox:
                    await asyncio.sleep(0.1)


async def test_a_bad_deployment_is_not_diverted(deployment: Pipeline) -> None:
    """Above deadletters.max_share the worker stops with status 3 and says so, a supervised one too; with a
    higher share it goes on from there."""
    await deployment.create_topics(partitions=1)
    good = recent_mix(3_000)
    await deployment.publish(good)
    tickets = deployment.config.kafka.topics.tickets
    await deployment.put((tickets, b"k%d" % n, b'{"oops":%d}' % n) for n in range(9_000))
    for start in (deployment.worker, deployment.supervised):
        process = start()
        assert await process.ended() == 3
        said = next(line for line in process.output.splitlines() if line.startswith("floorcast worker: "))
        assert f"{tickets}/0: " in said
        assert "events were refused, more than deadletters.max_share (0.8)" in said
        assert "mend the producer, or raise the share" in said
    refused = (await deployment.journal())["refused_missing"]
    assert refused < 3_000  # what fits into the sample (1,000, counts halved at 2,000) beside the good ones
    patient = deployment.worker(FLOORCAST_DEADLETTERS_MAX_SHARE="1")
    await deployment.wait()
    letters = await read_log(
        deployment.config.kafka.bootstrap, [deployment.config.kafka.topics.deadletters], 9_000
    )
    assert len({header(letter, "offset") for letter in letters}) == 9_000
    await outbox_empty(deployment)
    patient.stop()
    assert await counted(deployment) == expected(good)
    assert (await deployment.verify()).same
