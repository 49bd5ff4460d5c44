"""Why an event was refused: the reason of a dead letter and the path of the field that caused it."""

from __future__ import annotations

from typing import Final, Literal

Reason = Literal[
    "empty",  # a record without a value
    "too_large",  # more bytes than `max_event_bytes`
    "not_json",  # not UTF-8 JSON, truncated, or nested too deeply
    "invalid",  # a known field has a wrong type or value
    "missing",  # a part that the type requires is absent
    "late",  # older than the horizon when it arrived
    "future",  # later than its record's timestamp by more than the tolerance
    "out_of_scale",  # a survey answer outside its scale
    "quarantined",  # its entity has too many events within the horizon
]


ADVICE: Final[dict[Reason, str]] = {
    "empty": "a record without a value tells nothing: find who writes it",
    "too_large": "let its source send less; a larger max_event_bytes and `floorcast rebuild` count it",
    "not_json": "mend its source, or write the event out and replay it with --with FILE",
    "invalid": "mend its source (docs/feeding.md says what a field may hold), or replay it with --with FILE",
    "missing": "mend its source (docs/feeding.md says what is needed), or replay it with --with FILE",
    "late": "it cannot be counted any more: what is older than `horizon` is sealed, its panes may be gone. "
    "Only a longer `horizon` and `floorcast rebuild` take it in",
    "future": "the clock of its source was ahead: mend that, and replay it once its time has come",
    "out_of_scale": "its event is kept, and counts once another of its invitation tells a scale that fits",
    "quarantined": "find what sends so many events of one subject; replay it when the old ones are sealed",
}
"""What to do, by reason."""


_SAID_MAX: Final = 500


class UnknownType(Exception):
    """An event of a type that the contract does not know: it is ignored and counted, never an error."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not a type of this topic")
        self.name = name


class Refused(Exception):
    """An event that is not applied. `path` names the field from the event's root, e.g.
    `data.ticket.priority`."""

    def __init__(self, reason: Reason, path: str = "", detail: str = "") -> None:
        super().__init__(
            f"{reason}{f' at {path}' if path else ''}{f': {detail[:_SAID_MAX]}' if detail else ''}"
        )
        self.reason: Reason = reason
        self.path = path
        self.detail = detail
