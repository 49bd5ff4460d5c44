"""What happened around the numbers."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from stream.query.model import QueryError
from stream.serve.annotations import annotations_plain
from stream.serve.site import ReaderOf, SiteOf, answered, example, problems

router = APIRouter(tags=["numbers"])
_EXAMPLE: Final = {
    "id": "r42", "source": "deployments", "title": "Release 42", "kind": "release", "link": None,
    "starts_at": "2026-03-02T09:30:00+01:00", "ends_at": None,
}  # fmt: skip
_TEXT_MAX: Final = 300


@router.get(
    "/api/v1/annotations", summary="Releases, outages, campaigns, holidays",
    responses={**example({"annotations": [_EXAMPLE]}), **problems(401, 422, 503)},
)  # fmt: skip
async def notes(
    site: SiteOf, caller: ReaderOf,
    window: Annotated[str, Query(max_length=_TEXT_MAX, examples=["7d"], description="As of `query`")] = "7d",
    from_: Annotated[
        str | None, Query(alias="from", max_length=_TEXT_MAX, description="Instead of a window: RFC 3339")
    ] = None,
    to: Annotated[str | None, Query(max_length=_TEXT_MAX, description="The end. Default: now")] = None,
) -> Response:  # fmt: skip
    """Those that touch the window, the latest first. They are published as events (`/api/v1/events`)."""
    now_ms = site.wall_ms()
    if from_ is None and to is not None:
        raise QueryError("--to needs --from")
    if from_ is None:
        span = site.calendar.window(window, now_ms)
    else:
        span = site.calendar.instant(from_), site.calendar.instant(to) if to else now_ms + 1
    return answered({"annotations": annotations_plain(await site.annotations.values(), span, site.calendar)})
