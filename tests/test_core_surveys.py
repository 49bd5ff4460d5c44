"""The ease of answers on scales of any ends, as one exact sum."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stream.config import Config
from stream.metrics.catalog import load_catalog
from stream.metrics.formula import MeanScore
from stream.query.explain import explain
from stream.shard.family import family
from tests.answers import Told, image


def told(least: int, greatest: int, scores: list[int]) -> dict[str, int]:
    """What answers on a scale add to the measures of `ces_ease`, by name."""
    question = {"kind": "ces", "scale_min": least, "scale_max": greatest}
    config, amounts = Config(), dict[str, int]()
    for place, score in enumerate(scores):
        subject = f"S{place}"
        answer = {"survey": question, "response": {"score": score}}
        events: list[Told] = [("2026-03-02T09:00:00", "survey.responded", subject, answer)]
        made = image("surveys", config, events, "2026-03-02T10:00:00")
        packed = made.states[subject]
        found = explain(family("surveys", config), config, load_catalog(), made.fence, subject, packed)
        for part in found.contributions:
            if part.measure.startswith("ces_index"):
                amounts[part.measure] = amounts.get(part.measure, 0) + part.amount
    return amounts


def ease(amounts: dict[str, int]) -> Fraction:
    """The mean as the catalog's formula divides it."""
    formula = load_catalog().get("ces_ease").formula
    assert isinstance(formula, MeanScore)
    return Fraction(amounts["ces_index_sum"], amounts["ces_index_answers"] * formula.per)


@pytest.mark.parametrize(
    ("least", "greatest"), [(0, 1), (1, 7), (0, 10), (1, 12), (1, 17), (1, 100), (-50, 50)]
)
def test_on_usual_scales_it_is_exact(least: int, greatest: int) -> None:
    """From two points on, to the last digit."""
    scores = [least, greatest, greatest, least + 1]
    amounts = told(least, greatest, scores)
    exact = Fraction(sum(100 * (score - least) for score in scores), (greatest - least) * len(scores))
    assert ease(amounts) == exact
    assert "ces_index_rounded" not in amounts


def test_on_other_scales_it_is_rounded_and_says_so() -> None:
    """18 points: answers at the ends are exact all the same."""
    amounts = told(1, 18, [1, 8, 18])
    assert amounts["ces_index_rounded"] == 1
    exact = Fraction(100 * (0 + 7 + 17), 17 * 3)
    assert 0 < abs(ease(amounts) - exact) < Fraction(2, 100_000)
