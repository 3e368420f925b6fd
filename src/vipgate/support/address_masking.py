"""Masks passwords in database addresses and in texts that quote them: logs, errors, tracebacks, the agent's status.

Masks what looks like a password (`user:…@`, `password=…`, `PWD={…}`, plain or percent-encoded), and every password learned
from an address, in any form in which a driver repeats it.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from vipgate.i18n import tr

HIDDEN: Final = "***"
# Shorter ones would match inside words; after their key they are masked anyway.
LEARNED_CHARS_MIN: Final = 4
LEARNED_MAX: Final = 1_000

# The patterns take time linear in the text, whatever it is: none begins with a repetition, and quoted values are bounded.
# `&app_secret= + the secret` is the rule of the signature, in words: a hint of the platform, without a value.
_RULE: Final = r"(?!(?<=app_)secret= )"
_KEY: Final = r"(?:passwords?|passwd|passwort|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key)|\bpass"
_BLANKS: Final = r"(?:\s|%20|\+)*"
_IS: Final = rf"(?:[\"']?{_BLANKS}(?:=|%3D){_BLANKS}|[\"']\s*:\s*)"
# In braces (ODBC), in quotes (libpq), or up to the next separator.
_VALUE: Final = (
    r"\{(?:[^}]|\}\}){0,999}\}|%7B(?:(?!%7D).|%7D%7D){0,999}%7D|'(?:[^'\\]|\\.){0,999}'|\"(?:[^\"\\]|\\.){0,999}\""
    r"|(?:(?!%3B|%26)[^;&\s\"'])+"
)
_PAIR: Final = re.compile(rf"({_RULE}{_KEY})({_IS})({_VALUE})", re.IGNORECASE)
_USER: Final = re.compile(r"(://[^\s:/?#@]*:)[^\s/?#@]*@")
# For addresses only: an ODBC value may have blanks and ends with a semicolon.
_WHOLE_PAIR: Final = re.compile(rf"(?:{_KEY})\s*=\s*([^;&]*)", re.IGNORECASE)
_BEHIND: Final = re.compile(r"[/?#]")

_learned: dict[str, None] = {}


def mask(text: str) -> str:
    """Returns `text` with all passwords masked."""
    # Found in the text as it is: one that was masked first could cut another in two, and leave the rest of it bare.
    found = [(one.end(1), one.end() - 1) for one in _USER.finditer(text)]
    found += [one.span(3) for one in _PAIR.finditer(text)]
    for secret in _learned:
        start = text.find(secret)
        while start >= 0:
            found.append((start, start + len(secret)))
            start = text.find(secret, start + 1)
    parts: list[str] = []
    shown = 0
    for start, end in sorted(found):
        if start >= shown:
            parts += [text[shown:start], HIDDEN] if start > shown or not parts else []
        shown = max(shown, end)
    return "".join(parts) + text[shown:]


def learn(address: str | None) -> None:
    """Learns the passwords of `address`, a URL or a list of pairs; from now on `mask` hides them everywhere."""
    for secret in passwords_in(address or ""):
        learn_secret(secret)


def learn_secret(secret: str | None) -> None:
    """Learns a secret, plain and in its encoded forms."""
    if secret is None or len(secret) < LEARNED_CHARS_MIN:
        return
    for plain in (secret, secret.replace("}", "}}")):
        for form in (plain, quote(plain), quote(plain, safe=""), quote_plus(plain), repr(plain)[1:-1]):
            _learned[form] = None
    while len(_learned) > LEARNED_MAX:
        del _learned[next(iter(_learned))]


def passwords_in(address: str) -> set[str]:
    """Returns every password in `address`, encoded and decoded."""
    found = set()
    _, is_url, rest = address.partition("://")
    # Up to the last @: in a malformed address, all that may be part of the password.
    user, at, _ = rest.rpartition("@") if is_url else ("", "", "")
    if at and ":" in user:
        found.add(user.partition(":")[2])
    for text in (address, unquote_plus(address), unquote_plus(unquote_plus(address))):
        found |= {_bare(value) for _, _, value in _PAIR.findall(text)}
        found |= {_bare(value.strip()) for value in _WHOLE_PAIR.findall(text)}
    found |= {unquote(one) for one in found} | {unquote_plus(one) for one in found}
    return found - {""}


def _bare(value: str) -> str:
    if value[:1] == "{" and value[-1:] == "}":
        return value[1:-1].replace("}}", "}")
    if value[:1] == "'" and value[-1:] == "'" and len(value) > 1:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def unreadable(address: str) -> str | None:
    """Returns why the end of the password in `address` is ambiguous, with a remedy; None for a valid address."""
    _, is_url, rest = address.partition("://")
    found = _BEHIND.search(rest)
    host = rest[: found.start()] if found else rest
    if not is_url or not host or "@" not in rest:
        return None
    behind = rest[len(host) :]
    if host.count("@") > 1 or "@" in behind or any(character.isspace() for character in host):
        return tr(
            "its password, or what stands behind it, holds a character that means something else in an "
            "address; write @ as %40, / as %2F, ? as %3F, # as %23, % as %25, a blank as %20"
        )
    return None
