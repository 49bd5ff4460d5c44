"""Finds the stalls that Faust and aiokafka do not report. A state machine that is given the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.worker.ports import Partition, Position


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each may last, seconds. A rebalance lasts seconds, a broker's restart tens of seconds."""

    joining_s: float = 60.0
    stuck_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the transport.

    A position is None while no fetch of the partition was answered since its assignment; `full` are the
    partitions not fetched at the moment because their handler has enough.
    """

    flowing: bool
    positions: Mapping[Partition, Position | None] = field(default_factory=dict)
    full: frozenset[Partition] = frozenset()


class Watchdog:
    """Adds up for how long nothing moved.

    A look counts for at most twice the interval between looks: a process that was stopped (SIGSTOP, a
    laptop's lid) was not stalled, and gets its time to recover.
    """

    def __init__(self, limits: Limits, interval_s: float) -> None:
        self._limits = limits
        self._step_s_max = 2 * interval_s
        self._now_s: float | None = None
        self._joining_s = 0.0
        self._last: Mapping[Partition, Position | None] = {}
        self._unmoved_s: dict[Partition, float] = {}
        self._unanswered_s: dict[Partition, float] = {}

    def check(self, seen: Seen, now_s: float) -> str | None:
        """The reason to give up, or None. `now_s` is monotonic."""
        step_s = 0.0 if self._now_s is None else min(now_s - self._now_s, self._step_s_max)
        self._now_s = now_s
        self._joining_s = 0.0 if seen.flowing else self._joining_s + step_s
        if self._joining_s > self._limits.joining_s:
            return f"joining the consumer group or rebalancing has taken {self._limits.joining_s:g} s"
        if not seen.flowing:
            self._last, self._unmoved_s, self._unanswered_s = {}, {}, {}
            return None
        return self._stuck(seen, step_s)

    def _stuck(self, seen: Seen, step_s: float) -> str | None:
        last, self._last = self._last, seen.positions
        for partition, position in seen.positions.items():
            before = last.get(partition)
            moved = position is None or before is None or position.next_offset > before.next_offset
            at_end = position is not None and position.next_offset >= position.end_offset
            answered = position is not None and (before is None or position.answered_ms != before.answered_ms)
            full = partition in seen.full
            unmoved_s = self._add(self._unmoved_s, partition, moved or at_end, step_s)
            unanswered_s = self._add(self._unanswered_s, partition, answered or full, step_s)
            if unmoved_s > self._limits.stuck_s:
                return self._behind(partition, position, full)
            if unanswered_s > self._limits.stuck_s:
                return f"{partition}: no fetch was answered for {self._limits.stuck_s:g} s"
        return None

    def _behind(self, partition: Partition, position: Position | None, full: bool) -> str:
        where = f"offset {position.next_offset} of {position.end_offset}" if position else "its start"
        who = "its batch does not come back from processing" if full else "Kafka's client hands over nothing"
        return f"{partition}: stuck at {where} for {self._limits.stuck_s:g} s: {who}"

    @staticmethod
    def _add(counters: dict[Partition, float], partition: Partition, fine: bool, step_s: float) -> float:
        counters[partition] = 0.0 if fine else counters.get(partition, 0.0) + step_s
        return counters[partition]
