"""A team at work: a limited number of agents takes what waits, the most urgent first. Hence queues."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil
from random import Random

from stream.floor.agenda import Agenda
from stream.floor.day import HOUR_MS, load

NAMES = 300
"""A pool has at most so many names; a bigger one shares them, so that dimensions stay bounded."""
NIGHT_SHARE = 0.15
"""Of the mean staff so much is there at any hour: nights are answered slowly, not never."""
ROSTER_FIT = (0.80, 1.25)
"""The staff of half an hour over what it needs: a roster never fits the day, and queues come from that."""


class Job:
    """Work that waits. `begin` gets the agent's name and the instant; `given_up` work is passed over."""

    __slots__ = ("begin", "given_up", "taken")

    def __init__(self, begin: Callable[[str, int], None]) -> None:
        self.begin = begin
        self.given_up = False
        self.taken = False


class Pool:
    """The agents of one team and medium. Who finishes must `release`; how many are there follows the day."""

    def __init__(self, name: str, busy_mean: float, seed: int, agenda: Agenda) -> None:
        """`busy_mean`: how many agents the work keeps busy on average (Erlangs)."""
        self.name = name
        self._busy_mean = busy_mean
        self._seed = seed
        self._agenda = agenda
        self._roster = (-1, 1.0)
        self._free: list[int] = []
        self._hired = 0
        self._busy = 0
        self._waiting: list[tuple[int, int, Job]] = []
        self._asked = 0

    def ask(self, job: Job, urgency: int = 0) -> None:
        """Give the job to a free agent now, or let it wait: lower urgency numbers first, then first come."""
        self._asked += 1
        heappush(self._waiting, (urgency, self._asked, job))
        self._hand_out()

    def release(self, agent: str) -> None:
        """The agent is free again and takes what waits, unless the shift is over."""
        self._busy -= 1
        heappush(self._free, int(agent.rpartition("-")[2]))
        self._hand_out()

    def _hand_out(self) -> None:
        staff = self.staff()
        while self._waiting and self._busy < staff:
            job = heappop(self._waiting)[2]
            if not job.given_up:
                self._busy += 1
                job.taken = True
                job.begin(self._next_agent(), self._agenda.now_ms)

    def staff(self) -> int:
        """How many are there now. Those who work at the same time have the numbers below it, but for who
        still finishes when the shift is over."""
        now_ms = self._agenda.now_ms
        half_hour = now_ms // (HOUR_MS // 2)
        if half_hour != self._roster[0]:
            self._roster = (half_hour, Random(f"{self._seed}:{self.name}:{half_hour}").uniform(*ROSTER_FIT))
        return 1 + ceil(self._busy_mean * self._roster[1] * max(load(self._agenda.local_ms()), NIGHT_SHARE))

    def _next_agent(self) -> str:
        if self._free:
            number = heappop(self._free)
        else:
            number = self._hired % NAMES
            self._hired += 1
        return f"{self.name}-{number:03d}"
