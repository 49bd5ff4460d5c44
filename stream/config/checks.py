"""Checks between keys: each value may be good alone and the whole still be of no use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import asdict

from stream.config.alerts import (
    AlertmanagerConfig,
    AlertsConfig,
    Destination,
    PagerDutyConfig,
    SlackConfig,
    WebhookConfig,
)
from stream.config.boards import COLUMNS_MAX, TILES_MAX, BoardConfig, TableTile
from stream.config.checks_sla import Clash, sla_clashes
from stream.config.connections import KafkaConfig, RedisConfig
from stream.config.durations import format_duration
from stream.config.model import Config
from stream.config.problems import Path, nearest
from stream.config.serve import ServeConfig, token_faults

_AGE_MAX_MS = 7 * 86_400_000
"""`stream/alerts` remembers at least so long what was sent."""
_PANES = ("10s", "1m", "15m", "1d")
_LEAST_MS = (120_000, 1_800_000, 172_800_000)
"""Twice the next coarser pane: coarser panes are made from these, one whole and one still being filled."""


def clashes(config: Config) -> Iterator[Clash]:
    """What does not go together in a configuration whose single values are all good."""
    yield from _retention(config)
    yield from _silence(config)
    yield from sla_clashes(config)
    yield from _sketches(config)
    yield from _kafka(config.kafka)
    yield from _redis(config.redis)
    yield from _alerts(config.alerts)
    yield from _serve(config.serve)
    yield from _exporter(config)
    for name, board in config.boards.items():
        yield from _board(name, board)
    for section in (config.kafka, config.redis):
        yield from _credentials("kafka" if isinstance(section, KafkaConfig) else "redis", section)


def _retention(config: Config) -> Iterator[Clash]:
    kept_ms = config.retention_ms
    for pane, coarser, pane_kept_ms, least_ms in zip(_PANES, _PANES[1:], kept_ms, _LEAST_MS, strict=False):
        if pane_kept_ms < least_ms:
            yield (
                (("retention", pane),),
                f"{format_duration(pane_kept_ms)} is too short: panes of {coarser} are made from these, "
                f"which must be kept for at least {format_duration(least_ms)}",
            )
    for (finer, finer_ms), (coarser, coarser_ms) in pairwise(zip(_PANES, kept_ms, strict=True)):
        if coarser_ms < finer_ms:
            yield (
                (("retention", coarser), ("retention", finer)),
                f"{format_duration(coarser_ms)} is shorter than retention.{finer} "
                f"({format_duration(finer_ms)}): coarser panes must be kept at least as long as finer ones",
            )
    if config.horizon_ms > kept_ms[3]:
        yield (
            (("horizon",), ("retention", "1d")),
            f"{format_duration(config.horizon_ms)} is longer than retention.1d "
            f"({format_duration(kept_ms[3])}): a late event would belong to a pane that is gone; "
            "shorten the horizon or keep days longer",
        )


def _silence(config: Config) -> Iterator[Clash]:
    kept_ms, gone_ms = config.keep_finished.agents_ms, config.lost.agents_ms
    if kept_ms < gone_ms:
        yield (
            (("keep_finished", "agents"), ("lost", "agents")),
            f"{format_duration(kept_ms)} is shorter than lost.agents ({format_duration(gone_ms)}): an agent "
            "would be forgotten before it is taken for offline",
        )


def _sketches(config: Config) -> Iterator[Clash]:
    for family, named in asdict(config.groupings.without_sketches).items():
        kept = getattr(config.groupings, family)
        for place, fields in enumerate(named):
            if set(fields) not in map(set, kept):
                known = ", ".join(f"[{', '.join(one)}]" for one in kept) or "none"
                yield (
                    (("groupings", "without_sketches", family, place), ("groupings", family)),
                    f"[{', '.join(fields)}] is not in groupings.{family} ({known}): add it there, "
                    "or remove it here",
                )


def _kafka(kafka: KafkaConfig) -> Iterator[Clash]:
    login = kafka.security.startswith("sasl_")
    security: Path = ("kafka", "security")
    if login and kafka.username is None:
        yield (security, ("kafka", "username")), f"{kafka.security} needs kafka.username"
    if login and kafka.password is None and kafka.password_file is None:
        yield (
            (security, ("kafka", "password")),
            f"{kafka.security} needs kafka.password_file or kafka.password",
        )
    for key in ("username", "password", "password_file"):
        if not login and getattr(kafka, key) is not None:
            yield (
                (("kafka", key), security),
                f"is not used with security {kafka.security}: set sasl_ssl or remove it",
            )
    first_of: dict[str, str] = {}
    for key, name in asdict(kafka.topics).items():
        if first_of.setdefault(name, key) != key:
            paths = (("kafka", "topics", key), ("kafka", "topics", first_of[name]))
            yield paths, f"has the same name as kafka.topics.{first_of[name]}: each topic needs its own"


def _redis(redis: RedisConfig) -> Iterator[Clash]:
    if redis.username is not None and redis.password is None and redis.password_file is None:
        yield (("redis", "username"), ("redis", "url")), "needs redis.password_file or redis.password"


def _alerts(alerts: AlertsConfig) -> Iterator[Clash]:
    if alerts.max_age_ms > _AGE_MAX_MS:
        yield (
            (("alerts", "max_age"),),
            f"{format_duration(alerts.max_age_ms)} is longer than {format_duration(_AGE_MAX_MS)}: so long it "
            "is known what was sent",
        )
    for name, destination in alerts.destinations.items():
        place = ("alerts", "destinations", name)
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            yield (place,), "a name is up to 64 letters, digits, dots, hyphens and underscores"
        for key, message in _destination(destination):
            yield ((*place, key), place), message
    for number, route in enumerate(alerts.routes):
        here = ("alerts", "routes", number)
        if not route.to:
            yield (here,), "needs `to`: the names of destinations"
        for name in route.to:
            if name not in alerts.destinations:
                near = f"; the nearest is {nearest(name, alerts.destinations)}" if alerts.destinations else ""
                yield ((*here, "to"), ("alerts", "destinations")), f"no destination is called {name}{near}"


def _serve(serve: ServeConfig) -> Iterator[Clash]:
    here: Path = ("serve", "tokens")
    for name in serve.tokens:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            yield ((*here, name),), "a name is up to 64 letters, digits, dots, hyphens and underscores"
    for name, message in token_faults(serve.tokens):
        yield ((*here, name, "sha256"), (*here, name)), message


def _exporter(config: Config) -> Iterator[Clash]:
    for family, wanted in asdict(config.exporter.groupings).items():
        kept = getattr(config.groupings, family)
        for place, fields in enumerate(wanted or ()):
            if not config.groupings.holds(family, fields):
                known = ", ".join(f"[{', '.join(one)}]" for one in kept) or "none"
                yield (
                    (("exporter", "groupings", family, place), ("groupings", family)),
                    f"no grouping in groupings.{family} ({known}) holds [{', '.join(fields)}]: add one "
                    "there, or remove it here",
                )


def _destination(destination: Destination) -> Iterator[tuple[str, str]]:
    """Key and message of what is missing or given twice."""

    def given(key: str) -> int:
        return sum(getattr(destination, each) is not None for each in (key, f"{key}_file"))

    secrets = [key.removesuffix("_file") for key in destination.__struct_fields__ if key.endswith("_file")]
    for key in secrets:
        if given(key) > 1:
            yield f"{key}_file", f"{key} is given as well: keep one"
    match destination:
        case SlackConfig():
            if bool(given("token")) == bool(given("url")):
                yield "token_file", "needs either token_file and channel (a bot) or url_file (a webhook)"
            elif given("token") and destination.channel is None:
                yield "channel", "needs the channel that the bot writes to"
            elif given("url") and destination.channel is not None:
                yield "channel", "is not used with an incoming webhook, which has its own: remove it"
        case PagerDutyConfig() if not given("routing_key"):
            yield "routing_key_file", "needs routing_key_file or routing_key"
        case WebhookConfig() if not given("url"):
            yield "url_file", "needs url or url_file"
        case AlertmanagerConfig() if bool(given("password")) != (destination.username is not None):
            yield "username", "needs username and password_file together"


def _board(name: str, board: BoardConfig) -> Iterator[Clash]:
    here = ("boards", name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        yield (here,), "a name is up to 64 small letters, digits and hyphens, as it stands in the address"
    if not 0 < len(board.tiles) <= TILES_MAX:
        yield ((*here, "tiles"), here), f"needs 1 to {TILES_MAX} tiles, has {len(board.tiles)}"
    for place, tile in enumerate(board.tiles):
        if isinstance(tile, TableTile):
            there: Path = (*here, "tiles", place)
            if not tile.by:
                yield ((*there, "by"), there), "needs `by`: the dimension whose values are its rows"
            if not 0 < len(tile.columns) <= COLUMNS_MAX:
                what = f"needs 1 to {COLUMNS_MAX} columns, has {len(tile.columns)}"
                yield ((*there, "columns"), there), what


def _credentials(section: str, client: KafkaConfig | RedisConfig) -> Iterator[Clash]:
    """What holds for both connections: one password, a certificate with its key, TLS files only with TLS."""
    if client.password is not None and client.password_file is not None:
        paths: tuple[Path, ...] = ((section, "password_file"), (section, "password"))
        yield paths, f"a password is given as well (in {section}.password or the URL): keep one"
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if getattr(client, key) is not None and getattr(client, other) is None:
            yield ((section, key), (section, other)), f"needs {section}.{other} beside it"
    if isinstance(client, KafkaConfig):
        encrypted, switch, remedy = (
            client.security.endswith("ssl"),
            "security",
            "set security to ssl or sasl_ssl",
        )
    else:
        encrypted, switch, remedy = client.url.startswith("rediss:"), "url", "write rediss:// in the URL"
    for key in ("ca_file", "cert_file", "key_file"):
        if not encrypted and getattr(client, key) is not None:
            yield ((section, key), (section, switch)), f"is not used without TLS: {remedy}, or remove it"
