"""Topic `support.contacts`, internal: facts about a customer's contacts, told by the shards of tickets and
calls (subject = customer)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
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
_TYPES = tuple(RANKS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


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


def encode_contact(
    kind: int, customer: str, at_ms: int, entity: str, version: int,
    segments: Iterable[tuple[str, str | None]] | None,
) -> bytes:  # fmt: skip
    """The event of a fact of that kind (`CONTACT_STARTED`, `CONTACT_RESOLVED`); `segments` None withdraws
    it."""
    contact: dict[str, str | int] = {"entity": entity, "version": version}
    if segments is not None:
        contact.update({name: value for name, value in segments if value is not None})
    return _encode(
        {
            "specversion": "1.0",
            "id": f"{_TYPES[kind]}/{at_ms}/{entity}",
            "source": SOURCE,
            "type": _TYPES[CONTACT_WITHDRAWN if segments is None else kind],
            "subject": customer,
            "time": _EPOCH + timedelta(milliseconds=at_ms),
            "data": {"contact": contact},
        }
    )
