"""No bytes make the pipeline, the admin port or an agent do anything but answer or refuse: the corpus again, and a little more.

`make fuzz` goes on for as long as one wants.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from fuzz.hunt import Hunt
from fuzz.targets import CORPUS, Target, all_targets
from support.http_responses import read_answers

SEED = 20_261_125
RUNS = 25
NAMES = (
    "body", "gbk", "stream", "header", "header-gbk", "question", "address", "header-inside", "answer", "csv", "xlsx",
)  # fmt: skip
FILES = sorted(path for path in CORPUS.glob("*/*"))


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Target]]:
    with all_targets(tmp_path_factory.mktemp("fuzz")) as made:
        yield {one.name: one for one in made}


def test_every_target_has_its_name_and_its_corpus(targets: dict[str, Target]) -> None:
    assert tuple(targets) == NAMES
    assert {path.parent.name for path in FILES} == set(NAMES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_is_mended_for_good(targets: dict[str, Target], path: Path) -> None:
    targets[path.parent.name].run(path.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_a_short_time(targets: dict[str, Target], name: str, tmp_path: Path) -> None:
    said: list[str] = []
    hunt = Hunt(tmp_path, said.append)
    hunt.go(targets[name], SEED, RUNS)
    assert said == []
    assert hunt.runs[name] >= RUNS


# ---- what finds must be able to find -------------------------------------------------------------------------------------


def test_fault_is_kept_once_and_in_its_smallest_form(tmp_path: Path) -> None:
    def run(data: bytes) -> None:
        assert b"!" not in data, "a fault of the test's own"

    said: list[str] = []
    hunt = Hunt(tmp_path, said.append)
    for number in (1, 2):
        hunt.go(Target("planted", st.binary(max_size=50).map(lambda data: data + b"!"), run), number)
    [path] = tmp_path.iterdir()
    assert path.read_bytes() == b"!"
    assert len(said) == 1
    assert "a fault of the test's own" in said[0]
    assert hunt.told().endswith(", 1 finds")


ENVELOPE = b'{"code":"400","message":"m","hint":"h","seqno":"%s"}' % (b"1" * 32)
GOOD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(ENVELOPE), ENVELOPE)
LAST = GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_answers_of_ours_are_taken() -> None:
    head = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 90\r\n\r\n"
    answers = read_answers(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD + head + LAST)
    assert [(one.status, one.code) for one in answers] == [(400, "400"), (405, ""), (400, "400")]


@pytest.mark.parametrize(
    ("stream", "wrong"),
    [
        (GOOD[:-1], f"{len(ENVELOPE) - 1} bytes of {len(ENVELOPE)}"),
        (GOOD[:30], "half an answer"),
        (b"x" + GOOD, "no status line"),
        (LAST + GOOD, "the last"),
        (GOOD.replace(b"400 Bad", b"200 Bad"), "status 200 with code 400"),
        (GOOD.replace(b'"400"', b'"500"').replace(b"400 Bad", b"500 Bad"), "status 500"),
        (GOOD.replace(b'"h"', b'" "'), "without a hint"),
        (GOOD.replace(b"11", b"1x"), "no seqno"),
        (GOOD.replace(b": %d" % len(ENVELOPE), b": 99999"), "an answer of 99999 bytes"),
        (GOOD.replace(b"\r\nC", b"\r\nA: b\r\na: c\r\nC"), "comes twice"),
        (GOOD.replace(b'"hint"', b'"help"'), "members"),
    ],
)
def test_answers_that_are_none_of_ours_are_told(stream: bytes, wrong: str) -> None:
    with pytest.raises(AssertionError, match=wrong):
        read_answers(stream)
