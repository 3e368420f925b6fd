"""Reads what a gateway sent back, strictly: whatever came in, answers are whole, small, and envelopes with a code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

ANSWER_BYTES_MAX: Final = 64 * 1024
CODES: Final = {"1001": 200, **{str(code): code for code in (400, 401, 403, 404, 405, 413, 429, 503)}}
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z -]*").fullmatch
_SEQNO: Final = re.compile(r"\d{32}").fullmatch
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer; `envelope` is empty where it is that of `/healthz` or has no body."""

    status: int
    headers: dict[bytes, bytes]
    envelope: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.envelope.get("code", ""))

    @property
    def seqno(self) -> str:
        return str(self.envelope.get("seqno", ""))


def read_answers(stream: bytes) -> list[Answered]:
    """The answers in `stream`. Raises AssertionError where it is anything but answers."""
    answers = []
    while stream:
        if stream.startswith(_CONTINUE):
            stream = stream[len(_CONTINUE) :]
            continue
        raw, separator, stream = stream.partition(b"\r\n\r\n")
        assert separator, f"half an answer: {raw[:200]!r}"
        status, headers = _head(raw)
        length = int(headers[b"content-length"])
        assert length <= ANSWER_BYTES_MAX, f"an answer of {length} bytes"
        # To HEAD there is none: what follows begins another answer, or nothing does.
        body, stream = (stream[:length], stream[length:]) if stream[:1] == b"{" else (b"", stream)
        assert not body or len(body) == length, f"{len(body)} bytes of {length}"
        answers.append(Answered(status, headers, _envelope(status, body) if body else {}))
    closing = [place for place, one in enumerate(answers) if one.headers.get(b"connection") == b"close"]
    assert closing in ([], [len(answers) - 1]), "answers follow one that said it was the last"
    return answers


def _head(raw: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = raw.split(b"\r\n")
    found = _STATUS(first)
    assert found, f"no status line: {first[:200]!r}"
    headers = {}
    for line in lines:
        name, colon, text = line.partition(b": ")
        assert colon, f"no header: {line[:200]!r}"
        assert name.lower() not in headers, f"the header {name!r} comes twice"
        headers[name.lower()] = text
    return int(found[1]), headers


def _envelope(status: int, body: bytes) -> dict[str, Any]:
    envelope: dict[str, Any] = msgspec.json.decode(body)
    if envelope == {"status": "ok"}:
        return {}
    code = envelope["code"]
    assert CODES.get(code) == status, f"status {status} with code {code}: {body[:500]!r}"
    assert _SEQNO(envelope["seqno"]), f"no seqno: {body[:500]!r}"
    wanted = ["code", "message", "seqno", "payload"] if code == "1001" else ["code", "message", "hint", "seqno"]
    assert list(envelope) == wanted, f"members {list(envelope)}"
    assert envelope["message"]
    assert code == "1001" or envelope["hint"].strip(), "a refusal without a hint"
    return envelope
