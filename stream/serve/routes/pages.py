"""The wallboards' pages and their files; which boards there are; a browser's token."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from stream.query.wall import boards_of
from stream.serve.access import COOKIE
from stream.serve.bodies import body_of
from stream.serve.problem import Problem
from stream.serve.site import ReaderOf, SiteOf, answered, example, problems

router = APIRouter()
DIRECTORY: Final = Path(__file__).parents[1] / "wallboard"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_COOKIE_S: Final = 365 * 86_400
_SESSION_BYTES_MAX: Final = 4_096


class _Session(msgspec.Struct):
    token: str


@router.get("/", include_in_schema=False)
async def index(request: Request, site: SiteOf) -> Response:
    """The list of boards. With `?token=` the browser keeps the token, and the address loses it."""
    return _page(request, site, "index.html")


@router.get("/boards/{name}", include_in_schema=False)
async def board(request: Request, site: SiteOf, name: str) -> Response:
    """One board; which one, its script reads from the address."""
    if name not in {board.name for board in boards_of(site.last_config)}:
        raise Problem(404, "there is no such board", "", "see /")
    return _page(request, site, "board.html")


@router.get("/static/{name}", include_in_schema=False)
async def static(name: str) -> Response:
    """A file of the pages."""
    return _file(name)


@router.get(
    "/api/v1/boards", summary="Which boards there are", tags=["live"],
    responses={
        **example({"boards": [{"name": "floor", "title": "Floor", "about": "Queues", "private": False}]}),
        **problems(401),
    },
)  # fmt: skip
async def boards(site: SiteOf, caller: ReaderOf) -> Response:
    """Name, title, what it is about, and whether it is private: those only admins are told of."""
    found: list[dict[str, Any]] = [
        {"name": board.name, "title": board.title, "about": board.about, "private": board.private}
        for board in boards_of(site.last_config)
        if caller.admin or not board.private
    ]
    return answered({"boards": found})


@router.get(
    "/api/v1/session", summary="Whether one may write", tags=["live"],
    responses=example({"name": "lead", "may_write": True}),
)  # fmt: skip
async def whoami(request: Request, site: SiteOf) -> Response:
    """Of the token in the header; `name` is that of the configuration, null without one."""
    caller = site.access.may_write(request)
    return answered({"name": caller.name if caller else None, "may_write": caller is not None})


@router.post(
    "/api/v1/session", summary="Have the browser keep a token for reading", tags=["live"],
    status_code=204, responses=problems(401, 413, 415, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object", "required": ["token"],
                        "properties": {"token": {"type": "string", "minLength": 1, "maxLength": 512}},
                    },
                    "example": {"token": "the-token-of-a-tv"},
                }
            },
        }
    },
)  # fmt: skip
async def session(request: Request, site: SiteOf) -> Response:
    """Live streams in a browser cannot send a header, so the token goes into a cookie, which is for reading
    only."""
    body = await body_of(request, _SESSION_BYTES_MAX, ("application/json",))
    try:
        token = msgspec.json.decode(body, type=_Session).token
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Problem(422, "it is no object with a text `token`", "body") from None
    answer = Response(status_code=204)
    _remember(answer, request, site, token)
    return answer


def _page(request: Request, site: SiteOf, name: str) -> Response:
    token = request.query_params.get("token")
    if token is None:
        return _file(name)
    rest = [(key, value) for key, value in request.query_params.multi_items() if key != "token"]
    answer = RedirectResponse(request.url.path + (f"?{urlencode(rest)}" if rest else ""), status_code=303)
    _remember(answer, request, site, token)
    return answer


def _remember(answer: Response, request: Request, site: SiteOf, token: str) -> None:
    site.access.holder(token)
    answer.set_cookie(
        COOKIE, token, max_age=_COOKIE_S, httponly=True, samesite="strict", path="/",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def _file(name: str) -> Response:
    kind = _TYPES.get(Path(name).suffix)
    path = DIRECTORY / name
    if kind is None or path.parent != DIRECTORY or not path.is_file():
        raise Problem(404, "there is no such file")
    return FileResponse(path, media_type=kind, headers={"Cache-Control": "no-cache"})
