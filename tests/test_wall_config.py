"""What a wrong board in floorcast.yaml says: file, line, path, what is wrong, and what instead."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from stream.config import Config, ConfigError, describe, load, parse
from stream.metrics.catalog import load_catalog
from stream.query.wall_boards import board_clashes


def read(text: str, directory: Path) -> Config:
    """The configuration of this text as f.yaml, checked as commands check it."""
    file = directory / "f.yaml"
    file.write_text(dedent(text))
    return load(file, {}, metric_ids=load_catalog().ids(), further=board_clashes)


def problems_of(text: str, directory: Path) -> list[str]:
    """The problems that it reports, without the directory."""
    with pytest.raises(ConfigError) as caught:
        read(text, directory)
    return [problem.removeprefix(f"{directory}/") for problem in caught.value.problems]


def problem_of(tile: str, directory: Path) -> str:
    """The one problem of a board with this tile in line 4, after its place."""
    (problem,) = problems_of(f"boards:\n  mine:\n    tiles:\n    - {tile}\n", directory)
    return problem.removeprefix("f.yaml:4: boards.mine.tiles[0]")


def test_a_board_as_the_documentation_has_it(tmp_path: Path) -> None:
    """Every kind of tile; and what `floorcast check` prints of it reads as the same."""
    config = read(
        """\
        boards:
          red:
            title: Red team
            window: today
            where: {team: red}
            tiles:
            - {metric: first_response_time, stat: p90, window: 24h, label: Answered within}
            - {kind: number, metric: agents, where: {state: available}, compare: none}
            - {kind: table, by: priority, top: 5, columns: [{metric: tickets_resolved}, {metric: backlog}]}
            - {kind: sla, clock: first_reply, state: at_risk, most: 8}
            - {kind: sources}
            - {kind: deadletters}
        """,
        tmp_path,
    )
    assert [type(tile).__name__ for tile in config.boards["red"].tiles] == [
        "NumberTile", "NumberTile", "TableTile", "SlaTile", "SourcesTile", "DeadlettersTile",
    ]  # fmt: skip
    assert read(describe(config), tmp_path) == config


def test_all_problems_are_reported_with_their_lines(tmp_path: Path) -> None:
    """Those of single values, and those that only the catalog knows."""
    text = """\
        boards:
          Mine:
            tiles: []
          other:
            window: fortnight
            where: {taem: red}
            tiles:
            - {metric: first_respons_time}
            - {kind: graph}
            - {kind: table}
        """
    assert problems_of(text, tmp_path) == [
        "f.yaml:2: boards.Mine: a name is up to 64 small letters, digits and hyphens, as it stands in the"
        " address",
        "f.yaml:3: boards.Mine.tiles: needs 1 to 40 tiles, has 0",
        "f.yaml:5: boards.other.window: window 'fortnight': expected a duration such as 90s, 30m, 1h30m or"
        " 8d. A window is a length (90s, 15m, 1h, 24h), a number of days (7d, 28d), today, yesterday or"
        " month",
        "f.yaml:6: boards.other.where.taem: unknown dimension; the nearest known one is team (known: agent,"
        " article, brand, category, channel, customer_type, kind, language, plan, priority, product, queue,"
        " region, team, tier)",
        "f.yaml:8: boards.other.tiles[0].metric: there is no metric 'first_respons_time'; did you mean"
        " first_response_time?",
        "f.yaml:9: boards.other.tiles[1]: expected `kind` to be one of number, table, sla, sources,"
        ' deadletters, got "graph"',
        "f.yaml:10: boards.other.tiles[2].by: needs `by`: the dimension whose values are its rows",
        "f.yaml:10: boards.other.tiles[2].columns: needs 1 to 12 columns, has 0",
    ]


@pytest.mark.parametrize(
    ("tile", "problem"),
    [
        (
            "{metric: first_respons_time}",
            ".metric: there is no metric 'first_respons_time'; did you mean first_response_time?",
        ),
        ("{label: X}", ".metric: needs `metric`: the id of one (`floorcast metrics` lists them)"),
        (
            "{metric: csat, stat: p90}",
            ".stat: csat has no 'p90'; it offers value, numerator, denominator",
        ),
        ("{metric: longest_wait, window: 1h}", ".window: longest_wait is of now and has no window"),
        (
            "{metric: csat, window: 90m5}",
            ".window: window '90m5'",
        ),
        (
            "{metric: csat, windw: 1h}",
            ".windw: unknown key; the nearest known key is boards.mine.tiles[0].window",
        ),
        ("{kind: grid}", ": expected `kind` to be one of number, table, sla, sources, deadletters, got "),
        (
            "{kind: table, by: taem, columns: [{metric: backlog}]}",
            ".columns[0].metric: unknown dimension 'taem'; the nearest known one is team",
        ),
        (
            "{kind: table, by: region, columns: [{metric: backlog}]}",
            ".columns[0].metric: no grouping of tickets holds region; there are ",
        ),
        ("{kind: table, columns: [{metric: backlog}]}", ".by: needs `by`: the dimension whose values "),
        ("{kind: table, by: team}", ".columns: needs 1 to 12 columns, has 0"),
        (
            "{metric: agents, where: {state: availble}}",
            ".where: state is one of available, ringing, busy, hold, wrapup, break, not 'availble'; the"
            " nearest is available",
        ),
        (
            "{metric: ces}",
            ".where: ces is never mixed over polarity: ask for one, {polarity: ...} (ease, effort)",
        ),
        ("{kind: sla, clock: first_replay}", ".clock: expected first_reply, "),
        ("{kind: sla, where: {taem: a}}", ".where.taem: unknown dimension; the nearest known one is team"),
        ("{metric: backlog, where: {team: [a, b]}}", ".where.team: expected one text, got a list"),
        ("{metric: csat, compare: year}", '.compare: expected week or none, got "year"'),
    ],
)  # fmt: skip
def test_what_a_wrong_tile_says(tile: str, problem: str, tmp_path: Path) -> None:
    """The key at fault, and what would be right."""
    assert problem_of(tile, tmp_path).startswith(problem)


def test_numbers_by_agent_are_not_for_everybody_when_so_configured() -> None:
    """`private` is false unless it is said."""
    config = parse({"boards": {"a": {"private": True, "tiles": [{"metric": "csat"}]},
                               "b": {"tiles": [{"metric": "csat"}]}}})  # fmt: skip
    assert [board.private for board in config.boards.values()] == [True, False]


def test_boards_do_not_change_what_is_counted() -> None:
    """Workers need not know them."""
    config = parse({"boards": {"a": {"tiles": [{"metric": "csat"}]}}})
    assert config.shape_hash() == Config().shape_hash()


@pytest.mark.parametrize("page", ["boards.md", "configuration.md"])
def test_what_the_documentation_shows_can_be_used(page: str, tmp_path: Path) -> None:
    """Its example of boards is one that is taken."""
    text = (Path(__file__).parents[1] / "docs" / page).read_text()
    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "boards:" in block]
    assert list(read(example, tmp_path).boards) == ["red"]
