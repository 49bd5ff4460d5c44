"""Topic `support.surveys`: invitations and answers (subject = invitation id), and quality reviews."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from stream.events.envelope import Envelope, Optional, Segments, ranks

RANKS = ranks("survey.sent", "survey.responded", "survey.updated", "survey.expired", "qa.reviewed")
REQUIRED = {"survey.responded": "response", "survey.updated": "response", "qa.reviewed": "review"}

Kind = Literal["csat", "nps", "ces", "fcr", "cx", "employee"]
Point = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]


class Survey(Segments, gc=False):
    """What was asked, of whom."""

    kind: Kind | Optional = UNSET
    scale_min: Point | Optional = UNSET
    scale_max: Point | Optional = UNSET
    satisfied_min: Point | Optional = UNSET
    polarity: Literal["ease", "effort"] | Optional = UNSET
    ticket: str | Optional = UNSET
    call: str | Optional = UNSET
    customer: str | Optional = UNSET


class Response(Struct, gc=False):
    score: Point | UnsetType = UNSET
    confirmed: bool | UnsetType = UNSET
    comment: bool | Optional = UNSET

    def __post_init__(self) -> None:
        if self.score is UNSET and self.confirmed is UNSET:
            raise ValueError("Object missing required field `score` (of kind fcr: `confirmed`)")


class Review(Segments, gc=False, kw_only=True):
    score: Annotated[int, Meta(ge=0, le=100)]
    ticket: str | Optional = UNSET
    call: str | Optional = UNSET


class Data(Struct, gc=False):
    survey: Survey | UnsetType = UNSET
    response: Response | UnsetType = UNSET
    review: Review | UnsetType = UNSET


class SurveyEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
