"""Shared Hypothesis strategies: the events of a few tickets, calls, invitations and sessions, and the
order in which they arrive.

Few subjects, few segment values and times in clusters with many ties, so that rules meet each other
often. Whatever the contract allows may come: facts out of order, missing beginnings and endings,
corrections, nulls, fields left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import strategies as st

from stream.events import agents, calls, selfservice, tickets
from stream.shard.changes import Record

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
BASE_MS = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday: the beginning of every history."""

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSETS_MS = (
    0, 1, 4_999, 5_000, 5_001, 9_999, 10_000, 19_999, 20_000, 20_001, 30_000, 59_999, 60_000, 90_000, 600_000,
    899_999, 900_000, HOUR_MS, 4 * HOUR_MS, 4 * HOUR_MS + 1, 12 * HOUR_MS, 12 * HOUR_MS + 30_000, DAY_MS - 1,
)  # fmt: skip
"""Around the edges of panes and the thresholds of calls; a cluster of them every day."""


@dataclass(frozen=True)
class Sent:
    """One event as a producer sent it: `at_ms` is when it happened, `sent_ms` is the timestamp of its
    record."""

    at_ms: int
    sent_ms: int
    event: Json
    value: bytes

    @property
    def identity(self) -> tuple[str, str, str]:
        """What two versions of one event have in common."""
        return self.event["subject"], self.event["source"], self.event["id"]

    def record(self, offset: int) -> Record:
        """The event as it stands in the log."""
        return Record(offset, self.sent_ms, self.value, key=self.event["subject"].encode())


def rfc3339(at_ms: int, offset_minutes: int = 0) -> str:
    """The instant as text, to the millisecond, in a zone of that offset."""
    zone = timezone(timedelta(minutes=offset_minutes))
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).isoformat(timespec="milliseconds")


def instants(days: int) -> st.SearchStrategy[int]:
    """Instants of some days, in clusters with ties (ms)."""
    return st.builds(
        lambda day, offset_ms: BASE_MS + day * DAY_MS + offset_ms,
        st.integers(0, days - 1),
        st.sampled_from(_OFFSETS_MS) | st.integers(0, 2 * HOUR_MS),
    )


def _fields(**values: Sequence[Any]) -> st.SearchStrategy[Json]:
    """A snapshot in which each field is one of some values, or absent."""
    optional = {name: st.sampled_from(list(choices)) for name, choices in values.items()}
    return st.fixed_dictionaries({}, optional=optional)


def _part(name: str, snapshot: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """`{name: snapshot}`, or nothing at all."""
    return st.builds(lambda given: {} if given is None else {name: given}, st.none() | snapshot)


_TICKET_SNAPSHOT = _fields(
    status=("new", "open", "pending", "on_hold", "resolved", "closed", "open", "resolved", None),
    created_by=("customer", "agent", "bot", None),
    channel=("email", "chat", None),
    team=("red", "blue", None),
    agent=("ann", "bob", None),
    priority=("high", None),
    category=("billing", None),
    tags=(["a"], [], ["b", "a"]),
    customer=("C1", "C1", "C2", None, ""),
    due_at=(rfc3339(BASE_MS + DAY_MS), rfc3339(BASE_MS + 3 * DAY_MS + HOUR_MS), None),
)
_FAT_TICKET = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["new", "open", "pending", "resolved", "closed"]),
        "channel": st.sampled_from(["email", "chat"]),
        "team": st.sampled_from(["red", "blue"]),
        "agent": st.sampled_from(["ann", "bob", None]),
        "priority": st.sampled_from(["high", "low"]),
    }
)
_MESSAGE = st.fixed_dictionaries(
    {"author": st.sampled_from(["customer", "agent", "agent", "bot", "system"])},
    optional={"public": st.booleans(), "automated": st.booleans(), "id": st.none() | st.just("m")},
)
_TICKET_TYPES = (
    *tickets.RANKS, "ticket.created", "ticket.message_added", "ticket.message_added", "ticket.resolved",
    "ticket.restored",
)  # fmt: skip
"""All, and some oftener than others."""


@st.composite
def _ticket_body(draw: st.DrawFn, at_ms: int) -> tuple[str, Json]:
    kind = draw(st.sampled_from(_TICKET_TYPES))
    data = draw(_part("ticket", _TICKET_SNAPSHOT | _FAT_TICKET))
    if kind == "ticket.message_added":
        data["message"] = draw(_MESSAGE)
    elif kind == "ticket.work_logged":
        data["work"] = {"seconds": draw(st.sampled_from([0, 30, 0.5, 3600]))}
    return kind, data


