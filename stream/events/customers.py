"""Topic `support.customers`: the customer's relation with the business (subject = customer id)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from stream.events.envelope import Count, Envelope, Instant, Optional, Value, ranks

RANKS = ranks(
    "customer.created", "customer.updated", "customer.churned", "customer.reactivated", "customer.active",
    "customer.order_placed", "customer.order_refunded", "customer.subscription_started",
    "customer.subscription_renewed", "customer.subscription_changed", "customer.subscription_cancelled",
    "customer.upsold", "customer.cross_sold", "customer.cost_recorded", "customer.mentioned",
)  # fmt: skip
REQUIRED = {
    "customer.order_placed": "order", "customer.order_refunded": "order", "customer.cost_recorded": "cost",
    "customer.mentioned": "mention",
}  # fmt: skip

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Minor = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class Customer(Struct, gc=False):
    type: Value | Optional = UNSET
    plan: Value | Optional = UNSET
    region: Value | Optional = UNSET
    tier: Value | Optional = UNSET


class Order(Struct, gc=False):
    id: str
    amount_minor: Minor
    currency: Currency
    items: Count | Optional = UNSET


class Subscription(Struct, gc=False):
    id: str
    mrr_minor: Minor
    currency: Currency
    term_end: Instant | Optional = UNSET


class Cost(Struct, gc=False):
    kind: Value
    amount_minor: Minor
    currency: Currency
    ticket: str | Optional = UNSET


class Mention(Struct, gc=False):
    network: Value
    sentiment: str | int | float | Optional = UNSET


class Data(Struct, gc=False):
    customer: Customer | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    subscription: Subscription | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET
    mention: Mention | UnsetType = UNSET


class CustomerEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
