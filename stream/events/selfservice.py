"""Topic `support.selfservice`: help centre and bot sessions (subject = session id)."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from stream.events.envelope import Envelope, Optional, Segments, Value, ranks

RANKS = ranks(
    "selfservice.started", "selfservice.article_viewed", "selfservice.searched", "selfservice.article_rated",
    "selfservice.bot_resolved", "selfservice.bot_handed_off", "selfservice.contact_opened",
    "selfservice.ended",
)  # fmt: skip
REQUIRED = {"selfservice.article_viewed": "article", "selfservice.article_rated": "helpful"}


class Session(Segments, gc=False):
    customer: str | Optional = UNSET


class Data(Struct, gc=False):
    session: Session | UnsetType = UNSET
    article: Value | UnsetType = UNSET
    helpful: bool | UnsetType = UNSET
    ticket: str | Optional = UNSET


class SelfServiceEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
