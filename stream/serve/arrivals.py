"""How much comes in by topic and channel, and how much usually does: what falls silent shows against that.

Nothing is kept by the `source` of events. A source that has its own channel shows by it; one that shares its
topic and channel with others is only a part of what is compared.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from statistics import median
from typing import Final

from stream.metrics.catalog import Metric
from stream.query.freshness import reached
from stream.query.grouping import OverCap
from stream.query.top import weight
from stream.query.windows import Window
from stream.serve.families import PREFIX, groupings_of
from stream.serve.numbers import STALE_MS, Moment
from stream.serve.samples import Families, Labels

ARRIVALS: Final[dict[str, str]] = {
    "tickets": "ticket_volume",
    "calls": "calls_offered",
    "surveys": "survey_response_rate",
    "selfservice": "selfservice_sessions",
}
"""Topic -> the metric whose value or denominator is how many came."""
WINDOW: Final = "1h"
_QUARTER_MS: Final = 900_000
WEEKS: Final = 4
"""So many earlier weeks are looked at; panes of a quarter of an hour are kept a little longer than that."""
_WORDS: Final = "tickets created, calls offered, survey invitations sent or sessions started"
_NOW: Final = f"What has come in within the window: {_WORDS}."
_USUAL: Final = f"What usually comes in: the median of the same hour of the {WEEKS} weeks before."


async def arrivals(moment: Moment) -> Families:
    """By topic, and by topic and channel where that is exported."""
    found = Families()
    for topic, metric_id in ARRIVALS.items():
        if (await reached(moment.look, topic, moment.wall_ms, STALE_MS)).state != "fresh":
            continue
        metric = moment.catalog.get(metric_id)
        await _add(found, moment, topic, metric, ())
        if ("channel",) in groupings_of(moment.config, topic):
            with suppress(OverCap):  # `grouping_invalid` says so
                await _add(found, moment, topic, metric, ("channel",))
        moment.shared.forget_rows()
    return found


async def _add(found: Families, moment: Moment, topic: str, metric: Metric, by: tuple[str, ...]) -> None:
    window = moment.calendar.window(WINDOW, moment.now_ms)
    now = await _came(moment, metric, by, window)
    # Long ago only panes of a quarter of an hour are kept: on their edges the hour is one hour long.
    begin, end = (round(at_ms / _QUARTER_MS) * _QUARTER_MS for at_ms in window)
    before = []
    for days in range(7, 7 * WEEKS + 1, 7):
        week = moment.calendar.days_before(begin, days), moment.calendar.days_before(end, days)
        before.append(await _came(moment, metric, by, week))
    prefix = PREFIX + "".join(f"{name}_" for name in by)
    for group in _most(moment, [now, *before]):
        labels: Labels = (("topic", topic), *zip(by, group, strict=True), ("window", WINDOW))
        usual = median(week.get(group, 0.0) for week in before)
        found.add(f"{prefix}arrivals_in_window", _NOW, labels, now.get(group, 0.0))
        found.add(f"{prefix}arrivals_expected_in_window", _USUAL, labels, usual)


async def _came(
    moment: Moment, metric: Metric, by: tuple[str, ...], window: Window
) -> dict[tuple[str, ...], float]:
    """How many came, by group. Where only longer panes are kept, what is read wider is scaled down."""
    answer = await moment.ask(metric, by, window)
    length_ms = answer.to_ms - (answer.from_ms or 0)
    scale = min(1.0, (window[1] - window[0]) / length_ms) if length_ms > 0 else 1.0
    return {tuple(row.by[name] or "" for name in by): scale * weight(row.values) for row in answer.rows}


def _most(moment: Moment, weeks: list[dict[tuple[str, ...], float]]) -> list[tuple[str, ...]]:
    """The groups with most, as many as have series."""
    total: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for week in weeks:
        for group, amount in week.items():
            total[group] += amount
    return sorted(total, key=lambda group: (-total[group], group))[: moment.config.exporter.groups_max]
