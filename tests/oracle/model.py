"""Events as plain dicts, the order of a history, and what a walk gives: facts and level spans.

An event is a dict with `id`, `source`, `type`, `subject`, `time` (integer ms since the epoch), `recordedtime`
(integer ms or None), `sequence` (integer) and `data` (dict). Everything here follows events.md.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]
Segments = dict[str, str | None]

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

# events.md 2: "Segment fields (all optional strings, on tickets, calls, surveys and sessions alike)".
SEGMENT_FIELDS = (
    "channel",
    "priority",
    "team",
    "agent",
    "queue",
    "category",
    "product",
    "region",
    "plan",
    "customer_type",
    "language",
    "brand",
    "tier",
)

# events.md 1: "rank of the type as listed below".
TYPES: dict[str, tuple[str, ...]] = {
    "tickets": (
        "ticket.created",
        "ticket.message_added",
        "ticket.status_changed",
        "ticket.updated",
        "ticket.assigned",
        "ticket.unassigned",
        "ticket.escalated",
        "ticket.deescalated",
        "ticket.resolved",
        "ticket.closed",
        "ticket.reopened",
        "ticket.merged",
        "ticket.marked_spam",
        "ticket.deleted",
        "ticket.restored",
        "ticket.work_logged",
        "ticket.sla_exempted",
    ),
    "calls": (
        "call.offered",
        "call.queued",
        "call.answered",
        "call.held",
        "call.resumed",
        "call.transferred",
        "call.abandoned",
        "call.callback_requested",
        "call.voicemail_left",
        "call.overflowed",
        "call.missed",
        "call.ended",
        "call.wrapup_ended",
        "call.record",
    ),
    "surveys": ("survey.sent", "survey.responded", "survey.updated", "survey.expired", "qa.reviewed"),
    "agents": ("agent.state_changed", "agent.logged_in", "agent.logged_out", "agent.heartbeat"),
    "selfservice": (
        "selfservice.started",
        "selfservice.article_viewed",
        "selfservice.searched",
        "selfservice.article_rated",
        "selfservice.bot_resolved",
        "selfservice.bot_handed_off",
        "selfservice.contact_opened",
        "selfservice.ended",
    ),
}
TOPIC_OF = {name: topic for topic, names in TYPES.items() for name in names}
RANK = {name: rank for names in TYPES.values() for rank, name in enumerate(names)}


@dataclass(frozen=True)
class QueueRule:
    """Thresholds of the queues that match `when` (segment -> accepted values); the first match wins."""

    when: dict[str, tuple[str, ...]]
    answer_within_ms: int = 20 * SECOND
    short_abandon_ms: int = 5 * SECOND


@dataclass(frozen=True)
class Config:
    """The configuration that shapes the numbers; durations in ms, defaults as in the contract."""

    queues: tuple[QueueRule, ...] = ()
    keep_tickets_ms: int = 30 * DAY
    keep_calls_ms: int = 2 * DAY
    keep_surveys_ms: int = 90 * DAY
    lost_waiting_ms: int = 4 * HOUR
    lost_unfinished_ms: int = 12 * HOUR
    keep_selfservice_ms: int = 2 * DAY
    keep_agents_ms: int = 30 * DAY
    gone_agents_ms: int = 12 * HOUR
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The raw configuration: policies, calendars, queues, time zone (sla.md "Configuration")."""


@dataclass(frozen=True)
class Fact:
    """One thing counted: `value` (1, ms, or a score) of `measure`; segments as of the causing event."""

    measure: str
    at_ms: int
    segments: Segments
    value: int


@dataclass(frozen=True)
class Span:
    """An entity was in `level` during [from_ms, to_ms) (None: still is); `since_ms`: since when it waits."""

    level: str
    from_ms: int
    to_ms: int | None
    segments: Segments
    since_ms: int


@dataclass
class Image:
    """Everything that one set of events amounts to at `now_ms`."""

    now_ms: int
    facts: list[Fact] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


def to_ms(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 time with offset; finer digits are cut off."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"not an RFC 3339 time with offset: {text!r}")
    day, clock, fraction, offset = found.groups()
    zone = "+00:00" if offset in "Zz" else offset
    since = datetime.fromisoformat(f"{day}T{clock}{zone}") - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(seconds=1) * 1000 + int(((fraction or "") + "000")[:3])


def parse(cloud_event: dict[str, Any]) -> Event:
    """A CloudEvent (a dict as read from JSON) as the oracle's event dict."""
    recorded = cloud_event.get("recordedtime")
    return {
        "id": cloud_event["id"],
        "source": cloud_event["source"],
        "type": cloud_event["type"],
        "subject": cloud_event["subject"],
        "time": to_ms(cloud_event["time"]),
        "recordedtime": None if recorded is None else to_ms(recorded),
        "sequence": int(cloud_event.get("sequence") or 0),
        "data": cloud_event.get("data") or {},
    }


def json_hash(event: Event) -> str:
    """A content hash for when the product's own is not given: SHA-256 over the event as sorted JSON."""
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()


def histories(
    events: Iterable[Event], content_hash: Callable[[Event], Any]
) -> dict[tuple[str, str], list[Event]]:
    """(topic, subject) -> its events without duplicates, in the total order of events.md 1.

    Unknown types are ignored.
    """
    kept: dict[tuple[str, str], dict[tuple[Any, ...], Event]] = {}
    for event in events:
        if event["type"] not in TOPIC_OF:
            continue
        same_subject = kept.setdefault((TOPIC_OF[event["type"]], event["subject"]), {})
        identity: tuple[Any, ...] = (event["source"], event["id"])
        if event["type"] == "agent.heartbeat":
            identity = ("heartbeat", event["time"])  # whatever version: each is a sign of life
        known = same_subject.get(identity)
        if known is None or _version(event, content_hash) > _version(known, content_hash):
            same_subject[identity] = event
    return {entity: sorted(by_id.values(), key=_order) for entity, by_id in kept.items()}


def _version(event: Event, content_hash: Callable[[Event], Any]) -> tuple[int, Any]:
    """events.md 1: of one identity "the one with the highest (`recordedtime`, content hash) counts"."""
    recorded = event["recordedtime"]
    return (event["time"] if recorded is None else recorded, content_hash(event))


def _order(event: Event) -> tuple[int, str, int, int, str]:
    """events.md 1: "by (`time`, `source`, `sequence`, rank of the type as listed below, `id`)"."""
    return (event["time"], event["source"], event["sequence"], RANK[event["type"]], event["id"])


def merged(before: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
    """events.md 2, the snapshot rule: an absent field is unchanged, `null` clears it."""
    return {**before, **snapshot}


def segments_of(state: dict[str, Any]) -> Segments:
    """The segment fields of a snapshot; an absent value is None."""
    return {name: state.get(name) for name in SEGMENT_FIELDS}