_SECONDS = (0, 5, 30.5, None)
_CALL_SNAPSHOT = _fields(
    direction=("inbound", "outbound", "callback", None, "inbound", "inbound"),
    media=("voice", "chat", "video", None),
    queue=("sales", "help", None),
    team=("red", "blue", None),
    agent=("ann", None),
    channel=("phone", "web", None),
    category=("billing", None),
    customer=("C1", "C1", "C2", None),
    talk_seconds=_SECONDS,
    hold_seconds=_SECONDS,
    wrapup_seconds=_SECONDS,
)
_THIN_CALL = _fields(queue=("sales", "help"), team=("red", "blue"))
_CALL_TYPES = (
    *calls.RANKS, "call.offered", "call.queued", "call.queued", "call.answered", "call.held", "call.ended",
    "call.record",
)  # fmt: skip
_STEPS_MS = (0, 1, 5_000, 20_000, 20_001, 60_000, HOUR_MS)
_RECORD_TIMES = ("offered_at", "queued_at", "answered_at", "abandoned_at", "ended_at", "wrapup_ended_at")


@st.composite
def _call_body(draw: st.DrawFn, at_ms: int) -> tuple[str, Json]:
    kind = draw(st.sampled_from(_CALL_TYPES))
    data = draw(_part("call", _THIN_CALL | _CALL_SNAPSHOT))
    if kind == "call.abandoned":
        data |= draw(_part("abandon", _fields(stage=("ivr", "queue", "ring", None))))
    elif kind == "call.record":
        data["call"] = data.get("call", {}) | draw(_record_times(at_ms))
    return kind, data


@st.composite
def _record_times(draw: st.DrawFn, at_ms: int) -> Json:
    """Times up to the record's own, in the order of a call's life; some null, some absent."""
    steps = draw(
        st.lists(st.sampled_from(_STEPS_MS), min_size=len(_RECORD_TIMES), max_size=len(_RECORD_TIMES))
    )
    told: Json = {}
    time_ms = at_ms - sum(steps)
    for name, step_ms in zip(_RECORD_TIMES, steps, strict=True):
        time_ms += step_ms
        how = draw(st.sampled_from(["absent", "absent", "null", "told", "told", "told"]))
        if how != "absent":
            told[name] = rfc3339(time_ms) if how == "told" else None
    return told


_SURVEY_SNAPSHOT = _fields(
    kind=("csat", "nps", "ces", "csat", "nps", "ces", "fcr", "fcr", "cx", "employee", None),
    scale_min=(0, 1, None),
    scale_max=(1, 5, 7, 10, None),
    satisfied_min=(3, 4, None),
    polarity=("ease", "effort", None),
    channel=("email", "chat", None),
    team=("red", "blue", None),
    agent=("ann", None),
)
_SURVEY_TYPES = (
    "survey.sent",
    "survey.sent",
    "survey.responded",
    "survey.responded",
    "survey.updated",
    "survey.expired",
    "qa.reviewed",
)
_REVIEW = st.fixed_dictionaries(
    {"score": st.sampled_from([0, 50, 85, 100])},
    optional={"team": st.sampled_from(["red", "blue", None]), "channel": st.sampled_from(["email", None])},
)


@st.composite
def _survey_body(draw: st.DrawFn, at_ms: int) -> tuple[str, Json]:
    kind = draw(st.sampled_from(_SURVEY_TYPES))
    data = draw(_part("survey", _SURVEY_SNAPSHOT))
    if kind in ("survey.responded", "survey.updated"):
        scores = st.integers(0, 11).map(lambda score: {"score": score})
        yes_or_no = st.booleans().map(lambda yes: {"confirmed": yes})
        fcr = data.get("survey", {}).get("kind") == "fcr"
        data["response"] = draw(yes_or_no | yes_or_no | scores if fcr else scores | scores | yes_or_no)
    elif kind == "qa.reviewed":
        data["review"] = draw(_REVIEW)
    return kind, data


_AGENT_SNAPSHOT = _fields(team=("red", "blue", None), site=("oslo", None), queues=(["sales"], []))
_AGENT_TYPES = (*agents.RANKS, "agent.state_changed", "agent.state_changed", "agent.heartbeat")
_STATES = ("available", "ringing", "busy", "hold", "wrapup", "break", "offline", "available", "busy")


@st.composite
def _agent_body(draw: st.DrawFn, at_ms: int) -> tuple[str, Json]:
    kind = draw(st.sampled_from(_AGENT_TYPES))
    data = draw(_part("agent", _AGENT_SNAPSHOT))
    if kind == "agent.state_changed":
        data["state"] = draw(st.sampled_from(_STATES))
    return kind, data


_SESSION_SNAPSHOT = _fields(
    channel=("web", "bot", None), product=("core", "mobile", None), team=("red", None), customer=("C1", None)
)
_ARTICLES = ("a1", "a2")
_SESSION_TYPES = (*selfservice.RANKS, "selfservice.started", "selfservice.ended", "selfservice.article_rated")


