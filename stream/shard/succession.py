"""Another version of calendars and policies comes into force on a running system: may it, and what is looked
at then? Histories of entities keep only what the versions so far asked for."""

from __future__ import annotations

from msgspec.structs import replace

from stream.config import Config
from stream.config.history import asked_fields
from stream.config.published import History, Version
from stream.shard.changes import Fence, Restored
from stream.shard.family import family


def unknown(fence: Fence, history: History) -> History:
    """The versions that the last owner of a shard did not know of yet."""
    return history[fence.versions :] if fence.commit_id else ()


def recomputed(stored: Restored, begins_ms: int) -> dict[str, int]:
    """The timers that change where versions begin then: whatever has one, so whatever has a clock that is
    open, is looked at. What comes after is worked out there."""
    return {subject: begins_ms for subject, due_ms in stored.timers.items() if due_ms > begins_ms}


def passed(fence: Fence, begins_ms: int) -> bool:
    """Whether a shard has already counted what a version would have changed."""
    return fence.clock >= begins_ms or fence.latest >= begins_ms


def why_rebuild(config: Config, history: History, version: Version) -> list[str]:
    """What keeps the version of this configuration from following the history, each with the reason."""
    reasons = []
    before = replace(config, published=history)
    kept = {*family("tickets", before).fold.segments.dimensions, *asked_fields(history)}
    missing = [field for field in asked_fields((version,)) if field not in kept]
    if missing:
        reasons.append(f"policies ask for {', '.join(missing)}, which stored tickets have not kept")
    if _has_targets(version) and not any(map(_has_targets, history)):
        reasons.append("these are the first policies with targets, and stored tickets have kept no clocks")
    if _has_waits(version) and not any(map(_has_waits, history)):
        reasons.append("this is the first max_wait, and stored calls have kept no clock")
    return reasons


def _has_targets(version: Version) -> bool:
    return any(policy.targets for policy in version.sla.policies)


def _has_waits(version: Version) -> bool:
    return any(queue.max_wait_ms for queue in version.sla.queues)
