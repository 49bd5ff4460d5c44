"""The contract of events: what is read, what is refused with which reason and path, and that nothing
stops a shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import msgspec
import pytest

from stream.config import Config, parse
from stream.events.decode import FAMILIES, decoder_of, family_of
from stream.events.refusal import Refused, UnknownType
from stream.metrics.measures import BACKLOG, BACKLOG_PAST_SLA, BACKLOG_UNANSWERED, BACKLOG_UNASSIGNED
from stream.metrics.segments import group_name
from stream.shard.changes import Record
from stream.shard.image import Image, run_batch
from stream.shard.shard import TooManyDeadLetters
from tests.core import letters, new_shard
from tests.strategies import BASE_MS, DAY_MS, HOUR_MS, Json, rfc3339

TYPES = [kind for family in FAMILIES for kind in decoder_of(family).rank]
PARTS: dict[str, Json] = {
    "ticket.message_added": {"message": {"author": "agent"}},
    "ticket.work_logged": {"work": {"seconds": 12.5}},
    "survey.responded": {"response": {"score": 4}},
    "survey.updated": {"response": {"confirmed": True}},
    "qa.reviewed": {"review": {"score": 90}},
    "agent.state_changed": {"state": "busy"},
    "selfservice.article_viewed": {"article": "a1"},
    "selfservice.article_rated": {"article": "a1", "helpful": True},
    "customer.order_placed": {"order": {"id": "o", "amount_minor": 990, "currency": "EUR"}},
    "customer.order_refunded": {"order": {"id": "o", "amount_minor": 990, "currency": "EUR"}},
    "customer.cost_recorded": {"cost": {"kind": "refund", "amount_minor": 5, "currency": "EUR"}},
    "customer.mentioned": {"mention": {"network": "x"}},
    "annotation.published": {"title": "Release 7"},
}
"""What a type cannot be without."""
FAT: dict[str, Json] = {
    "ticket": {
        "ticket": {
            "status": "open",
            "team": "red",
            "priority": None,
            "tags": ["a"],
            "due_at": rfc3339(BASE_MS),
        }
    },
    "call": {
        "call": {
            "direction": "inbound",
            "media": "chat",
            "queue": "sales",
            "talk_seconds": 3,
            "ended_at": None,
        }
    },
    "survey": {"survey": {"kind": "csat", "scale_min": 1, "scale_max": 5, "team": "red"}},
    "agent": {"agent": {"team": "red", "queues": ["sales"], "site": None}},
    "selfservice": {"session": {"customer": "c", "channel": "web"}},
    "customer": {"customer": {"plan": "pro"}},
}
MOST_BYTES = 262_144


def event_of(kind: str, **attributes: Any) -> Json:
    """A good event of a type."""
    data = deepcopy({**FAT.get(kind.partition(".")[0], {}), **PARTS.get(kind, {})})
    event = {
        "specversion": "1.0", "id": "1", "source": "desk", "type": kind, "subject": "S1",
        "time": rfc3339(BASE_MS),
        "data": data,
    }  # fmt: skip
    return {**event, **attributes}


def decode(event: Json) -> Any:
    """The event as its topic's decoder reads it."""
    family = family_of(event["type"])
    assert family is not None
    return decoder_of(family).decode(msgspec.json.encode(event))


def binary(event: Json) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    """The same event in binary mode: body and headers."""
    headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
    return msgspec.json.encode(event["data"]), [*headers, ("content-type", b"application/json")]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_read_in_both_modes(kind: str) -> None:
    """Structured and binary mode give the same event."""
    event = event_of(
        kind, sequence="7", recordedtime=rfc3339(BASE_MS + 5, 120), traceparent="00-x", extension=1
    )
    structured = decode(event)
    body, headers = binary(event)
    assert decoder_of(family_of(kind) or "").decode(body, headers) == structured
    assert structured.type == kind
    assert int(structured.sequence) == 7


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_a_type_without_its_part_is_refused(kind: str) -> None:
    """`missing`, with the path of the part; also when there is no data at all."""
    told: list[Any] = [{}, None, "absent"]
    for data in told:
        event = event_of(kind, data=data)
        if data == "absent":
            del event["data"]
        with pytest.raises(Refused) as refused:
            decode(event)
        assert refused.value.reason == "missing"
        assert refused.value.path.startswith("data.")


