"""`env:NAME` and `file:PATH`: what they name, and what an error says, never with the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipgate.errors import UsageError
from vipgate.support.named_secrets import read_named

VARIABLES = {"PARK": "s3cret\n", "BLANK": "  "}


def read(text: str, base: Path) -> str | None:
    return read_named(text, base, lambda name: VARIABLES.get(name, ""), lambda name: f"{name} is not set")


@pytest.mark.parametrize(
    ("text", "value"),
    [("env:PARK", "s3cret"), ("file:plain", "s3 cret"), ("file:windows", "秘密"), ("s3cret", None), ("http://x", None)],
)
def test_text_names_its_value(tmp_path: Path, text: str, value: str | None) -> None:
    (tmp_path / "plain").write_bytes(b"s3 cret\n")
    (tmp_path / "windows").write_bytes("\ufeff秘密\r\n".encode())
    assert read(text, tmp_path) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("env:", '"env:" names nothing'),
        ("file:", '"file:" names nothing'),
        ("env:OTHER", "OTHER is not set"),
        ("env:BLANK", "BLANK is not set"),
        ("file:none", "cannot read .*none: No such file"),
        ("file:gbk", "cannot read .*gbk: 'utf-8' codec"),
        ("file:empty", "empty is empty"),
        ("file:long", "holds more than 4096 characters"),
        ("file:two", "holds more than one line"),
    ],
)
def test_secret_that_cannot_be_read_is_an_error_without_its_value(tmp_path: Path, text: str, message: str) -> None:
    contents = {"gbk": "密".encode("gbk"), "empty": b"\n", "long": b"x" * 4097, "two": b"hidden\nhidden\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        read(text, tmp_path)
    assert "hidden" not in str(caught.value)
