"""The kinds of values that policies are made of: targets, warnings and pauses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from msgspec import Struct

from stream.config.durations import format_duration
from stream.config.kinds import Duration, Kind, quoting
from stream.config.problems import At, Wrong, nearest, shown
from stream.events import clocks
from stream.events.tickets import Status

CLOCKS = clocks.CLOCKS[: clocks.TICKET_CLOCKS]
"""The clocks of tickets. That of calls, `queue_wait`, has its target in `queues`."""
REPLY_CLOCKS = (CLOCKS[clocks.FIRST_REPLY], CLOCKS[clocks.NEXT_REPLY])
PAUSABLE_CLOCKS = tuple(clock for clock in CLOCKS if clock not in REPLY_CLOCKS)

_STATUSES: tuple[str, ...] = get_args(Status)
_TIME = Duration(days=False)
_SHARE = re.compile(r"(\d{1,3})(?:\.(\d))?%")
_WARNINGS = "expected a share of the target such as 75% or a time left such as 15m"


class Warn(Struct, frozen=True, kw_only=True):
    """When to warn: at a `share` of the target (in thousandths: 75% is 750), or when so much time is left.

    Exactly one of the two is given. `said` is how the policy spells it: the level's name in alerts.
    """

    said: str
    share: int | None = None
    left_ms: int | None = None


class Targets(Kind):
    """Clock -> target in ms."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected targets by clock such as {{first_reply: 1h}}, got {shown(value)}")
        targets: dict[str, int] = {}
        for clock, target in value.items():
            here = at.into(str(clock))
            try:
                _check_clock(str(clock))
                read = _TIME.read(target, here)
            except Wrong as wrong:
                here.note(str(wrong))
                continue
            if isinstance(read, int):
                targets[str(clock)] = read
        return targets

    def show(self, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {clock: format_duration(target_ms, days=False) for clock, target_ms in value.items()}


class Warnings(Kind):
    """A list of `Warn`."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, list):
            raise Wrong(f"expected a list of warnings such as [75%, 15m], got {shown(value)}")
        found: list[Warn] = []
        for place, entry in enumerate(value):
            here = at.into(place)
            try:
                warn = _warn(entry, here)
            except Wrong as wrong:
                here.note(str(wrong))
                continue
            if any((warn.share, warn.left_ms) == (other.share, other.left_ms) for other in found):
                here.note(f"{warn.said} is given twice: remove one")
            else:
                found.append(warn)
        return tuple(found)

    def show(self, value: object) -> object:
        return [warn.said for warn in value] if isinstance(value, tuple) else value


class Pauses(Kind):
    """Clock -> the statuses of a ticket in which it stands still; an empty list is none."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected statuses by clock such as {{resolution: [pending]}}, got {shown(value)}")
        pauses: dict[str, tuple[str, ...]] = {}
        for clock, given in value.items():
            here = at.into(str(clock))
            statuses = given if isinstance(given, list) else [given]
            try:
                _check_clock(str(clock))
                if clock in REPLY_CLOCKS:
                    raise Wrong(f"only replies stop {clock}, no status does: remove it")
            except Wrong as wrong:
                here.note(str(wrong))
                continue
            known = [_known_status(status, here) for status in statuses]
            if all(known):
                pauses[str(clock)] = tuple(dict.fromkeys(statuses))
        return pauses

    def show(self, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {clock: list(statuses) for clock, statuses in value.items()}


def _check_clock(clock: str) -> None:
    if clock == "queue_wait":
        raise Wrong("is the clock of calls: its target is `max_wait` of an entry of `queues`")
    if clock not in CLOCKS:
        near = nearest(clock, CLOCKS)
        raise Wrong(f"unknown clock; the nearest known one is {near} (known: {', '.join(CLOCKS)})")


def _known_status(status: object, at: At) -> bool:
    if status in _STATUSES:
        return True
    near = f"; the nearest is {nearest(status, _STATUSES)}" if isinstance(status, str) else quoting(status)
    at.note(f"expected a status of tickets, got {shown(status)}{near} (known: {', '.join(_STATUSES)})")
    return False


def _warn(value: object, at: At) -> Warn:
    if not isinstance(value, str):
        raise Wrong(f"{_WARNINGS}, got {shown(value)}")
    if "%" not in value:
        left_ms = _TIME.read(value, at)
        return Warn(said=value, left_ms=left_ms if isinstance(left_ms, int) else None)
    match = _SHARE.fullmatch(value)
    if match is None:
        raise Wrong(f"{_WARNINGS}, with at most one decimal, got {shown(value)}")
    share = int(match.group(1)) * 10 + int(match.group(2) or 0)
    if share > 1000:
        raise Wrong(f"a share of the target is at most 100%, got {shown(value)}")
    return Warn(said=value, share=share)
