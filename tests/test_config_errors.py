"""What a wrong configuration says: file, line, path, what is wrong, what would be right; all at once."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from stream.config import ConfigError, load, parse


def problems_of(text: str, directory: Path, **env: str) -> list[str]:
    """The problems that loading this text as f.yaml reports, without the directory."""
    file = directory / "f.yaml"
    file.write_text(dedent(text))
    with pytest.raises(ConfigError) as caught:
        load(file, env)
    return [problem.removeprefix(f"{directory}/") for problem in caught.value.problems]


def test_all_errors_are_reported_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    """One run tells everything: unknown keys, wrong values, what does not go together, bad variables."""
    text = """\
        timezone: Europe/Berln
        horizon: 90
        kafka:
          bootstrap: broker
          grupo: x
        retention:
          10s: 1m
        exporter: {port: 99999}
        queues:
        - when: {queue: [no]}
          answer_within: 0s
        """
    assert problems_of(text, tmp_path, FLOORCAST_WORKER_BATCH_RECORDS="many") == [
        'f.yaml:1: timezone: expected a time zone, got "Europe/Berln"; the nearest known is Europe/Berlin',
        "f.yaml:2: horizon: a duration needs a unit, got the number 90: write 90s if seconds are meant",
        "f.yaml:4: kafka.bootstrap: expected host:port, or several separated by commas without spaces,"
        ' got "broker"',
        "f.yaml:5: kafka.grupo: unknown key; the nearest known key is kafka.group",
        "f.yaml:7: retention.10s: 1m is too short: panes of 1m are made from these, which must be kept for"
        " at least 2m",
        "f.yaml:8: exporter.port: expected a whole number from 0 to 65535, got the number 99999",
        "f.yaml:10: queues[0].when.queue: expected text or a list of texts, got false;"
        " put it in quotes to make it text",
        "f.yaml:11: queues[0].answer_within: expected a duration longer than zero",
        "FLOORCAST_WORKER_BATCH_RECORDS: worker.batch_records: expected a whole number from 1 to 1000000,"
        ' got "many"',
    ]


def test_the_text_of_the_error_is_one_problem_a_line() -> None:
    """It can be printed as it is."""
    with pytest.raises(ConfigError) as caught:
        parse({"horizn": "1d", "clock": "sun"})
    assert str(caught.value) == (
        'horizn: unknown key; the nearest known key is horizon\nclock: expected wall or events, got "sun"'
    )


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("redis: {ulr: x}", "redis.url"),
        ("bootstrap: x", "kafka.bootstrap"),
        ("keep_finished: {ticket: 1d}", "keep_finished.tickets"),
        ("retention: {10sec: 1d}", "retention.10s"),
        ("queues: [{answered_within: 1s}]", "queues[0].answer_within"),
        ("kafka: {topics: {call: x}}", "kafka.topics.calls"),
        ("metrics: {csat: {targt: x}}", "metrics.csat.target"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(text: str, nearest: str, tmp_path: Path) -> None:
    """Also where the key is known, but belongs into another section."""
    (problem,) = problems_of(text, tmp_path)
    assert problem.endswith(f"unknown key; the nearest known key is {nearest}")


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    """YAML would silently let the last one win."""
    text = "kafka:\n  group: a\nclock: wall\nkafka: {group: b, group: c}\n"
    assert problems_of(text, tmp_path) == ["f.yaml:4: kafka: given twice, first on line 1: keep one"]
    text = "kafka:\n  group: a\n\n  group: b\n"
    assert problems_of(text, tmp_path) == ["f.yaml:4: kafka.group: given twice, first on line 2: keep one"]


BILLIONS = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
"""Ten lines of aliases that stand for ten billion values."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timezone: [", r"^f\.yaml:1: not readable as YAML: while parsing a flow"),
        ("a: 1\n\tb: 2", r"^f\.yaml:2: not readable as YAML"),
        ("clock: \x00", r"^f\.yaml:1: not readable as YAML: it holds a character"),
        ("clock: wall\n---\nclock: wall", r"^f\.yaml:2: not readable as YAML"),
        ("clock: !!python/name:os.system x", r"^f\.yaml:1: clock: makes no sense as YAML; put it in quotes"),
        ("clock: 2026-13-45", r"^f\.yaml:1: clock: makes no sense as YAML; put it in quotes"),
        ("kafka: {<<: {group: a}}", r"^f\.yaml:1: kafka: merge keys \(<<\) are not supported"),
        ("queues: &a [*a]", r"^f\.yaml:1: queues\[0\]: contains itself"),
        ("[a]: b", r"^f\.yaml:1: has a key that is not a word"),
        ("clock: !!bool wall", r"^f\.yaml:1: clock: makes no sense as YAML; put it in quotes"),
        ("clock: !!timestamp wall", r"^f\.yaml:1: clock: makes no sense as YAML; put it in quotes"),
        ("clock: !!int ''", r"^f\.yaml:1: clock: makes no sense as YAML; put it in quotes"),
        ("[" * 5_000, r"^f\.yaml:1: not readable as YAML: nested too deeply"),
        (BILLIONS, r"^f\.yaml: more than 100,000 values, its aliases"),
    ],
)
def test_text_that_yaml_cannot_use_is_placed(text: str, expected: str, tmp_path: Path) -> None:
    """Syntax errors, several documents, tags, impossible dates, merge keys and cycles, each with its line."""
    (problem,) = problems_of(text, tmp_path)
    assert re.match(expected, problem)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"timezone": 3}, "timezone: expected a time zone such as Europe/Berlin, got the number 3"),
        ({"timezone": "../etc/passwd"}, 'timezone: expected a time zone, got "../etc/passwd"'),
        ({"horizon": None}, "horizon: expected a duration such as 90s, 30m, 8h or 8d, got nothing"),
        ({"horizon": True}, "horizon: expected a duration such as 90s, 30m, 8h or 8d, got true"),
        ({"horizon": "1 day"}, 'horizon: expected a duration such as 90s, 30m, 1h30m or 8d, got "1 day"'),
        ({"kafka": "broker:9092"}, "kafka: expected keys below it (bootstrap, group"),
        ({"kafka": None}, "kafka: expected keys below it (bootstrap, group"),
        ({"kafka": {"group": "a b"}}, "kafka.group: expected a name of letters, digits, dots, hyphens"),
        ({"kafka": {"topics": {"calls": ".."}}}, "kafka.topics.calls: expected a name of letters"),
        ({"kafka": {"bootstrap": "a:1, b:2"}}, "kafka.bootstrap: expected host:port, or several"),
        ({"kafka": {"bootstrap": "a:70000"}}, "kafka.bootstrap: expected host:port, or several"),
        ({"redis": {"url": "http://h"}}, "redis.url: expected redis://host:port/database"),
        ({"redis": {"url": "redis://h/0?password=x"}}, "redis.url: expected redis://host:port/database"),
        ({"redis": {"namespace": "a:b"}}, "redis.namespace: expected up to 64 letters"),
        ({"redis": {"username": 12}}, "redis.username: expected text, got the number 12; put it in quotes"),
        ({"deadletters": {"max_share": float("nan")}}, "deadletters.max_share: expected a share above 0"),
        ({"deadletters": {"max_share": 80}}, "deadletters.max_share: expected a share above 0 and at most 1"),
        ({"deadletters": {"sample": True}}, "deadletters.sample: expected a whole number from 1"),
        ({"max_event_bytes": 1.5}, "max_event_bytes: expected a whole number from 1024"),
        ({"queues": {"when": {}}}, "queues: expected a list, got a mapping"),
        ({"queues": ["sales"]}, "queues[0]: expected keys below it (when, answer_within"),
        (
            {"queues": [{"when": {"skill": "x"}}]},
            'queues[0].when.skill: expected a segment field, got "skill"',
        ),
        ({"queues": [{"when": {"queue": []}}]}, "queues[0].when.queue: an empty list matches nothing"),
        ({"queues": [{"when": "sales"}]}, "queues[0].when: expected a condition such as {queue: [sales"),
        ({"metrics": ["csat"]}, "metrics: expected a mapping, got a list"),
        ({"metrics": {"csat": "Ann"}}, "metrics.csat: expected keys below it (target, owner, next_action)"),
        ({"metrics": {"csat": {"target": 0.9}}}, "metrics.csat.target: expected one line of text, at most"),
        ({"metrics": {"csat": {"owner": "a\nb"}}}, "metrics.csat.owner: expected one line of text, at most"),
        ({"metrics": {"csat": {"owner": "x" * 201}}}, "metrics.csat.owner: expected one line of text"),
        ({"queues": [{"max_wait": "0s"}]}, "queues[0].max_wait: expected a duration longer than zero"),
    ],
)
def test_a_wrong_value_says_what_was_expected(data: dict[str, object], expected: str) -> None:
    """One problem each, with the path, the expectation and what was found instead."""
    with pytest.raises(ConfigError) as caught:
        parse(data)
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith(expected)


