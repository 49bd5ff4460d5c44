"""Metrics of surveys (measures: topic `support.surveys`)."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import MeanScore, NetPromoter, Ratio

_EASE = MeanScore(m.CES_EASE_SUM, m.CES_EASE_ANSWERS)
_EFFORT = MeanScore(m.CES_EFFORT_SUM, m.CES_EFFORT_ANSWERS)

METRICS = [
    Metric(
        id="csat", kind="ratio", unit="ratio", group="experience", family="surveys",
        formula=Ratio((m.CSAT_SATISFIED,), (m.CSAT_ANSWERS,)),
        help="Satisfied answers / answers; satisfied is the top two points of the scale, or from satisfied_min on.",
        owner="Quality", target="at least 85 %", next_action="Read the low scores with a comment and follow them up.",
        pairs=("survey_response_rate", "first_response_time"),
    ),
    Metric(
        id="nps", kind="score", unit="points", group="experience", family="surveys",
        formula=NetPromoter(m.NPS_PROMOTERS, m.NPS_PASSIVES, m.NPS_DETRACTORS),
        help="100 x (answers of 9-10 less answers of 0-6) / answers; from -100 to 100.",
        owner="Head of support", target="above 30", next_action="Call detractors back; ask quarterly, not after each ticket.",
        pairs=("survey_response_rate", "csat"),
    ),
    Metric(
        id="ces", kind="score", unit="points", group="experience", family="surveys", formula=_EASE,
        help="Mean customer effort score in the question's own direction; ease and effort are never averaged together.",
        owner="Quality", target="above 5.5 of 7 (ease)", next_action="Find the step that customers find hard.",
        labels={"polarity": {"ease": _EASE, "effort": _EFFORT}}, always_by=("polarity",),
        pairs=("survey_response_rate", "csat"),
    ),
    Metric(
        id="survey_response_rate", kind="ratio", unit="ratio", group="experience", family="surveys",
        formula=Ratio((m.SURVEYS_ANSWERED,), (m.SURVEYS_SENT,)),
        help="Of the invitations sent in the window: answered / sent.",
        owner="Quality", target="at least 15 %", next_action="Ask sooner and shorter; small samples mislead.",
        pairs=("csat", "nps"),
    ),
]  # fmt: skip
