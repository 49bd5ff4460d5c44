"""A short `make chaos`: the faults that the other files do not cause, each once, under load."""

from pathlib import Path
from random import Random

from tests.chaos.run import Plan, hurt
from tests.chaos.scene import scene
from tests.conftest import NewRedis
from tests.rig.kafka import Kafka

KINDS = ("half_open", "lost_replies", "refused_writes")


async def test_a_line_that_fails_in_every_way_and_a_broker_that_takes_nothing(
    kafka: Kafka, new_redis: NewRedis, unique_name: str, tmp_path: Path
) -> None:
    """Connections to Redis are dead without being closed, answers are lost, writes are refused: afterwards
    the image is equal to the log's, and every event told is counted once."""
    plan = Plan(seconds=60.0, seed=1, rate=60.0, kinds=KINDS, standby=False, once=True)
    redis = new_redis(save=True)
    async with scene(kafka, redis, unique_name, tmp_path, workers=2, random=Random(1)) as everything:
        results = await hurt(everything, plan, lambda _: None)
    assert results.differences == [], results
    assert {kind: found.times for kind, found in results.faults.items()} == dict.fromkeys(KINDS, 1)
    assert results.events > 0
