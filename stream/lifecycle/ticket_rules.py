"""What the rules of tickets hang on: types of events, kinds of messages, and what a history keeps of them."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from stream.events.instants import to_ms
from stream.events.tickets import RANKS
from stream.lifecycle.backlog import STALE_DAYS
from stream.lifecycle.snapshot import Snapshots
from stream.metrics.segments import Segments
from stream.sla.policy import TAGS_APART, Policies
from stream.sla.running import DONE as DONE

CREATED: Final = RANKS["ticket.created"]
MESSAGE: Final = RANKS["ticket.message_added"]
UNASSIGNED: Final = RANKS["ticket.unassigned"]
ESCALATED: Final = RANKS["ticket.escalated"]
RESOLVED: Final = RANKS["ticket.resolved"]
CLOSED: Final = RANKS["ticket.closed"]
REOPENED: Final = RANKS["ticket.reopened"]
MERGED: Final = RANKS["ticket.merged"]
SPAM: Final = RANKS["ticket.marked_spam"]
DELETED: Final = RANKS["ticket.deleted"]
RESTORED: Final = RANKS["ticket.restored"]
WORK_LOGGED: Final = RANKS["ticket.work_logged"]
EXEMPTED: Final = RANKS["ticket.sla_exempted"]

FIELDS: Final = ("status", "created_by", "customer", "due_at")
"""What a ticket's history keeps of a snapshot besides the dimensions: `due_at` in ms, and as a fifth one
the tags as one text, where a policy asks for them."""
DUE_AT: Final = 3
TAGS: Final = 4

CREATION_WITHIN_MS: Final = 8 * 24 * 3_600_000
"""A `ticket.created` that comes later than this after the first event moves no start of a clock: histories
need not be kept for it."""

# What a message was, as kept in the history.
BY_CUSTOMER: Final = 1
HUMAN_REPLY: Final = 2
NOTE: Final = 3  # public to nobody but agents
MACHINE_REPLY: Final = 4  # public, by a bot, the system, or an agent's automation
CUSTOMER_ASIDE: Final = 5  # the customer's, but not public or automated: no interaction


class Rules:
    """What the rules of tickets hang on: the segments, with the places of two dimensions in them, and the
    policies."""

    __slots__ = ("agent", "fields", "policies", "segments", "tagged", "team")

    def __init__(self, segments: Segments, policies: Policies) -> None:
        self.segments = segments
        self.agent = segments.dimensions.index("agent")
        self.team = segments.dimensions.index("team")
        self.policies = policies
        self.tagged = policies.tagged
        self.fields = TAGS + self.tagged  # so many fields of a snapshot come before the dimensions

    def stale_ms(self, at: int) -> int:
        """When a ticket is stale to which nothing happens after `at`, in the default calendar of then."""
        calendar = self.policies.epochs[self.policies.number_at(at)].calendar
        return calendar.due_ms(at, STALE_DAYS * calendar.day_ms)


class TicketSnapshots(Snapshots):
    """Tags become one text and `due_at` a number: both can be packed and compared."""

    def __init__(self, dimensions: tuple[str, ...], tagged: bool) -> None:
        super().__init__("ticket", (*FIELDS, "tags") if tagged else FIELDS, dimensions)
        self._tagged = tagged

    def _told(self, given: list[Any]) -> list[Any]:
        due_at = given[DUE_AT]
        if due_at is not UNSET and due_at is not None:
            given[DUE_AT] = to_ms(due_at)
        if self._tagged and given[TAGS] is not UNSET:
            tags = given[TAGS]
            given[TAGS] = TAGS_APART.join(sorted({*tags})) if tags else None
        return given


def kind_of(message: Any) -> int:
    """What a message was."""
    public = message.public and not message.automated
    if message.author == "customer":
        return BY_CUSTOMER if public else CUSTOMER_ASIDE
    if message.author == "agent" and public:
        return HUMAN_REPLY
    return MACHINE_REPLY if message.public else NOTE