@pytest.mark.parametrize(
    ("kind", "change", "reason", "path"),
    [
        ("ticket.created", {"specversion": "0.3"}, "invalid", "specversion"),
        ("ticket.created", {"id": ""}, "invalid", "id"),
        ("ticket.created", {"id": 5}, "invalid", "id"),
        ("ticket.created", {"source": None}, "invalid", "source"),
        ("ticket.created", {"subject": "x" * 513}, "invalid", "subject"),
        ("ticket.created", {"time": "2026-03-02T00:00:00"}, "invalid", "time"),
        ("ticket.created", {"time": "2026-02-30T00:00:00Z"}, "invalid", "time"),
        ("ticket.created", {"time": 1772409600}, "invalid", "time"),
        ("ticket.created", {"recordedtime": "soon"}, "invalid", "recordedtime"),
        ("ticket.created", {"sequence": -1}, "invalid", "sequence"),
        ("ticket.created", {"sequence": "seven"}, "invalid", "sequence"),
        ("ticket.created", {"sequence": "²"}, "invalid", "sequence"),
        ("ticket.created", {"data": [1]}, "invalid", "data"),
        ("ticket.created", {"data": {"ticket": {"status": "opened"}}}, "invalid", "data.ticket.status"),
        ("ticket.created", {"data": {"ticket": {"team": 5}}}, "invalid", "data.ticket.team"),
        ("ticket.created", {"data": {"ticket": {"team": "x" * 257}}}, "invalid", "data.ticket.team"),
        ("ticket.created", {"data": {"ticket": {"tags": [1]}}}, "invalid", "data.ticket.tags[0]"),
        ("ticket.message_added", {"data": {"message": {}}}, "missing", "data.message.author"),
        ("ticket.message_added", {"data": {"message": {"author": "robot"}}}, "invalid",
        "data.message.author"),
        ("ticket.message_added", {"data": {"message": {"author": "bot", "public": "yes"}}}, "invalid",
        "data.message.public"),
        ("call.answered", {"data": {"call": {"talk_seconds": -1}}}, "invalid", "data.call.talk_seconds"),
        ("call.abandoned", {"data": {"abandon": {"stage": "lift"}}}, "invalid", "data.abandon.stage"),
        ("call.record", {"data": {"call": {"ended_at": "10:00"}}}, "invalid", "data.call.ended_at"),
        ("survey.responded", {"data": {"response": {}}}, "missing", "data.response.score"),
        ("survey.responded", {"data": {"response": {"score": 4.5}}}, "invalid", "data.response.score"),
        ("survey.sent", {"data": {"survey": {"kind": "smile"}}}, "invalid", "data.survey.kind"),
        ("qa.reviewed", {"data": {"review": {"score": 101}}}, "invalid", "data.review.score"),
        ("agent.state_changed", {"data": {"state": "asleep"}}, "invalid", "data.state"),
        ("customer.order_placed", {"data": {"order": {"id": "o", "amount_minor": 1.5, "currency": "EUR"}}},
        "invalid",
         "data.order.amount_minor"),
        ("customer.order_placed", {"data": {"order": {"id": "o", "amount_minor": 1, "currency": "euro"}}},
        "invalid",
         "data.order.currency"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_path(kind: str, change: Json, reason: str, path: str) -> None:
    """In structured mode; the detail says what was expected."""
    with pytest.raises(Refused) as refused:
        decode(event_of(kind, **change))
    assert (refused.value.reason, refused.value.path) == (reason, path)
    assert refused.value.detail


@pytest.mark.parametrize(("sequence", "body", "reason", "path"), [
    ("²", b"{}", "invalid", "sequence"),
    ("9" * 5_000, b"{}", "invalid", "sequence"),
    ("1", b'{"ticket": {"team": 5}}', "invalid", "data.ticket.team"),
    ("1", b"[]", "invalid", "data"),
    ("1", b'{"message": {}}', "missing", "data.message.author"),
    ("1", b"{", "not_json", ""),
])  # fmt: skip
def test_a_wrong_value_in_binary_mode_is_refused_with_its_path(
    sequence: str, body: bytes, reason: str, path: str
) -> None:
    """Attributes come from headers, so they are text; paths are those of the event."""
    _, headers = binary(event_of("ticket.created", sequence=sequence))
    with pytest.raises(Refused) as refused:
        decoder_of("tickets").decode(body, headers)
    assert (refused.value.reason, refused.value.path) == (reason, path)


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "subject", "time"])
def test_an_attribute_that_is_missing_is_named(attribute: str) -> None:
    """Of either mode."""
    event = event_of("ticket.created")
    del event[attribute]
    body, headers = binary(event)
    for value, told in ((msgspec.json.encode(event), []), (body, headers)):
        with pytest.raises(Refused) as refused:
            decoder_of("tickets").decode(value, told)
        assert (refused.value.reason, refused.value.path) == ("missing", attribute)


@pytest.mark.parametrize(
    "value", [b"\xff\xfe{}", b"not json", b'{"type":', b'{"a":"\xc3\x28"}', b"[" * 100_000, b'"text"', b"7"]
)
def test_what_is_no_event_is_refused(value: bytes) -> None:
    """Bad UTF-8, no JSON, truncated, nested too deeply, no object."""
    with pytest.raises(Refused) as refused:
        decoder_of("tickets").decode(value)
    assert refused.value.reason in ("not_json", "invalid", "missing")


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_a_value_is_refused(value: bytes | None) -> None:
    """As compaction leaves them behind."""
    with pytest.raises(Refused) as refused:
        decoder_of("tickets").decode(value)
    assert refused.value.reason == "empty"


def test_types_that_are_not_ours_are_ignored() -> None:
    """Whatever else they hold; also those of another topic."""
    for kind in ("ticket.printed", "com.acme.anything", "call.offered"):
        for event in (event_of("ticket.created", type=kind), {"type": kind, "data": 5}):
            with pytest.raises(UnknownType):
                decoder_of("tickets").decode(msgspec.json.encode(event))
            with pytest.raises(UnknownType):
                decoder_of("tickets").decode(b"{}", [("ce_type", kind.encode())])


def test_unknown_fields_are_ignored() -> None:
    """Anywhere in the event."""
    plain = event_of("ticket.created", data={"ticket": {"team": "red"}})
    more = event_of(
        "ticket.created", shoe=7, data={"hat": [], "ticket": {"team": "red", "mood": {"deep": [1]}}}
    )
    assert decode(more) == decode(plain)


GOOD, BAD = 4_000, 20_000
Spoil = Callable[[Random, Json], tuple[bytes | None, str]]


def spoilt_field(random: Random, event: Json) -> tuple[bytes, str]:
    """One known field, anywhere, is of a wrong type."""
    places: list[tuple[Json, str]] = [
        (event, name) for name in ("id", "source", "subject", "time", "specversion")
    ]
    ticket, message = event["data"]["ticket"], event["data"].get("message", {})
    places += [(ticket, name) for name in ticket] + [(message, name) for name in message]
    where, name = random.choice([*places, (event["data"], "ticket")])
    where[name] = random.choice([17.25, [None]])
    return msgspec.json.encode(event), "invalid"


def without(random: Random, event: Json) -> tuple[bytes, str]:
    """An attribute or a required part is missing."""
    name = random.choice(["id", "source", "subject", "time", "specversion", "message"])
    if name == "message":
        event["type"] = "ticket.message_added"
        event["data"].pop("message", None)
    else:
        del event[name]
    return msgspec.json.encode(event), "missing"


def truncated(random: Random, event: Json) -> tuple[bytes, str]:
    """Cut off somewhere."""
    value = msgspec.json.encode(event)
    return value[: random.randrange(1, len(value))], "not_json"


def noise(random: Random, event: Json) -> tuple[bytes, str]:
    """Random bytes that cannot begin JSON."""
    return b"\x00" + random.randbytes(random.randrange(0, 300)), "not_json"


def bad_text(random: Random, event: Json) -> tuple[bytes, str]:
    """Bytes in a string that are not UTF-8."""
    return msgspec.json.encode(event).replace(b'"red"', b'"r\xe9d"'), "not_json"


def deep(random: Random, event: Json) -> tuple[bytes, str]:
    """Nested without end where a field is ignored."""
    depth = random.randrange(20_000, 60_000)
    return msgspec.json.encode(event)[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}", "not_json"


def huge(random: Random, event: Json) -> tuple[bytes, str]:
    """Larger than events may be."""
    return msgspec.json.encode({**event, "x": "y" * MOST_BYTES}), "too_large"


def empty(random: Random, event: Json) -> tuple[bytes | None, str]:
    """Nothing."""
    return random.choice([None, b""]), "empty"


def late(random: Random, event: Json) -> tuple[bytes, str]:
    """From before the horizon."""
    event["time"] = rfc3339(BASE_MS - 9 * DAY_MS - random.randrange(10**12))
    return msgspec.json.encode(event), "late"


def future(random: Random, event: Json) -> tuple[bytes, str]:
    """Later than its record was sent."""
    event["time"] = rfc3339(BASE_MS + 2 * HOUR_MS + random.randrange(10**13))
    return msgspec.json.encode(event), "future"


SPOILS: list[tuple[Spoil, int]] = [
    (spoilt_field, 9_000), (without, 3_000), (truncated, 3_000), (noise, 2_000), (bad_text, 1_000), (deep,
    50),
    (huge, 50), (empty, 500), (late, 700), (future, 700),
]  # fmt: skip


def test_twenty_thousand_malformed_events_are_kept_apart_with_their_reason() -> None:
    """Among good ones: each is in the outbox with its bytes, headers and reason, every good one counts,
    nothing stops."""
    random = Random(7)
    records: list[tuple[Record, str]] = []
    for number in range(GOOD):
        event = event_of("ticket.created", id=f"good{number}", subject=f"good{number}")
        records.append((_record(msgspec.json.encode(event)), ""))
    for spoil, count in SPOILS:
        for number in range(count):
            kind = random.choice(["ticket.created", "ticket.message_added", "ticket.resolved"])
            value, reason = spoil(random, event_of(kind, id=f"bad{number}", subject=f"bad{number}"))
            records.append((_record(value), reason))
    assert sum(count for _, count in SPOILS) == BAD
    random.shuffle(records)
    records = [(record._replace(offset=offset), reason) for offset, (record, reason) in enumerate(records)]

    shard, image = new_shard("tickets", parse({"deadletters": {"max_share": 1.0}})), Image()
    for begin in range(0, len(records), 5_000):
        run_batch(shard, image, [record for record, _ in records[begin : begin + 5_000]], None)

    found = {letter.offset: letter for letter in letters(image)}
    wrong = {record.offset: reason for record, reason in records if reason}
    assert {offset: letter.reason for offset, letter in found.items()} == wrong
    for record, reason in records:
        if reason:
            letter = found[record.offset]
            assert (letter.value, letter.key, letter.timestamp) == (
                record.value,
                record.key,
                record.timestamp,
            )
            assert letter.headers == [tuple(header) for header in record.headers]
            assert (
                letter.path
                or reason in ("not_json", "too_large", "empty")
                or "required field" in letter.detail
            )
    assert shard.fence.offset == len(records)
    assert all(count >= 50 for count in Counter(wrong.values()).values())
    assert image.levels[group_name(0, ())] == msgspec.msgpack.encode(
        {BACKLOG: GOOD, BACKLOG_UNANSWERED: GOOD, BACKLOG_UNASSIGNED: GOOD, BACKLOG_PAST_SLA: GOOD}
    )


def _record(value: bytes | None) -> Record:
    return Record(0, BASE_MS + HOUR_MS, value, (("trace", b"\xff"), ("none", None)), b"key")


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-20T00:00:00Z"]
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
def test_a_record_that_tells_times_of_another_age_is_refused(time: str, zone: str) -> None:
    """With the path of the time: they would make panes that never end, or none that a calendar knows."""
    shard, image = new_shard("calls", parse({"timezone": zone})), Image()
    value = msgspec.json.encode(event_of("call.record", data={"call": {"queued_at": time}}))
    run_batch(shard, image, [Record(0, BASE_MS, value)], None)
    (letter,) = letters(image)
    assert letter.path == "data.call.queued_at"
    assert not image.cells


def test_a_stream_that_is_all_wrong_stops_the_shard_before_it_is_diverted() -> None:
    """The batch is not committed: the offset and the outbox stay where they were."""
    shard, image = new_shard("tickets", Config()), Image()
    good = [_record(msgspec.json.encode(event_of("ticket.created", id=str(n)))) for n in range(10)]
    run_batch(shard, image, [record._replace(offset=n) for n, record in enumerate(good)], None)
    bad = [_record(b"{}")._replace(offset=10 + n) for n in range(5_000)]
    with pytest.raises(TooManyDeadLetters, match=r"support\.tickets/0.*from offset 10 on"):
        run_batch(shard, image, bad, None)
    assert image.fence.offset == 10
    assert not image.outbox


def test_a_few_bad_events_do_not_stop_it() -> None:
    """Below the share, over as many events as it is taken of."""
    shard, image = new_shard("tickets", Config()), Image()
    good = msgspec.json.encode(event_of("ticket.created"))
    values = [b"{}" if n % 4 else good for n in range(5_000)]
    run_batch(shard, image, [_record(value)._replace(offset=n) for n, value in enumerate(values)], None)
    assert len(image.outbox) == 3_750
