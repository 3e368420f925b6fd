"""No header is a fault of ours, whatever its bytes: below the HTTP parser, where any are possible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import md5, sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.gateway import PROXY, SECRET, STOCK, VALID, Gate, head
from fuzz.public_port import QUESTIONS
from support.fuzz_strategies import HEADER_NAMES, HEADER_VALUES, HEADER_WORDS, damaged
from vipgate.gateway.http.messages import Request
from vipgate.protocol.envelope import DIGEST_PATH, PUSH_PATH
from vipgate.protocol.signature_md5 import sign

LANGUAGES = {"en": b"en", "zh": b"zh-CN"}
values = st.sampled_from(HEADER_VALUES) | damaged(HEADER_VALUES, HEADER_WORDS) | st.binary(max_size=40)
odd = st.dictionaries(st.sampled_from([name.lower() for name in HEADER_NAMES]), values, max_size=4)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    made = Gate(tmp_path_factory.mktemp("headers"))
    yield made
    made.close()


def whole(path: str, body: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
    """A request of an honest park, but for `headers`."""
    signed = {b"host": b"gate", b"authorization": sign(body, SECRET).encode(), **headers}
    request = Request("POST", path, signed, peer, True, 1_795_492_800_000_000, body=body)
    request.body_hashes = md5(body, usedforsecurity=False), sha256(body)
    return request


@given(
    odd,
    st.sampled_from([(PUSH_PATH, VALID), *((DIGEST_PATH, one) for one in QUESTIONS)]),
    st.sampled_from([PROXY, "::1"]),
)
@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
def test_no_bytes_of_a_header_are_a_fault_of_ours(
    gate: Gate, headers: dict[bytes, bytes], asked: tuple[str, bytes], peer: str
) -> None:
    reply = gate.answer(whole(*asked, headers, peer))
    assert reply.status in (200, 400, 401), reply.body
    assert list(json.loads(reply.body))[:2] == ["code", "message"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_header_that_could_not_be_written_down_is_told_in_words_that_can(gate: Gate, language: str) -> None:
    headers = {b"content-type": b"text/\x00\x1b[31m\xff", b"accept-language": LANGUAGES[language]}
    hint = json.loads(gate.answer(whole(PUSH_PATH, VALID, headers, "::1")).body)["hint"]
    assert '"text/\\u0000\\u001b[31m\\u00ff"' in hint
    assert hint.isprintable()


def test_path_and_query_give_signed_bytes_no_other_meaning(gate: Gate) -> None:
    def send(body: bytes, path: str) -> str:
        [answer] = gate.exchange(head(body, path=path, extra="Connection: close\r\n") + body)
        return answer.code

    assert send(STOCK, PUSH_PATH) == "1001"
    before = gate.held().keys()
    assert [send(VALID, DIGEST_PATH), *(send(one, PUSH_PATH) for one in QUESTIONS)] == ["400"] * (1 + len(QUESTIONS))
    assert gate.held().keys() == before
    assert send(VALID, f"{PUSH_PATH}?complete=1&park_uuid=another&charset=gbk") == "1001"
    assert gate.held().keys() > before


def test_language_changes_the_words_of_an_answer_and_nothing_else(gate: Gate) -> None:
    told = [
        json.loads(gate.answer(whole(PUSH_PATH, body, {b"accept-language": language}, "::1")).body)
        for body in (VALID, b"{")
        for language in LANGUAGES.values()
    ]
    assert [one["code"] for one in told] == ["1001", "1001", "400", "400"]
    assert told[0]["message"] != told[1]["message"]
