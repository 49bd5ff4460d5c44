"""The answers of commands and API as JSON has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stream.config import Config
from stream.metrics.catalog import Catalog, Metric
from stream.metrics.formula import Values
from stream.query.compare import Comparison, compare
from stream.query.look import Look, age_ms, now_of
from stream.query.model import StoreReader
from stream.query.panes import PaneMemory
from stream.query.query import Queries
from stream.query.request import Request, plan
from stream.query.series import Series, ask_series
from stream.query.sla_board import Running
from stream.query.windows import Calendar


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with all that is needed to show it."""

    metric: Metric
    series: Series
    stats: tuple[str, ...]
    stepped: bool
    fresh_ms: int | None
    beside: Comparison | None = None


async def answer(
    config: Config, reader: StoreReader, catalog: Catalog, metric_id: str, request: Request, now_wall_ms: int,
    memory: PaneMemory | None = None,
) -> Told:  # fmt: skip
    """The answer to a request, or QueryError, UnknownMetric."""
    metric = catalog.get(metric_id)
    look = Look(reader, config, memory)
    asked = plan(metric, request, Calendar(config.timezone), await now_of(look, config, now_wall_ms))
    queries = Queries(catalog, config, look, remembered=look.remembered)
    series = await ask_series(queries, asked.question, asked.step)
    beside = None
    if asked.then is not None:
        beside = compare(metric.formula, series, await ask_series(queries, asked.then, None))
    fresh_ms = age_ms(series.fresh_at, now_wall_ms)
    return Told(metric, series, asked.stats, asked.step is not None, fresh_ms, beside)


def as_plain(told: Told, calendar: Calendar) -> dict[str, Any]:
    """The answer as JSON has it."""
    series, beside = told.series, told.beside
    plain: dict[str, Any] = {
        "metric": told.metric.id,
        "unit": told.metric.unit,
        **edges(series.from_ms, series.to_ms, calendar),
        "fresh_ms": told.fresh_ms,
    }
    if beside is None:
        plain["rows"] = [
            {
                "by": point.row.by,
                "at": calendar.text(point.to_ms),
                "values": _picked(point.row.values, told.stats),
                **({"other": True} if point.row.other else {}),
            }
            for point in series.points
        ]
        return plain
    plain["compared"] = edges(beside.from_ms, beside.to_ms, calendar)
    plain["rows"] = [
        {
            "by": pair.by,
            "at": calendar.text(series.to_ms),
            "values": _picked(pair.now, told.stats),
            "then": _picked(pair.then, told.stats),
            "change": {stat: pair.change(stat) for stat in told.stats},
            "relative": {stat: pair.relative(stat) for stat in told.stats},
        }
        for pair in beside.pairs
    ]
    return plain


def metric_plain(metric: Metric) -> dict[str, Any]:
    """A metric as JSON has it."""
    return {
        "id": metric.id,
        "kind": metric.kind,
        "unit": metric.unit,
        "group": metric.group,
        "family": metric.family,
        "help": metric.help,
        "stats": list(metric.formula.stats),
        "default_stat": metric.formula.default,
        "labels": {label: list(values) for label, values in metric.labels.items()},
        "owner": metric.owner,
        "target": metric.target,
        "next_action": metric.next_action,
        "pairs": list(metric.pairs),
    }


def running_plain(one: Running, calendar: Calendar) -> dict[str, object]:
    """A clock that runs, as JSON has it; lengths in seconds."""
    view = one.view
    return {
        "subject": one.subject,
        "clock": view.clock,
        "instance": view.instance,
        "state": view.state,
        "level": view.level,
        "policy": view.policy,
        "due_at": None if view.due_ms is None else calendar.text(view.due_ms),
        "left_s": one.left_ms / 1000,
        "elapsed_s": view.elapsed_ms / 1000,
        "target_s": view.target_ms / 1000,
        "overdue_s": None if view.overdue_ms is None else view.overdue_ms / 1000,
        "segments": one.segments,
        "next_step": one.next_step,
    }


def _picked(values: Values, stats: tuple[str, ...]) -> Values:
    return {stat: values.get(stat) for stat in stats}


def edges(from_ms: int | None, to_ms: int, calendar: Calendar) -> dict[str, str | None]:
    """A span in the deployment's time zone."""
    return {"from": None if from_ms is None else calendar.text(from_ms), "to": calendar.text(to_ms)}
