"""The answer of `floorcast query` as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.cli.reading import safe
from stream.query.compare import Comparison
from stream.query.numbers import age, change, number
from stream.query.plain import Told, as_plain, edges
from stream.query.series import Series
from stream.query.windows import Calendar

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(told: Told, calendar: Calendar) -> str:
    """A line of names, then a line a row; what is null is empty. Compared values stand behind, as
    `then_<stat>`."""
    rows = [_flat(row) for row in as_plain(told, calendar)["rows"]]
    spans = [edges(point.from_ms, point.to_ms, calendar) for point in told.series.points]
    if told.beside is not None:
        spans = [edges(told.series.from_ms, told.series.to_ms, calendar)] * len(rows)
    names = list(rows[0]) if rows else ["at", *told.stats]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["from", "to", *names])
    for edge, row in zip(spans, rows, strict=True):
        writer.writerow([edge["from"], edge["to"], *row.values()])
    return out.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    then = {f"then_{stat}": value for stat, value in row.get("then", {}).items()}
    return {
        "at": row["at"],
        **{name: _cell(value) for name, value in row["by"].items()},
        **row["values"],
        **then,
    }


def _cell(value: Any) -> Any:
    """A value of a segment. A spreadsheet would run one that looks like a formula: `'` makes it text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_table(told: Told, calendar: Calendar, zone: str) -> RenderableType:
    """The answer for people."""
    series = told.series
    if told.beside is not None:
        return _compared(told, told.beside, calendar, zone)
    table = Table()
    names = list(series.points[0].row.by) if series.points else []
    for name in (*(("from", "to") if told.stepped else ()), *names):
        table.add_column(name, overflow="fold")
    for stat in told.stats:
        table.add_column(stat, justify="right", overflow="fold")
    for point in series.points:
        edges = (point.from_ms or point.to_ms, point.to_ms) if told.stepped else ()
        groups = ["(all others)" for _ in names] if point.row.other else _groups(point.row.by)
        values = (number(told.metric, point.row.values, stat) for stat in told.stats)
        table.add_row(*map(calendar.short, edges), *groups, *values)
    return Group(
        _head(told, calendar, zone),
        table if series.points else "no data",
        f"fresh: {age(told.fresh_ms)}",
    )


def _compared(told: Told, beside: Comparison, calendar: Calendar, zone: str) -> RenderableType:
    table = Table()
    for name in beside.pairs[0].by if beside.pairs else ():
        table.add_column(name, overflow="fold")
    for stat in told.stats:
        for title in (stat, "then", "change"):
            table.add_column(title, justify="right", overflow="fold")
    for pair in beside.pairs:
        words = _groups(pair.by)
        for stat in told.stats:
            words += [number(told.metric, pair.now, stat), number(told.metric, pair.then, stat)]
            words.append(change(told.metric, stat, pair.change(stat), pair.relative(stat)))
        table.add_row(*words)
    return Group(
        _head(told, calendar, zone),
        f"then: {_span(beside, calendar)}",
        table if beside.pairs else "no data",
        f"fresh: {age(told.fresh_ms)}",
    )


def _head(told: Told, calendar: Calendar, zone: str) -> str:
    return f"[bold]{told.metric.id}[/] ({told.metric.unit}), {_span(told.series, calendar)} {zone}"


def _groups(by: dict[str, Any]) -> list[str | Text]:
    return ["(none)" if value is None else safe(str(value)) for value in by.values()]


def _span(series: Series | Comparison, calendar: Calendar) -> str:
    end = calendar.short(series.to_ms)
    return end if series.from_ms is None else f"{calendar.short(series.from_ms)} to {end}"
