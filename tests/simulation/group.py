"""The consumer group: who has which partitions. Members meet, let go of everything, and are dealt anew."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from stream.worker.ports import Partition
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.transport import SimulatedTransport

SESSION_S = 2.0
REBALANCE_S = 3.0
LOOK_S = 0.25


class Group:
    """One coordinator. It gives up members of which nothing is heard."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._members: list[SimulatedTransport] = []
        self._joining: list[SimulatedTransport] = []
        self._wanted = False
        topics = world.config.kafka.topics
        self._partitions = [
            Partition(getattr(topics, family), number)
            for family, count in sorted(world.plan.families.items())
            for number in range(count)
        ]

    def join(self, member: SimulatedTransport) -> None:
        """One more; also one that had been given up."""
        if member not in self._joining:
            self._joining.append(member)
        self.deal()

    def leave(self, member: SimulatedTransport) -> None:
        """One less."""
        for members in (self._members, self._joining):
            if member in members:
                members.remove(member)
        self.deal()

    def deal(self) -> None:
        """Everybody is dealt anew, soon."""
        self._wanted = True

    def has(self, member: SimulatedTransport) -> bool:
        """Whether it has not been given up."""
        return member in self._members or member in self._joining

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._give_up_the_silent()
            if self._wanted:
                self._wanted = False
                await self._rebalance()

    def _give_up_the_silent(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for member in [*self._members, *self._joining]:
            process = member.process
            since_s = process.frozen_since_s
            if process.dead or (since_s is not None and now_s - since_s > SESSION_S):
                self._world.told(f"the group gives up {process.name}")
                self.leave(member)

    async def _rebalance(self) -> None:
        members = [*self._members, *(one for one in self._joining if one not in self._members)]
        self._joining.clear()
        releasing = {member: member.process.spawn(member.release()) for member in members}
        if releasing:
            await asyncio.wait(releasing.values(), timeout=REBALANCE_S)
        self._members = []
        for member, task in releasing.items():
            if task.done() and not task.cancelled() and task.exception() is None and not member.process.dead:
                self._members.append(member)
        if not self._members:
            return
        dealt: dict[SimulatedTransport, list[Partition]] = {member: [] for member in self._members}
        for number, partition in enumerate(
            self._world.random.sample(self._partitions, len(self._partitions))
        ):
            dealt[self._members[number % len(self._members)]].append(partition)
        for member, partitions in dealt.items():
            names = ", ".join(map(str, sorted(partitions))) or "nothing"
            self._world.told(f"{member.process.name} is given {names}")
            with suppress(asyncio.CancelledError):
                member.process.spawn(member.assign(frozenset(partitions)))
