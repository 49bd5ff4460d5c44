"""Sessions under other groupings than the usual ones: few dimensions, or none."""

from __future__ import annotations

import pytest

from stream.config import parse
from stream.query.model import Question
from tests.answers import Told, image, ms
from tests.test_core_oracle import answer_of

SESSION: list[Told] = [
    ("2026-03-02T09:20:00", "selfservice.started", "H1", {"session": {"channel": "web", "product": "core"}}),
    ("2026-03-02T09:22:00", "selfservice.article_rated", "H1", {"article": "a1", "helpful": True}),
    ("2026-03-02T09:24:00", "selfservice.ended", "H1", {"session": {"channel": "chat"}}),
]


@pytest.mark.parametrize("groupings", [[], [["article"]], [["channel"]], [["article", "channel"]]])
def test_any_groupings_will_do(groupings: list[list[str]]) -> None:
    """Every number is there by each of them; article is of ratings only."""
    config = parse({"groupings": {"selfservice": groupings}})
    images = {("selfservice", 0): image("selfservice", config, SESSION, "2026-03-02T10:00:00")}
    expected: dict[str, tuple[dict[str, str | None], int]] = {
        "selfservice_sessions": ({"channel": "web", "article": None}, 1),
        "selfservice_success_rate": ({"channel": "chat", "article": None}, 0),
        "article_helpful_rate": ({"channel": "web", "article": "a1"}, 1),
    }
    now_ms, from_ms = ms("2026-03-02T10:00:00"), ms("2026-03-02T09:00:00")
    for fields in [[], *groupings]:
        for metric, (segments, value) in expected.items():
            answer = answer_of(images, Question(metric, now_ms, from_ms, now_ms, tuple(fields)), config)
            found = [(row.by, row.values["value"]) for row in answer.rows]
            assert ({field: segments[field] for field in fields}, value) in found
            assert sum(bool(row.values["value"]) for row in answer.rows) == value
