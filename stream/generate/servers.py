"""What Prometheus, Alertmanager and Grafana are configured with. No secret stands in any of it: receivers of
alerts read theirs from files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from stream.config import Config
from stream.generate.alerts_floorcast import JOB, WATCHDOG
from stream.generate.rules import Alert, quoted

SCRAPE_INTERVAL: Final = "15s"
SECRETS: Final = "/etc/alertmanager/secrets"
"""Where Alertmanager finds a file a receiver, with the address of an incoming webhook in it: of Slack, or of
what speaks its language."""
PAGER: Final = "pager"
DEADMAN: Final = "watchdog"
DATASOURCE: Final = "floorcast"
BOARDS: Final = "/var/lib/grafana/dashboards"


def prometheus(config: Config) -> dict[str, object]:
    """prometheus.yml: scrapes the exporter, evaluates the rules, tells Alertmanager."""
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL},
        "rule_files": ["rules/*.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [config.grafana.alertmanager]}]}],
        },
        "scrape_configs": [
            {"job_name": JOB, "static_configs": [{"targets": [config.grafana.exporter]}]},
        ],
    }


def receiver_of(owner: str) -> str:
    """The receiver of an owner: `Team leads` -> `team-leads`."""
    words = "".join(letter if letter.isalnum() else " " for letter in owner.lower())
    return "-".join(words.split()) or "nobody"


def alertmanager(alerts: Iterable[Alert]) -> dict[str, object]:
    """alertmanager.yml: to the owner, and to the pager too where somebody must act now.

    Its `SlaAtRisk`, `SlaBreached` and `FloorcastBlind` come from `floorcast alerts`; they have no owner and
    go to the team leads, whose tickets they are, and blindness to the pager.
    """
    owners = list(dict.fromkeys(alert.owner for alert in alerts if alert.name != WATCHDOG))
    leads = "Team leads"
    by_owner = [
        {"matchers": [f"owner = {quoted(owner)}"], "receiver": receiver_of(owner)} for owner in owners
    ]
    routes: list[dict[str, Any]] = [
        {
            "matchers": [f'alertname = "{WATCHDOG}"'],
            "receiver": DEADMAN,
            "group_wait": "0s",
            "group_interval": "1m",
            "repeat_interval": "1m",
        },
        {
            "matchers": ['alertname = "FloorcastBlind"'],
            "receiver": PAGER,
        },
        {
            "matchers": ['alertname =~ "SlaAtRisk|SlaBreached"'],
            "receiver": receiver_of(leads),
            "group_by": ["alertname", "team"],
        },
        {"matchers": ['severity = "critical"'], "receiver": PAGER, "continue": True},
        *by_owner,
    ]
    names = dict.fromkeys([PAGER, DEADMAN, receiver_of(leads), *map(receiver_of, owners), "others"])
    return {
        "route": {
            "receiver": "others",
            "group_by": ["alertname", "topic"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": routes,
        },
        "inhibit_rules": _inhibitions(),
        "receivers": [_receiver(name) for name in names],
    }


def _inhibitions() -> list[dict[str, object]]:
    """Who knows that the numbers are missing or old need not be told what they say, nor the same by queue."""
    return [
        {
            "source_matchers": ['alertname =~ "FloorcastExporterDown|FloorcastNoWorker"'],
            "target_matchers": ['alertname =~ "Support.*|FloorcastStale|FloorcastLag|FloorcastSourceSilent"'],
        },
        {
            "source_matchers": ['alertname = "FloorcastStale"'],
            "target_matchers": ['alertname =~ "Support.*|FloorcastLag|FloorcastSourceSilent"'],
            "equal": ["topic"],
        },
        {
            "source_matchers": ['alertname = "SupportServiceLevelLow"'],
            "target_matchers": ['alertname = "SupportQueueServiceLevelLow"'],
        },
        {
            "source_matchers": ['alertname = "SupportAbandonmentHigh"'],
            "target_matchers": ['alertname = "SupportQueueAbandonmentHigh"'],
        },
        {
            "source_matchers": ['alertname = "SupportSlaBurningFast"'],
            "target_matchers": ['alertname = "SupportSlaBurningSlowly"'],
            "equal": ["clock"],
        },
    ]


_TITLE: Final = "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }} ({{ len .Alerts }})"
_PLAIN: Final = (
    r'. | reReplaceAll "[\\pZ\\pC]+" " "'
    ' | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;"'
)
"""One line in which nothing mentions or links anybody, nor turns round what stands behind it."""
_VALUES: Final = _PLAIN + r' | reReplaceAll "[*_~`:]|\\.\\pL" "\u2060${0}\u2060"'
"""The same of what events say, which formats nothing either: word joiners, which nobody sees, are between."""
_TEXT: Final = (
    '{{ define "plain" }}{{ ' + _PLAIN + " }}{{ end -}}\n"
    '{{ define "values" }}{{ ' + _VALUES + " }}{{ end -}}\n"
    '{{ range .Alerts }}*{{ template "values" .Annotations.summary }}*\n'
    '{{ with .Annotations.description }}{{ template "plain" . }}\n{{ end }}'
    '{{ with .Annotations.next_action }}Next: {{ template "plain" . }}\n{{ end }}'
    '{{ with .Annotations.dashboard_url }}{{ template "plain" . }}\n{{ end }}'
    '{{ with .Annotations.runbook_url }}{{ template "plain" . }}\n{{ end }}'
    '{{ with .Annotations.ticket_url }}{{ template "plain" . }}\n{{ end }}'
    "{{ end }}"
)


def _receiver(name: str) -> dict[str, object]:
    told = {
        "api_url_file": f"{SECRETS}/{name}",
        "send_resolved": name != DEADMAN,
        "title": _TITLE,
        "text": _TEXT,
    }
    return {"name": name, "slack_configs": [told]}


def datasource(config: Config) -> dict[str, object]:
    """Grafana's data source."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": DATASOURCE,
                "type": "prometheus",
                "access": "proxy",
                "url": config.grafana.prometheus_url,
                "isDefault": True,
                "jsonData": {"httpMethod": "POST", "timeInterval": SCRAPE_INTERVAL},
            }
        ],
    }


def provider() -> dict[str, object]:
    """Where Grafana finds the dashboards."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "floorcast",
                "folder": "floorcast",
                "type": "file",
                "allowUiUpdates": False,
                "options": {"path": BOARDS},
            }
        ],
    }
