"""What a platform's answer means for the rows that were sent: one answer a row of the table."""

from __future__ import annotations

import pytest

from vipgate.agent.responses import (
    Accepted,
    AccessDenied,
    Answer,
    Rejected,
    RetryLater,
    TooLarge,
    Unconfirmed,
    read_answer,
)

SEQNO = "20261124124850397345511877090504"


@pytest.mark.parametrize(
    ("status", "wait", "body", "wanted"),
    [
        (200, None, b'{"code":"1001","message":"ok","seqno":"7"}', Accepted("7")),
        (200, None, b'{"code":1000,"seqno":7}', Accepted("7")),
        (200, None, b'{"code":"200","hint":""}', Accepted("")),
        (200, None, b'{"code":"200","hint":null}', Accepted("")),
        # The public platform answers so when it has dropped a push.
        (200, None, b'{"code":"1001","message":"ok","hint":"dropped","seqno":"7"}', Unconfirmed("1001 ok: dropped", "7")),
        (200, None, b'{"code":"400","message":"bad","hint":"row: x"}', Rejected("400 bad: row: x", {}, "")),
        (400, None, b'{"code":"400","message":"bad","hint":"park"}', Rejected("400 bad: park", {}, "")),
        # Of every request, so no row is to blame for it.
        (400, None, b'{"code":"400","message":"bad","hint":"Content-Type: x"}',
         AccessDenied("400", "400 bad: Content-Type: x", "")),
        (400, None, b'{"code":"400","message":"bad","hint":"row[0].plate: Content-Type: x"}',
         Rejected("400 bad: row[0].plate: Content-Type: x", {0: "row[0].plate: Content-Type: x"}, "")),
        (401, None, b'{"code":"401","message":"no","hint":"sign"}', AccessDenied("401", "401 no: sign", "")),
        (403, None, b'{"code":"403","message":"no"}', AccessDenied("403", "403 no", "")),
        (413, None, b'{"code":"413","message":"big","hint":"10000"}', TooLarge("413 big: 10000", "")),
        (429, "7", b'{"code":"429","message":"often"}', RetryLater("429 often", 7.0)),
        (503, " 2 ", b'{"code":"503","message":"busy","seqno":"9"}', RetryLater("503 busy", 2.0, seqno="9")),
        (500, None, b'{"code":"500","message":"fault"}', RetryLater("500 fault")),
        (200, None, b'{"code":"9999","message":"what"}', RetryLater("9999 what")),
        # No envelope: somebody else has answered.
        (200, None, b"<html>login</html>", RetryLater("HTTP 200 without the interface's envelope: <html>login</html>")),
        (200, None, b"", RetryLater("HTTP 200 without the interface's envelope: empty")),
        (200, None, b'{"code":"1001","seqn', RetryLater("HTTP 200 without the interface's envelope: {\"code\":\"1001\",\"seqn")),
        (400, None, b"bad gateway config", RetryLater("HTTP 400 without the interface's envelope: bad gateway config")),
        (404, None, b"nginx", AccessDenied("404", "HTTP 404 without the interface's envelope: nginx", "")),
        (413, None, b"nginx", TooLarge("HTTP 413 without the interface's envelope: nginx", "")),
        (502, "3", b"nginx", RetryLater("HTTP 502 without the interface's envelope: nginx", 3.0)),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", b"{}", RetryLater("HTTP 503 without the interface's envelope: {}")),
        (503, "999999999999", b"{}", RetryLater("HTTP 503 without the interface's envelope: {}", 3600.0)),
        (200, None, b"[" * 5000, RetryLater("HTTP 200 without the interface's envelope: " + "[" * 300)),
    ],
)  # fmt: skip
def test_answer_means_what_the_contract_says(status: int, wait: str | None, body: bytes, wanted: Answer) -> None:
    assert read_answer(status, wait, body) == wanted


def test_rows_that_the_hint_names_are_found() -> None:
    hint = "row[3].plate_color: wrong\\nrow[3].plate: wrong\\nrow[17].quantity: wrong\\nand 4 more"
    answer = read_answer(400, None, f'{{"code":"400","hint":"{hint}","seqno":"{SEQNO}"}}'.encode())
    assert isinstance(answer, Rejected)
    assert answer.rows == {3: "row[3].plate_color: wrong; row[3].plate: wrong", 17: "row[17].quantity: wrong"}
    assert answer.seqno == SEQNO
