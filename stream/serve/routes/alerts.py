"""Alerts that are open, and taking note of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from stream.alerts.state import Alert, decode_alert
from stream.events.acknowledgements import acknowledgement, encode_acknowledgement
from stream.events.clocks import CLOCKS
from stream.query.look import Look, now_of
from stream.query.sla_board import READ_MAX, read_running
from stream.query.windows import Calendar
from stream.serve.access import Caller
from stream.serve.bodies import body_of, decoded
from stream.serve.problem import Problem
from stream.serve.site import ReaderOf, Site, SiteOf, WriterOf, answered, example, problems
from stream.sources.ingest import Outgoing

router = APIRouter(tags=["alerts"])
MOST: Final = 1_000
_BODY_MAX: Final = 8_192
_OPEN: Final = {
    "key": "zendesk:123/first_reply/1767268800000", "subject": "zendesk:123", "clock": "first_reply",
    "instance": 1, "stage": "breached", "level": None, "policy": "urgent",
    "at": "2026-03-02T10:30:00+01:00", "due_at": "2026-03-02T10:30:00+01:00", "target_s": 1800.0,
    "segments": {"team": "red"}, "text": "", "acknowledged_by": None, "acknowledged_at": None,
}  # fmt: skip
_TAKEN: Final = {"id": "zendesk:123/first_reply/acknowledged/1767268800000", "subject": "zendesk:123",
                 "clock": "first_reply", "by": "Ann", "at": "2026-03-02T10:31:00+01:00"}  # fmt: skip


class Taken(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to take note. `by`: a person as people know them."""

    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    clock: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


_TAKE: Final = msgspec.json.Decoder(Taken).decode


@router.get(
    "/api/v1/alerts", summary="The alerts that are open",
    responses={**example({"alerts": [_OPEN], "more": 0}), **problems(401, 403, 422, 503)},
)  # fmt: skip
async def alerts(
    site: SiteOf, caller: ReaderOf,
    team: Annotated[str | None, Query(max_length=256, description="Only of this team")] = None,
) -> Response:  # fmt: skip
    """As the dispatcher keeps them (`floorcast alerts`); the soonest due first. `more`: left out."""
    caller.check_team(team, "team=NAME")
    found = [one for one in await _open(site) if team is None or one.segments.get("team") == team]
    found.sort(key=lambda one: (one.due_ms or one.at_ms, one.key))
    plain = [_plain(one, site.calendar) for one in found[:MOST]]
    return answered({"alerts": plain, "more": len(found) - len(plain)})


@router.post(
    "/api/v1/alerts/acknowledge", summary="Take note of an alert: it is not repeated",
    responses={**example(_TAKEN), **problems(401, 403, 408, 413, 415, 422, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object", "required": ["subject", "clock", "by"],
                        "additionalProperties": False,
                        "properties": {
                            "subject": {"type": "string", "minLength": 1, "maxLength": 512},
                            "clock": {"type": "string", "enum": list(CLOCKS)},
                            "by": {"type": "string", "minLength": 1, "maxLength": 256},
                        },
                    },
                    "example": {"subject": "zendesk:123", "clock": "first_reply", "by": "Ann"},
                }
            },
        }
    },
)  # fmt: skip
async def acknowledge(request: Request, site: SiteOf, caller: WriterOf) -> Response:
    """For admins, also those of a team, of its tickets and calls. It is an event on a topic of its own."""
    body = await body_of(request, _BODY_MAX, ("application/json",))
    taken = decoded(_TAKE, body, "send subject, clock and by")
    if taken.clock not in CLOCKS:
        raise Problem(422, "there is no such clock", "body clock", f"one of {', '.join(CLOCKS)}")
    if caller.teams and not await _is_of(site, caller, taken):
        known = ", ".join(caller.teams)
        raise Problem(403, f"this token is for {known}; no such clock of theirs runs", "body subject")
    at_ms = site.wall_ms()
    made = acknowledgement(taken.subject, taken.clock, taken.by, at_ms)
    key = taken.subject.encode()
    (fault,) = await site.ingest.send(
        [Outgoing(site.kafka.topics.acknowledgements, key, encode_acknowledgement(made))]
    )
    if fault is not None:
        raise Problem(503, fault, instead="try again", headers={"Retry-After": "2"})
    return answered({"id": made.id, **msgspec.to_builtins(taken), "at": site.calendar.text(at_ms)})


async def _open(site: Site) -> list[Alert]:
    found = []
    for value in await site.alerts.values():
        try:
            alert = decode_alert(value)
        except msgspec.MsgspecError:
            continue  # the dispatcher counts them
        if alert.ended is None:
            found.append(alert)
    return found


async def _is_of(site: Site, caller: Caller, taken: Taken) -> bool:
    """Whether a clock of the caller's teams runs there."""
    async with site.look() as (config, _):
        now_ms = await now_of(Look(site.store, config), config, site.wall_ms())
        for team in caller.teams:
            where = {"team": team}
            found = await read_running(config, site.store, now_ms, taken.clock, None, where, READ_MAX)
            if any(one.subject == taken.subject for one in found):
                return True
    return False


def _plain(alert: Alert, calendar: Calendar) -> dict[str, Any]:
    def text(ms: int | None) -> str | None:
        return None if ms is None else calendar.text(ms)

    return {
        "key": alert.key, "subject": alert.subject, "clock": alert.clock, "instance": alert.instance,
        "stage": alert.stage, "level": alert.level, "policy": alert.policy, "at": text(alert.at_ms),
        "due_at": text(alert.due_ms), "target_s": alert.target_ms / 1000, "segments": alert.segments,
        "text": alert.text, "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": text(alert.acknowledged_ms),
    }  # fmt: skip
