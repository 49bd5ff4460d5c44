"""Two images of a shard: what is equal, and what is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from stream.metrics.cells import unpack_cell
from stream.metrics.measures import measure_name
from stream.metrics.panes import Group, Pane
from stream.metrics.segments import group_values
from stream.metrics.sizes import NAMES
from stream.shard.image import Image

KINDS = ("cells", "levels", "since", "states", "timers", "drops", "outbox")
SHOWN_MAX = 20
"""Differences described a shard; all are counted."""


@dataclass(slots=True)
class Comparison:
    """Of each kind of key how many were equal, and the differences in words; in `limits` what could not be
    compared, empty when all was."""

    equal: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    different: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    differences: list[str] = field(default_factory=list)
    limits: str = ""

    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(self.different.values())

    def _count(self, kind: str, what: str, stored: Any, computed: Any) -> None:
        if stored == computed:
            self.equal[kind] += 1
            return
        self.different[kind] += 1
        if len(self.differences) < SHOWN_MAX:
            self.differences.append(f"{kind} {what}: stored {_short(stored)}, computed {_short(computed)}")

    def add(
        self, kind: str, stored: Mapping[Any, Any], computed: Mapping[Any, Any], prefix: str = ""
    ) -> None:
        """Compares two mappings, key by key."""
        for key in stored.keys() | computed.keys():
            self._count(kind, f"{prefix}{key}", stored.get(key), computed.get(key))


def compare(family: str, stored: Image, computed: Image) -> Comparison:
    """Compares every key of every kind. Journals are left out: they tell of the way, not of the numbers.
    So are cells of groupings that are marked as over the cap: how many were written until then hangs on how
    the log was cut into batches, and nobody reads them."""
    result = Comparison()
    over = stored.fence.invalid()
    for pane in stored.cells.keys() | computed.cells.keys():
        one, other = stored.cells.get(pane, {}), computed.cells.get(pane, {})
        result.add("cells", _cells(family, one, over), _cells(family, other, over), f"{_pane(pane)} ")
    result.add("levels", _cells(family, stored.levels), _cells(family, computed.levels))
    result.add("since", dict.fromkeys(stored.since, True), dict.fromkeys(computed.since, True))
    result.add("states", stored.states, computed.states)
    result.add("timers", stored.timers, computed.timers)
    result.add("drops", stored.drops, {day: who for day, who in computed.drops.items() if who})
    result.add("outbox", stored.outbox, computed.outbox)
    return result


def _cells(
    family: str, cells: Mapping[Group, bytes], left_out: Collection[int] = ()
) -> dict[str, dict[str, int] | str]:
    """Cells in words: group -> measure -> amount."""
    return {
        _group(group): _cell(family, cell)
        for group, cell in cells.items()
        if not left_out or _number(group) not in left_out
    }


# Somebody else may have written anything there; msgspec's errors are ValueErrors.


def _number(group: Group) -> int | None:
    try:
        return group_values(group)[0]
    except (ValueError, TypeError):
        return None


def _group(group: Group) -> str:
    try:
        return str(list(group_values(group)))
    except (ValueError, TypeError):
        return f"unreadable {group!r}"


def _cell(family: str, packed: bytes) -> dict[str, int] | str:
    try:
        return {measure_name(family, code): n for code, n in sorted(unpack_cell(packed).items())}
    except (ValueError, LookupError):
        return f"unreadable {packed!r}"


def _pane(pane: Pane) -> str:
    return f"{NAMES[pane[0]]} pane at {pane[1]}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 300 else f"{text[:300]}..."
