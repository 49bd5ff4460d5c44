"""The catalog, and questions about its metrics."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from stream.config import Config
from stream.metrics.catalog import Catalog, UnknownMetric
from stream.query.model import QueryError
from stream.query.plain import answer, as_plain, metric_plain
from stream.query.request import Request as Asked
from stream.query.request import conditions
from stream.serve.access import Caller
from stream.serve.bodies import body_of, decoded
from stream.serve.problem import Problem, in_request_words
from stream.serve.site import ReaderOf, Site, SiteOf, answered, example, problems

router = APIRouter(tags=["numbers"])
ROWS_MAX: Final = 10_000
"""Rows of one answer, and of all answers of a batch."""
QUESTIONS_MAX: Final = 50
_BATCH_BYTES_MAX: Final = 65_536
_LIST_MAX: Final = 16
_TEXT_MAX: Final = 300
_ANSWER: Final = {
    "metric": "ticket_volume", "unit": "tickets", "from": "2026-03-02T00:00:00+01:00",
    "to": "2026-03-02T10:00:00+01:00", "fresh_ms": 412,
    "rows": [{"by": {"team": "red"}, "at": "2026-03-02T10:00:00+01:00", "values": {"value": 42}}],
}  # fmt: skip
_METRIC: Final = {
    "id": "ticket_volume", "kind": "count", "unit": "tickets", "group": "volume", "family": "tickets",
    "help": "Tickets created.", "stats": ["value"], "default_stat": "value", "labels": {},
    "owner": "Head of support", "target": "none", "next_action": "Staff for it.", "pairs": ["backlog"],
}  # fmt: skip


class Question(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One question of a batch."""

    metric: str
    window: str | None = None
    from_: str | None = None
    to: str | None = None
    at: str | None = None
    by: list[str] = []
    where: list[str] = []
    stat: list[str] = []
    top: int | None = None
    step: str | None = None
    compare: str | None = None

    def asked(self) -> Asked:
        """The request. Raises QueryError."""
        texts = [self.metric, self.window, self.from_, self.to, self.at, self.step, self.compare]
        if any(len(text) > _TEXT_MAX for text in (*texts, *self.by, *self.where, *self.stat) if text):
            raise QueryError(f"a part is longer than {_TEXT_MAX} characters")
        if any(len(each) > _LIST_MAX for each in (self.by, self.where, self.stat)):
            raise QueryError(f"a list has more than {_LIST_MAX} entries")
        if self.compare not in (None, "previous", "week"):
            raise QueryError("compare is `previous` or `week`")
        if self.top is not None and not 1 <= self.top <= ROWS_MAX:
            raise QueryError(f"top is from 1 to {ROWS_MAX}")
        return Asked(
            self.window, self.from_, self.to, self.at, tuple(dict.fromkeys(self.by)), tuple(self.where),
            tuple(dict.fromkeys(self.stat)), self.step, self.compare, self.top or 0,
        )  # fmt: skip


_BATCH: Final = msgspec.json.Decoder(list[Question])
_SCHEMA: Final = {
    "type": "array", "maxItems": QUESTIONS_MAX,
    "items": {
        "type": "object", "required": ["metric"], "additionalProperties": False,
        "properties": {
            "metric": {"type": "string"},
            **{
                name: {"type": ["string", "null"]}
                for name in ("window", "from", "to", "at", "step", "compare")
            },
            **{name: {"type": "array", "items": {"type": "string"}} for name in ("by", "where", "stat")},
            "top": {"type": ["integer", "null"], "minimum": 1, "maximum": ROWS_MAX},
        },
    },
}  # fmt: skip


@router.get(
    "/api/v1/metrics", summary="The catalog", responses={**example({"metrics": [_METRIC]}), **problems(401)}
)
async def metrics(site: SiteOf, caller: ReaderOf) -> Response:
    """Every metric: meaning, unit, stats, owner, target, what to do, what to read it with."""
    async with site.look() as (_, catalog):
        return answered({"metrics": [metric_plain(metric) for metric in catalog]})


