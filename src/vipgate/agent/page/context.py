"""What all pages share. Made once, by `build_page`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment

from vipgate.agent.config import Config, load_config
from vipgate.agent.opening import spool_path
from vipgate.agent.page.agent_process import AgentProcess
from vipgate.agent.page.jobs import Job
from vipgate.agent.page.setup_cache import SetupCache
from vipgate.agent.page.usage import Usage
from vipgate.i18n import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Dependencies of the pages. `config_path` need not exist yet; `base` is the path below which the pages lie.

    `asked_language`: that of VIPGATE_LANGUAGE, which counts before the browser's.
    """

    config_path: Path
    given_spool: Path | None
    base: str
    templates: Environment
    clock_us: Callable[[], int]
    process: AgentProcess
    asked_language: Language | None = None
    # Work on the whole source: one at a time.
    job: Job = field(default_factory=Job)
    setup: SetupCache = field(default_factory=SetupCache)
    usage: Usage = field(default_factory=Usage)

    def config(self) -> Config:
        """Loads the configuration: a person may have edited it meanwhile. Raises UsageError."""
        return load_config(self.config_path)

    def spool_path(self, config: Config) -> Path:
        """The path of the agent's spool."""
        return spool_path(config, self.given_spool)
