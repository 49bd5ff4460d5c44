"""How an entity tells what happened to it: fat CloudEvents with deterministic ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]
Told = tuple[str, Event]
"""(topic family, CloudEvent)."""


def rfc3339(at_ms: int) -> str:
    """An instant as the contract writes it: UTC with milliseconds."""
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


class Entity:
    """One ticket, call, invitation, review, agent or session: it keeps its snapshot and puts its events into
    `outbox`."""

    def __init__(self, family: str, part: str, subject: str, outbox: deque[Told]) -> None:
        """`part` is the name of the snapshot in `data`: ticket, call, survey, review, agent or session."""
        self.family = family
        self.subject = subject
        self.snapshot: dict[str, Any] = {}
        self._part = part
        self._outbox = outbox
        self._told = 0

    def tell(self, kind: str, at_ms: int, **beside: Any) -> None:
        """Emit `kind` with a copy of the snapshot as it is now. `beside` stands in `data` next to it."""
        self._told += 1
        event = {
            "specversion": "1.0",
            "id": f"{self.subject}-{self._told}",
            "source": f"/sim/{self.family}",
            "type": kind,
            "subject": self.subject,
            "time": rfc3339(at_ms),
            "sequence": self._told,
            "data": {self._part: self.snapshot.copy(), **beside},
        }
        self._outbox.append((self.family, event))


Heard = Callable[[Entity, int], None]
"""Hears of an entity and an instant (milliseconds) at which something of it was over."""
