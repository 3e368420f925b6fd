"""The texts of the pages in Chinese and English."""

from __future__ import annotations

from typing import Final

from vipgate.agent.page.texts import (
    comparison,
    dead_letters,
    frame,
    overview,
    setup_key,
    setup_mapping,
    setup_platform,
    setup_preview,
    setup_source,
    setup_start,
)
from vipgate.i18n import LocalizedText

_TABLES: Final = (
    frame.TEXTS,
    overview.TEXTS,
    dead_letters.TEXTS,
    comparison.TEXTS,
    setup_platform.TEXTS,
    setup_source.TEXTS,
    setup_key.TEXTS,
    setup_mapping.TEXTS,
    setup_preview.TEXTS,
    setup_start.TEXTS,
)
TEXTS: Final[dict[str, LocalizedText]] = {key: words for table in _TABLES for key, words in table.items()}
if len(TEXTS) != sum(map(len, _TABLES)):
    raise ValueError("a key of page/texts is defined twice")
