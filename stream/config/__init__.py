"""floorcast.yaml: one strict file, every key also by environment variable, defaults that run without either.

`load` and `parse` give a `Config`, or a ConfigError with everything that is wrong; `describe` is the one in
effect as text, passwords masked; `config_markdown` is docs/configuration.md. `resolve` fixes what calendars
depend on (holidays, instants), `calendars_of` makes them.
"""

from stream.config.alerts import (
    AlertmanagerConfig,
    AlertsConfig,
    Destination,
    PagerDutyConfig,
    Route,
    SlackConfig,
    WebhookConfig,
)
from stream.config.boards import (
    BoardConfig,
    ColumnConfig,
    DeadlettersTile,
    NumberTile,
    SlaTile,
    SourcesTile,
    TableTile,
    TileConfig,
)
from stream.config.connections import KafkaConfig, RedisConfig, TopicNames
from stream.config.describe import config_markdown, describe
from stream.config.durations import format_duration, parse_duration
from stream.config.exporter import ExporterConfig
from stream.config.grafana import GrafanaConfig
from stream.config.load import environment_names, load, parse
from stream.config.model import (
    Config,
    DeadlettersConfig,
    Grouping,
    GroupingsConfig,
    KeepFinished,
    Lost,
    MetricConfig,
    QueueRule,
    Retention,
    WorkerConfig,
)
from stream.config.problems import ConfigError
from stream.config.resolve import Resolved, ResolvedVersion, Versions, calendars_of, resolve
from stream.config.secrets import Secret
from stream.config.serve import ServeConfig, TokenConfig
from stream.config.sla import AROUND_THE_CLOCK, CalendarVersion, Holidays, PolicyConfig
from stream.config.targets import CLOCKS, Warn

__all__ = [
    "AROUND_THE_CLOCK",
    "CLOCKS",
    "AlertmanagerConfig",
    "AlertsConfig",
    "BoardConfig",
    "CalendarVersion",
    "ColumnConfig",
    "Config",
    "ConfigError",
    "DeadlettersConfig",
    "DeadlettersTile",
    "Destination",
    "ExporterConfig",
    "GrafanaConfig",
    "Grouping",
    "GroupingsConfig",
    "Holidays",
    "KafkaConfig",
    "KeepFinished",
    "Lost",
    "MetricConfig",
    "NumberTile",
    "PagerDutyConfig",
    "PolicyConfig",
    "QueueRule",
    "RedisConfig",
    "Resolved",
    "ResolvedVersion",
    "Retention",
    "Route",
    "Secret",
    "ServeConfig",
    "SlaTile",
    "SlackConfig",
    "SourcesTile",
    "TableTile",
    "TileConfig",
    "TokenConfig",
    "TopicNames",
    "Versions",
    "Warn",
    "WebhookConfig",
    "WorkerConfig",
    "calendars_of",
    "config_markdown",
    "describe",
    "environment_names",
    "format_duration",
    "load",
    "parse",
    "parse_duration",
    "resolve",
]
