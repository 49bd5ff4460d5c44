"""Rules, alerts and dashboards as files, made from the catalog: what `floorcast generate` writes.

`vocabulary` says a metric in PromQL; `recording`, `alerts_metrics`, `alerts_sla` and `alerts_floorcast` are
rules, `trials` their tests for promtool; `dashboards` has a file a dashboard, `servers` what Prometheus,
Alertmanager and Grafana are configured with. `files` puts all of it together. Nothing here does I/O.
"""
