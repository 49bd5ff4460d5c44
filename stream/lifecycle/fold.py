"""What the rules of every kind of entity have in common; each has its file: ticket.py, call.py, survey.py."""

from __future__ import annotations

from typing import Any, Final

from stream.lifecycle.delta import Delta
from stream.lifecycle.snapshot import Snapshot, Snapshots
from stream.metrics.segments import Segment, Segments

NEVER: Final = -(2**62)
"""Stands for an instant that has not happened."""


class Life:
    """What one entity has come to after the events applied so far. Times are milliseconds since the epoch."""

    __slots__ = ("exists", "last_ms", "lost", "removed", "segment")

    def __init__(self, nothing: Segment) -> None:
        self.exists = False
        self.last_ms = NEVER  # of the last event, or of that from which silence is measured
        self.lost = False  # its ending is counted as lost, see `Fold.overlay`
        self.removed = False
        self.segment = nothing

    def finished(self) -> bool:
        """Whether the entity may be forgotten once it has been silent for long."""
        return True

    def waits_in(self) -> Segment | None:
        """Where it stands in the level whose oldest member is asked for."""
        return None

    def waits_since_ms(self) -> int:
        """Since when it stands there."""
        return NEVER


class Fold:
    """The rules of one kind of entity: a history in order -> its life and what it contributes."""

    def __init__(
        self,
        family: str,
        segments: Segments,
        snapshots: Snapshots,
        keep_finished_ms: int,
        timed: bool = False,
    ) -> None:
        """`timed`: lives of this kind change at due instants without an event (`due_ms`, `overlay`)."""
        self.family = family
        self.segments = segments
        self.snapshots = snapshots
        self.keep_finished_ms = keep_finished_ms
        self.timed = timed

    def new(self) -> Life:
        """The life of an entity of which nothing is known."""
        return Life(self.segments.nothing)

    def extra_of(self, rank: int, data: Any) -> Any:
        """What the history keeps of an event beyond its snapshot. `data` is the event's, if it has any."""
        return None

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next event in order: changes the life, adds what it contributes (and takes back) to `out`."""
        raise NotImplementedError

    def needs_replay(self, life: Life, rank: int) -> bool:
        """Whether an event in order still changes what was counted before, so that the history is folded
        again."""
        return False

    def forget(self, out: Delta, life: Life) -> None:
        """A new life begins: nothing more is heard of this one, so what waited for its ending is counted."""

    def due_ms(self, life: Life) -> int:
        """When the life changes if nothing more is heard of it, or `NEVER`."""
        return NEVER

    def overlay(self, out: Delta, life: Life, now: int) -> None:
        """Counts the change at the due instant, if that has come."""

    def clear_overlay(self, out: Delta, life: Life) -> None:
        """Takes it back, before an event that may show otherwise."""


def names_of(life: Life) -> list[str]:
    """The names of a life's parts, sorted."""
    names: set[str] = set()
    for kind in type(life).__mro__:
        # A class compiled by mypyc has its slots under this name.
        names.update(getattr(kind, "__slots__", ()), getattr(kind, "__mypyc_attrs__", ()))
    assert names, "a life without parts would be forgotten when it is sealed"
    return sorted(names)
