"""Reads docs/protocol.md and docs/protocol.zh.md by section, and sends what they show through the pure pipeline."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.protocol_pipeline import request_of, walk
from vipgate.errors import BadRequest, RequestError
from vipgate.i18n import Language
from vipgate.protocol.row import encode_row

ROOT = Path(__file__).parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Document:
    """One language's page, read by section number."""

    language: Language
    text: str

    def section(self, number: str) -> str:
        """The text under the heading `number`, up to the next heading."""
        found = re.search(rf"^#+ {re.escape(number)} .*?$(.*?)(?=^#+ |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, number
        return found[1]

    def table(self, number: str) -> list[list[str]]:
        """The rows of the tables in a section, without their heads, cell by cell."""
        lines = [line for line in self.section(number).splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        rules = [place for place, row in enumerate(rows) if set(row[0]) == {"-"}]
        return [row for place, row in enumerate(rows) if place not in rules and place + 1 not in rules]

    def blocks(self, number: str, kind: str) -> list[str]:
        """The code blocks of one kind in a section."""
        return re.findall(rf"^```{kind}\n(.*?)\n```$", self.section(number), re.MULTILINE | re.DOTALL)


ZH = Document("zh", (ROOT / "docs" / "protocol.zh.md").read_text(encoding="utf-8"))
EN = Document("en", (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8"))
BOTH = pytest.mark.parametrize("page", [ZH, EN], ids=["zh", "en"])


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def span(cell: str) -> str:
    [one] = spans(cell)
    return one


def numbers(text: str) -> list[int]:
    return [int(one) for one in re.findall(r"-?\d+", text)]


FULL_ROW: dict[str, Any] = json.loads(ZH.blocks("3.1", "json")[0])


def sent(*members: str) -> bytes:
    """A request of the page's full row with members replaced by JSON text as it stands."""
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in FULL_ROW.items()}
    for member in members:
        name, _, text = member.partition(":")
        texts[json.loads(name)] = text
    return request_of(("{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}").encode())


def kept(*members: str) -> dict[str, str]:
    [renewal] = walk(sent(*members)).renewals
    written: dict[str, str] = json.loads(encode_row(renewal))
    return written


def hint_of(body: bytes, language: Language = "zh", content_type: str | None = None) -> str:
    with pytest.raises(RequestError) as caught:
        walk(body, content_type)
    return caught.value.hint.text(language)


def is_taken(*members: str) -> bool:
    try:
        walk(sent(*members))
    except BadRequest:
        return False
    return True
