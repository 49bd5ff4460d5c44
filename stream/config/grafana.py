"""The section `grafana`: where the parts around floorcast are, for what `floorcast generate` writes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from stream.config.keys import Key
from stream.config.kinds import HttpUrl, Text

_HOST = Text(r"[A-Za-z0-9._-]+:[0-9]{1,5}", "a host and a port, such as exporter:9464")


class GrafanaConfig(Struct, frozen=True, kw_only=True):
    """What generated rules and dashboards link to, and where Prometheus and Grafana find each other."""

    url: Annotated[str, Key(HttpUrl(), "Where people open Grafana: alerts link to its dashboards")] = (
        "http://127.0.0.1:3000"
    )
    floorcast_url: Annotated[
        str, Key(HttpUrl(), "Where people open the wallboards: dashboards link to them")
    ] = "http://127.0.0.1:8080"
    runbooks_url: Annotated[
        str | None, Key(HttpUrl(), "Where your copy of docs/runbooks.md is read; null = that path")
    ] = None
    exporter: Annotated[str, Key(_HOST, "Where Prometheus finds `floorcast exporter`")] = "exporter:9464"
    alertmanager: Annotated[str, Key(_HOST, "Where Prometheus finds Alertmanager")] = "alertmanager:9093"
    prometheus_url: Annotated[str, Key(HttpUrl(), "Where Grafana finds Prometheus")] = (
        "http://prometheus:9090"
    )
