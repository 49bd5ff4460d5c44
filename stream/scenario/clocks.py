"""Compares what is expected of clocks and alerts with what the floor has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from stream.config.durations import format_duration
from stream.events.instants import instant
from stream.query.clocks import ClockView, clock_views
from stream.scenario.expectation import ClockWanted
from stream.scenario.play import Alert, Floor

NO_CLOCK: Final = "no such clock"
NO_ALERT: Final = "no alert"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as expected. `where` names it: a stat and its row, or a part of a clock."""

    where: str
    expected: Any
    actual: Any


def clock_differences(wanted: ClockWanted, floor: Floor) -> list[Difference]:
    """What of a clock is not as expected; everything when it is not there."""
    found = [view for view in _clocks(wanted.subject, floor) if view.clock == wanted.name]
    view = next((view for view in found if view.instance == wanted.instance), None)
    if wanted.instance == 0 and found:
        view = found[-1]
    if wanted.absent:
        return [] if view is None else [Difference("clock", NO_CLOCK, view.state)]
    actual = {} if view is None else _values(view)
    return [
        Difference(name, _shown(name, value), _shown(name, actual.get(name)) if view else NO_CLOCK)
        for name, value in wanted.wanted.items()
        if view is None or actual[name] != value
    ]


def alert_differences(wanted: Sequence[dict[str, Any]], floor: Floor) -> list[Difference]:
    """Which alerts are not as expected: all so far, in order."""
    return [
        Difference(f"alert {number}", _told(expected), _told(actual and actual._asdict()))
        for number, (expected, actual) in enumerate(zip_longest(wanted, floor.alerts), 1)
        if expected is None or actual is None or not _is(expected, actual)
    ]


def _is(expected: dict[str, Any], actual: Alert) -> bool:
    return all(actual._asdict()[name] == value for name, value in expected.items())


def _told(alert: dict[str, Any] | None) -> str:
    if alert is None:
        return NO_ALERT
    return ", ".join(f"{name} {_shown(name, value)}" for name, value in alert.items() if value != "")


def _clocks(subject: str, floor: Floor) -> list[ClockView]:
    for name in ("tickets", "calls"):
        image = floor.images[name, 0]
        if subject in image.states:
            return clock_views(floor.shards[name].family, image.states[subject], image.fence.clock)
    return []


def _values(view: ClockView) -> dict[str, Any]:
    return {
        "state": view.state,
        "due": view.due_ms,
        "elapsed": view.elapsed_ms,
        "started": view.started_ms,
        "breached_at": view.breached_ms,
        "fulfilled_at": view.fulfilled_ms,
        "overdue": view.overdue_ms,
    }


def _shown(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if name in ("elapsed", "overdue"):
        return format_duration(value)
    return instant(value).isoformat(timespec="milliseconds")
