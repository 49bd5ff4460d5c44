"""A survey at an airport through Kafka, worker and Redis: every figure is the published or the raw rows'."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from stream.query.request import Request
from tests.realdata import adapters, expected
from tests.realdata.deploy import (
    DAY,
    Read,
    Source,
    ask,
    assert_intact,
    each_way,
    midnight,
    read_in,
)
from tests.realdata.where import real_data

SUMMER = Request(from_="2017-05-01", to="2017-09-01")
NPS = ("value", "count", "promoters", "passives", "detractors")


@each_way
def sfo(request: pytest.FixtureRequest) -> Iterator[Read]:
    """The passengers of 2017 in the airport's time zone, by question too."""
    source = Source("sfo", real_data("sfo") / "2017.csv.gz", "2017-09-01T00:00:00-07:00")
    groupings = "[[kind], [channel], [category]]"
    yield from read_in(request, source, {"TIMEZONE": adapters.SFO_ZONE.key, "GROUPINGS_SURVEYS": groupings})


async def test_sfo_totals(sfo: Read) -> None:
    """NPS 39.8398 of 1,436 / 968 / 342 and CSAT 82.068 % of 2,688."""
    nps = (await ask(sfo.only, "nps", replace(SUMMER, stats=NPS))).one()
    assert (nps["promoters"], nps["passives"], nps["detractors"]) == (1_436, 968, 342)
    assert round(nps["value"], 4) == 39.8398
    csat = (await ask(sfo.only, "csat", SUMMER)).one()
    assert csat["denominator"] == 2_688
    assert round(100 * csat["value"], 3) == 82.068


async def test_sfo_every_day(sfo: Read) -> None:
    """The daily table of another author (NPS with its groups), and CSAT and CES by question of each day."""
    days = expected.sfo_days(sfo.source.file)
    daily = replace(SUMMER, step="1d")
    nps = (await ask(sfo.only, "nps", replace(daily, stats=NPS))).by_end()
    csat = (await ask(sfo.only, "csat", daily)).by_end()
    ends = {midnight(day + DAY, adapters.SFO_ZONE): row for day, row in days.items()}
    assert {end for end, values in nps.items() if values["count"]} == set(ends)
    for end, row in ends.items():
        assert nps[end] == {
            "value": row.nps, "count": row.answers,
            "promoters": row.promoters, "passives": row.passives, "detractors": row.detractors,
        }, end  # fmt: skip
        assert (csat[end]["numerator"], csat[end]["denominator"]) == (row.satisfied, row.rated), end
    published = expected.read(sfo.source.file.with_name("ref2017_agg_nps_daily.csv"))
    assert len(published) == len(ends)
    for line in published:
        day = nps[midnight(date.fromisoformat(line["date"]) + DAY, adapters.SFO_ZONE)]
        assert day["value"] == pytest.approx(float(line["nps"])), line
    for category, question in (("finding", "Q14FIND"), ("security", "Q14PASSTHRU")):
        asked = replace(daily, stats=("value", "count"), where=(f"category={category}",))
        ces = (await ask(sfo.only, "ces", asked)).by_end()
        scores = {end: row.ces[question] for end, row in ends.items() if row.ces[question]}
        assert ces == {end: {"value": sum(s) / len(s), "count": len(s)} for end, s in scores.items()}


async def test_sfo_intact(sfo: Read) -> None:
    """Every record counted, copies found out, and mixed `floorcast verify` says equal."""
    await assert_intact(sfo.only, sfo.source, sfo.way)
