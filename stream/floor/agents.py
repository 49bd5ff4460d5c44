"""What the agents of a pool say they are doing: shifts, contacts, breaks, and that they are still there."""

from __future__ import annotations

from collections import deque
from random import Random

from stream.floor import world
from stream.floor.agenda import Agenda
from stream.floor.pool import NAMES, Pool
from stream.floor.telling import Entity, Heard, Told

ROSTER_S = 600
"""So often people come and go as the day asks for them."""
HEARTBEAT_S = 900
BREAK_SHARE = 0.02
"""After so many contacts the agent takes a break first."""
BREAK_S = (300, 900)


class Agent:
    """One agent: whether logged in, and how many contacts it has (a big pool shares its names)."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.there = False
        self.contacts = 0
        self.shift = 0


class Shift:
    """The agents of one pool. The pool decides who works; here they tell of it."""

    def __init__(
        self, pool: Pool, team: str, prefix: str, seed: int, agenda: Agenda, outbox: deque[Told],
        on_pause: Heard,
    ) -> None:  # fmt: skip
        """`prefix` of the subjects, so that two runs never mix. `on_pause` hears of each agent that takes
        a break or goes home."""
        self._pool = pool
        self._team = team
        self._prefix = prefix
        self._random = Random(f"{seed}:shift:{pool.name}")
        self._agenda = agenda
        self._outbox = outbox
        self._on_pause = on_pause
        self._agents: dict[int, Agent] = {}
        agenda.after(0, self._roster)

    def tell(self, name: str, state: str) -> None:
        """The agent of that name is in another state of its contact."""
        self._tell(self._agent(_number(name)), state)

    def take(self, name: str) -> None:
        """The agent has been given a contact: its phone rings. Who was not expected yet comes for it."""
        agent = self._agent(_number(name))
        self._log_in(agent)
        agent.contacts += 1
        self._tell(agent, "ringing")

    def finish(self, name: str) -> None:
        """The agent has done with a contact: goes on, takes a break, or goes home."""
        if self._random.random() < BREAK_SHARE:
            agent = self._agent(_number(name))
            self._tell(agent, "break")
            self._on_pause(agent.entity, self._agenda.now_ms)
            self._agenda.after(self._random.uniform(*BREAK_S), lambda _: self._go_on(name))
        else:
            self._go_on(name)

    def _go_on(self, name: str) -> None:
        number = _number(name)
        agent = self._agent(number)
        agent.contacts -= 1
        if not agent.contacts:
            if number < self._pool.staff():
                self._tell(agent, "available")
            else:
                self._log_out(agent)
        self._pool.release(name)

    def _roster(self, now_ms: int) -> None:
        staff = self._pool.staff()
        for number in range(min(staff, NAMES)):
            self._log_in(self._agent(number))
        for number, agent in self._agents.items():
            if number >= staff and agent.there and not agent.contacts:
                self._log_out(agent)
        self._agenda.after(ROSTER_S, self._roster)

    def _agent(self, number: int) -> Agent:
        agent = self._agents.get(number)
        if agent is None:
            subject = f"{self._prefix}{self._pool.name}-{number:03d}"
            agent = self._agents[number] = Agent(Entity("agents", "agent", subject, self._outbox))
            agent.entity.snapshot |= {
                "team": self._team,
                "queues": [world.QUEUE_OF_TEAM.get(self._team, world.VIP_QUEUE)],
                "site": world.SITES[number % len(world.SITES)],
            }
        return agent

    def _tell(self, agent: Agent, state: str) -> None:
        agent.entity.tell("agent.state_changed", self._agenda.now_ms, state=state)

    def _log_in(self, agent: Agent) -> None:
        if not agent.there:
            agent.there = True
            agent.shift += 1
            agent.entity.tell("agent.logged_in", self._agenda.now_ms)
            self._plan_heartbeat(agent, agent.shift)

    def _log_out(self, agent: Agent) -> None:
        agent.there = False
        agent.entity.tell("agent.logged_out", self._agenda.now_ms)
        self._on_pause(agent.entity, self._agenda.now_ms)

    def _plan_heartbeat(self, agent: Agent, shift: int) -> None:
        def beat(now_ms: int) -> None:
            if agent.there and agent.shift == shift:
                agent.entity.tell("agent.heartbeat", now_ms)
                self._plan_heartbeat(agent, shift)

        self._agenda.after(HEARTBEAT_S, beat)


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
