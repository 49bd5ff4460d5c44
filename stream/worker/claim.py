"""May this worker go on from what the store holds? Checked before a shard is claimed: nothing happens, or
`WrongImage` explains why not."""

from __future__ import annotations

from stream.shard.changes import Fence
from stream.store import StoredTopic
from stream.store.layout import FORMAT
from stream.worker.log import LogIdentity


class WrongImage(Exception):
    """The store holds the image of something else; the message says of what, and what to do."""


def log_id(identity: LogIdentity) -> str:
    """A log's identity as the fence keeps it."""
    return f"{identity.cluster_id}/{identity.topic_id or '-'}/{identity.partitions}"


REBUILD = (
    "`floorcast rebuild` counts this log from its start beside the numbers that there are, and swaps them "
    "when it has caught up"
)


def check_topic(stored: StoredTopic | None, topic: str, identity: LogIdentity) -> None:
    """Whether the shards that there are were read from this topic, and it has as many partitions. A new
    partition's own shard is empty and would tell nothing."""
    if stored is None:
        return
    if stored.name != topic:
        raise WrongImage(
            f"{topic}: the store was read from {stored.name} in its place: give every worker the same "
            f"kafka.topics. {REBUILD}."
        )
    if stored.partitions != identity.partitions:
        raise WrongImage(_grown(topic, stored.partitions, identity.partitions))


def check_fence(fence: Fence, shard: str, identity: LogIdentity, shape: str) -> None:
    """Whether a shard is the image of this log, made by this version under this configuration."""
    if fence.log_id:
        _check_log(fence.log_id, log_id(identity), shard)
    if fence.uncounted:
        raise WrongImage(
            f"{shard}: {fence.uncounted} histories that were carried over are not counted yet: `floorcast "
            "rebuild` (without --from-log) goes on with that"
        )
    if fence.commit_id and fence.format != FORMAT:
        raise WrongImage(
            f"{shard}: the store has format {fence.format}, this version writes {FORMAT}. {REBUILD}."
        )
    if fence.shape and fence.shape != shape:
        raise WrongImage(
            f"{shard}: the store was written with another configuration of what shapes numbers (groupings, "
            "thresholds, horizon, time zone, retention ...: `floorcast check` shows them). Give every worker "
            f"the same one. {REBUILD}."
        )


def _check_log(stored: str, found: str, shard: str) -> None:
    if stored == found:
        return
    cluster, new_cluster = stored.split("/")[0], found.split("/")[0]
    check_grown(stored, found, shard)
    what = "cluster" if cluster != new_cluster else "topic of the same name (deleted and created again)"
    raise WrongImage(f"{shard}: the store is the image of another {what} ({stored}, now {found}). {REBUILD}.")


def check_grown(stored: str, found: str, shard: str) -> None:
    """Raises WrongImage when one log id is the other's, but for the number of partitions."""
    (*log, partitions), (*new_log, new_partitions) = stored.split("/"), found.split("/")
    if log == new_log and partitions != new_partitions:
        raise WrongImage(_grown(shard, partitions, new_partitions))


def _grown(what: str, partitions: int | str, new_partitions: int | str) -> str:
    return (
        f"{what}: the topic had {partitions} partitions and has {new_partitions} now, so subjects have moved "
        "between shards, and none has all of their history. `floorcast topics copy` into a new topic puts it "
        "together, and `floorcast rebuild` counts that (docs/production.md, More partitions)."
    )