def test_a_configuration_that_is_no_mapping_is_an_error(tmp_path: Path) -> None:
    """A list or a word as the whole file."""
    (problem,) = problems_of("- timezone", tmp_path)
    assert problem.startswith("f.yaml:1: expected keys below it (timezone, clock")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('timezone: UTC\nhorizon: "\\UFFFFFFFF"', "f.yaml:2: not readable as YAML: it holds a number out of"),
        (f"%YAML {'9' * 5000}.1\n---\nhorizon: 8d", "f.yaml:1: not readable as YAML: it holds a number out"),
        ("timezone: UTC\nhorizon: \a", "f.yaml:2: not readable as YAML: it holds a character that YAML does"),
        (f"a: &a {'[' * 90}{']' * 90}\nb: {'[' * 90}*a{']' * 90}", "f.yaml:1: b[0]"),
        (f"horizon: 0x{'f' * 5000}", "f.yaml:1: horizon: a duration needs a unit, got a huge number"),
        ('default_calendar: "\\ud800"', "f.yaml:1: default_calendar: holds half a character"),
        ('"\\ud800": 1', "f.yaml:1: holds half a character"),
        (r'"\e[2J\x9b": 1', "f.yaml:1: ?[2J?: unknown key"),
    ],
)  # fmt: skip
def test_what_no_yaml_should_hold_is_an_error_like_any_other(text: str, said: str, tmp_path: Path) -> None:
    """With its place, and without what would steer a terminal."""
    assert any(problem.startswith(said) for problem in problems_of(text, tmp_path))


def test_of_a_wrong_file_the_first_hundred_problems_are_told(tmp_path: Path) -> None:
    """In the time that these take: for each the nearest known word is looked for, in bounded text."""
    keys = "".join(f"? {'x' * 2000}{number}\n" for number in range(300))
    metrics = "metrics:\n" + "".join(f"  m{number}: {{}}\n" for number in range(300))
    for text in (keys, metrics):
        (tmp_path / "f.yaml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / "f.yaml", {}, metric_ids=["backlog"])
        assert len(caught.value.problems) == 101
        assert "f.yaml:1:" in caught.value.problems[0] or "f.yaml:2:" in caught.value.problems[0]
        assert caught.value.problems[-1].startswith("these are the first 100 problems")
        assert max(map(len, caught.value.problems)) < 1000
