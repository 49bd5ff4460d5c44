"""Public holidays by country, from the library `holidays`: the only place that knows it.

It is imported when holidays are asked for: it takes longer to load than the rest of the configuration.
"""

from __future__ import annotations

import warnings
from datetime import date
from functools import cache

from stream.config.problems import Wrong, nearest, shown

YEARS = range(2000, 2061)
"""The years whose holidays are known. Rules of other years are not written yet, or no ticket is that old."""


@cache
def holiday_dates(country: str, subdivision: str | None) -> tuple[date, ...]:
    """The public holidays of `YEARS`, ascending, with the days on which they are observed instead."""
    import holidays

    with warnings.catch_warnings():
        # Of some countries the library knows fewer years, and says so with every call.
        warnings.simplefilter("ignore")
        return tuple(sorted(holidays.country_holidays(country, subdiv=subdivision, years=YEARS)))


def check_place(country: str, subdivision: str | None) -> None:
    """Raises Wrong, naming the key at fault and the nearest known value, when there are no such holidays."""
    import holidays
    from holidays.registry import COUNTRIES

    known = holidays.list_supported_countries()
    if country not in known:
        names = {name.replace("_", " ").title(): codes[1] for name, codes in COUNTRIES.items()}
        near = nearest(country, [*known, *names])
        where = f"{names[near]} ({near})" if near in names else near
        raise Wrong(
            f"expected the code of a country, got {shown(country)}; the nearest known is {where}", "country"
        )
    if subdivision is None:
        return
    subdivisions = known[country]
    aliases = holidays.country_holidays(country).subdivisions_aliases
    if not subdivisions:
        raise Wrong(f"{country} has no subdivisions with holidays of their own: remove it", "subdivision")
    if subdivision not in subdivisions and subdivision not in aliases:
        near = nearest(subdivision, [*subdivisions, *aliases])
        where = f"{aliases[near]} ({near})" if near in aliases else near
        raise Wrong(
            f"expected a subdivision of {country}, got {shown(subdivision)}; the nearest known is {where}",
            "subdivision",
        )
