"""Metrics of catalog.md from facts and spans, by brute force and in exact arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from tests.oracle.model import Fact, Image, Segments, Span

Number = int | Fraction
Thing = TypeVar("Thing", Fact, Span)
Where = Mapping[str, str | Sequence[str | None] | None]
Sum = Mapping[str, int]
"""A sum over measures: measure -> factor."""

COUNTS = (
    "ticket_volume",
    "tickets_resolved",
    "tickets_reopened",
    "calls_offered",
    "calls_answered",
    "calls_abandoned",
    "calls_other",
    "selfservice_sessions",
    "sla_breaches",
)
DURATIONS = (
    "first_response_time",
    "first_response_time_any",
    "first_response_time_business",
    "next_response_time",
    "requester_wait_time",
    "agent_work_time",
    "time_to_assign",
    "ticket_handle_time",
    "resolution_time",
    "full_resolution_time",
    "call_wait_time",
    "time_to_abandon",
    "call_talk_time",
    "call_hold_time",
    "call_wrapup_time",
    "call_handle_time",
    "call_wait_by_arrival",
)
DISTRIBUTIONS = ("interactions_per_ticket", "reassignments_per_ticket")
LEVELS = (
    "backlog",
    "backlog_unanswered",
    "backlog_unassigned",
    "backlog_pending",
    "backlog_older_than_24h",
    "backlog_stale",
    "backlog_past_sla",
    "sla_running",
    "sla_at_risk",
    "calls_waiting",
    "agents",
)
GAUGES = {"longest_wait": "calls_waiting", "oldest_unanswered_age": "backlog_unanswered"}
AGES = {"backlog_age": "backlog"}
AGES_BELOW = {"<1h": 1, "<4h": 4, "<24h": 24, "<3d": 72, "<7d": 168}
"""`le` -> the hours below which an age is in it, if in none before; else it is `older`."""

OUTCOMES = {"calls_answered": 1, "calls_abandoned": 1, "calls_other": 1}
REACHED = {"calls_answered": 1, "abandoned_in_service_level": 1}

CONTACTS = {"contacts": 1, "calls_offered": 1}
"""catalog.md: "ticket created by a customer, inbound call offered"."""

# numerator, denominator. catalog.md "Calls", definitions.md 2.2 for the service levels.
RATIOS: dict[str, tuple[Sum, Sum]] = {
    "answer_rate": ({"calls_answered": 1}, OUTCOMES),
    "abandonment_rate": (
        {"calls_abandoned": 1, "abandoned_short": -1},
        {**OUTCOMES, "abandoned_short": -1},
    ),
    "abandonment_rate_raw": ({"calls_abandoned": 1}, OUTCOMES),
    "service_level": ({"answered_within": 1}, {**REACHED, "abandoned_within": -1}),
    "call_transfer_rate": ({"answered_transferred": 1}, {"calls_answered": 1}),
    "service_level_all_success": ({"answered_within": 1, "abandoned_within": 1}, REACHED),
    "service_level_answered_only": ({"answered_within": 1}, {"calls_answered": 1}),
    "service_level_offered": ({"answered_within": 1}, REACHED),
    "service_level_short_success": ({"answered_within": 1, "abandoned_short": 1}, REACHED),
    "service_level_excl_short": ({"answered_within": 1}, {**REACHED, "abandoned_short": -1}),
    "answered_by_arrival": ({"answered_by_arrival": 1}, {"calls_offered": 1}),
    "abandoned_by_arrival": ({"abandoned_by_arrival": 1}, {"calls_offered": 1}),
    "service_level_by_arrival": ({"answered_within_by_arrival": 1}, {"calls_offered": 1}),
    "resolution_rate": ({"created_resolved": 1}, {"ticket_volume": 1}),
    "escalation_rate": ({"created_escalated": 1}, {"ticket_volume": 1}),
    "transfer_rate": ({"created_transferred": 1}, {"ticket_volume": 1}),
    "reopen_rate": ({"first_reopened": 1}, {"first_resolved": 1}),
    "first_contact_resolution": ({"first_contact": 1}, {"tickets_resolved": 1}),
    "automation_rate": ({"automated": 1}, {"tickets_resolved": 1}),
    "sla_compliance": ({"sla_met": 1}, {"sla_decided": 1}),
    "sla_compliance_received": ({"received_kept": 1}, {"ticket_volume": 1}),
    "survey_response_rate": ({"surveys_answered": 1}, {"surveys_sent": 1}),
    "fcr_survey": ({"fcr_confirmed": 1}, {"fcr_answers": 1}),
    "selfservice_share": ({"selfservice_sessions": 1}, {"selfservice_sessions": 1, **CONTACTS}),
    "selfservice_success_rate": ({"sessions_succeeded": 1}, {"sessions_ended": 1}),
    "article_helpful_rate": ({"articles_helpful": 1}, {"articles_rated": 1}),
    "first_contact_resolution_7d": ({"first_contact": 1, "contacts_returned": -1}, {"tickets_resolved": 1}),
    "repeat_contact_rate": ({"contacts_repeated": 1}, {"contacts_known": 1}),
}
SHARES = {"channel_share": ("channel", CONTACTS)}
"""Metric -> the dimension over all of whose values the denominator goes, and what is counted."""
MEANS = ("ces", "cx_rating", "employee_satisfaction", "qa_score")
METRICS = (
    *COUNTS,
    *DURATIONS,
    *DISTRIBUTIONS,
    *LEVELS,
    *GAUGES,
    *AGES,
    *RATIOS,
    *SHARES,
    "service_level_floor",
    "occupancy",
    "csat",
    "nps",
    "ces_ease",
    *MEANS,
)

PERCENTILES = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99}
NPS_GROUPS = ("promoters", "passives", "detractors")


@dataclass(frozen=True)
class Row:
    """One row of an answer: the values of `by`, and stat -> value (seconds for durations; None = no data)."""

    by: dict[str, str | None]
    values: dict[str, Number | None]


def answer(
    image: Image,
    metric: str,
    from_ms: int | None,
    to_ms: int,
    where: Where | None = None,
    by: Sequence[str] = (),
) -> list[Row]:
    """Every stat of `metric` over [from_ms, to_ms); levels: `value` at `to_ms`, `mean` over the window.

    Without `from_ms` only levels and gauges can be read: at `to_ms`, after what happens then. With a window,
    which is half-open, what happens at `to_ms` is outside of it. Without `by` exactly one row; with it, rows
    in which everything is zero are left out, in no order. `where` values may be lists: any of them.
    """
    where = where or {}
    if metric in SHARES:
        return _shares(image, metric, from_ms, to_ms, where, by)
    if metric == "ces" and "polarity" not in where and "polarity" not in by:
        by = (*by, "polarity")  # "`ces` without a polarity asked for answers one row per polarity"
    if metric in AGES:
        return _ages(image, AGES[metric], to_ms, where, by)
    if metric in LEVELS or metric in GAUGES:
        level = GAUGES.get(metric, metric)
        spans = [s for s in image.spans if s.level == level and _matches(s.segments, where)]
        keys = _keys([s.segments for s in spans], by)
        rows = [Row(key, _level(metric, _of(spans, key), from_ms, to_ms)) for key in keys]
    elif metric == "occupancy":
        assert from_ms is not None
        spans = [s for s in image.spans if s.level == "agents" and _matches(s.segments, where)]
        keys = _keys([s.segments for s in spans], by)
        rows = [Row(key, _occupancy(_of(spans, key), from_ms, to_ms)) for key in keys]
    elif metric == "service_level_floor":
        rows = _service_level_floor(image, from_ms, to_ms, where, by)
    else:
        if from_ms is None:
            raise ValueError(f"{metric} needs a window")
        facts = [
            f
            for f in image.facts
            if from_ms <= f.at_ms < to_ms and _matches(f.segments, where) and _direction_asked(f, where, by)
        ]
        keys = _keys([f.segments for f in facts], by)
        rows = [Row(key, _stats(metric, _of(facts, key))) for key in keys]
    return [row for row in rows if not by or any(row.values.values())]


def _shares(
    image: Image, metric: str, from_ms: int | None, to_ms: int, where: Where, by: Sequence[str]
) -> list[Row]:
    """Of what counts with the row's other values, whatever the dimension's, the part with the row's own."""
    dimension, measures = SHARES[metric]
    assert from_ms is not None
    there = [f for f in image.facts if from_ms <= f.at_ms < to_ms and _direction_asked(f, where, by)]
    elsewhere = {name: value for name, value in where.items() if name != dimension}
    rows = []
    for key in _keys([f.segments for f in there if _matches(f.segments, where)], by):
        others = {name: value for name, value in key.items() if name != dimension}
        alike = [f for f in there if _matches(f.segments, elsewhere) and _matches(f.segments, others)]
        mine = [f for f in alike if _matches(f.segments, where) and _matches(f.segments, key)]
        rows.append(Row(key, _ratio(_sum(mine, measures), _sum(alike, measures))))
    return [row for row in rows if not by or row.values["numerator"]]


