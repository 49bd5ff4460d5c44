"""An alert on a backlog that grows. Its target, days of volume, is no number of the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.generate.rules import Alert, Group, Trial, labels_of
from stream.generate.vocabulary import Vocabulary

LEAST: Final = 50
GROWTH: Final = 1.2
AT: Final = "26h"


def alerts_backlog(words: Vocabulary) -> list[Group]:
    """Growing is both: more than a day ago, and more in than out, without what was taken back."""
    metric = words.metric("backlog")
    backlog = words.gauge("backlog")
    came = words.net("ticket_volume", "value", "1d")
    went = words.net("tickets_resolved", "value", "1d")
    expr = (
        f"{backlog} > {GROWTH} * ({backlog} offset 1d)\n"
        f"  and on () {came} > on () {went}\n"
        f"  and {backlog} >= {LEAST}"
    )
    alert = Alert(
        "SupportBacklogGrowing", expr, "1h", "warning", metric.owner,
        summary="The backlog is {{ $value | humanize }} tickets, a fifth more than a day ago",
        description=f"{metric.help} In the last day more came than was resolved.",
        next_action=metric.next_action, board="tickets", topic=metric.family,
        trials=tuple(_trials(words, backlog)),
    )  # fmt: skip
    return [Group("floorcast-backlog", (alert,))]


def _trials(words: Vocabulary, backlog: str) -> Iterator[Trial]:
    """Of two tickets a minute that come."""
    created, uncreated = words.pair("ticket_volume", "value")
    resolved, reopened = words.pair("tickets_resolved", "value")

    def trial(name: str, fires: bool, size: str, out: int, back: int = 0) -> Trial:
        series = {
            backlog: f"{size}x1600",
            created: "0+2x1600",
            uncreated: "0x1600",
            resolved: f"0+{out}x1600",
            reopened: f"0+{back}x1600",
        }
        return Trial(name, series, AT, labels_of(backlog) if fires else None)

    yield trial("more in than out", True, "100+1", 1)
    yield trial("more in than out, as resolutions are taken back", True, "100+1", 3, back=2)
    yield trial("as large as a day ago", False, "100+0", 1)
    yield trial("larger, but more out than in", False, "100+1", 3)
    yield trial("few", False, "1+0.01", 1)
