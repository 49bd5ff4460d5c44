"""The real Alertmanager: an alert appears, is grouped, stands, and resolves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.alerts.channels import channels
from stream.alerts.channels.http import new_client
from stream.alerts.state import Told
from stream.config import parse
from tests.alerts import NOW, a_message, an_alert
from tests.conftest import _part
from tests.rig.alertmanager import AlertmanagerServer, alertmanager_program

AT_RISK = {"a": Told(kind="at_risk", at_ms=NOW, stage="at_risk")}
BREACHED = {"a": Told(kind="breached", at_ms=NOW, stage="breached")}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[AlertmanagerServer]:
    """A server of this test's own."""
    server = AlertmanagerServer(tmp_path, _part(alertmanager_program))
    server.start()
    yield server
    server.stop()


async def test_an_alert_appears_is_grouped_and_resolves(alertmanager: AlertmanagerServer) -> None:
    """A warning, which the breach replaces; another one of the same team; the end of the first."""
    config = parse({"alerts": {"destinations": {"am": {"kind": "alertmanager", "url": alertmanager.url}}}})
    async with new_client() as client:
        am = channels(config.alerts.destinations, client)["am"]
        await am.send([a_message("at_risk", stage="at_risk", level="75%")])
        (warning,) = alertmanager.until(1, alertname="SlaAtRisk")
        assert warning["labels"]["severity"] == "warning"
        assert warning["generatorURL"] == "https://help.example/tickets/1"
        await am.send([a_message("breached", told=AT_RISK)])
        (breach,) = alertmanager.until(1, alertname="SlaBreached")
        alertmanager.until(0, alertname="SlaAtRisk")
        assert (breach["labels"]["team"], breach["labels"]["subject"]) == ("billing", "zendesk:1")
        assert breach["annotations"]["summary"].startswith("SLA breached: first_reply of zendesk:1")
        await am.send([a_message("breached", an_alert(subject="zendesk:2")), a_message("breached")])
        alertmanager.until(2, alertname="SlaBreached")
        assert alertmanager.groups() == {"billing": 2}
        await am.send([a_message("resolved", told=BREACHED, ended="fulfilled", ended_ms=NOW)])
        (left,) = alertmanager.until(1, alertname="SlaBreached")
        assert left["labels"]["subject"] == "zendesk:2"
