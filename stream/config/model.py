"""What floorcast.yaml can say: every key with default, kind and meaning. Durations are milliseconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Struct
from msgspec.structs import asdict

from stream.config.alerts import AlertsConfig
from stream.config.boards import BoardConfig
from stream.config.connections import KafkaConfig, RedisConfig
from stream.config.exporter import ExporterConfig
from stream.config.grafana import GrafanaConfig
from stream.config.keys import Key
from stream.config.kinds import Choice, Duration, Share, Text, Whole, Zone
from stream.config.published import History
from stream.config.segments import Groupings, When
from stream.config.serve import ServeConfig
from stream.config.sla import NAME, Calendars, CalendarVersion, Policies, PolicyConfig, sla_shape
from stream.config.structs import ListOf, MapOf
from stream.events.envelope import SEGMENT_FIELDS

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_LINE = Text(r"[^\x00-\x1f\x7f]{1,200}", "one line of text, at most 200 characters")

Grouping = tuple[str, ...]
"""Segment fields by which numbers are kept together; the whole, (), always is and is not listed."""


class KeepFinished(Struct, frozen=True, kw_only=True):
    """How long a finished entity may be silent, in event time, before it is a new one when heard of again."""

    tickets_ms: Annotated[int, Key(Duration(), "Silence after which a finished ticket is forgotten")] = (
        30 * _DAY_MS
    )
    calls_ms: Annotated[int, Key(Duration(), "Silence after which a finished call is forgotten")] = (
        2 * _DAY_MS
    )
    surveys_ms: Annotated[int, Key(Duration(), "Time after sending when an invitation is forgotten")] = (
        90 * _DAY_MS
    )
    selfservice_ms: Annotated[int, Key(Duration(), "Silence after which a session is forgotten")] = (
        2 * _DAY_MS
    )
    agents_ms: Annotated[int, Key(Duration(), "Silence after which an agent is forgotten")] = 30 * _DAY_MS
    contacts_ms: Annotated[
        int,
        Key(Duration(), "How far back a contact of a customer can still be told, changed or taken back"),
    ] = 45 * _DAY_MS


class Lost(Struct, frozen=True, kw_only=True):
    """When a call or agent whose ending never arrived leaves the levels."""

    waiting_ms: Annotated[int, Key(Duration(), "A call still waiting after this is lost")] = 4 * _HOUR_MS
    unfinished_ms: Annotated[int, Key(Duration(), "A call not finished after this is lost")] = 12 * _HOUR_MS
    agents_ms: Annotated[
        int, Key(Duration(), "An agent without any event, heartbeats included, for this is offline")
    ] = 12 * _HOUR_MS


class Retention(Struct, frozen=True, kw_only=True):
    """How long panes of each size are kept, measured back from the shard's clock."""

    panes_10s_ms: Annotated[int, Key(Duration(), "How long panes of 10 s are kept", "10s")] = 6 * _HOUR_MS
    panes_1m_ms: Annotated[int, Key(Duration(), "How long panes of 1 min are kept", "1m")] = 48 * _HOUR_MS
    panes_15m_ms: Annotated[int, Key(Duration(), "How long panes of 15 min are kept", "15m")] = 35 * _DAY_MS
    panes_1d_ms: Annotated[int, Key(Duration(), "How long panes of 1 day are kept", "1d")] = 400 * _DAY_MS


class WithoutSketches(Struct, frozen=True, kw_only=True):
    """Of the configured groupings those that keep counts and sums only."""

    tickets: Annotated[
        tuple[Grouping, ...],
        Key(
            Groupings(SEGMENT_FIELDS),
            "Which of `groupings.tickets` keep no percentiles, min and max: a third less memory",
        ),
    ] = ()
    calls: Annotated[
        tuple[Grouping, ...],
        Key(Groupings(SEGMENT_FIELDS), "Which of `groupings.calls` keep none"),
    ] = ()