@st.composite
def _session_body(draw: st.DrawFn, at_ms: int) -> tuple[str, Json]:
    kind = draw(st.sampled_from(_SESSION_TYPES))
    data = draw(_part("session", _SESSION_SNAPSHOT))
    if kind == "selfservice.article_viewed":
        data["article"] = draw(st.sampled_from(_ARTICLES))
    elif kind == "selfservice.article_rated":
        data |= draw(_fields(article=(*_ARTICLES, ""))) | {"helpful": draw(st.booleans())}
    return kind, data


_BODIES = {
    "tickets": _ticket_body,
    "calls": _call_body,
    "surveys": _survey_body,
    "selfservice": _session_body,
    "agents": _agent_body,
}
FAMILIES = tuple(_BODIES)


@st.composite
def _sent(draw: st.DrawFn, family: str, number: int, days: int, so_far: list[Sent]) -> Sent:
    """One more event; now and then another version of an earlier one, at most a day away from it."""
    at_ms = draw(instants(days))
    corrected = None
    if so_far and draw(st.integers(0, 7)) == 0:
        corrected = draw(st.sampled_from(so_far))
        near = [
            corrected.at_ms,
            corrected.at_ms + 7_000,
            corrected.at_ms - HOUR_MS,
            corrected.at_ms + DAY_MS // 2,
        ]
        at_ms = max(BASE_MS, draw(st.sampled_from(near)))
    kind, data = draw(_BODIES[family](at_ms))
    event: Json = {
        "specversion": "1.0", "id": f"e{number}", "source": draw(st.sampled_from(["desk", "desk", "bot"])),
        "type": kind,
        "subject": draw(st.sampled_from(["X1", "X1", "X2"])), "data": data,
    }  # fmt: skip
    if corrected is not None:
        event["subject"], event["source"], event["id"] = corrected.identity
    event["time"] = rfc3339(at_ms, draw(st.sampled_from([0, 0, 120, -345])))
    recorded = draw(st.sampled_from([None, None, 0, 5_000, 2 * HOUR_MS]))
    if recorded is not None:
        event["recordedtime"] = rfc3339(at_ms + recorded)
    sequence = draw(st.sampled_from([None, None, None, 0, 1, "2"]))
    if sequence is not None:
        event["sequence"] = sequence
    sent_ms = at_ms + draw(st.sampled_from([0, 0, 0, SECOND_MS, HOUR_MS, -MINUTE_MS]))
    return Sent(at_ms, sent_ms, event, msgspec.json.encode(event))


@st.composite
def histories(draw: st.DrawFn, family: str, days: int = 4, most: int = 14) -> list[Sent]:
    """Events of a few entities over some days, in the order in which they happened."""
    sent: list[Sent] = []
    for number in range(draw(st.integers(1, most))):
        sent.append(draw(_sent(family, number, days, sent)))
    return sorted(sent, key=lambda one: one.at_ms)


_BETWEEN_MS = (1_000, 4_000, 5_000, 5_001, 20_000, 20_001, 60_000, HOUR_MS)
_LIFE = ("call.offered", "call.queued", "call.answered", "call.abandoned", "call.ended", "call.wrapup_ended")
_MEANWHILE = ("call.held", "call.resumed", "call.transferred", "call.queued", "call.answered")


@st.composite
def recorded_calls(draw: st.DrawFn) -> list[Sent]:
    """One call told by events, some missing, and by records that agree with them but for parts of a
    second."""
    steps = draw(st.lists(st.sampled_from(_BETWEEN_MS), min_size=len(_LIFE), max_size=len(_LIFE)))
    times = [BASE_MS + sum(steps[: place + 1]) for place in range(len(_LIFE))]
    events: list[tuple[int, str, Json]] = []
    for kind, at_ms in zip(_LIFE, times, strict=True):
        if draw(st.booleans()):
            events.append((at_ms, kind, draw(_part("call", _THIN_CALL | _CALL_SNAPSHOT))))
        if draw(st.integers(0, 3)) == 0:
            events.append((at_ms + 500, draw(st.sampled_from(_MEANWHILE)), draw(_part("call", _THIN_CALL))))
    for _ in range(draw(st.integers(1, 3))):
        call = draw(_THIN_CALL | _CALL_SNAPSHOT)
        for name, at_ms in zip(_RECORD_TIMES, times, strict=True):
            how = draw(st.sampled_from(["absent", "told", "told", "null"]))
            if how != "absent":
                shifted_ms = at_ms + draw(st.sampled_from([0, -400, 400]))
                call[name] = rfc3339(shifted_ms) if how == "told" else None
        events.append((times[-1] + draw(st.sampled_from([500, MINUTE_MS])), "call.record", {"call": call}))
    return [_event(number, *one) for number, one in enumerate(sorted(events, key=lambda one: one[0]))]


