"""A raw `config:` mapping -> the oracle's configuration."""

from collections.abc import Mapping
from typing import Any

from tests.oracle.agreements import Settings
from tests.oracle.business import duration_ms
from tests.oracle.model import Config, QueueRule

_KEEP = ("tickets", "calls", "surveys", "selfservice", "agents")
_LOST = {"waiting": "lost_waiting_ms", "unfinished": "lost_unfinished_ms", "agents": "gone_agents_ms"}


def config_of(settings: Settings) -> Config:
    """What is not given has the contract's default."""
    given: dict[str, Any] = {}
    for name, text in (settings.get("keep_finished") or {}).items():
        if name in _KEEP:
            given[f"keep_{name}_ms"] = duration_ms(text)
    for name, text in (settings.get("lost") or {}).items():
        given[_LOST[name]] = duration_ms(text)
    queues = tuple(_rule(one) for one in settings.get("queues") or ())
    return Config(queues=queues, settings=settings, **given)


def _rule(told: Mapping[str, Any]) -> QueueRule:
    when = {
        name: tuple(wanted) if isinstance(wanted, list) else (wanted,)
        for name, wanted in (told.get("when") or {}).items()
    }
    lengths = {
        f"{name}_ms": duration_ms(told[name]) for name in ("answer_within", "short_abandon") if name in told
    }
    return QueueRule(when, **lengths)
