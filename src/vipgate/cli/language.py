"""Chooses the language of a command: the agent's commands and `push` speak Chinese, all others are in English."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from io import TextIOWrapper
from typing import Final

from vipgate.i18n import Language, register_chinese, set_language

_TRANSLATED: Final = ("agent", "push")
LANGUAGE_VARIABLE: Final = "VIPGATE_LANGUAGE"
# In the order in which POSIX looks at them; the first that is set counts.
_LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
# The low ten bits of a Windows language id are the language, whatever the country.
_WINDOWS_LANGUAGE_BITS: Final = 0x3FF
_WINDOWS_CHINESE: Final = 0x04


class LanguageName(StrEnum):
    """A language that can be asked for."""

    ZH = "zh"
    EN = "en"


def set_up_language(words: Sequence[str]) -> None:
    """Sets the language of the process for the command that `words`, its arguments, name."""
    command = next((word for word in words if not word.startswith("-")), "")
    if command in _TRANSLATED:
        # Only here: the other commands need nothing of the agent.
        from vipgate.agent.translations import CHINESE

        register_chinese(CHINESE)
    set_language(system_language() if command in _TRANSLATED else "en")
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal or file of another encoding gets `\u8f66` for what it cannot hold, as standard error does.
        sys.stdout.reconfigure(errors="backslashreplace")


def asked_language(variables: Mapping[str, str] = os.environ) -> Language | None:
    """Returns the language that VIPGATE_LANGUAGE asks for; None if it is not set."""
    wanted = variables.get(LANGUAGE_VARIABLE, "").strip().lower()
    if not wanted:
        return None
    return "zh" if wanted.startswith("zh") else "en"


def system_language(variables: Mapping[str, str] = os.environ) -> Language:
    """Returns the language that VIPGATE_LANGUAGE asks for, else that of the system; "en" where neither is Chinese."""
    asked = asked_language(variables)
    if asked is not None:
        return asked
    if sys.platform == "win32":
        import ctypes

        language = ctypes.windll.kernel32.GetUserDefaultUILanguage() & _WINDOWS_LANGUAGE_BITS
        return "zh" if language == _WINDOWS_CHINESE else "en"
    found = next((value for name in _LOCALE_VARIABLES if (value := variables.get(name))), "")
    return "zh" if found.lower().startswith("zh") else "en"
