"""Topic `support.tickets`: the life of a ticket (subject = ticket id)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from stream.events.envelope import Customer, Envelope, Instant, Optional, Seconds, Segments, ranks

Status = Literal["new", "open", "pending", "on_hold", "resolved", "closed"]
Author = Literal["customer", "agent", "bot", "system"]

RANKS = ranks(
    "ticket.created", "ticket.message_added", "ticket.status_changed", "ticket.updated", "ticket.assigned",
    "ticket.unassigned", "ticket.escalated", "ticket.deescalated", "ticket.resolved", "ticket.closed",
    "ticket.reopened", "ticket.merged", "ticket.marked_spam", "ticket.deleted", "ticket.restored",
    "ticket.work_logged", "ticket.sla_exempted",
)  # fmt: skip
REQUIRED = {"ticket.message_added": "message", "ticket.work_logged": "work"}


class Ticket(Segments, gc=False):
    """The ticket's state after the event."""

    status: Status | Optional = UNSET
    created_by: Author | Optional = UNSET
    customer: Customer | Optional = UNSET
    organization: str | Optional = UNSET
    tags: list[str] | Optional = UNSET
    pending_reason: str | Optional = UNSET
    merged_into: str | Optional = UNSET
    parent: str | Optional = UNSET
    due_at: Instant | Optional = UNSET


class Message(Struct, gc=False):
    """One message. `public` false is a note; `automated` true was written by no person."""

    author: Author
    id: str | Optional = UNSET
    author_id: str | Optional = UNSET
    public: bool = True
    automated: bool = False


class Escalation(Struct, gc=False):
    to_tier: str | int | Optional = UNSET
    reason: str | Optional = UNSET


class Resolution(Struct, gc=False):
    by: Author | Optional = UNSET
    customer_confirmed: bool | Optional = UNSET


class Work(Struct, gc=False):
    """Digital handling time."""

    seconds: Seconds
    agent: str | Optional = UNSET
    kind: str | Optional = UNSET


class Data(Struct, gc=False):
    ticket: Ticket | UnsetType = UNSET
    message: Message | UnsetType = UNSET
    escalation: Escalation | Optional = UNSET
    resolution: Resolution | Optional = UNSET
    work: Work | UnsetType = UNSET


class TicketEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
