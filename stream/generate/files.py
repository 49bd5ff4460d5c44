"""Everything that `floorcast generate` writes: path -> text."""

from __future__ import annotations

from typing import Final

from stream.config import Config
from stream.generate.alerts_backlog import alerts_backlog
from stream.generate.alerts_floorcast import alerts_floorcast
from stream.generate.alerts_metrics import alerts_metrics
from stream.generate.alerts_sla import alerts_sla
from stream.generate.dashboards.all import dashboards
from stream.generate.recording import recording
from stream.generate.rules import Group, Links, rules_plain, trials_plain
from stream.generate.servers import alertmanager, datasource, prometheus, provider
from stream.generate.text import as_json, as_yaml
from stream.generate.vocabulary import Vocabulary

RUNBOOKS: Final = "docs/runbooks.md"
RECORDING: Final = "recording"
EVALUATED: Final = {"backlog": "10m", "sla": "1h"}
"""How often promtool evaluates where every minute would take too long: trials of days."""


def rule_files(words: Vocabulary) -> dict[str, list[Group]]:
    """The groups of rules, by file."""
    return {
        RECORDING: recording(words),
        "metrics": alerts_metrics(words),
        "backlog": alerts_backlog(words),
        "sla": alerts_sla(words),
        "floorcast": alerts_floorcast(),
    }


def files(config: Config) -> dict[str, str]:
    """All files of a configuration, by path under the output."""
    words = Vocabulary(config)
    found = rule_files(words)
    links = Links(config.grafana.url.rstrip("/"), config.grafana.runbooks_url or RUNBOOKS)
    texts = {"prometheus/prometheus.yml": as_yaml(prometheus(config))}
    for name, groups in found.items():
        texts[f"prometheus/rules/{name}.yml"] = as_yaml(rules_plain(groups, links))
        if name != RECORDING:
            needed = (RECORDING, name) if name == "sla" else (name,)
            trials = trials_plain({one: found[one] for one in needed}, EVALUATED.get(name, "1m"))
            texts[f"prometheus/tests/{name}.yml"] = as_yaml(trials)
    alerts = [alert for groups in found.values() for group in groups for alert in group.alerts()]
    texts["alertmanager/alertmanager.yml"] = as_yaml(alertmanager(alerts))
    for name, board in dashboards(words).items():
        texts[f"dashboards/{name}.json"] = as_json(board)
    texts["provisioning/datasources/floorcast.yml"] = as_yaml(datasource(config))
    texts["provisioning/dashboards/floorcast.yml"] = as_yaml(provider())
    return texts
