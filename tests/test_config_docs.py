"""The configuration for people: `floorcast check`, the effective configuration, docs/configuration.md."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from stream.cli.check import command
from stream.config import Config, config_markdown, describe, environment_names, parse
from stream.config.keys import environment_name, fields_of, leaves
from stream.config.model import MetricConfig, QueueRule
from stream.config.sla import CalendarVersion, PolicyConfig

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
EVERYTHING = {
    "timezone": "Europe/Berlin",
    "horizon": "1h30m",
    "kafka": {"bootstrap": "a:1,b:2", "topics": {"calls": "calls"}},
    "redis": {"url": "rediss://h:6379/0", "ca_file": "ca.pem"},
    "retention": {"10s": "500s"},
    "groupings": {
        "tickets": [["team", "tier"]],
        "calls": [],
        "without_sketches": {"tickets": [["tier", "team"]]},
    },
    "queues": [{"when": {"queue": ["no", "007"]}, "max_wait": "2m"}, {}],
    "default_calendar": "office",
    "calendars": {
        "office": {
            "timezone": "Europe/Berlin",
            "hours": {
                "mon-thu": ["09:00-12:30", "13:30-00:00"],
                "fri": ["22:00-06:00"],
                "sun": ["00:00-24:00"],
            },
            "holidays": {"country": "DE", "subdivision": "BE"},
            "closed": ["2026-12-24"],
            "open": {"2026-12-31": ["09:00-12:00"]},
        },
        "two": [
            {"hours": {"mon": ["09:00-17:00"]}, "holidays": {"country": "NO"}},
            {"hours": {"tue": ["09:00-17:00"]}, "effective_from": "2026-03-10 06:00"},
            {"hours": {"wed": ["09:00-17:00"]}, "effective_from": "2026-03-11"},
        ],
    },
    "policies": [
        {
            "name": "urgent mail",
            "when": {"priority": ["urgent", "high"], "tags": "vip"},
            "calendar": "24x7",
            "targets": {"first_reply": "1h30m", "resolution": "36h"},
            "warn": ["50%", "12.5%", "90m"],
            "pause": {"requester_wait": "pending", "resolution": []},
            "effective_from": "2026-03-10T06:00:00+02:00",
        },
        {"name": "rest", "targets": {}},
    ],
    "deadletters": {"max_share": 0.25},
    "metrics": {"csat": {"target": "at least 90 %", "owner": "no"}, "nps": {}},
}
ENTRIES = (QueueRule, CalendarVersion, PolicyConfig, MetricConfig)


def check(monkeypatch: pytest.MonkeyPatch, directory: Path, *arguments: str, **env: str) -> Result:
    """Run `floorcast check` in a directory with only these variables of floorcast."""
    monkeypatch.chdir(directory)
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)
    return CliRunner().invoke(command, arguments, env={"FLOORCAST_CONFIG": None, **env})


def test_the_page_is_current() -> None:
    """Renew it with `python -m stream.config > docs/configuration.md`."""
    assert PAGE.read_text(encoding="utf-8") == config_markdown()


def test_every_key_has_a_meaning_and_stands_on_the_page() -> None:
    """With its variable; the keys of entries (queue rules, calendars, policies, metrics) without."""
    lines = config_markdown().splitlines()
    for path, field in leaves(Config):
        assert field.key is not None
        assert len(field.key.meaning) > 10
        start, variable = f"| `{'.'.join(map(str, path))}` |", f"| `{environment_name(path)}` |"
        assert sum(line.startswith(start) and variable in line for line in lines) == 1
    assert all(any(name in line for line in lines) for name in environment_names())
    for field in [field for entry in ENTRIES for field in fields_of(entry)]:
        assert any(line.startswith(f"| `{field.name}` |") for line in lines)


@pytest.mark.parametrize("data", [{}, EVERYTHING])
def test_the_effective_configuration_reads_as_itself(data: dict[str, object]) -> None:
    """What `floorcast check` prints can be used as floorcast.yaml."""
    config = parse(data)
    assert parse(yaml.safe_load(describe(config))) == config


def test_the_effective_configuration_names_every_key() -> None:
    """Also those at their defaults."""
    effective = yaml.safe_load(describe(Config()))
    for path, _ in leaves(Config):
        section = effective
        for step in path:
            assert step in section
            section = section[step]


def test_check_prints_ok_and_the_effective_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """File and environment together, passwords masked; exit status 0."""
    (tmp_path / "f.yaml").write_text("horizon: 36h\nredis: {url: 'redis://:hunter2@h:1/0'}\n")
    result = check(monkeypatch, tmp_path, "--config", "f.yaml", FLOORCAST_EXPORTER_PORT="0")
    assert result.exit_code == 0
    first, _, effective = result.stdout.partition("\n")
    assert first == "OK"
    values = yaml.safe_load(effective)
    assert (values["horizon"], values["exporter"]["port"]) == ("1d12h", 0)
    assert values["redis"]["password"] == "***"
    assert "hunter2" not in result.output


def test_check_without_a_file_prints_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing has to be written first."""
    assert check(monkeypatch, tmp_path).stdout == f"OK\n{describe(Config())}"


def test_check_knows_the_metrics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An entry for a metric that is not in the catalog is an error, in the file as in the environment."""
    (tmp_path / "floorcast.yaml").write_text("metrics:\n  csat: {owner: Ann}\n  backlogg: {owner: Ann}\n")
    result = check(monkeypatch, tmp_path)
    assert result.exit_code == 2
    assert result.stderr == (
        "floorcast.yaml:3: metrics.backlogg: unknown metric; the nearest known one is metrics.backlog\n"
    )
    result = check(monkeypatch, tmp_path, FLOORCAST_METRICS="{nsp: {owner: Ann}}")
    assert result.stderr == (
        "FLOORCAST_METRICS: metrics.nsp: unknown metric; the nearest known one is metrics.nps\n"
    )


def test_check_prints_the_errors_and_ends_with_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On standard error, with nothing on standard output."""
    (tmp_path / "floorcast.yaml").write_text("horizon: 8\nclok: wall\n")
    result = check(monkeypatch, tmp_path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "floorcast.yaml:1: horizon: a duration needs a unit, got the number 8: write 8s if seconds are meant",
        "floorcast.yaml:2: clok: unknown key; the nearest known key is clock",
    ]


def test_the_example_of_the_page_on_clocks_is_good() -> None:
    """It is a configuration."""
    page = (PAGE.parent / "sla.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    config = parse(yaml.safe_load(example))
    assert [policy.name for policy in config.policies] == ["urgent mail", "everything else"]