@router.get(
    "/api/v1/query", summary="The values of a metric",
    responses={**example(_ANSWER), **problems(401, 403, 404, 422, 503)},
)  # fmt: skip
async def query(
    request: Request, site: SiteOf, caller: ReaderOf,
    metric: Annotated[str, Query(max_length=_TEXT_MAX, examples=["ticket_volume"])],
    window: Annotated[
        str | None,
        Query(
            max_length=_TEXT_MAX, examples=["today"],
            description="1h, 24h, 15m: up to now; today, yesterday, 7d, 28d, month: from local midnight",
        ),
    ] = None,
    from_: Annotated[
        str | None, Query(alias="from", max_length=_TEXT_MAX, description="Instead of a window: RFC 3339")
    ] = None,
    to: Annotated[str | None, Query(max_length=_TEXT_MAX, description="The end, not part of it")] = None,
    at: Annotated[str | None, Query(max_length=_TEXT_MAX, description="As of this time, not now")] = None,
    by: Annotated[
        list[str] | None, Query(max_length=_LIST_MAX, description="A row for each value; may be repeated")
    ] = None,
    where: Annotated[
        list[str] | None,
        Query(max_length=_LIST_MAX, description="DIM=VALUE, may be repeated", examples=[["team=red"]]),
    ] = None,
    stat: Annotated[
        list[str] | None, Query(max_length=_LIST_MAX, description="Such as mean, p90, count")
    ] = None,
    top: Annotated[
        int | None, Query(ge=1, le=ROWS_MAX, description="The largest groups; the rest is one row")
    ] = None,
    step: Annotated[
        str | None, Query(max_length=_TEXT_MAX, description="Cut the window: 15m, 1h, 1d")
    ] = None,
    compare: Annotated[
        str | None, Query(max_length=_TEXT_MAX, description="The span before (`previous`), or a `week` ago")
    ] = None,
) -> Response:  # fmt: skip
    """Now, over a window, by dimensions, in steps: as `floorcast query --json`."""
    question = Question(
        metric, window, from_, to, at, _split(by), where or [], _split(stat), top, step, compare
    )
    async with site.look() as (config, catalog):
        plain = await _ask(site, caller, config, catalog, question)
    _bound(len(plain["rows"]))
    return answered(plain)


@router.post(
    "/api/v1/query_batch", summary="Several questions at once",
    responses={
        **example([_ANSWER, {"error": {"type": "about:blank", "title": "Not Found", "status": 404,
                                       "detail": "there is no metric"}}]),
        **problems(400, 401, 413, 415, 422, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _SCHEMA,
                    "example": [
                        {"metric": "ticket_volume", "window": "today"},
                        {"metric": "backlog", "by": ["team"]},
                    ],
                }
            },
        }
    },
)  # fmt: skip
async def query_batch(request: Request, site: SiteOf, caller: ReaderOf) -> Response:
    """Questions with the parameters of `query`, answers in the same order; instead of an answer that there
    cannot be stands `error`, a problem."""
    body = await body_of(request, _BATCH_BYTES_MAX, ("application/json",))
    questions = decoded(_BATCH.decode, body, "send a list of questions, see /openapi.json")
    if len(questions) > QUESTIONS_MAX:
        raise Problem(422, f"{len(questions)} questions, at most {QUESTIONS_MAX} are taken", "body")
    answers: list[dict[str, Any]] = []
    rows = 0
    for question in questions:
        try:
            async with site.look() as (config, catalog):
                plain = await _ask(site, caller, config, catalog, question)
        except Problem as problem:
            plain = {"error": problem.plain()}
        except UnknownMetric as error:
            plain = {"error": Problem(404, str(error), "metric").plain()}
        except QueryError as error:
            plain = {"error": Problem(422, in_request_words(str(error))).plain()}
        rows += len(plain.get("rows", ()))
        _bound(rows)
        answers.append(plain)
    return answered(answers)


async def _ask(
    site: Site, caller: Caller, config: Config, catalog: Catalog, question: Question
) -> dict[str, Any]:
    asked = question.asked()
    caller.check_where(conditions(asked.where))
    told = await answer(config, site.store, catalog, question.metric, asked, site.wall_ms(), site.panes)
    return as_plain(told, site.calendar)


def _split(texts: list[str] | None) -> list[str]:
    """Repeated parameters, each of which may be several with commas."""
    return [part.strip() for text in texts or () for part in text.split(",") if part.strip()]


def _bound(rows: int) -> None:
    if rows > ROWS_MAX:
        raise Problem(
            422,
            f"the answer has more than {ROWS_MAX} rows",
            "",
            "ask with `top`, a longer `step`, or `where`",
        )
