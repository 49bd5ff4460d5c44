"""Topic `support.agents`: what agents are doing (subject = agent id)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from stream.events.envelope import Envelope, Optional, Value, ranks

RANKS = ranks("agent.state_changed", "agent.logged_in", "agent.logged_out", "agent.heartbeat")
REQUIRED = {"agent.state_changed": "state"}

State = Literal["available", "ringing", "busy", "hold", "wrapup", "break", "offline"]


class Agent(Struct, gc=False):
    team: Value | Optional = UNSET
    queues: list[Value] | Optional = UNSET
    site: Value | Optional = UNSET


class Data(Struct, gc=False):
    agent: Agent | UnsetType = UNSET
    state: State | UnsetType = UNSET


class AgentEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
