"""The dispatcher of alerts, with destinations that note what they are given and fail when told to."""

from __future__ import annotations

from collections.abc import Sequence

from stream.alerts.channels.channel import Failed
from stream.alerts.dispatch import Dispatcher
from stream.alerts.message import Message
from stream.alerts.state import KINDS, Kind
from tests.simulation.kafka import Alerts
from tests.simulation.process import Process
from tests.simulation.world import Delivery


class Destination:
    """One, which takes one batch at a time."""

    kinds: tuple[Kind, ...] = KINDS
    batch_max = 20
    refresh_ms: int | None = None

    def __init__(self, process: Process, name: str) -> None:
        self._process = process
        self._name = name

    async def send(self, messages: Sequence[Message]) -> str | None:
        """As of Channel."""
        world = self._process.world

        def act() -> None:
            if world.refusing is False:
                raise Failed("refuses", retry=True)
            world.deliveries += [
                Delivery(self._name, one.id, one.key, one.kind, one.again, self._process.name)
                for one in messages
            ]
            if world.refusing:
                world.happened["answer lost"] += 1
                raise Failed("no answer", retry=True, maybe=True)

        await self._process.call(act, lossy=False, kind="send")
        return None


async def run_dispatcher(process: Process) -> None:
    """Until it is cancelled."""
    config = process.world.config
    channels = {name: Destination(process, name) for name in config.alerts.destinations}

    async def fresh() -> int | None:
        return process.world.wall_ms()

    await Dispatcher(config, channels, lambda: Alerts(config.kafka), fresh, process.world.wall_ms).run()
