"""What stands in the topic of annotations, as the API shows it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Final

from msgspec import UNSET

from stream.events.decode import decoder_of
from stream.events.instants import to_ms
from stream.events.refusal import Refused, UnknownType
from stream.query.windows import Calendar

MOST: Final = 1_000
_DECODE: Final = decoder_of("annotations").decode


def identity(key: bytes, value: bytes | None) -> Hashable:
    """By source and id, as all events: their key is the source's name, which many share."""
    try:
        event = _DECODE(value)
    except (Refused, UnknownType):
        return key
    return event.source, event.id


def annotations_plain(
    values: Iterable[bytes], span: tuple[int, int], calendar: Calendar
) -> list[dict[str, Any]]:
    """Those that touch [from, to) (ms), the latest first; not more than MOST."""
    found: list[tuple[int, dict[str, Any]]] = []
    for value in values:
        try:
            event = _DECODE(value)
        except (Refused, UnknownType):
            continue
        data = event.data
        starts = to_ms(data.starts_at or event.time)
        ends = to_ms(data.ends_at) if data.ends_at else None
        if starts < span[1] and (ends if ends is not None else starts) >= span[0]:
            plain = {
                "id": event.id, "source": event.source, "title": data.title,
                "kind": None if data.kind is UNSET else data.kind,
                "link": None if data.link is UNSET else data.link,
                "starts_at": calendar.text(starts), "ends_at": None if ends is None else calendar.text(ends),
            }  # fmt: skip
            found.append((starts, plain))
    found.sort(key=lambda one: -one[0])
    return [plain for _, plain in found[:MOST]]
