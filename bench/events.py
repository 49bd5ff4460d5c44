"""The logs that are measured, made before any clock runs, in order of time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import json

from stream.floor.mix import mix
from stream.floor.telling import rfc3339

BUSY_RATE = 1_000.0
"""Events a second of event time: a large floor's busiest minutes."""
DAY_RATE = 14.0
"""... and the mean over a day of 100,000 tickets and 50,000 calls."""
DAY_S = 86_400


class Event(NamedTuple):
    """One event, ready for the log."""

    family: str
    key: bytes
    value: bytes
    at_ms: int


@dataclass(slots=True)
class Log:
    """Events in order of time, and how many there are of each type."""

    events: list[Event] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)

    @property
    def begin_ms(self) -> int:
        """The first event's instant."""
        return self.events[0].at_ms

    @property
    def end_ms(self) -> int:
        """The last event's instant."""
        return self.events[-1].at_ms

    def head(self, count: int) -> list[Event]:
        """Its first events."""
        return self.events[:count]


def mix_log(count: int, rate: float, begin_ms: int | None = None, seed: int = 1) -> Log:
    """60 % ticket, 35 % call, 5 % survey events, `rate` a second; they end now unless told when to begin."""
    if begin_ms is None:
        begin_ms = now_ms() - int(count * 1000 / rate)
    log = Log()
    encode = json.Encoder().encode
    for place, (family, event) in enumerate(mix(count, seed=seed, start_ms=begin_ms, rate=rate)):
        log.types[event["type"]] += 1
        at_ms = begin_ms + int(place * 1000 / rate)
        log.events.append(Event(family, event["subject"].encode(), encode(event), at_ms))
    return log


def ticket_log(tickets: int, rate: float) -> Log:
    """Tickets of two events each, created and answered, which end now: many entities in little time."""
    log = Log()
    begin_ms = now_ms() - int(2 * tickets * 1000 / rate)
    for place in range(2 * tickets):
        at_ms = begin_ms + int(place * 1000 / rate)
        number, step = divmod(place, 2)
        log.events.append(_of_ticket(number, step, at_ms))
    log.types.update({"ticket.created": tickets, "ticket.message_added": tickets})
    return log


def now_ms() -> int:
    """The wall's time."""
    return time.time_ns() // 1_000_000


def mean_bytes(events: Iterable[Event]) -> float:
    """The mean size of an event."""
    sizes = [len(event.value) for event in events]
    return sum(sizes) / len(sizes)


def _of_ticket(number: int, step: int, at_ms: int) -> Event:
    subject = f"many:{number:08d}"
    ticket = {
        "status": ("new", "open")[step],
        "channel": ("email", "web", "chat")[number % 3],
        "priority": ("low", "normal", "high")[number % 7 % 3],
        "category": f"category-{number % 12}",
        "team": f"team-{number % 6}",
        "agent": f"agent-{number % 300}",
        "customer": f"customer-{number % 100_000}",
    }
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": f"{subject}-{step}",
        "source": "/bench/tickets",
        "type": ("ticket.created", "ticket.message_added")[step],
        "subject": subject,
        "time": rfc3339(at_ms),
        "sequence": step,
        "data": {"ticket": ticket} | ({"message": {"author": "agent"}} if step else {}),
    }
    return Event("tickets", subject.encode(), json.encode(event), at_ms)
