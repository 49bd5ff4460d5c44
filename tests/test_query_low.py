"""Low scores with a comment, as a list to follow up."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stream.cli.main import cli
from stream.config import Config, RedisConfig, load
from stream.lifecycle.survey import is_low
from stream.query.low import LowScore, low_scores
from stream.shard.family import family
from tests.answers import Told, image, ms, put

NOW = "2026-03-02T12:00:00"
TEN = "2026-03-02T10:00:00"
UTC = Config()
ALL = (ms("2026-03-01T00:00:00"), ms("2026-03-03T00:00:00"))


def answer(name: str, kind: str, score: int | bool, comment: bool = True, **more: Any) -> Told:
    """An answer at ten."""
    response: dict[str, Any] = {"confirmed" if kind == "fcr" else "score": score, "comment": comment}
    return TEN, "survey.responded", name, {"survey": {"kind": kind, **more}, "response": response}


def found(events: list[Told], span: tuple[int, int] = ALL, **where: str | None) -> list[LowScore]:
    """The low scores of these events."""
    states = image("surveys", UTC, events, NOW).states
    return list(low_scores(family("surveys", UTC), states.items(), span, where))


@pytest.mark.parametrize(
    ("facts", "low", "not_low"),
    [
        (("csat", None, None, None, None), 3, 4),
        (("csat", 1, 10, 7, None), 6, 7),
        (("nps", None, None, None, None), 6, 7),
        (("fcr", None, None, None, None), False, True),
        (("ces", None, None, None, "ease"), 3, 4),
        (("ces", None, None, None, "effort"), 5, 4),
        (("cx", None, None, None, None), 2, 3),
        (("employee", None, None, None, None), 4, 5),
    ],
)
def test_what_is_low(facts: tuple[Any, ...], low: int, not_low: int) -> None:
    """By kind, scale and direction of the question."""
    assert is_low(facts, low)
    assert not is_low(facts, not_low)


def test_while_the_kind_is_unknown_nothing_is_low() -> None:
    """The question's scale alone does not tell which end is the good one."""
    assert not is_low((None, 1, 5, None, None), 1)


def test_whom_to_call_back_about_what() -> None:
    """The answer in force, with the ticket, call and customer that any event of the invitation named."""
    sent = {"survey": {"kind": "csat", "customer": "C7", "team": "red"}}
    events: list[Told] = [
        ("2026-03-02T09:00:00", "survey.sent", "S1", sent),
        answer("S1", "csat", 2, ticket="T9", agent="ann"),
    ]
    about = {"ticket": "T9", "customer": "C7"}
    segments = {"kind": "csat", "team": "red", "agent": "ann"}
    assert found(events) == [LowScore("S1", ms(TEN), "csat", 2, (1, 5), about, segments)]


def test_who_is_not_listed() -> None:
    """Those without a comment, good answers, and low ones that were raised later."""
    better = {"survey": {"kind": "csat"}, "response": {"score": 5, "comment": True}}
    raised: Told = ("2026-03-02T11:00:00", "survey.updated", "S3", better)
    assert found([answer("S1", "csat", 2, comment=False), answer("S2", "csat", 4)]) == []
    assert found([answer("S3", "csat", 1)]) != []
    assert found([answer("S3", "csat", 1), raised]) == []


def test_by_window_and_dimension() -> None:
    """Half-open, as all windows."""
    events = [answer("S1", "csat", 2, team="red"), answer("S2", "csat", 2, team="blue")]
    assert [low.survey for low in found(events, team="red")] == ["S1"]
    assert len(found(events, (ms(TEN), ms(TEN) + 1))) == 2
    assert found(events, (ms(TEN) - 1, ms(TEN))) == []


def test_the_command(redis_config: RedisConfig, tmp_path: Path) -> None:
    """A table, or JSON; an unknown dimension says which there are."""
    path = tmp_path / "floorcast.yaml"
    url, namespace = redis_config.url, redis_config.namespace
    path.write_text(f"clock: events\nredis: {{url: '{url}', namespace: {namespace}}}\n")
    config = load(path, {})
    made = image("surveys", config, [answer("S1", "csat", 2, customer="C7"), answer("S2", "fcr", False)], NOW)
    asyncio.run(put(config.redis, {("surveys", 0): made}))

    def run(*words: str) -> Any:
        return CliRunner().invoke(cli, ["surveys", "low", "--config", str(path), *words])

    told = json.loads(run("--json").stdout)
    listed = [(low["survey"], low["score"], low["about"]) for low in told]
    assert listed == [("S1", 2, {"customer": "C7"}), ("S2", False, {})]
    table = run().stdout
    assert "2 of 1-5" in table
    assert "customer C7" in table
    assert "no low scores with a comment" in run("--window", "1h", "--where", "team=red").stdout
    wrong = run("--where", "brand=x")
    assert wrong.exit_code == 2
    assert "groupings.surveys" in wrong.stderr
