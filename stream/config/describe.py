"""The configuration for people: the effective one as YAML, and the table of all keys for the docs."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from msgspec import Struct

from stream.config.alerts import DESTINATIONS, Route
from stream.config.boards import TILES, BoardConfig, ColumnConfig
from stream.config.keys import Field, environment_name, fields_of, leaves
from stream.config.load import OTHER_VARIABLES
from stream.config.model import Config, MetricConfig, QueueRule
from stream.config.problems import Path, path_text
from stream.config.serve import TokenConfig
from stream.config.sla import CalendarVersion, PolicyConfig
from stream.config.structs import show_struct

_INTRODUCTION = """\
# Configuration

<!-- Made by `python -m stream.config > docs/configuration.md`; a test keeps it current. -->

floorcast runs without any configuration. What should differ stands in `floorcast.yaml` in the working
directory, or in the file that `--config` or `FLOORCAST_CONFIG` names, or in environment variables, which win
over the file. `floorcast check` says what is wrong, or prints the configuration in effect, says
when sample tickets are due under its policies, and warns of policies that may not do what is meant.

- **Durations** are `90s`, `30m`, `8h`, `1h30m`, `8d` or `500ms`; a number without a unit is an error.
- **Strict**: an unknown key or variable is an error that names the nearest known one, a wrong value one that
  says what was expected, with file, line and path. All errors are reported together.
- **Environment variables** are named after the path of the key. Lists are YAML text, e.g.
  `FLOORCAST_GROUPINGS_TICKETS='[[team], [team, priority]]'`. An empty variable counts as not set.
- **Passwords** stand best in a file (`password_file`; a path is relative to the working directory). No output
  of floorcast shows one.
- **What shapes numbers** (`timezone`, `clock`, `horizon`, `future`, `max_event_bytes`, `keep_finished`,
  `lost`, `retention`, `groupings`, `queues`) must be the same for all workers of a deployment. `calendars`,
  `default_calendar`, `policies` and queues' `max_wait` may change while workers run: they are published
  ([sla.md](sla.md)).
"""
_COLUMNS = "| key | default | environment variable | meaning |\n|--|--|--|--|"
_ENTRY_COLUMNS = "| key of an entry | default | meaning |\n|--|--|--|"


_QUEUES_EXAMPLE = """\
queues:
- when: {queue: [sales]}
  answer_within: 20s
  short_abandon: 5s
  max_wait: 120s
"""
_CALENDARS_EXAMPLE = """\
default_calendar: office
calendars:
  office:
    timezone: Europe/Berlin
    hours: {mon-thu: ["09:00-12:30", "13:30-18:00"], fri: ["09:00-16:00"]}
    holidays: {country: DE, subdivision: BE}
    closed: [2026-12-24]
    open: {2026-12-31: ["09:00-12:00"]}
"""
_POLICIES_EXAMPLE = """\
policies:
- name: urgent mail
  when: {priority: [urgent, high], channel: email}
  calendar: office
  targets: {first_reply: 1h, next_reply: 2h, resolution: 8h}
  warn: [50%, 75%, 15m]
  pause: {requester_wait: [pending]}
"""
_METRICS_EXAMPLE = """\
metrics:
  first_response_time:
    target: mean under 30 min
    owner: Tier 1 leads
    next_action: Move two people from chat to tickets until it is met.
"""
_ALERTS_EXAMPLE = """\
alerts:
  ticket_url: https://example.zendesk.com/agent/tickets/{ticket}
  destinations:
    floor: {kind: slack, channel: C0123456789, token_file: /run/secrets/slack}
    pager: {kind: pagerduty, routing_key_file: /run/secrets/pagerduty}
  routes:
  - {when: {priority: urgent}, on: [breached, blind], to: [pager], continue: true}
  - {to: [floor], repeat: 30m, digest: 1m}
