"""Whose clock runs out next."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response

from stream.events.clocks import CLOCKS
from stream.query.look import Look, now_of
from stream.query.plain import running_plain
from stream.query.request import conditions
from stream.query.sla_board import read_running
from stream.serve.problem import Problem
from stream.serve.site import ReaderOf, SiteOf, answered, example, problems

router = APIRouter(tags=["sla"])
MOST: Final = 1_000
_EXAMPLE: Final = [
    {
        "subject": "zendesk:123", "clock": "first_reply", "instance": 1, "state": "at_risk", "level": "75%",
        "policy": "urgent", "due_at": "2026-03-02T10:30:00+01:00", "left_s": 512.0, "elapsed_s": 1288.0,
        "target_s": 1800.0, "overdue_s": None, "segments": {"team": "red", "priority": "urgent"},
        "next_step": "answer the customer",
    }
]  # fmt: skip


@router.get(
    "/api/v1/sla", summary="The clocks that run, the soonest due first",
    responses={**example(_EXAMPLE), **problems(401, 403, 422, 503)},
)  # fmt: skip
async def sla(
    site: SiteOf, caller: ReaderOf,
    team: Annotated[str | None, Query(max_length=256, description="Only of this team")] = None,
    clock: Annotated[str | None, Query(max_length=64, description=f"One of {', '.join(CLOCKS)}")] = None,
    state: Annotated[Literal["running", "at_risk", "breached"] | None, Query()] = None,
    where: Annotated[
        list[str] | None, Query(max_length=16, description="DIM=VALUE, may be repeated")
    ] = None,
    most: Annotated[int, Query(ge=1, le=MOST, description="So many at most")] = 50,
) -> Response:  # fmt: skip
    """As `floorcast sla --json`: those past due come first; paused ones are left out."""
    if clock is not None and clock not in CLOCKS:
        raise Problem(422, "there is no such clock", "query clock", f"one of {', '.join(CLOCKS)}")
    asked = conditions(where or ())
    if team is not None:
        asked = {**asked, "team": team}
    caller.check_team(asked.get("team"), "team=NAME")
    async with site.look() as (config, _):
        now_ms = await now_of(Look(site.store, config), config, site.wall_ms())
        found = await read_running(config, site.store, now_ms, clock, state, asked, most)
    return answered([running_plain(one, site.calendar) for one in found])
