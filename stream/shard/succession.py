"""May a version of calendars and policies come into force on a running system? Histories of entities keep
only what the versions so far asked for."""

from __future__ import annotations

from stream.config import Config
from stream.config.history import History, Version, asked_fields
from stream.shard.family import family


def why_rebuild(config: Config, history: History, version: Version) -> list[str]:
    """What keeps the version of this configuration from following the history, each with the reason."""
    reasons = []
    last = history[-1]
    if version.shape != last.shape:
        reasons.append(
            "more than calendars, policies and queues' max_wait differs (groupings, thresholds, horizon, "
            "time zone, retention ...), which shaped every number since the start of the log"
        )
        return reasons
    kept = {*family("tickets", config, history=history).fold.segments.dimensions, *asked_fields(history)}
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
