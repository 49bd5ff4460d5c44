"""What a channel is given: one notice with the words for people and the facts for machines."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from msgspec import Struct

from stream.alerts.state import OPENING, Alert, Kind, Notice, Stage
from stream.config.durations import format_duration
from stream.events.instants import instant

SELF = "floorcast"
"""The subject of what floorcast says about itself."""
_QUEUE_WAIT = "queue_wait"


class Message(Struct, frozen=True, kw_only=True):
    """A notice to one destination. Texts are plain: a channel escapes them for its own markup."""

    id: str
    """The same in every attempt."""
    key: str
    """Of the alert: what destinations deduplicate by."""
    kind: Kind
    stage: Stage
    """What it is about; of a follow-up the gravest that this destination was told."""
    was: Stage | None
    """What this destination was told before and waits for an end of."""
    title: str
    facts: tuple[tuple[str, str], ...]
    url: str | None
    subject: str
    clock: str
    instance: int
    level: str | None
    segments: dict[str, str]
    policy: str
    at: datetime
    due: datetime | None
    ended: datetime | None
    acknowledged_by: str | None
    thread: str | None
    again: bool
    """It may have arrived before."""
    test: bool


def message(
    alert: Alert, notice: Notice, zone: ZoneInfo, ticket_url: str | None = None, test: bool = False
) -> Message:
    """The message of a notice. Times for people are in `zone`."""
    told = alert.knows(notice.to)
    was = told.stage if told is not None else None
    stage = alert.stage if notice.kind in OPENING or was is None else was
    words = _title(alert, notice.kind, stage, zone)
    return Message(
        id=f"{notice.id}/{notice.kind}",
        key=alert.key,
        kind=notice.kind,
        stage=stage,
        was=was,
        title=f"{'[TEST] ' if test else ''}{words}",
        facts=tuple(_facts(alert, zone)),
        url=_link(ticket_url, alert),
        subject=alert.subject,
        clock=alert.clock,
        instance=alert.instance,
        level=alert.level,
        segments=alert.segments,
        policy=alert.policy,
        at=instant(alert.at_ms),
        due=_instant(alert.due_ms),
        ended=_instant(alert.ended_ms),
        acknowledged_by=alert.acknowledged_by,
        thread=told.thread if told is not None and notice.kind not in OPENING else None,
        again=notice.tried,
        test=test,
    )


def local(at_ms: int, zone: ZoneInfo) -> str:
    """An instant as people in `zone` read it."""
    return f"{instant(at_ms).astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _title(alert: Alert, kind: Kind, stage: Stage, zone: ZoneInfo) -> str:
    if stage == "blind":
        return f"floorcast {'sees again' if kind == 'seeing' else 'is blind'}: {alert.text}"
    what = f"{alert.clock} of {alert.subject}"
    due = f", due {local(alert.due_ms, zone)}" if alert.due_ms is not None else ""
    level = f" ({alert.level})" if alert.level else ""
    breached = f"{what} was due {local(alert.at_ms, zone)}"
    match kind:
        case "at_risk":
            return f"SLA at risk{level}: {what}{due}"
        case "breached":
            return f"SLA breached: {breached}"
        case "reminder":
            return f"Still breached: {breached}" if stage == "breached" else f"Still at risk: {what}{due}"
        case "acknowledged":
            return f"Acknowledged by {alert.acknowledged_by}: {what}"
        case "retracted":
            return f"Taken back: {what} was not breached, as an event that arrived late shows"
        case _:
            return _end(alert, what)


def _end(alert: Alert, what: str) -> str:
    if alert.ended == "cancelled":
        return f"No longer wanted: {what}"
    late = alert.overdue_ms and alert.overdue_ms >= 1000
    return f"Fulfilled: {what}{f', {_length(alert.overdue_ms or 0)} late' if late else ', in time'}"


def _facts(alert: Alert, zone: ZoneInfo) -> list[tuple[str, str]]:
    if alert.stage == "blind":
        return []
    facts = [("policy", alert.policy), ("target", _length(alert.target_ms))]
    facts += [(name, value) for name, value in sorted(alert.segments.items()) if value]
    facts.append(("started", local(alert.started_ms, zone)))
    return [(name, value) for name, value in facts if value]


def _link(template: str | None, alert: Alert) -> str | None:
    if template is None or alert.subject == SELF or alert.clock == _QUEUE_WAIT:
        return None
    ticket = alert.subject.rpartition(":")[2]
    if {ticket, alert.subject} & {".", ".."}:  # would lead out of the path, percent-encoded too
        return None
    return template.replace("{ticket}", quote(ticket, safe="")).replace(
        "{subject}", quote(alert.subject, safe="")
    )


def _length(duration_ms: int) -> str:
    return format_duration(duration_ms // 1000 * 1000)


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else instant(ms)
