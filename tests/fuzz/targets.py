"""What is fuzzed: for each target how its bad input is made, and what must hold for any input. Input is bytes, always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from fuzz.admin_port import Inside, check_lines, check_target, targets
from fuzz.agentside import CSV_FILES, PLATFORM_ANSWERS, SHEETS, Platform, check_answer, check_file
from fuzz.gateway import GBK, STOCK, UTF8, VALID, Gate, Sender
from fuzz.public_port import QUESTIONS, STREAMS, check_body, check_headers, check_question, check_stream
from support.fuzz_strategies import (
    ADDRESS_WORDS,
    ANSWER_WORDS,
    CSV_WORDS,
    HTTP_WORDS,
    JSON_WORDS,
    damaged,
    odd_headers,
    odd_requests,
)
from vipgate.cli.sample import PAGE_BODY

CORPUS: Final = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Target:
    """See above. `run` raises where something does not hold."""

    name: str
    made: st.SearchStrategy[bytes]
    run: Callable[[bytes], None]


def corpus(name: str) -> list[bytes]:
    """The small files that are kept for a target."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


@contextmanager
def all_targets(folder: Path) -> Iterator[list[Target]]:
    """Every target, on parts of its own in `folder`."""
    gate, inside, platform = Gate(folder), Inside(folder), Platform()
    try:
        yield _targets(gate, inside, platform, folder)
    finally:
        platform.close()
        inside.close()
        gate.close()


def _targets(gate: Gate, inside: Inside, platform: Platform, folder: Path) -> list[Target]:
    def outside(run: Callable[[bytes], None], sender: Sender = UTF8) -> Callable[[bytes], None]:
        return lambda data: gate.check(lambda: run(data), sender)

    bodies = [VALID, STOCK, PAGE_BODY]
    in_gbk = [GBK.written(body) for body in bodies]
    json_text = damaged([*bodies, *corpus("body")], JSON_WORDS)
    addresses = [*targets(inside.seqno), *corpus("address")]
    return [
        Target(
            "body",
            odd_requests(VALID) | odd_requests(STOCK) | json_text,
            outside(lambda d: check_body(gate, d, UTF8)),
        ),
        Target("gbk", damaged([*in_gbk, *corpus("gbk")], JSON_WORDS), outside(lambda d: check_body(gate, d, GBK), GBK)),
        Target("stream", damaged([*STREAMS, *corpus("stream")], HTTP_WORDS), outside(lambda d: check_stream(gate, d))),
        Target("header", odd_headers(corpus("header")), outside(lambda d: check_headers(gate, d, UTF8))),
        Target("header-gbk", odd_headers(corpus("header-gbk")), outside(lambda d: check_headers(gate, d, GBK), GBK)),
        Target(
            "question",
            damaged([*QUESTIONS, *corpus("question")], JSON_WORDS),
            outside(lambda d: check_question(gate, d)),
        ),
        Target("address", damaged(addresses, ADDRESS_WORDS), lambda d: check_target(inside, d)),
        Target("header-inside", odd_headers(corpus("header-inside")), lambda d: check_lines(inside, d)),
        Target(
            "answer",
            damaged([*PLATFORM_ANSWERS, *corpus("answer")], ANSWER_WORDS),
            lambda d: check_answer(platform, d),
        ),
        Target("csv", damaged([*CSV_FILES, *corpus("csv")], CSV_WORDS), lambda d: check_file(folder, "a.csv", d)),
        Target(
            "xlsx",
            damaged([*SHEETS, *corpus("xlsx")], [*CSV_WORDS, *JSON_WORDS]),
            lambda d: check_file(folder, "a.xlsx", d),
        ),
    ]
