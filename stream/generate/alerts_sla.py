"""SLA compliance as burn rates over several windows, after the multi-window, multi-burn-rate alerts of the
Site Reliability Workbook, chapter 5: https://sre.google/workbook/alerting-on-slos/

The target leaves a budget of clocks that may be missed. A burn rate of 1 uses it up in 30 days. The long
window says that it matters, the short one that it still goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stream.config import parse_duration
from stream.generate.recording import SLA, decided, misses
from stream.generate.rules import Alert, Group, Severity, Trial, literal
from stream.generate.vocabulary import Vocabulary, number
from stream.metrics.targets import target_of

LEAST: Final = 10
"""Clocks that must have been decided in the long window."""
AT_M: Final = 4440
STEP_M: Final = 2
"""Trials look after a little more than three days, of which they have a value every two minutes."""


@dataclass(frozen=True, slots=True)
class Burn:
    """`rate` times the budget in both windows. In `long` at that rate `share` of 30 days' budget is gone."""

    rate: float
    long: str
    short: str
    share: str


FAST: Final = (Burn(14.4, "1h", "5m", "2 %"), Burn(6, "6h", "30m", "5 %"))
SLOW: Final = (Burn(3, "1d", "2h", "10 %"), Burn(1, "3d", "6h", "10 %"))


def alerts_sla(words: Vocabulary) -> list[Group]:
    """Both speeds, as far as the target allows: a rate at which more than all would have to be missed can
    never be reached, and is left out."""
    target = target_of(words.metric(SLA))
    if target is None or target.bound != "lower" or not 0 < target.value < 1:
        return []
    budget = 1 - target.value
    made = [
        _alert(words, "SupportSlaBurningFast", "critical", FAST, budget),
        _alert(words, "SupportSlaBurningSlowly", "warning", SLOW, budget),
    ]
    return [Group("floorcast-burn-rates", tuple(alert for alert in made if alert is not None))]


def _alert(
    words: Vocabulary, name: str, severity: Severity, burns: tuple[Burn, ...], budget: float
) -> Alert | None:
    reached = [burn for burn in burns if burn.rate * budget < 1]
    if not reached:
        return None
    metric = words.metric(SLA)
    spans = " or ".join(f"{burn.share} of a month's in {burn.long}" for burn in reached)
    return Alert(
        name, "\nor\n".join(_expr(burn, budget) for burn in reached), "2m", severity, metric.owner,
        summary=(
            "{{ $value | humanizePercentage }} of the clocks {{ $labels.clock }} are missed, "
            f"the target is {literal(metric.target)}"
        ),
        description=f"{metric.help} Clocks that may be missed are used up too fast: {spans}.",
        next_action=metric.next_action, board="sla", topic=metric.family,
        trials=tuple(_trials(words, reached, budget)),
    )  # fmt: skip


def _expr(burn: Burn, budget: float) -> str:
    most = number(burn.rate * budget)
    return (
        f"({misses(burn.long)} > {most}\n"
        f"  and {misses(burn.short)} > {most}\n"
        f"  and {decided(burn.long)} >= {LEAST})"
    )


def _trials(words: Vocabulary, burns: list[Burn], budget: float) -> Iterator[Trial]:
    """Of ten clocks decided in two minutes, whatever share of them is missed."""
    bad = min(1.0, burns[0].rate * budget * 1.02)
    good = burns[-1].rate * budget * 0.98
    shortest_quiet_m = max(parse_duration(burn.short) for burn in burns) // 60_000
    clock = {"clock": "first_reply"}

    def trial(name: str, fires: bool, **flow: float) -> Trial:
        return Trial(name, _flow(words, **flow), f"{AT_M}m", clock if fires else None, f"{STEP_M}m")

    yield trial("missed", True, met=10 * (1 - bad))
    yield trial("missed less than that", False, met=10 * (1 - good))
    yield trial("what was missed is taken back", False, met=10 * (1 - bad), uncounted=10 * bad)
    yield trial("met, but taken back", True, met=10, unmet=10 * bad)
    yield trial("all were missed, but no more", False, met=0, met_after_m=AT_M - shortest_quiet_m - 10)
    yield trial("few", False, met=0, decided=0.0001)


def _flow(
    words: Vocabulary, met: float, decided: float = 10, unmet: float = 0, uncounted: float = 0,
    met_after_m: float = 0,
) -> dict[str, str]:  # fmt: skip
    """The counters, by how much each grows a step; from `met_after_m` on all are met."""
    counters = [
        *words.pair(SLA, "numerator", clock="first_reply"),
        *words.pair(SLA, "denominator", clock="first_reply"),
    ]
    steps = AT_M // STEP_M
    found = {
        name: f"0+{number(growth)}x{steps}"
        for name, growth in zip(counters, (met, unmet, decided, uncounted), strict=True)
    }
    if met_after_m:
        before = int(met_after_m) // STEP_M
        found[counters[0]] = (
            f"0+{number(met)}x{before} {number(met * before)}+{number(decided)}x{steps - before}"
        )
    return found
