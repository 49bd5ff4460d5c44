"""`floorcast test`: what it prints, for people and for machines, and what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli.main import cli

GOOD = """
scenario: two tickets
events:
- [2026-03-02 09:00, ticket.created, T1, {ticket: {team: red}}]
- [2026-03-02 09:30, ticket.created, T2, {ticket: {team: blue}}]
expect:
- {metric: ticket_volume, window: today, value: 2}
- {metric: ticket_volume, window: 1h, by: [team],
   rows: [{by: {team: red}, value: 1}, {by: {team: blue}, value: 1}]}
- {metric: ticket_volume, window: 10s, value: 1}
- {sla: T1/first_reply, state: running}
"""
WRONG = GOOD.replace("window: today, value: 2", "window: today, value: 3")


def play(tmp_path: Path, text: str, *words: str) -> Result:
    """The command on one file."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return CliRunner().invoke(cli, ["test", str(path), *words])


def test_all_hold(tmp_path: Path) -> None:
    """Exit status 0; what this version does not have is counted apart."""
    result = play(tmp_path, GOOD, "--seed", "7")
    assert result.exit_code == 0
    assert "1 scenarios (replayed with seed 7): 3 expectations hold, 0 do not" in result.output
    assert "skipped: 1 (sla 1)" in result.output


def test_one_does_not(tmp_path: Path) -> None:
    """Exit status 1: the file, the expectation, expected and actual, and the history; also when replayed."""
    result = play(tmp_path, WRONG)
    assert result.exit_code == 1
    assert f"FAILED {tmp_path / 'mine.yaml'}: two tickets" in result.output
    assert "value: expected 3, was 2" in result.output
    assert "when shuffled with --seed 1" in result.output
    assert "09:30:00+00:00 ticket.created T2" in result.output


def test_for_machines(tmp_path: Path) -> None:
    """The same as JSON."""
    result = play(tmp_path, WRONG, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["held"], told["failed"], told["not_yet"], told["seed"]) == (2, 2, 1, 1)
    (scenario,) = told["scenarios"]
    assert scenario["file"].endswith("mine.yaml")
    assert [failure["replayed"] for failure in scenario["failures"]] == [False, True]
    assert scenario["failures"][0]["problem"] == "value: expected 3, was 2"
    assert len(scenario["history"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: 2}", "vale: 2}", "unknown key 'vale'"),
        (", value: 2}", "}", "nothing is expected"),
        (", by: [team]", "", "`rows` need `by:"),
        ("ticket.created, T1", "tickets.created, T1", "'tickets.created' is of no topic; types begin"),
        ("2026-03-02 09:00,", "yesterday,", "'yesterday' is no time"),
        ("scenario: two tickets", "scenario: two tickets\nexpects: []", "unknown key 'expects'"),
        ("scenario: two tickets", "scenario: two tickets\nconfig: {queue: []}", "unknown"),
        ("- {metric: ticket_volume, window: 10s", "- {metrics: ticket_volume, window: 10s", "names a metric"),
        ("scenario: two", "scenario: [two", "mine.yaml"),
    ],
)  # fmt: skip
def test_a_wrong_file(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Exit status 2: which file, and what is wrong with it."""
    assert old in GOOD
    result = play(tmp_path, GOOD.replace(old, new, 1))
    assert result.exit_code == 2
    assert "mine.yaml" in result.stderr
    assert said in result.stderr
    assert result.stdout == ""


def test_the_example_of_the_page_holds(tmp_path: Path) -> None:
    """docs/scenarios.md shows a file that can be played as it stands."""
    page = (Path(__file__).parent.parent / "docs" / "scenarios.md").read_text()
    result = play(tmp_path, page.split("```yaml")[1].split("```")[0])
    assert result.exit_code == 0, result.output
    assert "3 expectations hold" in result.output
