"""An event is checked before it may enter Kafka."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stream.events.refusal import Refused
from stream.sources.prepare import prepare


def event(**changes: Any) -> dict[str, Any]:
    """A good event, with changes."""
    return {
        "specversion": "1.0", "id": "1", "source": "test", "type": "ticket.created", "subject": "zendesk:7",
        "time": "2026-01-05T09:00:00.250+01:00", "data": {"ticket": {"priority": "high"}},
    } | changes  # fmt: skip


def test_key_topic_and_times_come_from_the_event() -> None:
    """Key = subject, family by the type's prefix, value = the event's JSON."""
    prepared = prepare(event(), 10_000)
    assert (prepared.family, prepared.key) == ("tickets", b"zendesk:7")
    assert msgspec.json.decode(prepared.value) == event()
    assert prepared.time_ms == prepared.recorded_ms == 1_767_600_000_250


def test_a_recorded_time_is_the_records_timestamp() -> None:
    """`recordedtime`, else `time`."""
    prepared = prepare(event(recordedtime="2026-01-05T08:00:01Z"), 10_000)
    assert (prepared.time_ms, prepared.recorded_ms) == (1_767_600_000_250, 1_767_600_001_000)


def test_adapters_may_give_times_as_datetimes() -> None:
    """An aware datetime is what Python code has at hand."""
    assert prepare(event(time=datetime(2026, 1, 5, 8, tzinfo=UTC)), 10_000).time_ms == 1_767_600_000_000


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("ticket.closed", "tickets"), ("call.offered", "calls"), ("survey.sent", "surveys"),
        ("agent.logged_in", "agents"), ("selfservice.started", "selfservice"),
        ("customer.created", "customers"),
    ],
)  # fmt: skip
def test_the_topic_is_chosen_by_the_types_prefix(kind: str, family: str) -> None:
    """One prefix, one topic."""
    assert prepare(event(type=kind, data={}), 10_000).family == family


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"type": "order.created"}, "invalid", "type"),
        ({"type": "ticket.exploded"}, "invalid", "type"),
        ({"type": 3}, "invalid", "type"),
        ({"time": "2026-01-05T09:00:00"}, "invalid", "time"),
        ({"data": {"ticket": {"priority": 3}}}, "invalid", "data.ticket.priority"),
        ({"type": "ticket.message_added"}, "missing", "data.message"),
        ({"data": {"ticket": {"tags": ["x" * 10_000]}}}, "too_large", ""),
        ({"data": {"ticket": object()}}, "not_json", ""),
    ],
)
def test_what_would_be_a_dead_letter_is_refused(changes: dict[str, Any], reason: str, path: str) -> None:
    """With the reason and the path of the field."""
    with pytest.raises(Refused) as refused:
        prepare(event(**changes), 5_000)
    assert (refused.value.reason, refused.value.path) == (reason, path)


@pytest.mark.parametrize(
    "changes",
    [{"type": "order." + "x" * 5_000}, {"type": "ticket." + "x" * 5_000}, {"specversion": "x" * 5_000}],
)
def test_what_is_refused_is_told_in_a_line_that_can_be_read(changes: dict[str, Any]) -> None:
    """However long the word is that was wrong."""
    with pytest.raises(Refused) as refused:
        prepare(event(**changes), 10_000)
    assert len(str(refused.value)) < 600