"""
_BOARDS_EXAMPLE = """\
boards:
  red:
    title: Red team
    where: {team: red}
    tiles:
    - {metric: backlog_unanswered}
    - {metric: first_response_time, stat: p90, window: today}
    - {kind: table, by: priority, columns: [{metric: backlog}, {metric: ticket_volume, window: today}]}
    - {kind: sla, state: at_risk}
"""


_TOKENS_EXAMPLE = """\
serve:
  host: 0.0.0.0
  tokens:
    tv: {sha256: "bfdb5cde0919bb800033ed54cd669cb7cc361d0eedd6e31788b9915cbaabe6bb"}
    lead-red:
      sha256: "abaebaba90a33bdc1ed57af2f6983903777b363689063a6d3b4a3d16a843ade8"
      kind: admin
      teams: [red]
"""


class _Dumper(yaml.SafeDumper):
    """Lists of single values on one line, everything else one a line."""

    def represent_sequence(
        self, tag: str, sequence: object, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)  # type: ignore[arg-type]
        node.flow_style = all(isinstance(item, yaml.ScalarNode) for item in node.value)
        return node


def describe(config: Config) -> str:
    """The whole effective configuration as YAML text that reads as the same one; passwords are `***`."""
    return _yaml(show_struct(config))


def config_markdown() -> str:
    """The page docs/configuration.md: every key with its default, environment variable and meaning."""
    rows = [_row(path, field) for path, field in leaves(Config)]
    queues = _entries("queues", QueueRule, _QUEUES_EXAMPLE)
    calendars = _entries("calendars", CalendarVersion, _CALENDARS_EXAMPLE)
    policies = _entries("policies", PolicyConfig, _POLICIES_EXAMPLE)
    metrics = _entries("metrics", MetricConfig, _METRICS_EXAMPLE)
    alerts = _alerts()
    tokens = _entries("serve.tokens", TokenConfig, _TOKENS_EXAMPLE)
    boards = _boards()
    entries = [*queues, *calendars, *policies, *metrics, *alerts, *tokens, *boards]
    return "\n".join([_INTRODUCTION, "## Keys\n", _COLUMNS, *rows, "", *entries, *_others()])


def _alerts() -> Iterator[str]:
    for kind, struct in DESTINATIONS.items():
        yield from _entries("alerts.destinations", struct, "", f" of kind `{kind}`")
    yield from _entries("alerts.routes", Route, _ALERTS_EXAMPLE)


def _boards() -> Iterator[str]:
    yield from _entries("boards", BoardConfig, _BOARDS_EXAMPLE)
    for kind, struct in TILES.items():
        yield from _entries("boards.tiles", struct, "", f" of kind `{kind}`")
    yield from _entries("boards.tiles.columns", ColumnConfig, "")


def _entries(key: str, struct: type[Struct], example: str, which: str = "") -> Iterator[str]:
    yield f"## Entries of `{key}`{which}\n"
    yield _ENTRY_COLUMNS
    for field in fields_of(struct):
        yield _cells(f"`{field.name}`", _default(field), _meaning(field))
    yield f"\n```yaml\n{example}```\n" if example else ""


def _others() -> Iterator[str]:
    file, data = OTHER_VARIABLES
    yield "## Other variables\n"
    yield f"`{file}`: the configuration file. `{data}`: the directory of the embedded pair.\n"


def _row(path: Path, field: Field) -> str:
    return _cells(f"`{path_text(path)}`", _default(field), f"`{environment_name(path)}`", _meaning(field))


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: Field) -> str:
    value = field.default
    if field.key is None or value is None:
        return "-"
    shown = yaml.safe_dump(field.key.kind.show(value), default_flow_style=True, width=1000)
    return f"`{shown.removesuffix('...' + chr(10)).strip()}`"


def _meaning(field: Field) -> str:
    return field.key.meaning if field.key is not None else ""


def _yaml(data: dict[str, object]) -> str:
    def dumped(allow_unicode: bool) -> str:
        return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=110)

    text = dumped(allow_unicode=True)
    # All is escaped where something in it would steer the terminal that shows it.
    return text if text.replace("\n", "").isprintable() else dumped(allow_unicode=False)
