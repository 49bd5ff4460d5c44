"""What was published of calendars, policies and queues' targets: the history that numbers depend on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from stream.config.model import Config
from stream.config.published import History, PublishedPolicy, PublishedQueue, Sla, Version
from stream.config.resolve import resolve
from stream.config.sla import PolicyConfig

log = logging.getLogger("floorcast.config")


AHEAD_MS: Final = 10_000
"""So long after its publication a version comes into force."""
APPENDED_MS: Final = 5_000
"""At least so long before that it must be in the log: workers run their clocks no further than that behind
what they have read of it."""


def version_of(config: Config, follows: int = 0, from_ms: int = 0) -> Version:
    """The version that a configuration would be published as."""
    sla = Sla(
        default_calendar=config.default_calendar,
        calendars=resolve(config),
        policies=tuple(
            PublishedPolicy(
                name=policy.name,
                when={field: tuple(sorted(values)) for field, values in policy.when.items()},
                calendar=policy.calendar,
                targets=policy.targets,
                warn=policy.warn,
                pause={clock: tuple(sorted(statuses)) for clock, statuses in policy.pause.items()},
                effective_ms=policy.effective_ms(config.timezone),
            )
            for policy in config.policies
        ),
        queues=tuple(
            PublishedQueue(
                when={field: tuple(sorted(values)) for field, values in rule.when.items()},
                max_wait_ms=rule.max_wait_ms,
            )
            for rule in config.queues
        ),
    )
    return Version(follows=follows, from_ms=from_ms, source=source_hash(config), sla=sla)


def history_of(config: Config) -> History:
    """What was published, where the configuration knows it; else as if it had never changed."""
    return config.published or (version_of(config),)


def next_version(config: Config, history: History, now_ms: int) -> Version:
    """The version to publish after those, in force soon after `now_ms`, and after the last one."""
    from_ms = now_ms + AHEAD_MS
    return version_of(config, len(history), max(from_ms, history[-1].from_ms + 1) if history else now_ms)


def source_hash(config: Config) -> str:
    """A hash (hex) over what floorcast.yaml says of calendars, policies and queues' targets."""
    return hashlib.sha256(msgspec.json.encode(config.sla_source(), order="sorted")).hexdigest()


def encode_version(version: Version) -> bytes:
    """A version as a record of `support.config`."""
    return msgspec.json.encode(version)


def decode_version(packed: bytes) -> Version:
    """The counterpart. Raises msgspec.DecodeError."""
    return msgspec.json.decode(packed, type=Version)


def read_history(records: Iterable[tuple[int, bytes | None]], before: History = ()) -> History:
    """The history after these records (timestamp in ms, value) of `support.config`, in the order of the log.

    A record that is no version, was published in ignorance of one before it, or came too late to be known to
    all when it comes into force, does not count and is logged.
    """
    history = list(before)
    for appended_ms, record in records:
        try:
            version = decode_version(record or b"")
        except msgspec.DecodeError as error:
            log.warning("a record of the configuration topic is no version and does not count: %s", error)
            continue
        if version.follows != len(history):
            log.warning("a version published at the same time as another came second and does not count")
        elif history and version.from_ms <= history[-1].from_ms:
            log.warning("a version that begins before the one it follows does not count")
        elif history and version.from_ms < appended_ms + APPENDED_MS:
            log.warning("a version that reached the log too late does not count: publish it again")
        else:
            history.append(version)
    return tuple(history)


def levels_of(policies: Iterable[PublishedPolicy | PolicyConfig]) -> list[str]:
    """Their warning levels as spelled, by first appearance: a level's number, which is stored, is its place
    here, and later versions only append."""
    return list(dict.fromkeys(warn.said for policy in policies for warn in policy.warn))


def warn_levels(config: Config) -> list[str]:
    """The warning levels of all policies that ever were."""
    if not config.published:
        return levels_of(config.policies)  # without working out a version's holidays
    return levels_of(policy for version in config.published for policy in version.sla.policies)


def asked_fields(history: History) -> list[str]:
    """The segment fields (and `tags`) that policies ask for, in order of first appearance."""
    return list(
        dict.fromkeys(field for one in history for policy in one.sla.policies for field in policy.when)
    )
