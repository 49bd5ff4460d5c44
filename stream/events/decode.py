"""Bytes of a Kafka record -> typed event, straight by msgspec; or `Refused` with the reason and the field's
path.

Both CloudEvents modes are read: structured (the whole event is the JSON body) and binary (`ce_*` headers,
body = `data`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any, cast

import msgspec
from msgspec import UNSET

from stream.events import agents, calls, contacts, customers, selfservice, surveys, tickets
from stream.events import annotations as annotations_topic
from stream.events.envelope import Head
from stream.events.refusal import Refused, UnknownType

Headers = Sequence[tuple[str, bytes | None]]
FAMILIES = ("tickets", "calls", "surveys", "agents", "selfservice", "customers", "annotations")
"""The topics of the contract, by the name that follows `support.`."""

PREFIXES = {
    "ticket": "tickets", "call": "calls", "survey": "surveys", "qa": "surveys", "agent": "agents",
    "selfservice": "selfservice", "customer": "customers", "annotation": "annotations",
}  # fmt: skip
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]+)`")


class Decoder:
    """Decodes the events of one topic family. `None` stands for a type that the contract does not know."""

    def __init__(self, family: str) -> None:
        module, event = _TOPICS[family]
        self.family = family
        self.rank: dict[str, int] = module.RANKS
        self._required: dict[str, str] = module.REQUIRED
        self._event: type[Any] = event
        self._decode = msgspec.json.Decoder(event).decode
        self._data = msgspec.json.Decoder(_data_type(module))

    def decode(self, value: bytes | None, headers: Headers = ()) -> Any:
        """The event. Raises `Refused`, or `UnknownType` for one to be ignored."""
        if not value:
            raise Refused("empty", "", "a record without a value")
        try:
            if headers and _is_binary(headers):
                event = self._binary(value, headers)
            else:
                event = self._decode(value)
        except msgspec.ValidationError as error:
            self._raise_unless_ours(value, headers)
            raise _refused(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused("not_json", "", str(error)[:200]) from None
        kind = event.type
        if kind not in self.rank:
            raise UnknownType(kind)
        part = self._required.get(kind)
        if part is not None and (not event.data or getattr(event.data, part) is UNSET):
            raise Refused("missing", f"data.{part}", f"{kind} needs `{part}`")
        return event

    def _binary(self, body: bytes, headers: Headers) -> Any:
        attributes: dict[str, Any] = {}
        for name, raw in headers:
            if name.startswith("ce_") and raw is not None:
                attributes[name[3:]] = raw.decode()
        attributes.pop("data", None)
        if isinstance(attributes.get("type"), str) and attributes["type"] not in self.rank:
            raise UnknownType(attributes["type"])
        event = msgspec.convert(attributes, self._event)
        event.data = self._data_of(body)
        return event

    def _data_of(self, body: bytes) -> Any:
        try:
            return self._data.decode(body)
        except msgspec.ValidationError as error:
            raise _refused(error, "data") from None

    def _raise_unless_ours(self, value: bytes, headers: Headers) -> None:
        """`UnknownType` when an event that is about to be refused has a type of somebody else's."""
        if _is_binary(headers):
            return  # its type was looked at first
        try:
            kind = msgspec.json.decode(value, type=Head).type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        if isinstance(kind, str) and kind not in self.rank:
            raise UnknownType(kind)


def family_of(event_type: str) -> str | None:
    """The topic family to which an event type belongs by its prefix, or `None`."""
    return PREFIXES.get(event_type.partition(".")[0])


def decoder_of(family: str) -> Decoder:
    """The shared decoder of a family (decoders are immutable)."""
    return _DECODERS[family]


def _data_type(module: ModuleType) -> Any:
    return cast(Any, module).Data


def _is_binary(headers: Headers) -> bool:
    return bool(headers) and any(name == "ce_specversion" or name == "ce_type" for name, _ in headers)


def _refused(error: msgspec.ValidationError, within: str = "") -> Refused:
    """What msgspec found, with the path of the field; of one that is missing, of where it should be."""
    match = _PATH.match(str(error))
    assert match is not None
    missing = _MISSING.match(match["what"])
    path = (within, match["path"], missing and missing[1])
    return Refused("missing" if missing else "invalid", ".".join(filter(None, path)), match["what"])


_TOPICS: dict[str, tuple[ModuleType, Any]] = {
    "tickets": (tickets, tickets.TicketEvent),
    "calls": (calls, calls.CallEvent),
    "surveys": (surveys, surveys.SurveyEvent),
    "agents": (agents, agents.AgentEvent),
    "selfservice": (selfservice, selfservice.SelfServiceEvent),
    "customers": (customers, customers.CustomerEvent),
    "annotations": (annotations_topic, annotations_topic.AnnotationEvent),
    "contacts": (contacts, contacts.ContactEvent),
}
_DECODERS = {family: Decoder(family) for family in _TOPICS}
