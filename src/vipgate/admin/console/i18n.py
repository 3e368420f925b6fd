"""The texts of the console in Chinese and English."""

from __future__ import annotations

from typing import Final

from vipgate.admin.console.translations import (
    accounts,
    charge_types,
    common,
    held_replaces,
    overview,
    park,
    parks,
    records,
    requests,
    signature_check,
    vehicles,
)
from vipgate.errors import RequestError
from vipgate.i18n import Language, LocalizedText
from vipgate.support.web import translator

_TABLES: Final = (
    common.TEXTS,
    overview.TEXTS,
    parks.TEXTS,
    park.TEXTS,
    held_replaces.TEXTS,
    accounts.TEXTS,
    records.TEXTS,
    vehicles.TEXTS,
    requests.TEXTS,
    signature_check.TEXTS,
    charge_types.TEXTS,
)
TEXTS: Final[dict[str, LocalizedText]] = {key: words for table in _TABLES for key, words in table.items()}
if len(TEXTS) != sum(map(len, _TABLES)):
    raise ValueError("a key of console/translations is defined twice")
CODES: Final = {
    "1001": LocalizedText("操作成功", "stored"),
    **{one.code: one.message for one in RequestError.__subclasses__()},
}


class Translator(translator.Translator):
    """The console's texts and formats of one language; templates call it `t`."""

    __slots__ = ()

    def __init__(self, language: Language) -> None:
        super().__init__(language, TEXTS)

    def code(self, code: str) -> str:
        """Returns the meaning of a response code."""
        return CODES[code].text(self.language) if code in CODES else "–"
