"""Topic `support.contacts`, internal: facts about a customer's contacts, told by the shards of tickets and
calls (subject = customer)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from stream.events.envelope import Count, Envelope, Segments, ranks

RANKS = ranks("contact.started", "contact.resolved", "contact.withdrawn")
REQUIRED = {"contact.started": "contact", "contact.resolved": "contact", "contact.withdrawn": "contact"}

CONTACT_STARTED: Final = RANKS["contact.started"]
"""A customer made contact: created a ticket, called."""
CONTACT_RESOLVED: Final = RANKS["contact.resolved"]
"""A ticket was resolved at the first contact, and that is in force."""
CONTACT_WITHDRAWN: Final = RANKS["contact.withdrawn"]
"""The fact of that id is none any more."""

SOURCE: Final = "floorcast"


class Contact(Segments, gc=False, kw_only=True):
    """`entity`: the ticket or call that tells it, `tickets/zendesk:1`. Of several contents of one id the
    highest `version` counts: the offset of the record that caused it. Segments are those of then."""

    entity: str
    version: Count


class Data(Struct, gc=False):
    contact: Contact | UnsetType = UNSET


class ContactEvent(Envelope, gc=False, kw_only=True):
    id: Annotated[str, Meta(min_length=1, max_length=600)]  # holds an entity's
    data: Data | UnsetType | None = UNSET
