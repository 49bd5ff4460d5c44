"""A failing run without what it does not need: events and faults are left out as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.plan import Plan

TRIES_MAX = 150


def shrink(plan: Plan, fails: Callable[[Plan], bool], tries: int = TRIES_MAX) -> Plan:
    """The plan with fewest steps that was found; none of them alone can be left out, unless tries ran out.

    Delta debugging (Zeller, Hildebrandt 2002), of complements only.
    """
    kept = [step.number for step in plan.steps]
    size = len(kept) // 2
    while size >= 1 and tries > 0:
        place, shorter = 0, False
        while place < len(kept) and tries > 0:
            rest = kept[:place] + kept[place + size :]
            tries -= 1
            if fails(plan.only(set(rest))):
                kept, shorter = rest, True
            else:
                place += size
        if size == 1 and not shorter:
            break
        size = max(1, min(size // 2, len(kept) // 2)) if size > 1 or shorter else 0
    return plan.only(set(kept))
