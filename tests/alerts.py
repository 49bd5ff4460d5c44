"""What tests of alerts have in common: events of clocks, configurations, a book with a hand-moved clock."""

from typing import Any
from zoneinfo import ZoneInfo

from stream.alerts.book import Book
from stream.alerts.counters import Counters
from stream.alerts.message import Message, message
from stream.alerts.state import KINDS, Alert, Kind, Notice
from stream.config import Config, parse
from stream.events.instants import instant
from stream.events.sla import Clock, SlaEvent, sla_event
from stream.events.sla import Kind as SlaKind

NOW = 1_772_452_800_000
"""2026-03-02 12:00 UTC."""
MINUTE = 60_000
UTC = ZoneInfo("UTC")


def event(
    kind: SlaKind, subject: str = "zendesk:1", clock: str = "first_reply", at: int = NOW,
    found: int | None = None, level: str | None = None, overdue: int | None = None, **segments: str,
) -> SlaEvent:  # fmt: skip
    """A transition of a clock that started an hour before NOW; found when it happened, or at `found`."""
    state = Clock(
        clock=clock, instance=1, policy="all", target_ms=60 * MINUTE, started_at=instant(NOW - 60 * MINUTE),
        elapsed_ms=0, due_at=instant(NOW), level=level, overdue_ms=overdue,
    )  # fmt: skip
    return sla_event(subject, kind, state, at, at if found is None else found, segments)


def config(routes: list[dict[str, Any]], **more: Any) -> Config:
    """Destinations `a` to `d` that any route may name; nobody listens there."""
    hooks = {name: {"kind": "webhook", "url": "http://127.0.0.1:1/"} for name in "abcd"}
    return parse({"alerts": {"destinations": hooks, "routes": routes, **more}})


class Desk:
    """A book whose deliveries succeed when asked for: (destination, kind, subject, thread) of each."""

    def __init__(self, routes: list[dict[str, Any]], kinds: tuple[Kind, ...] = KINDS, **more: Any) -> None:
        self.config = config(routes, **more).alerts
        self.counters = Counters()
        self.book = Book(
            self.config.routes, self.config.max_age_ms, dict.fromkeys("abcd", kinds), self.counters
        )
        self.now = NOW
        self.ids: list[tuple[str, str]] = []
        """(destination, id) of all that was ever delivered."""

    def take(self, *events: SlaEvent) -> None:
        """Events, one after the other."""
        for each in events:
            self.book.take(each, self.now)

    def deliver(self) -> list[tuple[str, Kind, str]]:
        """Everything that is due: destination, kind and subject, one destination after the other."""
        self.book.tick(self.now)
        said: list[tuple[str, Kind, str]] = []
        for to in "abcd":
            while batch := self.book.due(to, self.now, 100):
                self.book.trying(batch)
                said += [(to, notice.kind, alert.subject) for alert, notice in batch]
                self.ids += [(to, f"{notice.id}/{notice.kind}") for _, notice in batch]
                self.book.sent(batch, None, self.now)
        return said


def a_message(kind: Kind, alert: Alert | None = None, tried: bool = False, **changed: Any) -> Message:
    """What a channel is given of an alert."""
    alert = alert or an_alert(**changed)
    notice = Notice(id=alert.cause, kind=kind, to="a", made_ms=NOW, due_ms=NOW, tried=tried)
    return message(alert, notice, UTC, "https://help.example/tickets/{ticket}")


def an_alert(**changed: Any) -> Alert:
    """A breach of the first reply to ticket zendesk:1."""
    fields: dict[str, Any] = {
        "key": f"zendesk:1/first_reply/{NOW - 60 * MINUTE}", "subject": "zendesk:1", "clock": "first_reply",
        "stage": "breached", "cause": "zendesk:1/first_reply/breached", "at_ms": NOW, "found_ms": NOW,
        "changed_ms": NOW, "started_ms": NOW - 60 * MINUTE, "policy": "all", "target_ms": 60 * MINUTE,
        "due_ms": NOW, "segments": {"team": "billing", "priority": "urgent"},
    }  # fmt: skip
    return Alert(**{**fields, **changed})
