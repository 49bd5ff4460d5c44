"""What a scenario says must hold: mappings as written -> checked expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from stream.config import Config
from stream.config.durations import parse_duration
from stream.events.clocks import CLOCKS
from stream.events.envelope import SEGMENT_FIELDS
from stream.metrics.catalog import Catalog, Metric
from stream.metrics.formula import Ages, Level, Oldest
from stream.query.model import QueryError, Question
from stream.query.stats import chosen_stats, wants_sketches
from stream.query.windows import Calendar
from stream.scenario.errors import ScenarioError, unknown
from stream.scenario.times import Times

Topic = Literal["metric", "sla", "alerts", "journal"]
Stats = dict[str, int | float | None]

JOURNALS: Final = ("deadletters", "duplicates", "late")
STATS: Final = (
    "value", "count", "sum", "mean", "min", "max", "p50", "p75", "p90", "p95", "p99", "numerator",
    "denominator", "promoters", "passives", "detractors",
)  # fmt: skip
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "metric": ("at", "metric", "window", "from", "to", "where", "by", "rows", *STATS),
    "sla": (
        "at", "sla", "state", "due", "elapsed", "started", "breached_at", "fulfilled_at", "overdue", "absent",
    ),
    "alerts": ("at", "alerts"),
    **dict.fromkeys(JOURNALS, ("at", *JOURNALS)),
}  # fmt: skip
_ALERT: Final = ("at", "kind", "subject", "clock", "level")
_KINDS: Final = ("at_risk", "breach", "breach_retracted")
_STATES: Final = ("running", "paused", "at_risk", "breached", "met", "cancelled")
_TIMES: Final = ("due", "started", "breached_at", "fulfilled_at")
_LENGTHS: Final = ("elapsed", "overdue")


@dataclass(frozen=True, slots=True)
class ClockWanted:
    """A clock, and what is wanted of it: the names of the expectation with times and lengths in ms.

    `instance` counts from 1, 0 is the last. `absent`: there must be none.
    """

    subject: str
    name: str
    instance: int
    wanted: dict[str, Any]
    absent: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold at an instant. `written` is the mapping as it stands in the file.

    Of a metric: the question, and the stats wanted of each row (`by` -> stats); one row without `by` when
    nothing is split. Of a clock: `clock`. Of alerts: what is wanted of each, times in ms.
    """

    at_ms: int
    topic: Topic
    written: dict[str, Any]
    line: int
    question: Question | None = None
    rows: tuple[tuple[dict[str, Any], Stats], ...] = ()
    clock: ClockWanted | None = None
    alerts: tuple[dict[str, Any], ...] = ()


def read_expectation(
    entry: Any, end_ms: int, times: Times, config: Config, catalog: Catalog, line: int
) -> Expectation:
    """A checked expectation; raises `ScenarioError`."""
    if not isinstance(entry, dict):
        raise ScenarioError(f"an expectation is a mapping, not {entry!r}")
    subject = next((name for name in _KEYS if name in entry), None)
    if subject is None:
        raise ScenarioError(f"an expectation is about one of {', '.join(_KEYS)}, and {entry!r} about none")
    for key in entry:
        if key not in _KEYS[subject]:
            raise ScenarioError(unknown(f"key of an expectation about {subject}", key, _KEYS[subject]))
    at_ms = times.ms(entry["at"], "at") if "at" in entry else end_ms
    if subject in JOURNALS:
        for name in JOURNALS:
            if name in entry and (type(entry[name]) is not int or entry[name] < 0):
                raise ScenarioError(f"{name}: a number of events is wanted, not {entry[name]!r}")
        return Expectation(at_ms, "journal", entry, line)
    if subject == "alerts":
        return Expectation(at_ms, "alerts", entry, line, alerts=_alerts(entry["alerts"], times))
    if subject == "sla":
        return Expectation(at_ms, "sla", entry, line, clock=_clock(entry, times))
    return _of_metric(entry, at_ms, times, config, catalog, line)


