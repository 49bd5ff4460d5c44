"""Events as careless producers send them: out of order, twice, corrected, late, too early, broken."""

from __future__ import annotations

from random import Random
from typing import Any

Json = dict[str, Any]

AGO_MS = (0, 0, 0, 0, 0, 1, 1_000, 4_000, 9_999, 20_000, 55_000, 61_000, 600_000)
"""How long an event takes to be sent."""
AHEAD_MS = (-1, -5_000, -29_000, -31_000)
"""Clocks of producers that are ahead."""
BROKEN = (b"", b"{", b'{"specversion": "1.0"}', b"null", b"\xff\xfe")

_SEGMENTS: dict[str, tuple[Any, ...]] = {
    "team": ("red", "blue", None), "channel": ("email", "chat", None), "customer": ("C1", "C2", "C3"),
}  # fmt: skip
_OF: dict[str, tuple[str, dict[str, tuple[Any, ...]]]] = {
    "tickets": (
        "ticket",
        {**_SEGMENTS, "status": ("new", "open", "pending", "resolved"), "agent": ("ann", "bob", None)},
    ),
    "calls": (
        "call",
        {**_SEGMENTS, "queue": ("sales", "help"), "direction": ("inbound", "inbound", "outbound")},
    ),
    "agents": ("agent", {"team": ("red", "blue")}),
    "surveys": ("survey", {**_SEGMENTS, "kind": ("csat", "nps"), "scale_min": (1, 0), "scale_max": (5, 10)}),
    "selfservice": ("session", {"channel": ("web", "bot"), "team": ("red", None)}),
}
_TYPES: dict[str, tuple[str, ...]] = {
    "tickets": (
        "ticket.created", "ticket.created", "ticket.message_added", "ticket.message_added",
        "ticket.message_added", "ticket.status_changed", "ticket.updated", "ticket.assigned",
        "ticket.resolved", "ticket.resolved", "ticket.reopened", "ticket.deleted", "ticket.restored",
    ),
    "calls": (
        "call.offered", "call.queued", "call.queued", "call.answered", "call.abandoned", "call.ended",
        "call.wrapup_ended", "call.transferred",
    ),
    "agents": (
        "agent.logged_in", "agent.state_changed", "agent.state_changed", "agent.heartbeat",
        "agent.logged_out",
    ),
    "surveys": ("survey.sent", "survey.responded", "survey.updated", "survey.expired"),
    "selfservice": (
        "selfservice.started", "selfservice.article_viewed", "selfservice.article_rated", "selfservice.ended"
    ),
}  # fmt: skip


def record_steps(random: Random, families: dict[str, int], for_s: float) -> list[tuple[float, str, Json]]:
    """What producers send within that time, by number: `again` and `id` name earlier ones."""
    steps: list[tuple[float, str, Json]] = []
    inputs = [family for family in families if family != "contacts"]
    careless = random.choice((0.0, 0.1, 0.4))
    for number in range(random.choice((15, 40, 80, 120))):
        at_s = random.uniform(0, for_s)
        if random.random() < careless / 2 and steps:
            of = random.randrange(len(steps))
            steps.append((max(at_s, steps[of][0] + 0.01), "again", {"of": of, "record": number}))
            continue
        steps.append(
            (at_s, "record", {"record": number, **record(random, random.choice(inputs), number, careless)})
        )
    return steps


def record(random: Random, family: str, number: int, careless: float) -> Json:
    """One record: its event without the time, how long ago it was, and how far its timestamp is off."""
    if random.random() < careless / 8:
        return {"family": family, "broken": random.randrange(len(BROKEN)), "ago_ms": 0, "stamp_ms": 0}
    kind = random.choice(_TYPES[family])
    name, fields = _OF[family]
    told = {field: random.choice(values) for field, values in fields.items() if random.random() < 0.4}
    event: Json = {
        "specversion": "1.0", "id": f"e{number}", "source": random.choice(("desk", "desk", "bot")),
        "type": kind, "subject": f"X{random.randrange(7)}", "data": {name: told} | _more(random, kind),
    }  # fmt: skip
    if random.random() < careless / 3:
        event |= {"id": f"e{random.randrange(number + 1)}", "recorded_ms": random.choice((0, 5_000))}
    ago_ms = random.choice(AGO_MS if random.random() < careless else (0, 0, 1, 50))
    if random.random() < careless / 4:
        ago_ms = random.choice(AHEAD_MS)
    stamp_ms = random.choice((0, -2_000, 2_000, -70_000, 3_000)) if random.random() < careless / 4 else 0
    return {"family": family, "event": event, "ago_ms": ago_ms, "stamp_ms": stamp_ms}


def _more(random: Random, kind: str) -> Json:
    match kind:
        case "ticket.message_added":
            return {
                "message": {"author": random.choice(("customer", "agent", "agent", "bot")), "public": True}
            }
        case "agent.state_changed":
            return {"state": random.choice(("available", "busy", "break", "offline"))}
        case "survey.responded" | "survey.updated":
            return {"response": {"score": random.randrange(7)}}
        case "selfservice.article_viewed":
            return {"article": random.choice(("a1", "a2"))}
        case "selfservice.article_rated":
            return {"article": random.choice(("a1", "a2")), "helpful": random.random() < 0.5}
    return {}
