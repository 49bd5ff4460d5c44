"""The clocks of one entity as people read them, at an instant."""

from __future__ import annotations

from dataclasses import dataclass

from stream.events.clocks import CLOCKS
from stream.events.instants import NEVER
from stream.lifecycle.delta import Delta
from stream.lifecycle.entity import unpack_entity
from stream.shard.family import Family
from stream.sla.clock import FULFILLED, Clock
from stream.sla.clocks import Clocks
from stream.sla.policy import Policies


@dataclass(frozen=True, slots=True)
class ClockView:
    """One instance of a clock. Times in ms since the epoch, lengths in business ms; `None` where there is
    none. `due_ms`: of a paused or cancelled clock there is none, a breached one keeps the one it breached."""

    clock: str
    instance: int
    state: str
    policy: str
    target_ms: int
    started_ms: int
    due_ms: int | None
    elapsed_ms: int
    breached_ms: int | None
    fulfilled_ms: int | None
    overdue_ms: int | None
    level: str | None
    """Of a clock at risk the highest warning level passed."""


def clock_views(family: Family, packed: bytes, now_ms: int) -> list[ClockView]:
    """The clocks of a stored entity at its shard's clock, by kind and instance."""
    life = unpack_entity(family.fold, packed).state
    return views(life.clocks, family.fold.policies, now_ms)


def views(clocks: Clocks | None, policies: Policies, now_ms: int) -> list[ClockView]:
    """The same of clocks as their last event left them."""
    if clocks is None:
        return []
    clocks = clocks.clone()
    clocks.advance(Delta(), policies, now_ms, True)
    return [_view(clocks, clock, policies, now_ms) for clock in clocks.all()]


def _view(clocks: Clocks, clock: Clock, policies: Policies, now_ms: int) -> ClockView:
    state = clock.state()
    return ClockView(
        clock=CLOCKS[clock.kind],
        instance=clock.instance,
        state=state,
        policy=clock.policy,
        target_ms=clock.target_ms,
        started_ms=clock.started_ms,
        due_ms=_known(clocks.due_now_ms(clock)),
        elapsed_ms=clocks.elapsed_ms(policies, clock, now_ms),
        breached_ms=_known(clock.breached_ms),
        fulfilled_ms=_known(clock.ended_ms) if clock.outcome == FULFILLED and clock.named else None,
        overdue_ms=clocks.overdue_ms(policies, clock, now_ms) if clock.breached else None,
        level=policies.levels[clock.risk] if state == "at_risk" else None,
    )


def _known(at_ms: int) -> int | None:
    return None if at_ms == NEVER else at_ms
