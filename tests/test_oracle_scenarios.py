"""The oracle of clocks holds what the contract's scenarios expect: every `sla:` expectation, and every
`metric:` of those metrics that read clocks or calendars.

The runner here is as plain as the oracle: at an instant it takes the events that are known then and asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from tests import oracle
from tests.oracle.business import duration_ms, instant_ms

CONTRACT = Path(__file__).resolve().parent.parent.parent / "shared" / "scenarios"
METRICS = (
    "sla_breaches", "sla_compliance", "sla_compliance_received", "sla_running", "sla_at_risk",
    "backlog_past_sla", "first_response_time_business", "backlog_stale",
)  # fmt: skip
STATS = ("value", "count", "sum", "mean", "min", "max", "p50", "numerator", "denominator")
AUTHORS = ("customer", "agent", "bot", "system")
SLOT_MS = 10_000

Json = dict[str, Any]


class Scenario:
    """One document, with its times in milliseconds."""

    def __init__(self, told: Json) -> None:
        self.zone = ZoneInfo(told.get("timezone") or "UTC")
        self.config: Json = told.get("config") or {}
        self.expect: list[Json] = told["expect"]
        self.lag = [(self.ms(begin), self.ms(end)) for begin, end in told.get("lag") or ()]
        events = [self._event(number, event) for number, event in enumerate(told["events"], 1)]
        self.known = [(self._read_at(at_ms), event) for at_ms, event in events if event is not None]
        asked = [self.ms(one["at"]) for one in self.expect if "at" in one]
        instants = [at_ms for at_ms, _ in self.known] + asked
        self.end_ms = self.ms(told["end"]) if "end" in told else max(instants)

    def ms(self, value: Any) -> int:
        """A time as the scenario writes it."""
        return instant_ms(value, self.zone)

    def _event(self, number: int, told: list[Any]) -> tuple[int, Json | None]:
        """When it arrives, and the event; None when the contract refuses it."""
        time, kind, subject, data, extra = [*told, {}, {}][:5] if len(told) < 5 else told
        at_ms = self.ms(time)
        recorded = extra.get("recordedtime")
        event = {
            "id": str(extra.get("id", f"{number:04}")), "source": extra.get("source", "test"), "type": kind,
            "subject": subject, "time": at_ms, "sequence": int(extra.get("sequence") or 0),
            "recordedtime": None if recorded is None else self.ms(recorded), "data": data or {},
        }  # fmt: skip
        message = (data or {}).get("message")
        refused = message is not None and message.get("author") not in AUTHORS
        return self.ms(extra["arrives"]) if "arrives" in extra else at_ms, None if refused else event

    def _read_at(self, arrived_ms: int) -> int:
        """ "The worker reads nothing in between and everything at `to`, in one go"."""
        return next((end for begin, end in self.lag if begin <= arrived_ms < end), arrived_ms)

    def at(self, expected: Json) -> tuple[int, list[Json]]:
        """The instant that the worker has reached, and what it knows."""
        asked_ms = self.ms(expected["at"]) if "at" in expected else self.end_ms
        known = [event for at_ms, event in self.known if at_ms <= asked_ms]
        now_ms = next((begin for begin, end in self.lag if begin <= asked_ms < end), asked_ms)
        return now_ms, known

    def check_clock(self, expected: Json) -> None:
        """One `sla:` expectation."""
        now_ms, known = self.at(expected)
        name, _, number = str(expected["sla"]).partition("#")
        subject, _, clock = name.rpartition("/")
        found = [one for one in oracle.clocks(self.config, known, subject, now_ms) if one.clock == clock]
        if number:
            found = [one for one in found if one.instance == int(number)]
        if expected.get("absent"):
            assert not found, (expected, found)
            return
        assert found, expected
        view = max(found, key=lambda one: one.instance)
        for key in ("due", "started", "breached_at", "fulfilled_at"):
            if key in expected:
                wanted = None if expected[key] is None else self.ms(expected[key])
                assert getattr(view, f"{key}_ms") == wanted, (key, expected, view)
        for key in ("elapsed", "overdue"):
            if key in expected:
                assert getattr(view, f"{key}_ms") == duration_ms(expected[key]), (key, expected, view)
        if "state" in expected:
            assert view.state == expected["state"], (expected, view)

    def check_metric(self, expected: Json) -> None:
        """One `metric:` expectation."""
        now_ms, known = self.at(expected)
        from_ms, to_ms = None, now_ms
        if "window" in expected:
            to_ms = now_ms - now_ms % SLOT_MS + SLOT_MS
            from_ms = to_ms - duration_ms(expected["window"])
        elif "from" in expected:
            from_ms, to_ms = self.ms(expected["from"]), self.ms(expected["to"])
        image = oracle.walk(known, oracle.config_of(self.config), now_ms)
        by = tuple(expected.get("by") or ())
        rows = oracle.answer(image, expected["metric"], from_ms, to_ms, expected.get("where"), by)
        wanted = {tuple(row["by"].items()): row for row in expected["rows"]} if by else {(): expected}
        answered = {tuple(row.by.items()): row.values for row in rows}
        assert answered.keys() == wanted.keys(), (expected, rows)
        for key, row in wanted.items():
            for stat in STATS:
                if stat in row:
                    value = row[stat]
                    exact = None if value is None else Fraction(str(value))
                    assert answered[key][stat] == exact, (stat, expected, answered[key])


def scenarios() -> Iterator[Any]:
    """Every document of the files, named after its file."""
    for path in sorted(CONTRACT.glob("*/*.yaml")):
        for number, told in enumerate(yaml.safe_load_all(path.read_text(encoding="utf-8"))):
            yield pytest.param(told, id=f"{path.parent.name}/{path.stem}#{number}")


def concerns(expected: Json) -> bool:
    """Whether the oracle of clocks answers it."""
    return "sla" in expected or expected.get("metric") in METRICS


FOUND = list(scenarios())


@pytest.mark.skipif(not FOUND, reason=f"the contract's scenarios are not at {CONTRACT}")
def test_there_is_something_to_hold() -> None:
    """Files that lie elsewhere must not look like success."""
    asked = [expected for one in FOUND for expected in one.values[0]["expect"] if concerns(expected)]
    assert len(asked) > 200


@pytest.mark.parametrize("told", FOUND)
def test_every_expectation_about_clocks_holds(told: Json) -> None:
    """At its instant, with what is known then."""
    scenario = Scenario(told)
    for expected in scenario.expect:
        if "sla" in expected:
            scenario.check_clock(expected)
        elif concerns(expected):
            scenario.check_metric(expected)
