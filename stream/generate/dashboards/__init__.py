"""Grafana's dashboards, a file each. `board` lays panels out, `look` says what a number looks like."""