class GroupingsConfig(Struct, frozen=True, kw_only=True):
    """The groupings kept for each family of metrics, beside the whole."""

    tickets: Annotated[
        tuple[Grouping, ...],
        Key(Groupings(SEGMENT_FIELDS), "Groupings of the ticket metrics: lists of 1 to 4 segment fields"),
    ] = (("channel",), ("team",), ("priority",), ("category",), ("team", "agent"), ("team", "priority"))
    calls: Annotated[
        tuple[Grouping, ...],
        Key(Groupings(SEGMENT_FIELDS), "Groupings of the call metrics: lists of 1 to 4 segment fields"),
    ] = (("queue",), ("team",), ("agent",), ("team", "queue"), ("channel",))
    surveys: Annotated[
        tuple[Grouping, ...],
        Key(
            Groupings(("kind", *SEGMENT_FIELDS)),
            "Groupings of the survey metrics: lists of 1 to 4 segment fields or `kind`",
        ),
    ] = (("kind",), ("channel",), ("team",), ("team", "agent"))
    selfservice: Annotated[
        tuple[Grouping, ...],
        Key(
            Groupings(("article", *SEGMENT_FIELDS)),
            "Groupings of the self-service metrics: lists of 1 to 4 segment fields or `article` (of ratings)",
        ),
    ] = (("channel",), ("product",), ("article",))
    agents: Annotated[
        tuple[Grouping, ...],
        Key(
            Groupings(("agent", "team", "site")),
            "Groupings of the agent metrics: lists of 1 to 3 of `agent`, `team` and `site`",
        ),
    ] = (("team",), ("agent",))
    contacts: Annotated[
        tuple[Grouping, ...],
        Key(
            Groupings(SEGMENT_FIELDS),
            "Groupings of what is joined by customer: lists of 1 to 4 fields",
        ),
    ] = (("channel",), ("team",), ("category",))
    without_sketches: WithoutSketches = WithoutSketches()

    def holds(self, family: str, by: Sequence[str]) -> bool:
        """Whether the numbers of a family are kept by these dimensions."""
        return any(set(by) <= set(fields) for fields in getattr(self, family))


class QueueRule(Struct, frozen=True, kw_only=True):
    """Thresholds for the calls of some queues: of the first rule that matches, else of `QueueRule()`."""

    when: Annotated[
        dict[str, tuple[str, ...]],
        Key(
            When(SEGMENT_FIELDS),
            "Segment field -> a value or a list of values; all fields must match, none = every call",
        ),
    ] = {}
    answer_within_ms: Annotated[int, Key(Duration(), "Service level: answered within this is in time")] = (
        20_000
    )
    short_abandon_ms: Annotated[int, Key(Duration(), "An abandon after at most this wait is a short one")] = (
        5000
    )
    max_wait_ms: Annotated[
        int | None, Key(Duration(), "Target of the clock `queue_wait`; null = no clock")
    ] = None

    def matches(self, segments: Mapping[str, str | None]) -> bool:
        """Whether a call with these segments falls under the rule."""
        return all(segments.get(field) in values for field, values in self.when.items())


class MetricConfig(Struct, frozen=True, kw_only=True):
    """What people agreed on about one metric; None is what the catalog says."""

    target: Annotated[
        str | None,
        Key(
            _LINE,
            "What it should be; `at least 80 %`, `above 30`, `under 20 s`, `mean under 30 min` or `1 h` "
            "also become numbers in `/metrics`; null = the catalog's",
        ),
    ] = None
    owner: Annotated[str | None, Key(_LINE, "Who looks after it; null = the catalog's")] = None
    next_action: Annotated[
        str | None, Key(_LINE, "What to do when the target is missed; null = the catalog's")
    ] = None


class DeadlettersConfig(Struct, frozen=True, kw_only=True):
    """When so much is refused that the worker stops instead of diverting the whole stream."""

    max_share: Annotated[float, Key(Share(), "Share of dead letters above which the worker stops")] = 0.8
    sample: Annotated[int, Key(Whole(1, 10_000_000), "Number of latest events the share is taken of")] = 1000


class WorkerConfig(Struct, frozen=True, kw_only=True):
    """Sizes of a worker."""

    batch_records: Annotated[int, Key(Whole(1, 1_000_000), "Most records in one batch of a partition")] = 5000
    cache_entities: Annotated[
        int, Key(Whole(1, 100_000_000), "Most entity states a worker keeps in memory")
    ] = 100_000


class LogConfig(Struct, frozen=True, kw_only=True):
    """What processes say about their work, on standard error."""

    format: Annotated[
        Literal["text", "json"],
        Key(Choice("text", "json"), "Lines for people (`text`), or a JSON object each (`json`)"),
    ] = "text"


