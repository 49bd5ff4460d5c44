"""A worker of the next format beside one of this format: each has an image of its own, and none is mixed."""

from pathlib import Path

from redis.asyncio import Redis

from stream.store.layout import FORMAT
from tests.rig.kafka import Kafka
from tests.rig.pipeline import counted, expected, pipeline, recent_mix, until
from tests.rig.redis import RedisServer

NEXT = FORMAT + 1
NEXT_VERSION = f"""
from stream.store import layout, store
from stream.worker import claim

layout.FORMAT = claim.FORMAT = {NEXT}
read_fence = layout.read_fence


def of_next_format(stored):
    fence = read_fence(stored)
    fence.format = {NEXT}
    return fence


layout.read_fence = store.read_fence = of_next_format

from stream.cli.main import main

main()
"""
"""`floorcast` as a version would be that stores the same, but under another format."""


async def test_versions_of_two_formats_share_the_log_and_no_key(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """The next version comes beside this one, which is then stopped: it counts the log from its start, under
    keys of its own. This version's image stays that of a prefix of the log; one step back goes on there."""
    events = recent_mix(1_500)
    half = len(events) // 2
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        await deployment.publish(events[:half])
        this = deployment.worker()
        await deployment.wait()
        following = deployment.start_python("-c", NEXT_VERSION, "worker")
        await until(lambda: following.exit_code is not None or "assigned" in following.output)
        assert following.exit_code is None, following.output
        await deployment.publish(events[half:])
        this.stop()
        waited = deployment.start_python("-c", NEXT_VERSION, "wait", "--timeout", "300")
        assert await waited.ended() == 0, waited.output + following.output
        async with Redis.from_url(redis_server.url()) as client:
            pattern = f"floorcast:{NEXT}:{unique_name}:*:fence"
            assert [key async for key in client.scan_iter(match=pattern)]
        verified = deployment.start_python("-c", NEXT_VERSION, "verify")
        assert await verified.ended() == 0, verified.output
        assert "no differences" in verified.output
        before = await deployment.verify()
        assert before.same, before.output
        following.stop()
        deployment.worker()
        await deployment.wait()
        assert await counted(deployment) == expected(events)
        after = await deployment.verify()
        assert after.same, after.output
