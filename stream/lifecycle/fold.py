"""What the rules of every kind of entity have in common; each has its file: ticket.py, call.py, survey.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stream.events.instants import FOREVER as FOREVER
from stream.events.instants import NEVER as NEVER
from stream.lifecycle.delta import Delta
from stream.lifecycle.rows import Row
from stream.lifecycle.snapshot import Snapshot, Snapshots
from stream.metrics.segments import Segment, Segments
from stream.sla.clocks import Clocks
from stream.sla.policy import NO_POLICIES

Standing = tuple[int, Segment, int]
"""A level whose members are asked for, where the entity stands in it, and since when (ms)."""


class Life:
    """What one entity has come to after the events applied so far. Times are milliseconds since the epoch."""

    __slots__ = ("aged", "ahead", "clocks", "clocks_ahead", "exists", "last_ms", "removed", "segment")

    def __init__(self, nothing: Segment) -> None:
        self.ahead = False  # whether time has changed something since its last event, see `Fold.overlay`
        self.aged = 0  # changes at due instants that are counted since then
        self.clocks: Clocks | None = None  # none: nothing has been promised about it
        self.clocks_ahead: Clocks | None = None  # these, where time has changed them since then
        self.exists = False
        self.last_ms = NEVER  # of the last event, or of that from which silence is measured
        self.removed = False
        self.segment = nothing

    def finished(self) -> bool:
        """Whether the entity may be forgotten once it has been silent for long."""
        return True

    def clocks_now(self) -> Clocks | None:
        """Its clocks as time has left them."""
        return self.clocks_ahead if self.clocks_ahead is not None else self.clocks

    def standings(self) -> tuple[Standing, ...]:
        """Where it stands in levels whose members are asked for: since when the oldest, how old all."""
        return ()


class Fold:
    """The rules of one kind of entity: a history in order -> its life and what it contributes."""

    def __init__(
        self,
        family: str,
        segments: Segments,
        snapshots: Snapshots,
        keep_finished_ms: int,
        timed: bool = False,
        sealed: bool = False,
    ) -> None:
        """`timed`: lives of this kind change at due instants without an event (`due_ms`, `overlay`).
        `sealed`: they are long, so events older than the horizon go into a checkpoint."""
        self.family = family
        self.segments = segments
        self.snapshots = snapshots
        self.keep_finished_ms = keep_finished_ms
        self.timed = timed
        self.sealed = sealed
        self.heartbeat = -1  # the rank of events that only show life for `heartbeat_ms` (heartbeats.py)
        self.heartbeat_ms = 0
        self.removals = True  # whether an event may take back all that was ever counted
        self.seal_every_ms = 0  # how much older than the horizon events may get before they are sealed
        self.policies = NO_POLICIES
        self.events_max = 5_000  # an entity with more unsealed events is quarantined: more are dead letters

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

    def foresee(self, life: Life, rows: Sequence[Row]) -> None:
        """Takes note of what later events will show; `rows` are about to be folded on."""

    def may_seal(self, life: Life, rows: Sequence[Row], sealed_before_ms: int) -> bool:
        """Whether rows that follow on a life, all of them older than `sealed_before_ms`, may be sealed."""
        return True

    def keep(self, out: Delta, life: Life) -> None:
        """What a removed life has contributed that stands all the same."""

    def forget(self, out: Delta, life: Life) -> None:
        """A new life begins: nothing more is heard of this one, so what waited for its ending is counted."""

    def ages_ms(self, life: Life) -> int:
        """When the life next changes if nothing more is heard of it, or `NEVER`: after the `life.aged` such
        changes that are counted. Of clocks apart."""
        return NEVER

    def change(self, out: Delta, life: Life, number: int, due: int, sign: int) -> None:
        """Counts (1) or takes back (-1) the change of that number, which is due then."""

    def due_ms(self, life: Life) -> int:
        """When time next changes something, clocks included, or `NEVER`."""
        due = self.ages_ms(life)
        clocks = life.clocks_now()
        if clocks is None:
            return due
        changes = clocks.next_ms(self.policies)
        return changes if changes != FOREVER and (due == NEVER or changes < due) else due

    def overlay(self, out: Delta, life: Life, now: int) -> None:
        """Counts the changes whose due instants have come."""
        due = self.ages_ms(life)
        while due != NEVER and due <= now:
            self.change(out, life, life.aged, due, 1)
            life.aged += 1
            life.ahead = True
            due = self.ages_ms(life)
        clocks = life.clocks_now()
        if clocks is not None and clocks.next_ms(self.policies) <= now:
            life.clocks_ahead = clocks.clone()
            life.clocks_ahead.advance(out, self.policies, now, True)
            life.ahead = True

    def clear_overlay(self, out: Delta, life: Life) -> None:
        """Takes them back, before an event that may show otherwise."""
        while life.aged:
            life.aged -= 1
            self.change(out, life, life.aged, self.ages_ms(life), -1)
        if life.clocks is not None and life.clocks_ahead is not None:
            counted = Delta()
            life.clocks.clone().advance(counted, self.policies, life.clocks_ahead.now_ms, True)
            out.merge(counted, -1)
            life.clocks_ahead = None
        life.ahead = False


def names_of(life: Life) -> list[str]:
    """The names of a life's parts, sorted."""
    names: set[str] = set()
    for kind in type(life).__mro__:
        # A class compiled by mypyc has its slots under this name.
        names.update(getattr(kind, "__slots__", ()), getattr(kind, "__mypyc_attrs__", ()))
    assert names, "a life without parts would be forgotten when it is sealed"
    return sorted(names)
