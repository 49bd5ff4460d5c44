"""Where the configuration comes from: defaults, a file, the environment; and the Config that results."""

from pathlib import Path

import pytest

from stream.config import Config, ConfigError, QueueRule, environment_names, load, parse

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_file_and_variables_everything_is_default() -> None:
    """floorcast runs with no configuration at all."""
    config = load(env={})
    assert config == Config() == parse({})
    assert config.timezone == "UTC"
    assert config.horizon_ms == 8 * DAY_MS
    assert config.retention_ms == (DAY_MS // 4, 2 * DAY_MS, 35 * DAY_MS, 400 * DAY_MS)
    assert config.keep_finished.tickets_ms == 30 * DAY_MS
    assert config.lost.waiting_ms == DAY_MS // 6
    assert config.groupings.calls == (("queue",), ("team",), ("agent",), ("team", "queue"), ("channel",))
    assert config.kafka.topics.calls == "support.calls"


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """A file with nothing but comments changes nothing."""
    file = tmp_path / "empty.yaml"
    file.write_text("# nothing yet\n")
    assert load(file, env={}) == Config()


def test_the_file_is_the_one_named_else_the_variable_else_the_one_here(tmp_path: Path) -> None:
    """An explicit path beats FLOORCAST_CONFIG, which beats ./floorcast.yaml."""
    for name, group in (("floorcast.yaml", "here"), ("variable.yaml", "variable"), ("named.yaml", "named")):
        (tmp_path / name).write_text(f"kafka: {{group: {group}}}")
    by_variable = {"FLOORCAST_CONFIG": "variable.yaml"}
    assert load(env={}).kafka.group == "here"
    assert load(env=by_variable).kafka.group == "variable"
    assert load(Path("named.yaml"), env=by_variable).kafka.group == "named"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A file that was asked for and is not there is never silently the defaults."""
    with pytest.raises(ConfigError, match=r"^gone\.yaml: cannot be read \(No such file or directory\)"):
        load(env={"FLOORCAST_CONFIG": "gone.yaml"})
    (tmp_path / "latin.yaml").write_bytes(b"timezone: \xff")
    with pytest.raises(ConfigError, match=r"latin\.yaml: not UTF-8 text"):
        load(tmp_path / "latin.yaml", env={})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Every key has a variable, named after its path; it replaces what the file says."""
    file = tmp_path / "f.yaml"
    file.write_text("horizon: 3d\nkafka: {bootstrap: 'file:9092'}\nretention: {10s: 1h}\n")
    env = {"FLOORCAST_KAFKA_BOOTSTRAP": "env:9092", "FLOORCAST_RETENTION_10S": "2h"}
    config = load(file, env)
    assert config.kafka.bootstrap == "env:9092"
    assert config.retention_ms[0] == 7_200_000
    assert config.horizon_ms == 3 * DAY_MS


def test_environment_text_is_text_and_lists_are_yaml() -> None:
    """A password of digits stays text; numbers, groupings and queues are written as in the file."""
    config = load(
        env={
            "FLOORCAST_KAFKA_SECURITY": "sasl_ssl",
            "FLOORCAST_KAFKA_USERNAME": "no",
            "FLOORCAST_KAFKA_PASSWORD": "0123",
            "FLOORCAST_EXPORTER_PORT": "9000",
            "FLOORCAST_DEADLETTERS_MAX_SHARE": "0.5",
            "FLOORCAST_GROUPINGS_TICKETS": "[[brand], [team, tier]]",
            "FLOORCAST_QUEUES": "[{when: {queue: sales}, answer_within: 30s, max_wait: 2m}]",
        }
    )
    assert (config.kafka.username, config.kafka.secret()) == ("no", "0123")
    assert config.exporter.port == 9000
    assert config.deadletters.max_share == 0.5
    assert config.groupings.tickets == (("brand",), ("team", "tier"))
    assert config.queues == (
        QueueRule(when={"queue": ("sales",)}, answer_within_ms=30_000, max_wait_ms=120_000),
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    """Compose files pass `${NAME:-}` for what nobody set."""
    assert load(env={"FLOORCAST_TIMEZONE": "", "FLOORCAST_QUEUES": "", "FLOORCAST_CONFIG": ""}) == Config()


def test_an_unknown_variable_is_an_error_with_the_nearest_known_one() -> None:
    """A typo in a variable is found as a typo in the file is."""
    with pytest.raises(ConfigError) as caught:
        load(env={"FLOORCAST_REDIS_ULR": "redis://x:1/0", "FLOORCAST_HORIZONT": "", "PATH": "/bin"})
    assert caught.value.problems == (
        "FLOORCAST_HORIZONT: unknown variable; the nearest known one is FLOORCAST_HORIZON",
        "FLOORCAST_REDIS_ULR: unknown variable; the nearest known one is FLOORCAST_REDIS_URL",
    )


def test_variables_of_the_tools_around_are_let_alone() -> None:
    """The embedded pair, the tests and the bench have variables that are no keys."""
    names = ("FLOORCAST_DATA", "FLOORCAST_TEST_X", "FLOORCAST_BENCH_X", "FLOORCAST_KAFKA_LIBS")
    assert load(env=dict.fromkeys(names, "x")) == Config()


def test_every_key_has_one_variable_of_its_own() -> None:
    """The names are distinct, and derived from the path."""
    names = environment_names()
    assert len(names) == len(set(names))
    assert {"FLOORCAST_KEEP_FINISHED_TICKETS", "FLOORCAST_RETENTION_15M", "FLOORCAST_QUEUES"} <= set(names)


def test_a_bad_variable_is_named_in_the_error() -> None:
    """The place of a value from the environment is its variable."""
    with pytest.raises(ConfigError, match=r"^FLOORCAST_QUEUES: queues\[0\]\.answer_within: .*write 20s"):
        load(env={"FLOORCAST_QUEUES": "[{answer_within: 20}]"})
    with pytest.raises(ConfigError, match=r"^FLOORCAST_QUEUES:1: not readable as YAML"):
        load(env={"FLOORCAST_QUEUES": "[{when: "})


def test_a_list_from_the_environment_has_no_lines_of_the_file(tmp_path: Path) -> None:
    """What is wrong in it is in the variable, even where the file has an entry at the same position."""
    file = tmp_path / "f.yaml"
    file.write_text("queues:\n- answer_within: 20s\n")
    with pytest.raises(ConfigError, match=r"^FLOORCAST_QUEUES: queues\[0\]\.answer_within: "):
        load(file, env={"FLOORCAST_QUEUES": "[{answer_within: soon}]"})


def test_a_queue_rule_matches_when_all_its_fields_do() -> None:
    """A list means any of its values; no condition means every call."""
    rule = parse({"queues": [{"when": {"queue": ["sales", "vip"], "region": "eu"}}]}).queues[0]
    assert rule.matches({"queue": "vip", "region": "eu", "team": None})
    assert not rule.matches({"queue": "vip"})
    assert not rule.matches({"queue": "help", "region": "eu"})
    assert QueueRule().matches({})