def _clock(entry: dict[str, Any], times: Times) -> ClockWanted:
    named = entry["sla"]
    if not isinstance(named, str) or not all(named.rpartition("/")):
        raise ScenarioError(f"sla: SUBJECT/CLOCK such as T1/first_reply is wanted, not {named!r}")
    subject, _, name = named.rpartition("/")
    name, hash_, number = name.partition("#")
    if name not in CLOCKS:
        raise ScenarioError(unknown("clock", name, CLOCKS))
    if hash_ and not (number.isdecimal() and int(number) > 0):
        raise ScenarioError(f"sla: {named!r}: instances are counted from 1, such as {subject}/{name}#2")
    wanted: dict[str, Any] = {}
    for key in entry.keys() - {"at", "sla", "absent"}:
        value = entry[key]
        if value is None and key not in ("state", "started", "elapsed"):
            wanted[key] = None
        elif key in _TIMES:
            wanted[key] = times.ms(value, key)
        elif key in _LENGTHS:
            wanted[key] = _length(key, value)
        elif value in _STATES:
            wanted[key] = value
        else:
            raise ScenarioError(unknown("state", str(value), _STATES))
    absent = entry.get("absent", False)
    if absent is not True and not wanted:
        raise ScenarioError("an expectation about sla compares nothing: add state, due, elapsed, ...")
    if absent is True and wanted:
        raise ScenarioError("`absent: true` stands alone: of a clock that is not there nothing is known")
    return ClockWanted(subject, name, int(number or 0), wanted, absent is True)


def _length(key: str, value: Any) -> int:
    try:
        return parse_duration(value)
    except (ValueError, TypeError, AttributeError):
        raise ScenarioError(f"{key}: a length such as 1h30m is wanted, not {value!r}") from None


def _alerts(alerts: Any, times: Times) -> tuple[dict[str, Any], ...]:
    _check_alerts(alerts)
    read = []
    for alert in alerts:
        if alert.get("kind", _KINDS[0]) not in _KINDS:
            raise ScenarioError(unknown("kind of an alert", str(alert["kind"]), _KINDS))
        if alert.get("clock", CLOCKS[0]) not in CLOCKS:
            raise ScenarioError(unknown("clock", str(alert["clock"]), CLOCKS))
        read.append({**alert, **({"at": times.ms(alert["at"], "at")} if "at" in alert else {})})
    return tuple(read)


def _check_alerts(alerts: Any) -> None:
    if not isinstance(alerts, list) or not all(isinstance(alert, dict) for alert in alerts):
        raise ScenarioError(
            f"alerts: a list of {{at:, kind:, subject:, clock:, level:}} is wanted, not {alerts!r}"
        )
    for key in (key for alert in alerts for key in alert):
        if key not in _ALERT:
            raise ScenarioError(unknown("key of an alert", key, _ALERT))
    for key, value in ((key, alert[key]) for alert in alerts for key in ("subject", "level") if key in alert):
        if not isinstance(value, str):
            raise ScenarioError(f"{key} of an alert: {value!r} is no text to YAML: put it in quotes")


def _of_metric(
    entry: dict[str, Any], at_ms: int, times: Times, config: Config, catalog: Catalog, line: int
) -> Expectation:
    name = str(entry["metric"])
    by, where = _by(entry), _where(entry)
    window = _window(entry, at_ms, times, config)
    if name not in catalog:
        raise ScenarioError(unknown("metric", name, [metric.id for metric in catalog]))
    metric = catalog.get(name)
    split = tuple(label for label in metric.always_by if label not in by and label not in where)
    if split and "rows" not in entry:
        ways = " or ".join(metric.labels[split[0]])
        raise ScenarioError(f"{name} is never mixed over {split[0]}: add where: {{{split[0]}: {ways}}}")
    for field in (*by, *where):
        _check_field(field, metric)
    for label in where.keys() & metric.labels.keys():
        where[label] = str(where[label])
        if where[label] not in metric.labels[label]:
            raise ScenarioError(unknown(f"{label} of {name}", where[label], metric.labels[label]))
    rows = _rows(entry, (*by, *split))
    if isinstance(metric.formula, Oldest | Ages) and window != (None, None):
        raise ScenarioError(f"{name} is read at one instant: leave window, from and to out and say `at`")
    if window[0] is None and not isinstance(metric.formula, Level | Oldest | Ages):
        raise ScenarioError(f"{name} needs a window: add `window: 1h`, or `from:` and `to:`")
    asked = [stat for _, stats in rows for stat in stats]
    try:
        chosen_stats(metric, asked, window[0] is not None)
    except QueryError as error:
        raise ScenarioError(str(error)) from None
    sketches = wants_sketches(metric, asked)
    question = Question(metric.id, at_ms, *window, by=by, where=where, sketches=sketches)
    return Expectation(at_ms, "metric", entry, line, question=question, rows=rows)