def _ages(image: Image, level: str, now_ms: int, where: Where, by: Sequence[str]) -> list[Row]:
    """Whole hours since creation, rounded down, of those in the level now."""
    there = [
        s
        for s in image.spans
        if s.level == level and s.from_ms <= now_ms and (s.to_ms is None or now_ms < s.to_ms)
    ]
    aged = [
        (Span(s.level, s.from_ms, s.to_ms, {**s.segments, "le": _le(hours)}, s.since_ms), hours)
        for s in there
        for hours in ((now_ms - s.since_ms) // 3_600_000,)
    ]
    aged = [(s, hours) for s, hours in aged if _matches(s.segments, where)]
    rows = [
        Row(key, _distribution([Fraction(hours) for s, hours in aged if _matches(s.segments, key)]))
        for key in _keys([s.segments for s, _ in aged], by)
    ]
    return [row for row in rows if not by or any(row.values.values())]


def _le(hours: int) -> str:
    return next((name for name, below in AGES_BELOW.items() if hours < below), "older")


def _matches(segments: Segments, where: Where) -> bool:
    for name, wanted in where.items():
        values = [wanted] if wanted is None or isinstance(wanted, str) else wanted
        if segments.get(name) not in values:
            return False
    return True


def _direction_asked(fact: Fact, where: Where, by: Sequence[str]) -> bool:
    """Other directions than inbound count "only [in] `calls_offered`, when `direction` is asked"."""
    return fact.segments.get("direction", "inbound") == "inbound" or "direction" in where or "direction" in by


def _keys(found: Sequence[Segments], by: Sequence[str]) -> list[dict[str, str | None]]:
    if not by:
        return [{}]
    distinct = {tuple(segments.get(name) for name in by) for segments in found}
    return [dict(zip(by, values, strict=True)) for values in distinct]


def _of(things: list[Thing], key: dict[str, str | None]) -> list[Thing]:
    return [thing for thing in things if _matches(thing.segments, key)]


def _stats(metric: str, facts: list[Fact]) -> dict[str, Number | None]:
    if metric in COUNTS:
        total = _sum(facts, {metric: 1})
        return {"value": total, "count": total}
    if metric in DURATIONS:
        return _duration([f.value for f in facts if f.measure == metric])
    if metric in DISTRIBUTIONS:
        return _distribution([Fraction(f.value) for f in facts if f.measure == metric])
    if metric in RATIOS:
        numerator, denominator = RATIOS[metric]
        return _ratio(_sum(facts, numerator), _sum(facts, denominator))
    if metric == "csat":
        scores = [f.value for f in facts if f.measure == "csat"]
        return _ratio(sum(scores), len(scores))
    if metric == "nps":
        groups = {name: _sum(facts, {f"nps_{name}": 1}) for name in NPS_GROUPS}
        count = sum(groups.values())
        lead = groups["promoters"] - groups["detractors"]
        return {"value": Fraction(100 * lead, count) if count else None, "count": count, **groups}
    if metric == "ces_ease":
        kept = [
            (f.value, int(f.measure.partition("/")[2])) for f in facts if f.measure.startswith("ease_of/")
        ]
        eases = [100 * Fraction(points, width) for points, width in kept]
        return {"value": sum(eases, Fraction()) / len(eases) if eases else None, "count": len(eases)}
    if metric in MEANS:
        scores = [f.value for f in facts if f.measure == metric]
        return {"value": Fraction(sum(scores), len(scores)) if scores else None, "count": len(scores)}
    raise ValueError(f"{metric!r} is none of the oracle's metrics: {', '.join(METRICS)}")


def _sum(facts: list[Fact], measures: Sum) -> int:
    return sum(measures.get(f.measure, 0) * f.value for f in facts)


def _ratio(numerator: int, denominator: int) -> dict[str, Number | None]:
    """ "`value` = quotient 0..1, `null` when the denominator is 0"."""
    value = Fraction(numerator, denominator) if denominator else None
    return {"value": value, "numerator": numerator, "denominator": denominator}


def _duration(spans_ms: list[int]) -> dict[str, Number | None]:
    """The same in seconds."""
    return _distribution([Fraction(ms, 1000) for ms in spans_ms])


def _distribution(values: list[Fraction]) -> dict[str, Number | None]:
    """Percentiles by nearest rank: rank ceil(p * n) of the sorted list."""
    in_order = sorted(values)
    n = len(in_order)
    if n == 0:
        return {"count": 0, **dict.fromkeys(("sum", "mean", "min", "max", *PERCENTILES))}
    stats: dict[str, Number | None] = {
        "count": n,
        "sum": sum(in_order, Fraction()),
        "mean": sum(in_order, Fraction()) / n,
        "min": in_order[0],
        "max": in_order[-1],
    }
    for name, percent in PERCENTILES.items():
        stats[name] = in_order[-(-percent * n // 100) - 1]
    return stats


def _level(metric: str, spans: list[Span], from_ms: int | None, to_ms: int) -> dict[str, Number | None]:
    if from_ms is None:
        there = [s for s in spans if s.from_ms <= to_ms and (s.to_ms is None or to_ms < s.to_ms)]
    else:
        there = [s for s in spans if s.from_ms < to_ms and (s.to_ms is None or to_ms <= s.to_ms)]
    if metric in GAUGES:
        # "seconds since the earliest `queued` among them; null when none"
        return {"value": Fraction(to_ms - min(s.since_ms for s in there), 1000) if there else None}
    stats: dict[str, Number | None] = {"value": len(there)}
    if from_ms is not None:
        # "`mean` = its time average (time integral / length)"
        integral_ms = sum(_overlap_ms(s, from_ms, to_ms) for s in spans)
        stats["mean"] = Fraction(integral_ms, to_ms - from_ms) if to_ms > from_ms else None
    return stats


def _overlap_ms(span: Span, from_ms: int, to_ms: int) -> int:
    end_ms = to_ms if span.to_ms is None else min(span.to_ms, to_ms)
    return max(0, end_ms - max(span.from_ms, from_ms))


def _service_level_floor(
    image: Image, from_ms: int | None, to_ms: int, where: Where, by: Sequence[str]
) -> list[Row]:
    """ "`service_level` of the window with every call now waiting longer than T added to the denominator";
    now = the window's end."""
    done = answer(image, "service_level", from_ms, to_ms, where, by)
    known = {tuple(row.by.values()): row for row in done}
    spans = [s for s in image.spans if s.level == "calls_waiting_long" and _matches(s.segments, where)]
    rows = {tuple(key.values()): key for key in _keys([s.segments for s in spans], by)}
    rows |= {values: row.by for values, row in known.items()}
    found: list[Row] = []
    for values, key in rows.items():
        waiting = _level("calls_waiting_long", _of(spans, key), from_ms, to_ms)["value"]
        finished = known[values].values if values in known else {"numerator": 0, "denominator": 0}
        numerator, denominator = finished["numerator"], finished["denominator"]
        assert isinstance(numerator, int)
        assert isinstance(denominator, int)
        assert isinstance(waiting, int)
        found.append(Row(key, _ratio(numerator, denominator + waiting)))
    return found


def _occupancy(spans: list[Span], from_ms: int, to_ms: int) -> dict[str, Number | None]:
    """ "time in busy, hold, wrapup / (that + available), time-weighted over the window"; in seconds."""
    spent_ms = dict.fromkeys(("busy", "hold", "wrapup", "available"), 0)
    for span in spans:
        state = span.segments["state"]
        if state in spent_ms:
            spent_ms[state] += _overlap_ms(span, from_ms, to_ms)
    occupied_ms = spent_ms["busy"] + spent_ms["hold"] + spent_ms["wrapup"]
    all_ms = occupied_ms + spent_ms["available"]
    value = Fraction(occupied_ms, all_ms) if all_ms else None
    return {
        "value": value, "numerator": Fraction(occupied_ms, 1000), "denominator": Fraction(all_ms, 1000),
    }  # fmt: skip
