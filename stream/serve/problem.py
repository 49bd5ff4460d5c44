"""Errors as `application/problem+json` (RFC 9457): what, where, what instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stream.metrics.catalog import UnknownMetric
from stream.query.model import QueryError
from stream.sources.broker import BrokerError
from stream.store import StoreError

PROBLEM = "application/problem+json"
_OPTION = re.compile(r"--([a-z]+)")


class Problem(Exception):
    """An answer that is an error. `where`: the part of the request at fault; `instead`: what to do."""

    def __init__(
        self, status: int, detail: str, where: str = "", instead: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.where = where
        self.instead = instead
        self.headers = headers

    def plain(self) -> dict[str, Any]:
        """The body of the answer."""
        told = {"where": self.where, "instead": self.instead}
        return {
            "type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status,
            "detail": self.detail, **{name: text for name, text in told.items() if text},
        }  # fmt: skip

    def response(self) -> Response:
        """The answer."""
        return Response(msgspec.json.encode(self.plain()), self.status, self.headers, PROBLEM)


def in_request_words(text: str) -> str:
    """A message that names options of a command, for those who wrote parameters."""
    return _OPTION.sub(r"`\1`", text)


def handle_errors(app: FastAPI) -> None:
    """Every error of a route becomes a problem; what nobody foresaw says nothing of what it was."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def question(request: Request, error: Exception) -> Response:
        status = 404 if isinstance(error, UnknownMetric) else 422
        return Problem(status, in_request_words(str(error))).response()

    async def unavailable(request: Request, error: Exception) -> Response:
        return Problem(503, str(error), headers={"Retry-After": "2"}).response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = " ".join(map(str, first["loc"]))
        return Problem(422, str(first["msg"]), where, "see /openapi.json").response()

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = "there is nothing here" if error.status_code == 404 else str(error.detail)
        return Problem(error.status_code, detail, request.url.path[:200], "", error.headers).response()

    async def unforeseen(request: Request, error: Exception) -> Response:
        return Problem(500, "something went wrong in floorcast; its log says what").response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(QueryError, question)
    app.add_exception_handler(UnknownMetric, question)
    app.add_exception_handler(StoreError, unavailable)
    app.add_exception_handler(BrokerError, unavailable)
    app.add_exception_handler(TimeoutError, timed_out)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(Exception, unforeseen)


async def timed_out(request: Request, error: Exception) -> Response:
    """The answer when reading took too long."""
    return Problem(503, "it took too long", instead="ask for a shorter window or fewer groups").response()