def _event(number: int, at_ms: int, kind: str, data: Json, source: str = "pbx") -> Sent:
    event = {
        "specversion": "1.0", "id": f"e{number}", "source": source, "type": kind, "subject": "X1",
        "time": rfc3339(at_ms), "data": data,
    }  # fmt: skip
    return Sent(at_ms, at_ms, event, msgspec.json.encode(event))


_STATUSES = ("new", "open", "pending", "on_hold")
_PAUSES_MS = (
    0, 1_000, 10 * MINUTE_MS, 5 * HOUR_MS, DAY_MS - 1_000, DAY_MS, DAY_MS + 1, 3 * DAY_MS, 3 * DAY_MS + 1,
    4 * DAY_MS,
)  # fmt: skip
"""Around the instants at which a ticket is older and stale."""


@st.composite
def _ticket_step(draw: st.DrawFn) -> tuple[str, Json]:
    """One thing that people do with a ticket."""
    what = draw(st.integers(0, 8))
    if what <= 2:
        return "ticket.message_added", {"message": draw(_MESSAGE)}
    if what == 3:
        return "ticket.status_changed", {"ticket": {"status": draw(st.sampled_from(_STATUSES))}}
    if what == 4:
        return "ticket.assigned", {"ticket": draw(_fields(team=("red", "blue", None), agent=("ann", "bob")))}
    if what == 5:
        return draw(st.sampled_from(["ticket.escalated", "ticket.deescalated", "ticket.unassigned"])), {}
    if what == 6:
        return "ticket.work_logged", {"work": {"seconds": draw(st.sampled_from([0, 60, 90.5]))}}
    return draw(st.sampled_from(["ticket.resolved", "ticket.reopened", "ticket.resolved"])), {}


@st.composite
def worked_tickets(draw: st.DrawFn) -> list[Sent]:
    """One ticket from its creation on, with pauses in which it ages."""
    created = {"ticket": draw(_fields(created_by=("customer", "agent"), team=("red",), agent=("ann", None)))}
    steps = draw(st.lists(st.tuples(st.sampled_from(_PAUSES_MS), _ticket_step()), min_size=1, max_size=12))
    sent = [_event(0, BASE_MS, "ticket.created", created, "desk")]
    at_ms = BASE_MS
    for number, (pause_ms, (kind, data)) in enumerate(steps, 1):
        at_ms += pause_ms
        sent.append(_event(number, at_ms, kind, data, "desk"))
    return sent


def told(family: str, days: int = 4) -> st.SearchStrategy[list[Sent]]:
    """Histories of a family; of calls also such as real telephone systems tell, of tickets such as are worked
    on."""
    if family == "calls":
        return histories(family, days) | recorded_calls()
    return histories(family, days) | worked_tickets() if family == "tickets" else histories(family, days)


@dataclass(frozen=True)
class Delivery:
    """Events cut into batches; `restarts[i]`: the owner changes before batch i. `now_ms[i]`: its wall
    clock, or `None`."""

    batches: list[list[Sent]]
    restarts: list[bool]
    now_ms: list[int | None]


@st.composite
def deliveries(draw: st.DrawFn, sent: list[Sent], horizon_ms: int) -> Delivery:
    """The same events in another order, some more than once, in any batches, with changes of owner.

    None comes behind a record that would make it late, or that would have let an earlier version of it be
    sealed.
    """
    twice = [*sent, *draw(st.lists(st.sampled_from(sent), max_size=len(sent)))]
    earliest = {one.identity: one.at_ms for one in sorted(sent, key=lambda one: -one.at_ms)}
    delay_ms = max(one.sent_ms - earliest[one.identity] for one in sent)
    reach_ms = horizon_ms - max(0, delay_ms)
    assert reach_ms > 0
    shares = draw(st.lists(st.integers(0, 1000), min_size=len(twice), max_size=len(twice)))
    keys = [
        earliest[one.identity] + share * reach_ms // 1001 for one, share in zip(twice, shares, strict=True)
    ]
    order = [one for _, one in sorted(zip(keys, twice, strict=True), key=lambda pair: pair[0])]
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=6)) | {len(order)})
    batches = [order[begin:end] for begin, end in zip([0, *cuts], cuts, strict=False)]
    restarts = draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches)))
    walls = draw(
        st.lists(
            st.sampled_from([None, None, 0, HOUR_MS, DAY_MS]), min_size=len(batches), max_size=len(batches)
        )
    )
    now_ms = [
        None if ahead is None else max(one.sent_ms for one in batch) + ahead
        for ahead, batch in zip(walls, batches, strict=True)
    ]
    return Delivery(batches, restarts, now_ms)
