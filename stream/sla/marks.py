"""Marks: what happens to clocks, collected like contributions: a late event takes back what it undoes."""

from __future__ import annotations

from typing import Final

from stream.events.sla import Kind
from stream.sla.clock import Clock

ACTIVATED: Final = 0
PAUSED: Final = 1
RESUMED: Final = 2
RETARGETED: Final = 3
AT_RISK: Final = 4
BREACHED: Final = 5
FULFILLED_MARK: Final = 6
CANCELLED_MARK: Final = 7

NAMES: Final[tuple[Kind, ...]] = (
    "activated", "paused", "resumed", "retargeted", "at_risk", "breached", "fulfilled", "cancelled",
)  # fmt: skip

Key = tuple[int, int, int, int, str]
"""What happened, the number of the clock, when it started, when it happened, and the level: the identity."""


class Mark:
    """Something that happened to a clock, and how the clock stood then."""

    __slots__ = (
        "due_ms", "elapsed_ms", "instance", "key", "policy", "target_ms", "values",
    )  # fmt: skip

    def __init__(
        self, key: Key, instance: int, policy: str, target_ms: int, elapsed_ms: int, due_ms: int,
        values: tuple[str | None, ...],
    ) -> None:  # fmt: skip
        """`values`: of the family's dimensions."""
        self.key = key
        self.instance = instance
        self.policy = policy
        self.target_ms = target_ms
        self.elapsed_ms = elapsed_ms
        self.due_ms = due_ms
        self.values = values


def mark_of(
    kind: int, clock: Clock, at: int, said: str, elapsed_ms: int, values: tuple[str | None, ...]
) -> Mark:
    """The mark of a clock as it stands."""
    key = (kind, clock.kind, clock.started_ms, at, said)
    return Mark(key, clock.instance, clock.policy, clock.target_ms, elapsed_ms, clock.due_ms, values)
