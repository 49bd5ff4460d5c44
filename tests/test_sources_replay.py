"""What is sent when a refused record is sent again."""

import json
from typing import Any, get_args

import pytest

from stream.events.refusal import ADVICE, Reason
from stream.sources.deadletters import Letter, Original, Place
from stream.sources.replay import OtherEvent, corrected, key_of

EVENT = {
    "specversion": "1.0", "id": "1", "source": "desk", "type": "ticket.created", "subject": "desk:1",
    "time": "2026-01-05T08:00:00Z", "data": {"ticket": {}},
}  # fmt: skip
BINARY = [(f"ce_{name}", value.encode()) for name, value in EVENT.items() if isinstance(value, str)]


def refused(
    value: bytes, headers: list[tuple[str, bytes]] | None = None, key: bytes | None = None
) -> Original:
    """A record that was refused."""
    place = Place("support.tickets", 0, 7)
    letter = Letter(place, Place("support.deadletters", 0, 1), 0, "invalid", "", "", key, len(value))
    return Original(letter, value, headers or [])


def encoded(**changed: Any) -> bytes:
    """The event with other attributes."""
    return json.dumps(EVENT | changed).encode()


def test_every_reason_says_what_to_do() -> None:
    """Those that there are."""
    assert set(ADVICE) == set(get_args(Reason))


@pytest.mark.parametrize(
    ("original", "key"),
    [
        (refused(encoded(), key=b"as it was"), b"as it was"),
        (refused(encoded(), key=b""), b""),
        (refused(encoded()), b"desk:1"),
        (refused(b'{"ticket":{}}', BINARY), b"desk:1"),
        (refused(b"{"), b""),
    ],
)
def test_a_record_keeps_its_key(original: Original, key: bytes) -> None:
    """One that had none gets what the contract says, where it can be read."""
    assert key_of(original, "tickets") == key


@pytest.mark.parametrize("attribute", ["id", "source", "subject"])
@pytest.mark.parametrize("original", [refused(encoded()), refused(b"{", BINARY)])
def test_a_correction_is_of_the_same_event(original: Original, attribute: str) -> None:
    """Whatever else it changes; what could not be read may be anything."""
    with pytest.raises(OtherEvent, match=f"its {attribute} is 'other'"):
        corrected(original, encoded(**{attribute: "other"}))
    good = encoded(data={"ticket": {"priority": "high"}})
    assert corrected(original, good).value == good
    assert corrected(refused(b"{"), encoded(**{attribute: "other"})).value


def test_a_correction_is_in_structured_mode() -> None:
    """What a record says besides stays."""
    trace = ("traceparent", b"00-1")
    assert corrected(refused(b"{}", [*BINARY, trace]), encoded()).headers == [trace]
