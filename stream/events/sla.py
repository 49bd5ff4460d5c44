"""Topic `support.sla`: what happens to the clocks of tickets and calls (subject = ticket or call id). Written
by the workers, read by whoever alerts. At least once: the same cause has the same id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from stream.events.envelope import Instant
from stream.events.instants import instant, to_ms

Kind = Literal[
    "activated", "paused", "resumed", "at_risk", "breached", "breach_retracted", "fulfilled", "cancelled",
    "retargeted",
]  # fmt: skip

SOURCE: Final = "floorcast"


class Clock(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A clock as of the event. Durations in business ms. `due_at` None: paused or over; `level`: the warning
    passed, as the policy spells it (`75%`, `15m`)."""

    clock: str
    instance: int
    policy: str
    target_ms: int
    started_at: Instant
    elapsed_ms: int
    due_at: Instant | None = None
    level: str | None = None
    overdue_ms: int | None = None


class SlaData(Struct, frozen=True, kw_only=True):
    """`segments`: the entity's, by name, as of the event."""

    sla: Clock
    segments: dict[str, str] = {}


class SlaEvent(Struct, frozen=True, kw_only=True):
    """One transition. `time` is when it happened (a breach: when it was due), `recordedtime` when it was
    found."""

    id: str
    type: str
    subject: str
    time: Instant
    recordedtime: Instant
    data: SlaData
    source: str = SOURCE
    specversion: Literal["1.0"] = "1.0"

    @property
    def kind(self) -> str:
        """What happened: the type without `sla.`."""
        return self.type.removeprefix("sla.")


def event_id(subject: str, kind: Kind, clock: Clock, at_ms: int) -> str:
    """The identity of a transition: derived from its cause, so that a re-emission is the same one."""
    level = f"/{clock.level}" if clock.level else ""
    return f"{subject}/{clock.clock}/{to_ms(clock.started_at)}/{kind}/{at_ms}{level}"


def sla_event(
    subject: str, kind: Kind, clock: Clock, at_ms: int, found_ms: int, segments: Mapping[str, str | None]
) -> SlaEvent:
    """The event of a transition at `at_ms` that was found at `found_ms` (ms since the epoch)."""
    return SlaEvent(
        id=event_id(subject, kind, clock, at_ms),
        type=f"sla.{kind}",
        subject=subject,
        time=instant(at_ms),
        recordedtime=instant(found_ms),
        data=SlaData(
            sla=clock, segments={name: value for name, value in segments.items() if value is not None}
        ),
    )


encode_sla = msgspec.json.Encoder().encode
decode_sla = msgspec.json.Decoder(SlaEvent).decode
