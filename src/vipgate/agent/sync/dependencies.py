"""What an agent takes from outside: clocks, randomness, source and platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vipgate.agent.client import Client
from vipgate.agent.sources.base import Source
from vipgate.i18n import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDependencies:
    """Clocks, randomness, and access to source and platform."""

    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    chance: Callable[[], float]
    open_source: Callable[[], Source]
    client: Client
    language: Language | None = None
