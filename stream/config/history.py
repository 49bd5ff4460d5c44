"""What was published of calendars, policies and queues' targets: the history that numbers depend on.

A version holds all that clocks need, holidays as dates, so that a rebuild, or a newer library, repeats them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from stream.config.model import Config
from stream.config.resolve import Resolved, resolve
from stream.config.targets import Warn

log = logging.getLogger("floorcast.config")


class PublishedPolicy(Struct, frozen=True, kw_only=True):
    """A policy; `effective_ms`: from when on it counts, ALWAYS_MS: as long as the version."""

    name: str
    when: dict[str, tuple[str, ...]]
    calendar: str | None
    targets: dict[str, int]
    warn: tuple[Warn, ...]
    pause: dict[str, tuple[str, ...]]
    effective_ms: int


class PublishedQueue(Struct, frozen=True, kw_only=True):
    """The target of `queue_wait` of some calls; None is no clock."""

    when: dict[str, tuple[str, ...]]
    max_wait_ms: int | None


class Sla(Struct, frozen=True, kw_only=True):
    """What may change while a system runs."""

    default_calendar: str | None
    calendars: Resolved
    policies: tuple[PublishedPolicy, ...]
    queues: tuple[PublishedQueue, ...]


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published version. `follows`: how many there were before it as its publisher saw them; of two
    published at once the first in the log counts. `shape`: `base_hash` of the configuration. `source`: hash
    of what floorcast.yaml says, which a newer library of holidays does not change."""

    follows: int
    published_ms: int
    shape: str
    source: str
    sla: Sla


History = tuple[Version, ...]
"""Versions in the order of the log, ascending by `published_ms`; never empty where numbers are made."""


def version_of(config: Config, follows: int = 0, published_ms: int = 0) -> Version:
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
    return Version(
        follows=follows, published_ms=published_ms, shape=config.base_hash(), source=source_hash(config),
        sla=sla,
    )  # fmt: skip


def history_of(config: Config) -> History:
    """The history of a configuration that has never changed."""
    return (version_of(config),)


def next_version(config: Config, history: History, now_ms: int) -> Version:
    """The version to publish after those: never at or before the instant of the last one."""
    at_ms = max(now_ms, history[-1].published_ms + 1) if history else now_ms
    return version_of(config, len(history), at_ms)


def source_hash(config: Config) -> str:
    """A hash (hex) over what floorcast.yaml says of calendars, policies and queues' targets."""
    return hashlib.sha256(msgspec.json.encode(config.sla_source(), order="sorted")).hexdigest()


def encode_version(version: Version) -> bytes:
    """A version as a record of `support.config`."""
    return msgspec.json.encode(version)


def read_history(records: Iterable[bytes | None], before: History = ()) -> History:
    """The history after these records, the values of `support.config` in the order of the log.

    A record that is no version, or was published in ignorance of one before it, does not count and is logged.
    """
    history = list(before)
    for record in records:
        try:
            version = msgspec.json.decode(record or b"", type=Version)
        except msgspec.DecodeError as error:
            log.warning("a record of the configuration topic is no version and does not count: %s", error)
            continue
        if version.follows != len(history):
            log.warning("a version published at the same time as another came second and does not count")
        elif history and version.published_ms <= history[-1].published_ms:
            log.warning("a version published before the one it follows does not count")
        else:
            history.append(version)
    return tuple(history)


def warn_levels(history: History) -> list[str]:
    """The warning levels as spelled, by first appearance: a level's number, which is stored, is its place
    here, and later versions only append."""
    return list(
        dict.fromkeys(warn.said for one in history for policy in one.sla.policies for warn in policy.warn)
    )


def asked_fields(history: History) -> list[str]:
    """The segment fields (and `tags`) that policies ask for, in order of first appearance."""
    return list(
        dict.fromkeys(field for one in history for policy in one.sla.policies for field in policy.when)
    )
