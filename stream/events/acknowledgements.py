"""Topic `support.acknowledgements`: who has taken note of an alert (subject = ticket or call id)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from stream.events.envelope import Instant, Name
from stream.events.instants import instant
from stream.events.sla import SOURCE


class AcknowledgementData(Struct, frozen=True, kw_only=True):
    """`clock`: of the subject, e.g. `first_reply`. `by`: a person as people know them."""

    clock: Name
    by: Annotated[str, Meta(min_length=1, max_length=256)]


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """Somebody has taken note of the alert of a clock that is open at `time`."""

    id: Name
    subject: Name
    time: Instant
    data: AcknowledgementData
    type: Literal["alert.acknowledged"] = "alert.acknowledged"
    source: str = SOURCE
    specversion: Literal["1.0"] = "1.0"


def acknowledgement(subject: str, clock: str, by: str, at_ms: int) -> Acknowledgement:
    """The event of an acknowledgement at `at_ms` (since the epoch); its key in the topic is the subject."""
    return Acknowledgement(
        id=f"{subject}/{clock}/acknowledged/{at_ms}",
        subject=subject,
        time=instant(at_ms),
        data=AcknowledgementData(clock=clock, by=by),
    )


encode_acknowledgement = msgspec.json.Encoder().encode
decode_acknowledgement = msgspec.json.Decoder(Acknowledgement).decode
