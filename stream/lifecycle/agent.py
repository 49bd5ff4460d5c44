"""One agent: what it is doing, and when it is taken for gone (catalog.md, `agents` and `occupancy`).

Any event shows that the agent is there for `gone_after_ms` from then on; without another one it is offline
from the end of that. Heartbeats show nothing else: they bring no state back, and are kept apart from the
history (lifecycle/heartbeats.py).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from stream.events.agents import RANKS
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import FOREVER, NEVER, Fold, Life
from stream.lifecycle.snapshot import Snapshot, Snapshots, merged
from stream.metrics import measures as m
from stream.metrics.segments import Segment, Segments

LOGGED_IN: Final = RANKS["agent.logged_in"]
LOGGED_OUT: Final = RANKS["agent.logged_out"]
HEARTBEAT: Final = RANKS["agent.heartbeat"]

OFFLINE: Final = 0
LEVELS: Final = {
    "available": m.AGENTS_AVAILABLE,
    "ringing": m.AGENTS_RINGING,
    "busy": m.AGENTS_BUSY,
    "hold": m.AGENTS_HOLD,
    "wrapup": m.AGENTS_WRAPUP,
    "break": m.AGENTS_BREAK,
    "offline": OFFLINE,
}
"""The level of each state; `offline` is in none."""


class AgentSnapshots(Snapshots):
    """Of an agent's snapshot the dimension `agent` is the subject itself."""

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        super().__init__("agent", (), dimensions)

    def of_subject(self, subject: str, data: Any, last: Snapshot | None = None) -> Snapshot | None:
        part = data.agent if data else UNSET
        told = [subject if name == "agent" else getattr(part, name, UNSET) for name in self.names]
        return self._shared(told, last)


class Agent(Life):
    """What is known of one agent."""

    __slots__ = ("level", "standing_in")

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.level = OFFLINE  # that of its state
        self.standing_in = nothing  # where it stands in it, unless offline


class AgentFold(Fold):
    """How the histories of agents are read. All ever end: who is silent for long has gone."""

    def __init__(self, segments: Segments, keep_finished_ms: int, gone_after_ms: int) -> None:
        snapshots = AgentSnapshots(segments.dimensions)
        super().__init__("agents", segments, snapshots, keep_finished_ms, timed=True, sealed=True)
        self.heartbeat = HEARTBEAT
        self.heartbeat_ms = gone_after_ms
        self.removals = False
        self.seal_every_ms = 86_400_000
        self.events_max = 20_000
        self._gone_after_ms = gone_after_ms

    def new(self) -> Agent:
        return Agent(self.segments.nothing)

    def extra_of(self, rank: int, data: Any) -> Any:
        """The level of the state that an event tells."""
        if rank == LOGGED_IN:
            return m.AGENTS_AVAILABLE
        if rank == LOGGED_OUT:
            return OFFLINE
        return LEVELS[data.state] if rank != HEARTBEAT else None

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next event of the agent in order."""
        assert isinstance(life, Agent)
        agent = life
        if agent.level != OFFLINE and at > agent.last_ms + self._gone_after_ms:
            self._leave(out, agent, agent.last_ms + self._gone_after_ms, 1)
            agent.level = OFFLINE
        agent.exists = True
        agent.last_ms = at
        if rank == HEARTBEAT:
            return
        if snapshot is not None:
            values = merged(agent.segment.values, snapshot, 0)
            if values is not agent.segment.values:
                agent.segment = self.segments.of(values)
        level: int = extra
        if level != agent.level or agent.segment is not agent.standing_in:
            self._move(out, agent, at, level)

    def ages_ms(self, life: Life) -> int:
        """When the agent is taken for gone if nothing more is heard of it, or `NEVER` when it is offline."""
        assert isinstance(life, Agent)
        if life.aged or life.level == OFFLINE:
            return NEVER
        return life.last_ms + self._gone_after_ms

    def change(self, out: Delta, life: Life, number: int, due: int, sign: int) -> None:
        """An agent of whom nothing was heard for long leaves the levels."""
        assert isinstance(life, Agent)
        self._leave(out, life, due, sign)

    def forget(self, out: Delta, life: Life) -> None:
        """One of whom nothing more is heard has gone."""
        self.overlay(out, life, FOREVER)

    def _move(self, out: Delta, agent: Agent, at: int, level: int) -> None:
        old, new = agent.standing_in, agent.segment
        if agent.level != OFFLINE:
            out.level(at, old, agent.level, -1)
        if level != OFFLINE:
            out.level(at, new, level, 1)
        was, now = agent.level != OFFLINE, level != OFFLINE
        if was and not (now and new is old):
            out.level(at, old, m.AGENTS, -1)
        if now and not (was and new is old):
            out.level(at, new, m.AGENTS, 1)
        agent.level, agent.standing_in = level, new

    def _leave(self, out: Delta, agent: Agent, at: int, sign: int) -> None:
        out.level(at, agent.standing_in, agent.level, -sign)
        out.level(at, agent.standing_in, m.AGENTS, -sign)
