"""Who and what is on the floor: queues, teams, categories, customers, and how often each occurs."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Values with weights; faster than `Random.choices`, which sums them at every call."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._values = list(weights)
        self._sums = list(accumulate(weights.values()))

    def draw(self, random: Random) -> T:
        """One value, as often as its weight says."""
        return self._values[bisect(self._sums, random.random() * self._sums[-1])]


TEAM_OF_CATEGORY = {
    "billing": "billing", "refund": "billing",
    "login": "frontline", "shipping": "frontline", "how_to": "frontline",
    "bug": "technical", "outage": "technical", "integration": "technical",
}  # fmt: skip
CATEGORIES = Weighted({
    "how_to": 22, "shipping": 20, "billing": 17, "login": 14, "bug": 12, "refund": 8, "integration": 4,
    "outage": 3,
})  # fmt: skip
QUEUE_OF_TEAM = {"billing": "billing", "frontline": "general", "technical": "technical"}
ESCALATION_TEAM = "engineering"
VIP_TEAM, VIP_QUEUE = "premium", "vip"
SITES = ("lisbon", "krakow")

TICKET_CHANNELS = Weighted({"email": 46, "web": 24, "chat": 12, "social": 8, "sms": 5, "api": 5})
PRIORITIES = Weighted({"normal": 62, "low": 18, "high": 15, "urgent": 5})
URGENCY = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
"""The order in which work is taken: lower first."""

_PLANS = Weighted({"free": 45, "basic": 30, "business": 18, "enterprise": 7})
_REGIONS = Weighted({"emea": 45, "amer": 35, "apac": 20})
_LANGUAGES = {
    "emea": Weighted({"en": 40, "de": 30, "fr": 20, "es": 10}),
    "amer": Weighted({"en": 75, "es": 25}),
    "apac": Weighted({"en": 60, "ja": 40}),
}
_PRODUCTS = Weighted({"core": 55, "mobile": 25, "analytics": 12, "connect": 8})
CUSTOMERS = 50_000


def contact(random: Random) -> dict[str, Any]:
    """A new contact's segment fields and ids: who calls or writes (a customer never changes), about what."""
    number = int(random.paretovariate(0.9) * 1500) % CUSTOMERS  # a few contact often, most hardly ever
    return {"category": CATEGORIES.draw(random), "product": _PRODUCTS.draw(random), **_customer(number)}


@lru_cache(maxsize=CUSTOMERS)  # seeding a generator takes longer than all else of an event
def _customer(number: int) -> dict[str, str]:
    who = Random(number)
    plan, region = _PLANS.draw(who), _REGIONS.draw(who)
    return {
        "customer": f"sim:C{number:05d}",
        "plan": plan,
        "region": region,
        "language": _LANGUAGES[region].draw(who),
        "customer_type": "business" if plan in ("business", "enterprise") else "private",
    }
