"""CloudEvents from whoever cannot speak Kafka."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from stream.events.instants import instant
from stream.events.refusal import Refused
from stream.serve.bodies import body_of
from stream.serve.problem import Problem
from stream.serve.site import Site, SiteOf, WriterOf, answered, example, problems
from stream.sources.ingest import Outgoing
from stream.sources.prepare import prepare
from stream.sources.topics import topic_names

router = APIRouter(tags=["events"])
EVENTS_MAX: Final = 1_000
BODY_MAX: Final = 8 * 1024 * 1024
SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
PLAIN: Final = "application/json"
_EVENT: Final = {
    "specversion": "1.0", "id": "e1", "source": "desk", "type": "ticket.created", "subject": "desk:123",
    "time": "2026-03-02T09:00:00Z", "data": {"ticket": {"team": "red", "channel": "email"}},
}  # fmt: skip
_ANSWER: Final = {
    "accepted": 1, "refused": 1, "failed": 0,
    "events": [
        {"index": 0, "id": "e1", "source": "desk", "status": "accepted"},
        {"index": 1, "id": "e2", "source": "desk", "status": "refused", "reason": "missing", "path": "time",
         "detail": "Object missing required field `time`"},
    ],
}  # fmt: skip
_SCHEMA: Final = {
    "type": "object", "required": ["specversion", "id", "source", "type", "subject", "time"],
    "properties": {
        **{name: {"type": "string"} for name in ("id", "source", "type", "subject")},
        "specversion": {"const": "1.0"}, "time": {"type": "string", "format": "date-time"},
        "recordedtime": {"type": "string", "format": "date-time"}, "data": {"type": "object"},
    },
}  # fmt: skip
_LIST: Final = {"type": "array", "maxItems": EVENTS_MAX, "items": _SCHEMA}
_SAID: Final = example(_ANSWER)[200]

Verdict = dict[str, Any]


@router.post(
    "/api/v1/events", summary="Publish CloudEvents",
    responses={
        200: {**_SAID, "description": "All are in the log, acknowledged by all replicas."},
        207: {**_SAID, "description": "Some are, some are not."},
        **problems(401, 403, 408, 413, 415, 503),
        422: {**_SAID, "description": "None is (as below), or the body is no JSON (a problem)."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                SINGLE: {"schema": _SCHEMA, "example": _EVENT},
                BATCH: {"schema": _LIST, "example": [_EVENT]},
                PLAIN: {"schema": {"oneOf": [_SCHEMA, _LIST]}, "example": [_EVENT]},
            },
        }
    },
)  # fmt: skip
async def events(request: Request, site: SiteOf, caller: WriterOf) -> Response:
    """One event or a list. Each is checked as the worker would, and answered; what is sent twice, by source
    and id, counts once. `recordedtime` is stamped where it is absent."""
    if caller.teams:
        raise Problem(403, "a token for teams does not publish events", "Authorization", "use one for all")
    body = await body_of(request, BODY_MAX, (SINGLE, BATCH, PLAIN))
    found = _events(body, request.headers.get("content-type", ""))
    verdicts, outgoing = _checked(site, found)
    faults = await site.ingest.send([record for _, record in outgoing]) if outgoing else []
    for (place, _), fault in zip(outgoing, faults, strict=True):
        if fault is not None:
            verdicts[place].update(status="failed", detail=fault)
    counts = {
        status: sum(verdict["status"] == status for verdict in verdicts)
        for status in ("accepted", "refused", "failed")
    }
    if counts["accepted"] == len(verdicts):
        status = 200
    elif counts["accepted"]:
        status = 207
    else:
        status = 503 if counts["failed"] else 422
    return answered({**counts, "events": verdicts}, status)


def _events(body: bytes, kind: str) -> list[Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(422, f"the body is no JSON: {str(error)[:200]}", "body") from None
    if kind.startswith(BATCH) and not isinstance(found, list):
        raise Problem(422, "a batch is a list of events", "body")
    listed = found if isinstance(found, list) else [found]
    if not 0 < len(listed) <= EVENTS_MAX:
        raise Problem(422, f"there are {len(listed)} events, 1 to {EVENTS_MAX} are taken", "body")
    return listed


def _checked(site: Site, found: list[Any]) -> tuple[list[Verdict], list[tuple[int, Outgoing]]]:
    """A verdict for each, and what is to be sent of which place."""
    topics = topic_names(site.kafka)
    stamp = instant(site.wall_ms())
    verdicts: list[Verdict] = []
    outgoing: list[tuple[int, Outgoing]] = []
    for place, event in enumerate(found):
        verdict: Verdict = {"index": place, **_known_by(event), "status": "accepted"}
        try:
            if not isinstance(event, dict):
                raise Refused("invalid", "", "an event is a JSON object")
            event.setdefault("recordedtime", stamp)
            ready = prepare(event, site.ingest.bytes_max)
            outgoing.append((place, Outgoing(topics[ready.family], ready.key, ready.value)))
        except Refused as refused:
            verdict.update(
                status="refused", reason=refused.reason, path=refused.path, detail=refused.detail[:300]
            )
        verdicts.append(verdict)
    return verdicts, outgoing


def _known_by(event: object) -> Verdict:
    told = event if isinstance(event, dict) else {}
    return {
        name: value[:512] if isinstance(value := told.get(name), str) else None for name in ("id", "source")
    }
