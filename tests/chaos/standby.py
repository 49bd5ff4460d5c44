"""The other stall: a worker without partitions leaves its group after a while, and never comes back."""

from __future__ import annotations

from tests.chaos.crew import Broken
from tests.chaos.faults import FOUND_WITHIN_S
from tests.chaos.scene import Scene
from tests.rig.pipeline import until
from tests.rig.worker import create_topic


async def idle_standby(scene: Scene) -> str:
    """Two members for one partition, beside everything else, both without the guard: the idle one has to be
    found. Raises Broken when it is not."""
    bootstrap, name = scene.kafka.bootstrap, f"{scene.deployment.config.kafka.group}-standby"
    await create_topic(bootstrap, name)
    command = ("-m", "tests.chaos.sick", "standby", bootstrap, name)
    members = [scene.deployment.start_python(*command) for _ in range(2)]
    try:
        await until(lambda: any(member.exit_code is not None for member in members), FOUND_WITHIN_S)
    except TimeoutError:
        raise Broken("the watchdog did not find a standby that had left its group") from None
    for member in members:
        if member.exit_code is None:
            member.kill9()
        elif "joining the consumer group or rebalancing has taken" not in member.output:
            raise Broken(f"a standby ended, but not by its watchdog:\n{member.output[-2000:]}")
    return "found by its watchdog"
