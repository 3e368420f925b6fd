"""The Chinese of the agent's messages and of its commands: English template → Chinese template, by part of the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vipgate.agent.translations import (
    checks,
    commands,
    configuration,
    help_texts,
    mapping,
    page,
    platform,
    sheets,
    sources,
    support,
    sync,
)

# One module for each part of the program.
PARTS: Final = (checks, commands, configuration, help_texts, mapping, page, platform, sheets, sources, support, sync)
CHINESE: Final[Mapping[str, str]] = {english: chinese for part in PARTS for english, chinese in part.TEXTS.items()}
