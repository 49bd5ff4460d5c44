"""Topic `support.calls`: the life of a call, or of a chat with a live queue (subject = call id)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from stream.events.envelope import Customer, Envelope, Instant, Optional, Seconds, Segments, ranks

RANKS = ranks(
    "call.offered", "call.queued", "call.answered", "call.held", "call.resumed", "call.transferred",
    "call.abandoned", "call.callback_requested", "call.voicemail_left", "call.overflowed", "call.missed",
    "call.ended", "call.wrapup_ended", "call.record",
)  # fmt: skip
REQUIRED: dict[str, str] = {}

Direction = Literal["inbound", "outbound", "internal", "callback"]


class Call(Segments, gc=False):
    """The call's state after the event; of a `call.record` also the times, which replace what events said."""

    direction: Direction | Optional = UNSET
    media: Literal["voice", "chat", "video"] | Optional = UNSET
    customer: Customer | Optional = UNSET
    ticket: str | Optional = UNSET
    previous_call: str | Optional = UNSET
    talk_seconds: Seconds | Optional = UNSET
    hold_seconds: Seconds | Optional = UNSET
    wrapup_seconds: Seconds | Optional = UNSET
    offered_at: Instant | Optional = UNSET
    queued_at: Instant | Optional = UNSET
    answered_at: Instant | Optional = UNSET
    abandoned_at: Instant | Optional = UNSET
    ended_at: Instant | Optional = UNSET
    wrapup_ended_at: Instant | Optional = UNSET


class Abandon(Struct, gc=False):
    stage: Literal["ivr", "queue", "ring"] | Optional = UNSET


class Data(Struct, gc=False):
    call: Call | UnsetType = UNSET
    abandon: Abandon | Optional = UNSET


class CallEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
