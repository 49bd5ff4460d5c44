"""Why a number is what it is: one entity explained."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from stream.query.find import Found, find, found_plain
from stream.serve.access import Caller
from stream.serve.problem import Problem
from stream.serve.site import ReaderOf, SiteOf, answered, example, problems
from stream.shard.family import COUNTED

router = APIRouter(tags=["numbers"])
PARTS_MAX: Final = 5_000
"""Events and contributions shown of one entity: the latest."""
_EXAMPLE: Final = {
    "topic": "tickets", "id": "zendesk:123", "partition": 2, "expected_partition": 2,
    "clock": "2026-03-02T10:00:00+01:00", "sealed": False,
    "history": [
        {
            "at": "2026-03-02T09:00:00+01:00", "type": "ticket.created", "source": "zendesk", "id": "e1",
            "said": "team=red, channel=email",
        }
    ],
    "state": [{"name": "status", "value": "open"}],
    "contributions": [
        {
            "at": "2026-03-02T09:00:00+01:00", "measure": "tickets_created", "amount": 1,
            "segments": {"team": "red"}, "metrics": ["ticket_volume"],
            "panes": [{"size": "1m", "at": "2026-03-02T09:00:00+01:00"}],
        }
    ],
}  # fmt: skip


@router.get(
    "/api/v1/entities/{topic}/{id:path}", summary="An entity's history, state and contributions",
    responses={**example(_EXAMPLE), **problems(401, 404, 422, 503)},
)  # fmt: skip
async def entity(
    site: SiteOf, caller: ReaderOf,
    topic: Annotated[str, Path(max_length=249, examples=["tickets"], description="Topic, or its short name")],
    id: Annotated[str, Path(min_length=1, max_length=512, examples=["zendesk:123"])],
) -> Response:  # fmt: skip
    """As `floorcast explain`. A token for teams sees what is counted for these teams alone."""
    names = {getattr(site.kafka.topics, name): name for name in COUNTED} | {name: name for name in COUNTED}
    if topic not in names:
        raise Problem(404, "this topic is not counted", "path topic", f"there are {', '.join(COUNTED)}")
    async with site.look() as (config, _):
        found = await find(config, site.store, names[topic], id)
    if found is None or not _may_see(caller, found):
        raise Problem(
            404, "nothing is known of it: no event of it was read, or it is finished and forgotten", "path id"
        )
    plain = found_plain(found, site.calendar)
    for part in ("history", "contributions"):
        plain[part] = plain[part][-PARTS_MAX:]
    return answered(plain)


def _may_see(caller: Caller, found: Found) -> bool:
    if not caller.teams:
        return True
    teams = {part.segments.get("team") for part in found.explanation.contributions} - {None}
    return bool(teams) and teams <= set(caller.teams)
