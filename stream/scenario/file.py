"""Scenario files: YAML documents of configuration, events and expectations -> plain values with times in
milliseconds. What makes no sense is refused with its file, line and document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from stream.config import Config, ConfigError, parse
from stream.events.decode import FAMILIES, decoder_of, family_of
from stream.metrics.catalog import Catalog, catalog_of
from stream.scenario.document import Document, Part, documents
from stream.scenario.errors import ScenarioError, unknown
from stream.scenario.expectation import Expectation, read_expectation
from stream.scenario.times import Times
from stream.scenario.words import plain

__all__ = ["Expectation", "Scenario", "ScenarioError", "Told", "read_scenarios"]


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a scenario: when it arrives, the timestamp of its record, and the record's bytes."""

    type: str
    subject: str
    at_ms: int
    arrives_ms: int
    sent_ms: int
    value: bytes
    line: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One document. `line`: where it begins in its file."""

    name: str
    config: Config
    catalog: Catalog
    events: list[Told]
    expectations: list[Expectation]
    end_ms: int
    times: Times
    lag: list[tuple[int, int]] = field(default_factory=list)
    replay: bool = True
    line: int = 1


_SAID_MAX = 2_000
_KEYS = ("scenario", "about", "timezone", "config", "events", "end", "expect", "lag", "replay")
_OPTIONS = ("id", "source", "sequence", "recordedtime", "arrives")
_EVENT = "an event is [time, type, subject, data, {id:, source:, sequence:, recordedtime:, arrives:}]"


def read_scenarios(path: Path) -> Iterator[Scenario]:
    """The scenarios of a file; raises `ScenarioError`."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        found = list(documents(text))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ScenarioError(
            f"{where}: not readable as YAML: {', '.join(filter(None, (error.context, error.problem)))}"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise ScenarioError(
            f"{path}:{line}: not readable as YAML: it holds a character that YAML does not allow"
        ) from None
    except RecursionError:
        raise ScenarioError(f"{path}: not readable as YAML: nested too deeply") from None
    if not found:
        raise ScenarioError(f"{path}: holds no scenario; write `scenario:`, `events:` and `expect:`")
    for number, document in enumerate(found, 1):
        reader = _Reader(document)
        try:
            yield reader.scenario()
        except (ScenarioError, ConfigError) as error:
            said = _shortened(str(error))
            raise ScenarioError(f"{path}:{reader.line}: document {number}: {said}") from None


def _shortened(said: str) -> str:
    """An error may show what stands in the file; what to write instead stands at its end."""
    return said if len(said) <= _SAID_MAX else f"{said[: _SAID_MAX // 2]} ... {said[-_SAID_MAX // 2 :]}"


