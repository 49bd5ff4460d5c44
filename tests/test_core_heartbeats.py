"""Heartbeats cost no history."""

from __future__ import annotations

import msgspec

from stream.config import parse
from stream.lifecycle.entity import entity_history, unpack_entity
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from tests.core import new_shard
from tests.strategies import BASE_MS, DAY_MS, HOUR_MS, MINUTE_MS, Sent, rfc3339

CONFIG = parse({"horizon": "2d"})
FOLD = family("agents", CONFIG).fold


def event(number: int, at_ms: int, kind: str, **data: object) -> Sent:
    """An event of the agent ann."""
    told = {
        "specversion": "1.0", "id": f"e{number:05}", "source": "acd", "type": f"agent.{kind}",
        "subject": "ann", "time": rfc3339(at_ms), "data": data,
    }  # fmt: skip
    return Sent(at_ms, at_ms, told, msgspec.json.encode(told))


def kept(image: Image) -> list[int]:
    """The instants of the kept events of ann, heartbeats included (ms after the beginning)."""
    entity = unpack_entity(FOLD, image.states["ann"])
    return [row[0] - BASE_MS for row in entity_history(FOLD, entity)]


def test_of_half_a_day_the_first_and_the_last_are_kept() -> None:
    """As many as there are; the timer follows the last one."""
    shard, image = new_shard("agents", CONFIG), Image()
    sent = [event(0, BASE_MS, "logged_in"), *(
        event(n, BASE_MS + n * MINUTE_MS, "heartbeat") for n in range(1, 1000)
    )]  # fmt: skip
    run_batch(shard, image, [one.record(offset) for offset, one in enumerate(sent)], None)
    assert kept(image) == [n * MINUTE_MS for n in (0, 1, 719, 720, 999)]
    assert image.timers == {"ann": BASE_MS + 999 * MINUTE_MS + 12 * HOUR_MS}
    assert image.journal.get("duplicates", 0) == 0


def test_heartbeats_older_than_the_horizon_are_forgotten() -> None:
    """An agent that only ever says that it is there does not grow."""
    shard, image = new_shard("agents", CONFIG), Image()
    sizes = []
    for hour in range(24 * 30):
        sent = event(hour, BASE_MS + hour * HOUR_MS, "heartbeat")
        run_batch(shard, image, [sent.record(hour)], None)
        sizes.append(len(image.states["ann"]))
    assert max(sizes) == max(sizes[: 24 * 6])
    assert min(kept(image)) > 30 * DAY_MS - 5 * DAY_MS


def test_a_life_of_heartbeats_alone_is_the_same_however_the_one_before_was_forgotten() -> None:
    """By a batch that came between, or in that of the first heartbeat: the batches change nothing."""
    later_ms = BASE_MS + 60 * DAY_MS
    told = event(1, later_ms, "heartbeat").event | {"subject": "bob"}
    other = Sent(later_ms, later_ms, told, msgspec.json.encode(told))
    sent = [event(0, BASE_MS, "state_changed", state="offline"), other, event(2, later_ms, "heartbeat")]
    images = []
    for size in (1, 2, 3):
        shard, image = new_shard("agents", CONFIG), Image()
        records = [one.record(offset) for offset, one in enumerate(sent)]
        for begin in range(0, len(records), size):
            run_batch(shard, image, records[begin : begin + size], None)
        images.append((kept(image), image.states, image.timers))
    assert images[0] == images[1] == images[2]


def test_a_long_life_does_not_grow() -> None:
    """Events that are older than the horizon are sealed, and what they contributed is not kept with them."""
    shard, image = new_shard("agents", CONFIG), Image()
    sizes = []
    for day in range(30):
        states = ("busy", "available") * 12
        sent = [
            event(day * 100 + hour, BASE_MS + day * DAY_MS + hour * HOUR_MS, "state_changed", state=state)
            for hour, state in enumerate(states)
        ]
        run_batch(shard, image, [one.record(day * 24 + place) for place, one in enumerate(sent)], None)
        sizes.append(len(image.states["ann"]))
    assert max(sizes[10:]) <= max(sizes[:10]) + 50
