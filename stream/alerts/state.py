"""What is kept of one alert: one record of the compacted topic `support.alerts`."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["at_risk", "breached", "reminder", "acknowledged", "resolved", "retracted", "blind", "seeing"]
"""What is said. `resolved`: answered or no longer wanted; `retracted`: a late event shows that there was no
breach; `seeing`: the end of `blind`."""
KINDS: tuple[Kind, ...] = (
    "at_risk", "breached", "reminder", "acknowledged", "resolved", "retracted", "blind", "seeing",
)  # fmt: skip
OPENING: tuple[Kind, ...] = ("at_risk", "breached", "blind")
CLOSING: tuple[Kind, ...] = ("resolved", "retracted", "seeing")
Stage = Literal["at_risk", "breached", "blind"]
End = Literal["fulfilled", "cancelled", "retracted", "seeing"]


class Notice(Struct, kw_only=True, omit_defaults=True):
    """One thing to be said to one destination. `id`: of its cause, so it is the same after a restart."""

    id: str
    kind: Kind
    to: str
    made_ms: int
    due_ms: int
    """Not before: a digest collects until then."""
    group: str = ""
    """Notices of one group that are due go as one message; those of none go alone."""
    repeat_ms: int | None = None
    tried: bool = False
    """It was handed over, and may have arrived although nobody said so."""


class Told(Struct, kw_only=True, omit_defaults=True):
    """What a destination was told last."""

    kind: Kind
    at_ms: int
    stage: Stage
    """The gravest that it knows."""
    repeat_ms: int | None = None
    reminders: int = 0
    thread: str | None = None
    """Where follow-ups go, in the destination's words."""

    @property
    def open(self) -> bool:
        """Whether it waits for an end."""
        return self.kind not in CLOSING


class Alert(Struct, kw_only=True, omit_defaults=True):
    """One clock that ran out, or may. `key` (subject/clock/start) is what destinations deduplicate by.

    What describes it is as of the latest opening event (`cause`). Instants are ms since the epoch, durations
    business ms.
    """

    key: str
    subject: str
    clock: str
    stage: Stage
    cause: str
    at_ms: int
    """When it happened; a breach: when the clock was due."""
    found_ms: int
    changed_ms: int
    started_ms: int = 0
    instance: int = 1
    policy: str = ""
    level: str | None = None
    target_ms: int = 0
    due_ms: int | None = None
    text: str = ""
    """Of `blind`: what is not seen."""
    segments: dict[str, str] = {}
    seen: list[str] = []
    """Ids of all events that were applied."""
    pending: list[Notice] = []
    told: dict[str, Told] = {}
    acknowledged_by: str | None = None
    acknowledged_ms: int | None = None
    ended: End | None = None
    ended_ms: int | None = None
    overdue_ms: int | None = None

    def labels(self) -> dict[str, str]:
        """What routes ask for."""
        level = {"level": self.level} if self.level else {}
        return {**self.segments, "clock": self.clock, "policy": self.policy, **level}

    def knows(self, to: str) -> Told | None:
        """What a destination was told, if it waits for an end."""
        told = self.told.get(to)
        return told if told is not None and told.open else None


def alert_key(subject: str, clock: str, started_ms: int) -> str:
    """The identity of an alert."""
    return f"{subject}/{clock}/{started_ms}"


encode_alert = msgspec.json.Encoder().encode
decode_alert = msgspec.json.Decoder(Alert).decode
