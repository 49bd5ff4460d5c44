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
        id="ces_ease", kind="score", unit="points", group="experience", family="surveys",
        formula=MeanScore(m.CES_INDEX_SUM, m.CES_INDEX_ANSWERS, m.EASE_UNIT // 100),
        help="Mean ease on 0-100, 100 easiest: each answer's place on its own scale, turned round for effort questions.",
        owner="Quality", target="above 75", next_action="Find the step that customers find hard; ces tells the scale's points.",
        pairs=("ces", "survey_response_rate"),
    ),
    Metric(
        id="cx_rating", kind="score", unit="points", group="experience", family="surveys",
        formula=MeanScore(m.CX_SUM, m.CX_ANSWERS),
        help="Mean customer experience rating (kind cx), in the points of the question's scale; 1-5 unless declared.",
        owner="Head of support", target="above 4.2 of 5", next_action="See which channel and product pull it down; read the comments.",
        pairs=("survey_response_rate", "nps"),
    ),
    Metric(
        id="employee_satisfaction", kind="score", unit="points", group="experience", family="surveys",
        formula=MeanScore(m.EMPLOYEE_SUM, m.EMPLOYEE_ANSWERS),
        help="Mean answer of the staff (kind employee), in the points of the question's scale; 0-10 unless declared.",
        owner="Head of support", target="above 7.5 of 10", next_action="Talk with the teams that fell; look at load and schedules first.",
        pairs=("survey_response_rate", "csat"),
    ),
    Metric(
        id="fcr_survey", kind="ratio", unit="ratio", group="quality", family="surveys",
        formula=Ratio((m.SURVEYS_FCR_CONFIRMED,), (m.SURVEYS_FCR_ANSWERS,)),
        help="First contact resolution as customers see it: confirmed / answers of kind fcr.",
        owner="Quality", target="at least 70 %", next_action="Where it is under the measured one, find what comes back.",
        pairs=("survey_response_rate", "tickets_reopened"),
    ),
    Metric(
        id="qa_score", kind="score", unit="points", group="quality", family="surveys", formula=MeanScore(m.QA_SUM, m.QA_REVIEWS),
        help="Mean score (0-100) of quality reviews, counted at the review; a corrected review replaces the first.",
        owner="Quality", target="above 85", next_action="Coach on the criterion that loses most points; calibrate the reviewers.",
        pairs=("csat", "call_handle_time"),
    ),
    Metric(
        id="survey_response_rate", kind="ratio", unit="ratio", group="experience", family="surveys",
        formula=Ratio((m.SURVEYS_ANSWERED,), (m.SURVEYS_SENT,)),
        help="Of the invitations sent in the window: answered / sent. Read it by kind: kinds differ widely.",
        owner="Quality", target="at least 15 %", next_action="Ask sooner and shorter; small samples mislead.",
        pairs=("csat", "nps"),
    ),
]  # fmt: skip
