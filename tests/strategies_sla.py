"""Hypothesis strategies for clocks: agreements, and histories of tickets and calls around them.

Configurations are raw mappings as `floorcast.yaml` has them. Histories lie around a change of the clocks in
Berlin or New York, or in a plain week; steps between events are like the targets, so that things happen
exactly when they are due, a millisecond before and after, in pauses and at closing time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st

from tests.strategies import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Json, Sent, rfc3339

BASES_MS = (
    1_772_438_400_000,  # 2026-03-02 08:00Z, a plain Monday
    1_772_805_600_000,  # 2026-03-06 14:00Z, a Friday before New York goes to summer time
    1_774_623_600_000,  # 2026-03-27 15:00Z, a Friday before Berlin does
    1_792_771_200_000,  # 2026-10-23 16:00Z, a Friday before Berlin goes back
)
ZONES = ("Europe/Berlin", "America/New_York", "UTC")
CLOCKS = (
    "first_reply", "next_reply", "periodic_update", "pausable_update", "requester_wait", "agent_work",
    "resolution", "full_resolution", "assignment", "group_ownership",
)  # fmt: skip
MAY_PAUSE = CLOCKS[2:]

_HOURS: tuple[Json, ...] = (
    {"mon-fri": ["09:00-17:00"]},
    {"mon-thu": ["09:00-12:30", "13:30-18:00"], "fri": ["09:00-16:00"]},
    {"mon-sun": ["22:00-06:00"]},
    {"mon-sun": ["00:00-24:00"]},
    {"mon-fri": ["00:00-24:00"], "sat": ["10:00-14:00"]},
    {"fri-sun": ["01:30-03:30", "22:00-01:00"], "mon": ["08:15-20:45"]},
)
_TARGETS = ("45s", "30m", "1h", "90m", "4h", "8h", "20h", "40h")
_LEVELS = ("10%", "25%", "50%", "90%", "100%", "15m", "1h", "7h")
_STEPS_MS = (
    0, 0, 1, SECOND_MS, 45 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS, 15 * MINUTE_MS,
    20 * MINUTE_MS, 30 * MINUTE_MS, 30 * MINUTE_MS - 1, 30 * MINUTE_MS + 1, HOUR_MS, HOUR_MS - 1,
    HOUR_MS + 1, 90 * MINUTE_MS, 4 * HOUR_MS, 15 * HOUR_MS, 64 * HOUR_MS,
)  # fmt: skip


@dataclass(frozen=True)
class Play:
    """A configuration and what happened under it."""

    config: Json
    sent: list[Sent]
    now_ms: int


def _days(base_ms: int) -> list[str]:
    """The dates of the week around a base."""
    first = datetime.fromtimestamp(base_ms / 1000, UTC).date()
    return [str(first + timedelta(days=n)) for n in range(-1, 6)]


@st.composite
def _from(draw: st.DrawFn, base_ms: int, zone: str) -> str:
    """An `effective_from` within the histories: a date, a wall-clock time of the zone, or with an offset."""
    step_ms = draw(st.sampled_from([0, 30 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 20 * HOUR_MS, 3 * DAY_MS]))
    at = datetime.fromtimestamp((base_ms + step_ms) / 1000, ZoneInfo(zone))
    how = draw(st.sampled_from(["date", "wall", "offset"]))
    if how == "date":
        return str(at.date() + timedelta(days=1))
    return (at.replace(tzinfo=None) if how == "wall" else at).isoformat(timespec="minutes", sep=" ")


@st.composite
def _calendar(draw: st.DrawFn, base_ms: int, zone: str) -> Json:
    calendar: Json = {"timezone": zone, "hours": draw(st.sampled_from(_HOURS))}
    days = _days(base_ms)
    if draw(st.integers(0, 2)) == 0:
        calendar["closed"] = draw(st.lists(st.sampled_from(days), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 2)) == 0:
        calendar["open"] = {
            draw(st.sampled_from(days)): draw(st.sampled_from([["10:00-14:00"], ["23:00-02:00"]]))
        }
    if draw(st.integers(0, 3)) == 0:
        calendar["holidays"] = draw(
            st.sampled_from([{"country": "DE", "subdivision": "BE"}, {"country": "US"}])
        )
    return calendar


@st.composite
def _calendars(draw: st.DrawFn, base_ms: int) -> Json:
    """`office`, sometimes in two versions, and `desk`."""
    found: Json = {}
    for name in ("office", "desk"):
        zone = draw(st.sampled_from(ZONES))
        found[name] = draw(_calendar(base_ms, zone))
        if draw(st.integers(0, 3)) == 0:
            later = {**draw(_calendar(base_ms, zone)), "effective_from": draw(_from(base_ms, zone))}
            found[name] = [found[name], later]
    return found


_WHEN: tuple[Json, ...] = (
    {"priority": ["urgent", "high"]},
    {"priority": "urgent", "channel": "email"},
    {"team": ["red"]},
    {"tags": ["vip", "gold"]},
    {"channel": ["email", "chat"]},
    {},
)


@st.composite
def _policy(draw: st.DrawFn, name: str, when: Json) -> Json:
    some = st.lists(st.sampled_from(CLOCKS), min_size=1, max_size=len(CLOCKS), unique=True)
    names = draw(st.just(list(CLOCKS)) | some)
    policy: Json = {"name": name, "targets": {one: draw(st.sampled_from(_TARGETS)) for one in names}}
    if when:
        policy["when"] = when
    calendar = draw(st.sampled_from(["office", "desk", "24x7", "24x7", None]))
    if calendar is not None:
        policy["calendar"] = calendar
    if draw(st.booleans()):
        policy["warn"] = draw(st.lists(st.sampled_from(_LEVELS), min_size=1, max_size=3, unique=True))
    paused = [one for one in names if one in MAY_PAUSE]
    if paused and draw(st.integers(0, 2)) == 0:
        statuses = draw(st.sampled_from([[], ["pending"], ["on_hold"], ["new", "pending"]]))
        policy["pause"] = {draw(st.sampled_from(paused)): statuses}
    return policy


@st.composite
def agreements(draw: st.DrawFn, base_ms: int) -> Json:
    """Time zone, calendars and policies, some of them in versions that come into force meanwhile."""
    zone = draw(st.sampled_from(ZONES))
    config: Json = {"timezone": zone, "calendars": draw(_calendars(base_ms))}
    if draw(st.booleans()):
        config["default_calendar"] = draw(st.sampled_from(["office", "desk"]))
    whens = draw(st.lists(st.sampled_from(_WHEN), min_size=1, max_size=3))
    policies = [draw(_policy(f"p{number}", when)) for number, when in enumerate(whens)]
    if draw(st.booleans()):
        # A version of one of them, or a policy that is new.
        old = draw(st.sampled_from(policies))
        name = draw(st.sampled_from([old["name"], "new"]))
        later = draw(_policy(name, old.get("when", {})))
        later["effective_from"] = draw(_from(base_ms, zone))
        policies.insert(draw(st.integers(0, len(policies))), later)
    config["policies"] = policies
    return config


_MESSAGES: tuple[Json, ...] = (
    {"author": "customer"}, {"author": "customer"}, {"author": "customer"}, {"author": "customer"},
    {"author": "agent"}, {"author": "agent"}, {"author": "agent"}, {"author": "agent"},
    {"author": "agent", "public": False}, {"author": "agent", "automated": True}, {"author": "bot"},
    {"author": "system"},
)  # fmt: skip
_PEOPLE: tuple[Json, ...] = (
    {"team": "red"}, {"team": "blue"}, {"agent": "ann"}, {"agent": "bob"}, {"agent": None}, {"team": None},
    {"team": "red", "agent": "ann"}, {"team": "blue", "agent": None},
)  # fmt: skip
_CHANGES: tuple[Json, ...] = (
    {"priority": "urgent"}, {"priority": "high"}, {"priority": "low"}, {"priority": None},
    {"tags": ["vip"]}, {"tags": ["beta"]}, {"tags": []}, {"channel": "email"}, {"category": "billing"},
)  # fmt: skip
_STATUSES = ("open", "pending", "on_hold", "pending", "open", "new")
_REMOVALS = (
    "ticket.deleted", "ticket.restored", "ticket.marked_spam", "ticket.restored", "ticket.merged",
)  # fmt: skip


@st.composite
def _ticket_step(draw: st.DrawFn, at_ms: int) -> tuple[str, Json]:
    """One thing that happens to a ticket."""
    what = draw(st.sampled_from("mmmmmmmmsssrrooppccdx"))
    if what == "m":
        data: Json = {"message": draw(st.sampled_from(_MESSAGES))}
        status = draw(st.sampled_from([None, None, None, None, "open", "pending", "resolved"]))
        return "ticket.message_added", data if status is None else {**data, "ticket": {"status": status}}
    if what == "s":
        return "ticket.status_changed", {"ticket": {"status": draw(st.sampled_from(_STATUSES))}}
    if what == "r":
        return draw(st.sampled_from(["ticket.resolved", "ticket.resolved", "ticket.closed"])), {}
    if what == "o":
        return "ticket.reopened", {}
    if what == "p":
        return "ticket.assigned", {"ticket": draw(st.sampled_from(_PEOPLE))}
    if what == "c":
        return "ticket.updated", {"ticket": draw(st.sampled_from(_CHANGES))}
    if what == "d":
        step_ms = draw(st.sampled_from([-HOUR_MS, 0, 1, 30 * MINUTE_MS, 4 * HOUR_MS, DAY_MS, None]))
        return "ticket.updated", {"ticket": {"due_at": None if step_ms is None else rfc3339(at_ms + step_ms)}}
    kind = draw(st.sampled_from((*_REMOVALS, "ticket.sla_exempted", "ticket.unassigned")))
    return kind, {"ticket": {"merged_into": "T9"}} if kind == "ticket.merged" else {}


def _sent(number: int, at_ms: int, kind: str, subject: str, data: Json) -> Sent:
    event = {
        "specversion": "1.0", "id": f"e{number:03}", "source": "desk", "type": kind, "subject": subject,
        "time": rfc3339(at_ms), "sequence": number, "data": data,
    }  # fmt: skip
    return Sent(at_ms, at_ms, event, msgspec.json.encode(event))


@st.composite
def _ticket(draw: st.DrawFn, base_ms: int, subject: str, number: int) -> list[Sent]:
    """One ticket; now and then its creation is lost, or comes later than something else."""
    snapshot = draw(
        st.fixed_dictionaries(
            {"channel": st.sampled_from(["email", "chat", "web"])},
            optional={
                "priority": st.sampled_from(["low", "high", "urgent"]),
                "team": st.sampled_from(["red", "blue"]),
                "agent": st.just("ann"),
                "tags": st.sampled_from([["vip"], ["beta", "gold"]]),
                "created_by": st.sampled_from(["customer", "customer", "agent"]),
                "status": st.sampled_from(["new", "open", "pending"]),
                "due_at": st.just(rfc3339(base_ms + 2 * HOUR_MS)),
            },
        )
    )
    at_ms = base_ms + draw(st.sampled_from([0, 0, 1, HOUR_MS, 9 * HOUR_MS]))
    created = (at_ms, "ticket.created", {"ticket": snapshot})
    happened: list[tuple[int, str, Json]] = []
    for _ in range(draw(st.integers(0, 10))):
        at_ms += draw(st.sampled_from(_STEPS_MS))
        happened.append((at_ms, *draw(_ticket_step(at_ms))))
    place = draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, None]))
    if place is not None or not happened:
        late_ms = 0 if not place else draw(st.sampled_from([1, HOUR_MS]))
        happened.insert(0, (created[0] + late_ms, created[1], created[2]))
    in_order = sorted(happened, key=lambda one: one[0])
    return [_sent(number + n, at_ms, kind, subject, data) for n, (at_ms, kind, data) in enumerate(in_order)]


@st.composite
def sla_tickets(draw: st.DrawFn, most: int = 3) -> Play:
    """Agreements, a few tickets, and an instant after them."""
    base_ms = draw(st.sampled_from(BASES_MS))
    config = draw(agreements(base_ms))
    sent: list[Sent] = []
    for number in range(draw(st.integers(1, most))):
        sent += draw(_ticket(base_ms, f"T{number}", 100 * number))
    return _play(draw, config, sent)


_QUEUES: tuple[Json, ...] = (
    {"when": {"queue": ["sales"]}, "answer_within": "20s", "max_wait": "2m"},
    {"when": {"queue": "help"}, "max_wait": "45s"},
    {"when": {"queue": ["help", "sales"], "team": "red"}, "max_wait": "5h"},
    {"when": {"queue": ["plain"]}, "short_abandon": "5s"},
)
_CALL_KINDS = (
    "call.offered", "call.queued", "call.queued", "call.queued", "call.answered", "call.abandoned",
    "call.overflowed", "call.transferred", "call.ended", "call.callback_requested",
)  # fmt: skip
_CALL_STEPS_MS = (
    0, 0, 1, 20 * SECOND_MS, 45 * SECOND_MS, 45 * SECOND_MS + 1, MINUTE_MS, 2 * MINUTE_MS, HOUR_MS,
    4 * HOUR_MS,
)  # fmt: skip


@st.composite
def sla_calls(draw: st.DrawFn) -> Play:
    """Queues with `max_wait`, a few calls, and an instant after them."""
    config: Json = {"queues": draw(st.lists(st.sampled_from(_QUEUES), min_size=1, max_size=4, unique_by=id))}
    sent: list[Sent] = []
    for number in range(draw(st.integers(1, 3))):
        at_ms = BASES_MS[0]
        for n in range(draw(st.integers(1, 6))):
            at_ms += draw(st.sampled_from(_CALL_STEPS_MS))
            call = draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "queue": st.sampled_from(["sales", "help", "plain", None]),
                        "team": st.sampled_from(["red", "blue"]),
                        "direction": st.sampled_from(["inbound", "inbound", "outbound"]),
                    },
                )
            )
            kind = draw(st.sampled_from(_CALL_KINDS))
            sent.append(_sent(100 * number + n, at_ms, kind, f"C{number}", {"call": call}))
    return _play(draw, config, sent)


def _play(draw: Any, config: Json, sent: list[Sent]) -> Play:
    steps_ms = (0, 0, 1, 10 * SECOND_MS, MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, DAY_MS, 4 * DAY_MS)
    step_ms = draw(st.sampled_from(steps_ms))
    in_order = sorted(sent, key=lambda one: one.at_ms)
    return Play(config, in_order, in_order[-1].at_ms + step_ms)
