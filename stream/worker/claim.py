"""May this worker go on from what the store holds? Checked when a shard is claimed; the answer is yes or an
explanation."""

from __future__ import annotations

from stream.shard.changes import Fence
from stream.store.layout import FORMAT
from stream.worker.log import LogIdentity


class WrongImage(Exception):
    """The store holds the image of something else; the message says of what, and what to do."""


def log_id(identity: LogIdentity) -> str:
    """A log's identity as the fence keeps it."""
    return f"{identity.cluster_id}/{identity.topic_id or '-'}/{identity.partitions}"


def check_fence(fence: Fence, shard: str, identity: LogIdentity, shape: str, start: int) -> int:
    """Offsets lost at the head: how many records retention deleted before they were read. `WrongImage` when
    it cannot go on."""
    rebuild = "To count this log from its start, use another redis.namespace (or empty this one)"
    if fence.log_id:
        _check_log(fence.log_id, log_id(identity), shard, rebuild)
    if fence.commit_id and fence.format != FORMAT:
        raise WrongImage(
            f"{shard}: the store has format {fence.format}, this version writes {FORMAT}. {rebuild}."
        )
    if fence.shape and fence.shape != shape:
        raise WrongImage(
            f"{shard}: the store was written with another configuration of what shapes numbers (groupings, "
            "thresholds, horizon, time zone, retention ...: `floorcast check` shows them). Give every worker "
            f"the same one. {rebuild}."
        )
    return max(0, start - fence.offset) if fence.commit_id else 0


def _check_log(stored: str, found: str, shard: str, rebuild: str) -> None:
    if stored == found:
        return
    (cluster, topic, partitions), (new_cluster, new_topic, new_partitions) = (
        stored.split("/"),
        found.split("/"),
    )
    if partitions != new_partitions and (cluster, topic) == (new_cluster, new_topic):
        raise WrongImage(
            f"{shard}: the topic had {partitions} partitions and has {new_partitions} now, so subjects have "
            f"moved between shards. {rebuild}."
        )
    what = "cluster" if cluster != new_cluster else "topic of the same name (deleted and created again)"
    raise WrongImage(f"{shard}: the store is the image of another {what} ({stored}, now {found}). {rebuild}.")
