"""Whether the server runs, and whether the numbers are fit to be read."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from stream.query.model import QueryError
from stream.serve.scrape import unready
from stream.serve.site import SiteOf
from stream.store import StoreError

router = APIRouter(tags=["health"], default_response_class=PlainTextResponse)
_WORDS = {"text/plain": {"schema": {"type": "string"}}}


@router.get("/healthz", summary="Whether it runs", responses={200: {"content": _WORDS}})
async def healthz() -> Response:
    """Always `up`."""
    return PlainTextResponse("up\n")


@router.get(
    "/readyz", summary="Whether the numbers are fit to be read",
    responses={200: {"content": _WORDS}, 503: {"description": "The reasons, a line each", "content": _WORDS}},
)  # fmt: skip
async def readyz(site: SiteOf) -> Response:
    """`ready` when every shard has caught up with its log lately."""
    try:
        async with site.look() as (config, _):
            reasons = await unready(config, site.store, site.wall_ms())
    except (StoreError, QueryError, TimeoutError) as error:
        reasons = [str(error) or "reading took too long"]
    return PlainTextResponse("\n".join(reasons or ["ready"]) + "\n", 503 if reasons else 200)
