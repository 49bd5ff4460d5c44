"""The lives of the mix's tickets, calls and surveys, one event a step, none of them without effect."""

from __future__ import annotations

from collections.abc import Callable, Generator
from random import Random

from stream.floor import world
from stream.floor.telling import Entity

Story = Generator[None, int, None]
"""Sent an instant (milliseconds), it tells exactly one event and waits for the next instant, or ends."""

_AGENTS = 60  # a team
_FIELDS = ("category", "customer", "region")  # of a contact: so many that an event has the usual 350 bytes


def ticket(entity: Entity, random: Random) -> Story:
    """Created, assigned, answered in turns, now and then handed on, resolved, sometimes reopened once."""
    snapshot = entity.snapshot
    snapshot |= {
        "status": "new",
        "channel": world.TICKET_CHANNELS.draw(random),
        "priority": world.PRIORITIES.draw(random),
    } | _contact(random)
    team = world.TEAM_OF_CATEGORY[snapshot["category"]]
    entity.tell("ticket.created", (yield))
    snapshot |= {"status": "open", "team": team, "agent": _agent(team, random)}
    entity.tell("ticket.assigned", (yield))
    _say(entity, "agent", (yield))
    while random.random() < 0.72:
        _say(entity, "customer", (yield))
        if random.random() < 0.2:
            snapshot["agent"] = _other_agent(team, snapshot["agent"])
            entity.tell("ticket.assigned", (yield))
        _say(entity, "agent", (yield))
    yield from _resolved(entity)
    if random.random() < 0.08:
        snapshot["status"] = "open"
        entity.tell("ticket.reopened", (yield))
        yield from _resolved(entity)


def call(entity: Entity, random: Random) -> Story:
    """Offered, queued, then abandoned or answered, ended and wrapped up."""
    snapshot = entity.snapshot
    snapshot |= {"direction": "inbound", "media": "voice", "channel": "phone"} | _contact(random)
    entity.tell("call.offered", (yield))
    team = world.TEAM_OF_CATEGORY[snapshot["category"]]
    snapshot |= {"team": team, "queue": world.QUEUE_OF_TEAM[team]}
    entity.tell("call.queued", (yield))
    if random.random() < 0.1:
        entity.tell("call.abandoned", (yield), abandon={"stage": "queue"})
        return
    snapshot["agent"] = _agent(team, random)
    entity.tell("call.answered", (yield))
    snapshot |= {"talk_seconds": round(random.lognormvariate(5, 0.7), 1), "hold_seconds": 0}
    entity.tell("call.ended", (yield))
    snapshot["wrapup_seconds"] = round(random.lognormvariate(3.4, 0.6), 1)
    entity.tell("call.wrapup_ended", (yield))


def survey(entity: Entity, random: Random) -> Story:
    """Sent, and in half of the cases answered."""
    kind = ("csat", "csat", "nps", "ces")[int(random.random() * 4)]
    contact = _contact(random)
    team = world.TEAM_OF_CATEGORY[contact["category"]]
    entity.snapshot |= {"kind": kind, "channel": "email", "team": team} | contact
    entity.snapshot["agent"] = _agent(team, random)
    entity.tell("survey.sent", (yield))
    if random.random() < 0.5:
        top = {"csat": 5, "nps": 10, "ces": 7}[kind]
        score = top - min(int(random.expovariate(0.7)), top - 1)
        entity.tell("survey.responded", (yield), response={"score": score})


STORIES: dict[str, Callable[[Entity, Random], Story]] = {"tickets": ticket, "calls": call, "surveys": survey}


def _resolved(entity: Entity) -> Story:
    instant = yield
    entity.snapshot["status"] = "resolved"
    entity.tell("ticket.resolved", instant, resolution={"by": "agent"})


def _say(entity: Entity, author: str, now_ms: int) -> None:
    entity.tell("ticket.message_added", now_ms, message={"author": author})


def _contact(random: Random) -> dict[str, str]:
    contact = world.contact(random)
    return {name: contact[name] for name in _FIELDS}


def _agent(team: str, random: Random) -> str:
    return f"{team}-{int(random.random() * _AGENTS):02d}"


def _other_agent(team: str, agent: str) -> str:
    return f"{team}-{(int(agent[-2:]) + 1) % _AGENTS:02d}"
