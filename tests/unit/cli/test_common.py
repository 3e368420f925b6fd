"""What commands print as a table: a line a row for programs, and keys that can be copied from any terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from vipgate.cli.common import Format, print_many

SEQNO = "20261124124850397345511877090504"
ROW = {
    "seqno": SEQNO,
    "first": "2026-11-24T12:48:50Z",
    "last": "2026-11-24T12:48:50Z",
    "note": ", ".join(["a held replace"] * 12),
}


def _printed(capsys: pytest.CaptureFixture[str]) -> Sequence[str]:
    print_many([ROW], tuple(ROW), Format.TEXT)
    return capsys.readouterr().out.splitlines()


def test_piped_table_has_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    _, line = _printed(capsys)
    assert line.split("  ") == list(ROW.values())


def test_terminal_folds_anything_but_the_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    _, *lines = _printed(capsys)
    assert SEQNO in lines[0]
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
