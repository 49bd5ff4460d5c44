"""The commands that read, against a real store: query, explain, metrics, top."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stream.cli.main import cli
from stream.config import RedisConfig, load
from stream.events.partition import partition_of
from stream.shard.image import Image
from tests.answers import REPLY, TEAM_A, Told, image, put

NOW = "2026-03-02T10:00:00"
TICKETS: list[Told] = [
    ("2026-03-02T09:01:00", "ticket.created", "desk:1", TEAM_A),
    ("2026-03-02T09:03:05.250", "ticket.message_added", "desk:1", REPLY),
    ("2026-03-02T09:30:00", "ticket.created", "desk:2", {"ticket": {"team": None}}),
]
SURVEYS: list[Told] = [
    ("2026-03-02T09:00:00", "survey.responded", "S1", {"survey": {"kind": "csat"}, "response": {"score": 5}}),
    ("2026-03-02T09:00:01", "survey.responded", "S2", {"survey": {"kind": "csat"}, "response": {"score": 2}}),
]


class Deployment:
    """A configuration file of a deployment whose numbers stand in Redis."""

    def __init__(self, config: RedisConfig, directory: Path) -> None:
        self.path = directory / "floorcast.yaml"
        self.path.write_text(
            f"timezone: Europe/Berlin\nredis: {{url: '{config.url}', namespace: {config.namespace}}}\n"
        )
        self.config = load(self.path, {})

    def put(self, *empty: tuple[str, int], partitions: int = 1) -> None:
        """Writes the floor of NOW."""
        told = {"tickets": TICKETS, "surveys": SURVEYS, "calls": []}
        images = {(name, 0): image(name, self.config, events, NOW) for name, events in told.items()}
        images |= {shard: Image() for shard in empty}
        asyncio.run(put(self.config.redis, images, partitions))

    def run(self, *words: str) -> Result:
        """A command with this configuration."""
        return CliRunner().invoke(cli, [words[0], "--config", str(self.path), *words[1:]])

    def json(self, *words: str) -> Any:
        """The JSON answer of `query`."""
        result = self.run("query", *words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def deployment(redis_config: RedisConfig, tmp_path: Path) -> Deployment:
    """A deployment in Berlin, with nothing in its store."""
    return Deployment(redis_config, tmp_path)


def test_query_answers_in_json(deployment: Deployment) -> None:
    """Times in the deployment's zone, a row for each group, absent values null."""
    deployment.put()
    told = deployment.json(
        "ticket_volume", "--from", "2026-03-02 10:00", "--to", "2026-03-02T10:00:00Z", "--by", "team"
    )
    assert told.pop("fresh_ms") > 0
    assert told == {
        "metric": "ticket_volume", "unit": "tickets",
        "from": "2026-03-02T10:00:00+01:00", "to": "2026-03-02T11:00:00+01:00",
        "rows": [
            {"by": {"team": None}, "at": "2026-03-02T11:00:00+01:00", "values": {"value": 1}},
            {"by": {"team": "a"}, "at": "2026-03-02T11:00:00+01:00", "values": {"value": 1}},
        ],
    }  # fmt: skip


def test_query_takes_all_its_options(deployment: Deployment) -> None:
    """Stats, conditions, an earlier now, steps."""
    deployment.put()
    at = ("--at", "2026-03-02 11:00")
    told = deployment.json("first_response_time", "--window", "today", *at, "--stat", "mean,count,p99")
    assert told["rows"][0]["values"] == {"mean": 125.25, "count": 1, "p99": pytest.approx(125.25, rel=0.01)}
    told = deployment.json("csat", "--window", "1d", *at)
    assert told["rows"][0]["values"] == {"value": 0.5, "numerator": 1, "denominator": 2}
    assert deployment.json("backlog", *at, "--where", "team=a")["rows"][0]["values"] == {"value": 1}
    assert deployment.json("backlog", *at, "--where", "team=")["rows"][0]["values"] == {"value": 1}
    rows = deployment.json("ticket_volume", "--window", "2h", *at, "--step", "30m")["rows"]
    assert [row["values"]["value"] for row in rows] == [0, 0, 2, 0]


def test_query_shows_people_a_table(deployment: Deployment) -> None:
    """With units, the window really used, and freshness."""
    deployment.put()
    result = deployment.run("query", "csat", "--window", "yesterday", "--at", "2026-03-03 08:00")
    assert result.exit_code == 0, result.output
    assert "csat (ratio), 2026-03-02 00:00:00 to 2026-03-03 00:00:00 Europe/Berlin" in result.stdout
    assert "50.0 %" in result.stdout
    assert "fresh: " in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cast", "--window", "1h"], "there is no metric 'cast'; did you mean csat?"),
        (["csat"], "csat needs a window"),
        (["csat", "--window", "1w"], "a window is"),
        (["csat", "--window", "1h", "--by", "plan"], "no grouping of surveys holds plan"),
        (["ces", "--window", "1h", "--where", "polarity=both"], "polarity is one of ease, effort"),
    ],
)
def test_query_says_what_can_be_asked(deployment: Deployment, words: list[str], said: str) -> None:
    """Exit status 2, and no traceback."""
    deployment.put()
    result = deployment.run("query", *words)
    assert result.exit_code == 2
    assert said.lower() in result.stderr.lower()