class Config(Struct, frozen=True, kw_only=True):
    """The whole configuration. `Config()` is the defaults."""

    timezone: Annotated[str, Key(Zone(), "Time zone of the deployment: `today` and the panes of 1 day")] = (
        "UTC"
    )
    clock: Annotated[
        Literal["wall", "events"],
        Key(Choice("wall", "events"), "What now is: `wall`, or `events` (the watermark, for history)"),
    ] = "wall"
    horizon_ms: Annotated[
        int, Key(Duration(), "How late an event may arrive; later ones are dead letters")
    ] = 8 * _DAY_MS
    future_ms: Annotated[
        int,
        Key(Duration(), "How far an event may be ahead of its record's timestamp; beyond are dead letters"),
    ] = 5 * _MINUTE_MS
    kafka: KafkaConfig = KafkaConfig()
    redis: RedisConfig = RedisConfig()
    keep_finished: KeepFinished = KeepFinished()
    lost: Lost = Lost()
    retention: Retention = Retention()
    groupings: GroupingsConfig = GroupingsConfig()
    queues: Annotated[
        tuple[QueueRule, ...],
        Key(ListOf(QueueRule), "Thresholds by queue, the first entry that matches counts; keys below"),
    ] = ()
    default_calendar: Annotated[
        str | None, Key(NAME, "Calendar of policies that name none, and of business days; null = `24x7`")
    ] = None
    calendars: Annotated[
        dict[str, tuple[CalendarVersion, ...]],
        Key(Calendars(), "Business hours by name, a mapping or a list of versions; keys below"),
    ] = {}
    policies: Annotated[
        tuple[PolicyConfig, ...],
        Key(Policies(), "Targets of the clocks of tickets, the first entry that matches counts; keys below"),
    ] = ()
    deadletters: DeadlettersConfig = DeadlettersConfig()
    max_event_bytes: Annotated[
        int, Key(Whole(1024, 104_857_600), "Largest event; larger ones are dead letters")
    ] = 262_144
    metrics: Annotated[
        dict[str, MetricConfig],
        Key(MapOf(MetricConfig), "Targets, owners and next actions of your own, by metric; keys below"),
    ] = {}
    worker: WorkerConfig = WorkerConfig()
    log: LogConfig = LogConfig()
    exporter: ExporterConfig = ExporterConfig()
    grafana: GrafanaConfig = GrafanaConfig()
    serve: ServeConfig = ServeConfig()
    alerts: AlertsConfig = AlertsConfig()
    boards: Annotated[
        dict[str, BoardConfig],
        Key(MapOf(BoardConfig), "Wallboards of your own, by name; docs/boards.md; keys below"),
    ] = {}
    published: History = ()
    """What was published of calendars, policies and queues' targets, where that is known: no key."""

    @property
    def retention_ms(self) -> tuple[int, int, int, int]:
        """How long panes of 10 s, 1 min, 15 min and 1 day are kept."""
        kept = self.retention
        return kept.panes_10s_ms, kept.panes_1m_ms, kept.panes_15m_ms, kept.panes_1d_ms

    def shape_hash(self) -> str:
        """A hash (hex) over what shapes numbers, not over addresses: workers that differ in it must not mix.

        The order of groupings and queue rules counts; that of keys and of a condition's values does not.
        Without what may change while a system runs (`sla_source`), which is published.
        """
        shape = self._shape()
        return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()

    def sla_source(self) -> list[object]:
        """What may change while a system runs, as floorcast.yaml says it, as JSON."""
        waits = [
            [{field: sorted(values) for field, values in rule.when.items()}, rule.max_wait_ms]
            for rule in self.queues
        ]
        # Times without an offset in it are local to the zone.
        return [*sla_shape(self.default_calendar, self.calendars, self.policies), waits, self.timezone]

    def _shape(self) -> dict[str, object]:
        shape: dict[str, object] = {
            "timezone": self.timezone,
            "clock": self.clock,
            "horizon": self.horizon_ms,
            "future": self.future_ms,
            "max_event_bytes": self.max_event_bytes,
            "retention": self.retention_ms,
            "keep_finished": [
                self.keep_finished.tickets_ms,
                self.keep_finished.calls_ms,
                self.keep_finished.surveys_ms,
                self.keep_finished.selfservice_ms,
                self.keep_finished.agents_ms,
                self.keep_finished.contacts_ms,
            ],
            "lost": [self.lost.waiting_ms, self.lost.unfinished_ms, self.lost.agents_ms],
            "groupings": [
                self.groupings.tickets,
                self.groupings.calls,
                self.groupings.surveys,
                self.groupings.selfservice,
                self.groupings.agents,
                self.groupings.contacts,
            ],
            "queues": [
                [
                    {field: sorted(values) for field, values in rule.when.items()},
                    rule.answer_within_ms,
                    rule.short_abandon_ms,
                ]
                for rule in self.queues
            ],
        }
        if self.clock == "events":  # of history that is over nothing is published
            shape["sla"] = self.sla_source()
        plain = asdict(self.groupings.without_sketches)
        if any(plain.values()):  # else the hash stays what it was before there was such a key
            shape["without_sketches"] = {
                name: sorted(sorted(fields) for fields in groupings) for name, groupings in plain.items()
            }
        return shape