def _window(entry: dict[str, Any], at_ms: int, times: Times, config: Config) -> tuple[int | None, int | None]:
    """[from, to), from the words of a query or from two times; nothing where nothing is said."""
    if "window" in entry:
        if "from" in entry or "to" in entry:
            raise ScenarioError("a window is either `window` or `from` and `to`, not both")
        try:
            return Calendar(config.timezone).window(str(entry["window"]), at_ms)
        except QueryError as error:
            raise ScenarioError(str(error)) from None
    if ("from" in entry) != ("to" in entry):
        raise ScenarioError("`from` and `to` go together: a window has both")
    if "from" not in entry:
        return None, None
    from_ms, to_ms = times.ms(entry["from"], "from"), times.ms(entry["to"], "to")
    if from_ms >= to_ms:
        raise ScenarioError(f"an empty window: from {entry['from']} to {entry['to']}")
    return from_ms, to_ms


def _by(entry: dict[str, Any]) -> tuple[str, ...]:
    by = entry.get("by", [])
    if not isinstance(by, list) or not all(isinstance(field, str) for field in by):
        raise ScenarioError(f"by: a list of segments or labels such as [team] is wanted, not {by!r}")
    return tuple(by)


def _where(entry: dict[str, Any]) -> dict[str, Any]:
    where = entry.get("where", {})
    if not isinstance(where, dict):
        raise ScenarioError(
            f"where: segments with their values such as {{team: a}} are wanted, not {where!r}"
        )
    for name, value in where.items():
        _check_value(name, value)
    return dict(where)


def _check_value(name: Any, value: Any) -> None:
    """Segments are text; a label may be a number, too (`le`, `level`)."""
    numbers = name not in SEGMENT_FIELDS and isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not isinstance(value, str) and not numbers:
        raise ScenarioError(f"{name}: {value!r} is no text to YAML: put it in quotes")


def _check_field(field: str, metric: Metric) -> None:
    configured = {
        name
        for family in (metric.family, *metric.also)
        for fields in getattr(Config().groupings, family)
        for name in fields
    }
    known = list(dict.fromkeys((*SEGMENT_FIELDS, *metric.labels, *sorted(configured))))
    if field not in known:
        raise ScenarioError(unknown(f"segment or label of {metric.id}", field, known))


def _rows(entry: dict[str, Any], by: tuple[str, ...]) -> tuple[tuple[dict[str, Any], Stats], ...]:
    stats = {name: value for name, value in entry.items() if name in STATS}
    if "rows" not in entry:
        if by:
            raise ScenarioError("`by` gives rows: write `rows: [{by: {...}, ...}]` instead of one value")
        if not stats:
            raise ScenarioError(f"nothing to compare: add one of {', '.join(STATS)}")
        return (({}, _stats(stats)),)
    if not by:
        raise ScenarioError("`rows` need `by`, the segments or labels that they are split by")
    if stats:
        raise ScenarioError(f"{next(iter(stats))} stands beside `rows`: put it into each row")
    rows = entry["rows"]
    if not isinstance(rows, list):
        raise ScenarioError(f"rows: a list is wanted, not {rows!r}")
    read = [_row(row, by) for row in rows]
    if any(one[0] == other[0] for place, one in enumerate(read) for other in read[:place]):
        raise ScenarioError("two rows are of the same `by`: keep one")
    return tuple(read)


def _row(row: Any, by: tuple[str, ...]) -> tuple[dict[str, Any], Stats]:
    if not isinstance(row, dict) or not isinstance(row.get("by"), dict):
        raise ScenarioError(f"a row is a mapping with `by`: {{by: {{{by[0]}: a}}, value: 1}}, not {row!r}")
    if set(row["by"]) != set(by):
        raise ScenarioError(f"the row {row['by']!r} must say {', '.join(by)}, as `by` does")
    for name, value in row["by"].items():
        _check_value(name, value)
    named = {
        name: value if value is None or name in SEGMENT_FIELDS else str(value)
        for name, value in row["by"].items()
    }
    stats = {name: value for name, value in row.items() if name != "by"}
    if not stats:
        raise ScenarioError(f"the row {row['by']!r} compares nothing: add one of {', '.join(STATS)}")
    return named, _stats(stats)


def _stats(stats: Mapping[Any, Any]) -> Stats:
    for name, value in stats.items():
        if name not in STATS:
            raise ScenarioError(unknown("stat", name, STATS))
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
            raise ScenarioError(f"{name}: a number or null is wanted, not {value!r}")
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise ScenarioError(f"{name}: {value!r} is no number that a metric can have")
    return dict(stats)