def test_query_of_an_empty_store_is_no_data(deployment: Deployment) -> None:
    """Counts are 0, everything else null, and it was never fresh."""
    told = deployment.json("ticket_volume", "--window", "1h")
    assert (told["fresh_ms"], told["rows"][0]["values"]) == (None, {"value": 0})


def test_query_of_a_shard_that_nobody_has_written(deployment: Deployment) -> None:
    """The others answer; the whole was never fresh."""
    deployment.put(partitions=3)
    told = deployment.json("csat", "--from", "2026-03-02", "--to", "2026-03-03")
    assert (told["fresh_ms"], told["rows"][0]["values"]["denominator"]) == (None, 2)


def test_query_without_redis_says_where_it_looked(tmp_path: Path) -> None:
    """Exit status 1."""
    (tmp_path / "floorcast.yaml").write_text("redis: {url: 'redis://127.0.0.1:1/0'}\n")
    words = ["query", "backlog", "--config", str(tmp_path / "floorcast.yaml")]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1
    assert "Error: Redis at redis://127.0.0.1:1/0" in result.stderr


def test_query_with_another_configuration_is_refused(deployment: Deployment) -> None:
    """Its groupings would mean other groups."""
    deployment.put()
    deployment.path.write_text(deployment.path.read_text().replace("Berlin", "Paris"))
    result = deployment.run("query", "backlog")
    assert result.exit_code == 2
    assert "was counted under another configuration" in result.stderr


def test_explain_prints_history_state_and_contributions(deployment: Deployment) -> None:
    """By family or by the topic's name."""
    deployment.put()
    for name in ("tickets", "support.tickets"):
        result = deployment.run("explain", f"{name}/desk:1")
        assert result.exit_code == 0, result.output
        for part in ("ticket.created", "2026-03-02 10:01:00", "first_response_sum", "+125,250"):
            assert part in result.stdout


def test_explain_finds_what_lies_in_another_partition(deployment: Deployment) -> None:
    """And says that it does not belong there."""
    deployment.put(partitions=next(n for n in range(2, 99) if partition_of(b"desk:1", n) != 0))
    assert "its key belongs into partition" in deployment.run("explain", "tickets/desk:1").stdout


@pytest.mark.parametrize(
    ("entity", "status", "said"),
    [
        ("tickets/desk:9", 1, "nothing is known of tickets/desk:9"),
        ("calls/desk:1", 1, "nothing is known of calls/desk:1"),
        ("desk:1", 2, "write TOPIC/ENTITY, such as tickets/zendesk:123"),
        ("customers/a", 2, "topics are tickets, calls, surveys"),
    ],
)
def test_explain_of_what_is_not_there(deployment: Deployment, entity: str, status: int, said: str) -> None:
    """It says what may be the reason."""
    deployment.put()
    result = deployment.run("explain", entity)
    assert result.exit_code == status
    assert said in result.stderr


def test_metrics_lists_the_catalog() -> None:
    """Each with what people need to act on it."""
    listed = json.loads(CliRunner().invoke(cli, ["metrics", "--json"]).stdout)["metrics"]
    (csat,) = [entry for entry in listed if entry["id"] == "csat"]
    assert csat["stats"] == ["value", "numerator", "denominator"]
    assert all(entry[part] for entry in listed for part in ("owner", "target", "next_action", "help", "unit"))
    text = CliRunner().invoke(cli, ["metrics"]).stdout
    assert [entry["id"] for entry in listed if entry["id"] not in text] == []


def test_top_once_prints_a_board(deployment: Deployment) -> None:
    """Without a terminal, plain."""
    deployment.put()
    result = deployment.run("top", "--once")
    assert result.exit_code == 0, result.output
    assert "Tickets by team, last hour" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_top_prints_boards_until_it_is_interrupted(deployment: Deployment, number: int) -> None:
    """One a second where there is no terminal; it ends clean, with exit status 0."""
    deployment.put()
    root = Path(__file__).parents[1]
    command = [
        sys.executable,
        "-c",
        "from stream.cli.main import main; main()",
        "top",
        "--config",
        str(deployment.path),
    ]
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        seen = 0
        deadline = time.monotonic() + 30
        while seen < 2 and time.monotonic() < deadline:
            seen += child.stdout.readline().startswith("floorcast ")
        child.send_signal(number)
        _, errors = child.communicate(timeout=30)
    assert (seen, child.returncode, errors) == (2, 0, "")


def test_a_grouping_without_sketches_answers_all_but_percentiles(
    redis_config: RedisConfig, tmp_path: Path
) -> None:
    """By it the mean, of everything the percentiles, too; else the error says what to do."""
    deployment = Deployment(redis_config, tmp_path)
    with deployment.path.open("a") as file:
        file.write("groupings: {tickets: [[team]], without_sketches: {tickets: [[team]]}}\n")
    deployment.config = load(deployment.path, {})
    deployment.put()
    asked = ("first_response_time", "--from", "2026-03-02 10:00", "--to", "2026-03-02T10:00:00Z")
    (row,) = deployment.json(*asked, "--by", "team")["rows"]
    assert (row["by"], row["values"]) == ({"team": "a"}, {"mean": 125.25})
    (row,) = deployment.json(*asked, "--stat", "p90")["rows"]
    assert row["values"]["p90"] == pytest.approx(125.25, rel=0.01)
    refused = deployment.run("query", *asked, "--by", "team", "--stat", "p90")
    assert refused.exit_code == 2
    assert "percentiles, min and max by team are not kept: of tickets those groupings have" in refused.output