class _Reader:
    """Reads one document. `line` is that of the part being read."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.line = document.line

    def scenario(self) -> Scenario:
        document = self._document.value
        if not isinstance(document, dict):
            raise ScenarioError("a scenario is a mapping with `scenario`, `events` and `expect`")
        for key in document:
            self._go((str(key),))
            if key not in _KEYS:
                raise ScenarioError(unknown("key", key, _KEYS))
        self._go(("timezone",))
        times = Times(document.get("timezone", "UTC"))
        config = self._config(document, times)
        catalog = catalog_of(config)
        events = [self._event(entry, place, times) for place, entry in self._entries("events")]
        lag = sorted(self._lag(entry, times) for _, entry in self._entries("lag"))
        wanted = [(place, entry) for place, entry in self._entries("expect")]
        if not wanted:
            raise ScenarioError("`expect` is missing: a scenario that expects nothing cannot fail")
        end_ms = self._end(document, events, wanted, times)
        replay = document.get("replay", True)
        if not isinstance(replay, bool):
            self._go(("replay",))
            raise ScenarioError(f"replay: true or false is wanted, not {replay!r}")
        expectations = []
        for place, entry in wanted:
            self._go(("expect", place))
            expectations.append(read_expectation(entry, end_ms, times, config, catalog, self.line))
        return Scenario(
            name=str(document.get("scenario", "unnamed")), config=config, catalog=catalog, events=events,
            expectations=expectations, end_ms=end_ms, times=times, lag=lag, replay=replay,
            line=self._document.line,
        )  # fmt: skip

    def _go(self, part: Part) -> None:
        """Sets the line that an error names."""
        self.line = self._document.lines.get(part, self._document.line)

    def _entries(self, key: str) -> Iterator[tuple[int, Any]]:
        self._go((key,))
        entries = self._document.value.get(key)
        if entries is None:
            return
        if not isinstance(entries, list):
            raise ScenarioError(f"{key}: a list is wanted, not {entries!r}")
        for place, entry in enumerate(entries):
            self._go((key, place))
            yield place, entry

    def _config(self, document: dict[str, Any], times: Times) -> Config:
        self._go(("config",))
        settings = document.get("config") or {}
        if not isinstance(settings, dict):
            raise ScenarioError(f"config: the keys of floorcast.yaml are wanted, not {settings!r}")
        try:
            return parse({"timezone": times.zone, **settings})
        except ConfigError as error:
            raise ScenarioError("config: " + "; ".join(error.problems)) from None

    def _end(
        self, document: dict[str, Any], events: list[Told], wanted: list[tuple[int, Any]], times: Times
    ) -> int:
        if "end" in document:
            self._go(("end",))
            return times.ms(document["end"], "end")
        stated = [0]
        for place, entry in wanted:
            self._go(("expect", place))
            if isinstance(entry, dict) and "at" in entry:
                stated.append(times.ms(entry["at"], "at"))
        return max([*stated, *(event.arrives_ms for event in events)])

    def _lag(self, entry: Any, times: Times) -> tuple[int, int]:
        if not isinstance(entry, list) or len(entry) != 2:
            raise ScenarioError(f"lag: pairs [from, to] of times are wanted, not {entry!r}")
        begin, until = (times.ms(edge, "lag") for edge in entry)
        if begin >= until:
            raise ScenarioError(f"lag: {entry!r} ends before it begins")
        return begin, until

    def _event(self, entry: Any, place: int, times: Times) -> Told:
        if not isinstance(entry, list) or not 3 <= len(entry) <= 5:
            raise ScenarioError(f"{_EVENT}, not {entry!r}")
        at, kind, subject, *rest = entry
        data, given = (*rest, {}, {})[:2]
        _check_type(kind)
        if not isinstance(subject, str):
            raise ScenarioError(f"the subject {subject!r} is no text to YAML: put it in quotes")
        options = {} if given is None else given
        if not isinstance(options, dict):
            raise ScenarioError(f"{_EVENT}; the fifth part is {given!r}")
        for name in options:
            if name not in _OPTIONS:
                raise ScenarioError(unknown("option", name, _OPTIONS))
        time = times.read(at, "time").isoformat()
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(options.get("id", f"{place + 1:04d}")),
            "source": str(options.get("source", "test")),
            "type": kind,
            "subject": subject,
            "time": time,
            "data": data,
        }
        if "sequence" in options:
            event["sequence"] = options["sequence"]
        at_ms = times.ms(at, "time")
        arrives = times.ms(options["arrives"], "arrives") if "arrives" in options else at_ms
        sent = arrives
        if "recordedtime" in options:
            event["recordedtime"] = times.read(options["recordedtime"], "recordedtime").isoformat()
            sent = times.ms(options["recordedtime"], "recordedtime")
        try:
            value = msgspec.json.encode(event)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise ScenarioError(f"data must be JSON: {error}") from None
        return Told(kind, subject, at_ms, arrives, sent, value, _line(times, at_ms, entry, arrives))


def _check_type(kind: Any) -> None:
    """A type of a topic, also one that the contract does not know: that is ignored, as a worker does."""
    if not isinstance(kind, str) or family_of(kind) is None:
        raise ScenarioError(unknown("event type", kind, event_types()))


def event_types() -> list[str]:
    """Every event type of the contract."""
    return [kind for name in FAMILIES for kind in decoder_of(name).rank]


def _line(times: Times, at_ms: int, entry: list[Any], arrives_ms: int) -> str:
    """An event as people read it in a history."""
    said = "" if len(entry) < 4 or not entry[3] else " " + plain(entry[3])
    late = "" if arrives_ms == at_ms else f"  (arrives {times.short(arrives_ms)})"
    return f"{times.short(at_ms)}  {entry[1]}{said}{late}"
