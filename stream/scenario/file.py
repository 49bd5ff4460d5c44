"""Scenario files: YAML documents of configuration, events and expectations -> plain values with times in
milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from stream.config import Config, ConfigError, parse
from stream.events.decode import PREFIXES, family_of
from stream.events.instants import to_ms


class ScenarioError(ValueError):
    """A file that cannot be played: says which document and what is wrong."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a scenario: when it arrives, the timestamp of its record, and the record's bytes."""

    family_type: str
    subject: str
    at_ms: int
    arrives_ms: int
    sent_ms: int
    value: bytes
    line: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold at an instant. `what` is the mapping as written."""

    at_ms: int
    what: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One document."""

    name: str
    config: Config
    events: list[Told]
    expectations: list[Expectation]
    end_ms: int
    lag: list[tuple[int, int]] = field(default_factory=list)
    replay: bool = True


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which times stay text: they are read in the scenario's time zone."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

_KEYS = {"scenario", "about", "timezone", "config", "events", "end", "expect", "lag", "replay"}
_OPTIONS = {"id", "source", "sequence", "recordedtime", "arrives"}


def read_scenarios(path: Path) -> Iterator[Scenario]:
    """The scenarios of a file, or `ScenarioError`."""
    try:
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), _Loader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    for number, document in enumerate(documents, 1):
        if document is None:
            continue
        try:
            yield _scenario(document)
        except (ScenarioError, ConfigError) as error:
            raise ScenarioError(f"{path}, document {number}: {error}") from None


def _scenario(document: Any) -> Scenario:
    if not isinstance(document, dict):
        raise ScenarioError("a scenario is a mapping with `scenario`, `events` and `expect`")
    unknown = set(document) - _KEYS
    if unknown:
        raise ScenarioError(f"unknown key {sorted(unknown)[0]!r}; known are {', '.join(sorted(_KEYS))}")
    clock = _Times(str(document.get("timezone", "UTC")))
    settings = dict(document.get("config") or {})
    settings.setdefault("timezone", str(document.get("timezone", "UTC")))
    events = [_event(entry, place, clock) for place, entry in enumerate(document.get("events") or [], 1)]
    wanted = document.get("expect") or []
    stated = [clock.ms(entry["at"], "at") for entry in wanted if "at" in entry]
    last = max([0, *stated, *(event.arrives_ms for event in events)])
    end = clock.ms(document["end"], "end") if "end" in document else last
    return Scenario(
        name=str(document.get("scenario", "unnamed")),
        config=parse(settings, allow_later=True),
        events=events,
        expectations=[_expectation(entry, end, clock) for entry in wanted],
        end_ms=end,
        lag=[(clock.ms(begin, "lag"), clock.ms(until, "lag")) for begin, until in document.get("lag") or []],
        replay=bool(document.get("replay", True)),
    )


def _event(entry: Any, place: int, clock: _Times) -> Told:
    if not isinstance(entry, list) or not 4 <= len(entry) <= 5:
        if isinstance(entry, list) and len(entry) == 3:
            entry = [*entry, {}]
        else:
            raise ScenarioError(
                f"event {place}: [time, type, subject, data, options] is wanted, not {entry!r}"
            )
    at, kind, subject, data, *rest = entry
    options = dict(rest[0]) if rest and rest[0] else {}
    unknown = set(options) - _OPTIONS
    if unknown:
        raise ScenarioError(
            f"event {place}: unknown option {sorted(unknown)[0]!r}; known are {', '.join(sorted(_OPTIONS))}"
        )
    where = f"event {place}"
    if family_of(str(kind)) is None:
        known = ", ".join(f"{prefix}." for prefix in PREFIXES)
        raise ScenarioError(f"{where}: {kind!r} is of no topic; types begin with one of {known}")
    at_ms = clock.ms(at, where)
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(options.get("id", f"{place:04d}")),
        "source": str(options.get("source", "test")),
        "type": kind,
        "subject": subject,
        "time": clock.text(at, where),
        "data": data,
    }
    if "sequence" in options:
        event["sequence"] = options["sequence"]
    arrives = clock.ms(options["arrives"], where) if "arrives" in options else at_ms
    sent = arrives
    if "recordedtime" in options:
        event["recordedtime"] = clock.text(options["recordedtime"], where)
        sent = clock.ms(options["recordedtime"], where)
    line = f"{clock.text(at, where)} {kind} {subject} {data or ''}"
    return Told(str(kind), str(subject), at_ms, arrives, sent, msgspec.json.encode(event), line)


def _expectation(entry: Any, end_ms: int, clock: _Times) -> Expectation:
    if not isinstance(entry, dict):
        raise ScenarioError(f"an expectation is a mapping, not {entry!r}")
    what = dict(entry)
    at = clock.ms(what.pop("at"), "at") if "at" in what else end_ms
    for edge in ("from", "to"):
        if edge in what:
            what[edge] = clock.ms(what[edge], edge)
    return Expectation(at, what)


class _Times:
    """Times as scenarios write them: with an offset, or in the scenario's zone."""

    def __init__(self, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ScenarioError(f"timezone: {zone!r} is not a zone such as Europe/Berlin") from None

    def ms(self, value: Any, where: str) -> int:
        return to_ms(self._aware(value, where))

    def text(self, value: Any, where: str) -> str:
        return self._aware(value, where).isoformat()

    def _aware(self, value: Any, where: str) -> datetime:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, date):
            found = datetime.combine(value, datetime.min.time())
        else:
            try:
                found = datetime.fromisoformat(str(value))
            except ValueError:
                raise ScenarioError(
                    f"{where}: {value!r} is no time; write 2026-03-02 09:00 (quoted if with seconds)"
                ) from None
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)
