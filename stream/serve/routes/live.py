"""The live stream of a board."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request, Response

from stream.query.model import QueryError
from stream.query.wall import WallAsk
from stream.query.wall_boards import find_board
from stream.serve.access import first_team
from stream.serve.event_stream import EventStream
from stream.serve.problem import Problem
from stream.serve.site import ReaderOf, SiteOf, problems

router = APIRouter()
FILTERS_MAX: Final = 8
VALUE_MAX: Final = 256
_OURS: Final = ("board", "window")
_EXAMPLE: Final = (
    'id: 1767268800000\nevent: board\ndata: {"board": "floor", "now_ms": 1767268800123, "tiles": {}}\n\n'
)


@router.get(
    "/api/v1/stream", summary="A board, live (server-sent events)", tags=["live"], response_class=Response,
    responses={
        200: {
            "description": "Events `board` (all of it), `changes` (now_ms, sources, tiles that differ), "
            "`heartbeat` (every 5 s), `trouble` (no numbers, and why), `end` (why the server ends it).",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **problems(401, 403, 404, 422, 503),
    },
)  # fmt: skip
async def stream(
    request: Request, site: SiteOf, caller: ReaderOf,
    board: Annotated[str, Query(max_length=64, description="Name of a board", examples=["floor"])],
    window: Annotated[
        str | None, Query(max_length=16, description="Instead of the tiles' windows", examples=["today"])
    ] = None,
    team: Annotated[
        str | None,
        Query(max_length=VALUE_MAX, description="Only of this team; so can any other dimension be given"),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=32, description="The last `id` that was received: go on from there")
    ] = None,
) -> Response:  # fmt: skip
    """Goes on until the reader leaves. One who reads too slowly gets `end` and is dropped."""
    filters = sorted({pair for pair in request.query_params.multi_items() if pair[0] not in _OURS})
    for name, value in filters:
        if not 0 < len(value) <= VALUE_MAX:
            raise Problem(422, f"a value has 1 to {VALUE_MAX} characters", f"query {name[:64]}")
    if len(filters) > FILTERS_MAX:
        raise Problem(422, f"there are {len(filters)} filters, at most {FILTERS_MAX} are taken", "query")
    try:
        found = find_board(site.last_config, board)
    except QueryError as error:
        raise Problem(404, str(error), "query board", "see /api/v1/boards") from None
    if found.private and not caller.admin:
        raise Problem(403, "this board is private", "query board", "use a token of kind admin")
    asked = first_team(filters) if caller.teams else None
    caller.check_team(asked or found.config.where.get("team"), "team=NAME")
    last_id = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else None
    ask = WallAsk(board=board, window=window, filters=tuple(filters))
    return EventStream(*site.hub.join(ask, last_id))
