"""Kinds of destination, one file each. A new one: its file here, its keys in `stream/config/alerts.py`."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from stream.alerts.channels.alertmanager import Alertmanager
from stream.alerts.channels.channel import Channel
from stream.alerts.channels.pagerduty import PagerDuty
from stream.alerts.channels.slack import Slack
from stream.alerts.channels.webhook import Webhook
from stream.config.alerts import AlertmanagerConfig, Destination, PagerDutyConfig, SlackConfig


def channels(destinations: Mapping[str, Destination], client: httpx.AsyncClient) -> dict[str, Channel]:
    """A channel for every destination, by name."""
    return {name: _channel(name, keys, client) for name, keys in destinations.items()}


def _channel(name: str, keys: Destination, client: httpx.AsyncClient) -> Channel:
    if isinstance(keys, SlackConfig):
        return Slack(name, keys, client)
    if isinstance(keys, PagerDutyConfig):
        return PagerDuty(name, keys, client)
    if isinstance(keys, AlertmanagerConfig):
        return Alertmanager(name, keys, client)
    return Webhook(name, keys, client)
