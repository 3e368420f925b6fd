"""What others send is refused by its depth before anything recurses into it: the same on every interpreter and stack."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.protocol_pipeline import request, request_of, walk, written
from vipgate.admin.console.request_body import Unreadable, read_body, read_row
from vipgate.agent.config import load_config
from vipgate.agent.responses import Accepted, read_answer
from vipgate.domain.charge_types import ChargeTypesError
from vipgate.domain.charge_types import read_answer as read_charge_types
from vipgate.errors import BadRequest, PayloadTooLarge, UsageError, VipgateError
from vipgate.gateway.settings import read_file
from vipgate.protocol.nesting import CONTAINERS_MAX, NESTED_MAX, TOO_DEEP, TOO_MANY, nesting_fault, toml_nesting_fault
from vipgate.protocol.signature_md5 import bodies_signed
from vipgate.support.safe_http import FetchResponse

FAR = (NESTED_MAX + 1, 400, 5_000, 100_000)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


texts = st.text('[]{}"\\:, a', max_size=6)
values = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=30,
)


@given(values, st.integers(NESTED_MAX - 12, NESTED_MAX + 2), st.booleans(), st.sampled_from([None, 1]), texts)
@settings(deadline=None, max_examples=400)
def test_depth_is_counted_as_a_parser_counts_it(
    value: Any, around: int, as_object: bool, indent: int | None, beside: str
) -> None:
    for _ in range(around):
        value = {beside: value, "b": beside} if as_object else [beside, value, []]
    fault = nesting_fault(json.dumps(value, indent=indent, ensure_ascii=False).encode())
    assert fault is (TOO_DEEP if depth_of(value) > NESTED_MAX else None)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("[", "]"),
        ('{"a":', "}"),
        (' {\n"a" :\t', " } "),
        ("[[],", "]"),
        ('["]","}",', "]"),
        (r'["\"]\\",', "]"),
        ('[{"":[]},', ',"["]'),
    ],
)
def test_last_level_is_taken_and_the_next_is_not(opening: str, closing: str) -> None:
    inner = max(0, depth_of(json.loads(opening + "0" + closing)) - 1)

    def nested(depth: int) -> bytes:
        return (opening * (depth - inner) + "[" * inner + "]" * inner + closing * (depth - inner)).encode()

    for depth in (NESTED_MAX - 1, NESTED_MAX, NESTED_MAX + 1, NESTED_MAX + 2):
        text = nested(depth).replace(b",]", b",0]").replace(b":}", b":0}").replace(b",,", b",0,")
        assert nesting_fault(text) is (TOO_DEEP if depth > NESTED_MAX else None), depth


@pytest.mark.parametrize(
    "text",
    [
        b"", b"]", b"]]]][", b'"', b'"[[', b'"\\', b"[", b"[{]}", b"}{", b"\\", b'\\"[', b"[" * NESTED_MAX, b"]" * 100_000,
        b'"' + b"[" * 100_000 + b'"', b'"' + b"[" * 100_000, b'{"a":"' + b'[\\"' * 1_000 + b'"}', b'""' * 1_000_000,
    ],
)  # fmt: skip
def test_what_is_no_json_but_not_deep_is_left_to_the_parser(text: bytes) -> None:
    assert nesting_fault(text) is None


def test_number_of_objects_and_arrays_is_bounded() -> None:
    assert nesting_fault(b"[" + b"[]," * (CONTAINERS_MAX - 2) + b"[]]") is None
    assert nesting_fault(b"[" + b"[]," * CONTAINERS_MAX + b"[]]") is TOO_MANY
    assert nesting_fault(b"[" + b"[]," * CONTAINERS_MAX + b"[]]", 2 * CONTAINERS_MAX) is None
    assert nesting_fault(b"[" + b'"]",' * 2 * CONTAINERS_MAX + b"0]") is None
    assert nesting_fault(b"[" + b'"]",[],' * CONTAINERS_MAX + b"0]") is TOO_MANY
    with pytest.raises(PayloadTooLarge, match="too many objects"):
        walk(request_of(*[written(remark="[" + "{}," * 30 + "0]")] * 4_000))


def test_ten_thousand_rows_with_a_few_objects_in_each_are_taken() -> None:
    rows = [written(pay_partner=str(one), remark='{"a":[{}],"b":"[{"}') for one in range(1, 10_001)]
    assert walk(request_of(*rows)).received == 10_000


def arrays(depth: int) -> str:
    return "[" * depth + "]" * depth


def objects(depth: int) -> str:
    return '{"a":' * depth + "0" + "}" * depth


# What stands around the knot counts as well: as many levels as named.
PUSHES: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "beside the rows": (1, lambda knot: request_of(written(), more=knot)),
    "complete": (1, lambda knot: request_of(written(), complete=knot)),
    "park_uuid": (1, lambda knot: request_of(written(), park_uuid=knot)),
    "the row itself": (2, lambda knot: request_of(knot.encode())),
    "member of a row": (3, lambda knot: request_of(written(operator=knot))),
    "unlisted member": (3, lambda knot: request_of(written(remark=knot))),
    "row in a string": (2, lambda knot: request(row=f"[{written(remark=knot).decode()}]")),
}


@pytest.mark.parametrize("knot", [arrays, objects])
@pytest.mark.parametrize(("around", "place"), PUSHES.values(), ids=PUSHES)
def test_push_is_refused_by_its_depth_wherever_it_is_deep(
    around: int, place: Callable[[str], bytes], knot: Callable[[int], str]
) -> None:
    try:
        walk(place(knot(NESTED_MAX - around)))
    except BadRequest as refusal:
        assert "levels" not in refusal.hint.en  # noqa: PT017 - a good depth may still be no good value
    for depth in (NESTED_MAX - around + 1, *FAR):
        with pytest.raises(VipgateError, match=f"{NESTED_MAX} levels at most|too many objects"):
            walk(place(knot(depth)))


def test_deep_member_of_the_last_depth_is_kept() -> None:
    knot = arrays(NESTED_MAX - 3)
    assert walk(request_of(written(remark=knot))).renewals[0].extra == f'{{"remark":{knot}}}'


@pytest.mark.parametrize("depth", FAR)
@pytest.mark.parametrize("knot", [arrays, objects])
def test_deep_answer_to_an_agent_is_no_envelope(depth: int, knot: Callable[[int], str]) -> None:
    good = read_answer(200, None, b'{"code":"1001","message":"x","seqno":"1","more":%s}' % knot(8).encode())
    assert isinstance(good, Accepted)
    for body in (b'{"code":"1001","message":%s,"seqno":"1"}', b'{"code":"1001","seqno":"1","more":%s}'):
        deep = read_answer(200, None, body % knot(depth).encode())
        assert "without the interface's envelope" in getattr(deep, "reason", "")


@pytest.mark.parametrize("depth", FAR)
@pytest.mark.parametrize("as_text", [False, True], ids=["array", "string"])
def test_deep_list_of_charge_types_is_refused_by_its_depth(depth: int, as_text: bool) -> None:
    row = f'[{{"id":"1","x":{arrays(depth)}}}]'
    body = f'{{"result_code":"1001","row":{json.dumps(row) if as_text else row}}}'.encode()
    with pytest.raises(ChargeTypesError, match=f"{NESTED_MAX} levels at most|too many objects"):
        read_charge_types(FetchResponse(200, "application/json", body))


@pytest.mark.parametrize("depth", FAR)
def test_deep_body_that_was_refused_can_still_be_shown_as_text(depth: int) -> None:
    for text in (
        f'{{"row":{arrays(depth)}}}',
        json.dumps({"row": arrays(depth)}),
        f'{{"a":{objects(depth)},"row":[]}}',
    ):
        with pytest.raises(Unreadable, match=r"levels at most|too many objects"):
            read_body(text)
    with pytest.raises(Unreadable, match="levels at most"):
        read_row(objects(depth))


@pytest.mark.parametrize("depth", FAR)
def test_search_for_a_mistake_passes_over_a_deep_body(depth: int) -> None:
    assert not any("JSON" in words.en for _, words in bodies_signed(arrays(depth).encode()) if words is not None)


@pytest.mark.parametrize("depth", FAR)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a=", "}"), ("[{a=", "}]")])
def test_deep_settings_are_refused_by_their_depth(depth: int, opening: str, closing: str, tmp_path: Path) -> None:
    text = "a = " + opening * depth + "1" + closing * depth
    assert toml_nesting_fault(text.encode()) is TOO_DEEP
    path = tmp_path / "some.toml"
    path.write_text(text, encoding="utf-8")
    for read in (load_config, read_file):
        with pytest.raises(UsageError, match=r"some\.toml is nested too deeply: 64 levels"):
            read(path)


SMALL_STACK = """
import sys, threading
from vipgate.domain.charge_types import read_answer as charge_types
from vipgate.agent.responses import read_answer
from vipgate.errors import VipgateError, UsageError
from vipgate.support.safe_http import FetchResponse
from vipgate.gateway.settings import read_file
from vipgate.protocol.authentication import ParkSecrets, explain_mismatch
from vipgate.protocol.envelope import parse_request

def run():
    for depth in (65, 1_000, 20_000, 100_000, 1_000_000):
        for knot in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"0" + b"}" * depth):
            body = b'{"park_uuid":"p","row":' + knot + b"}"
            for read in (
                lambda: parse_request(body, None),
                lambda: charge_types(FetchResponse(200, "", b'{"result_code":"1001","row":' + knot + b"}")),
            ):
                try:
                    read()
                except VipgateError:
                    continue
                raise SystemExit(f"{depth} was taken")
            explain_mismatch(body[:200_000], "0" * 32, ParkSecrets("s"))
            read_answer(200, None, body)
    print("refused", flush=True)

sys.setrecursionlimit(10**8)
threading.stack_size(256 * 1024)
one = threading.Thread(target=run)
one.start()
one.join()
"""


def test_small_stack_without_a_limit_of_the_interpreter_is_not_used_up() -> None:
    """Where the interpreter's own limit is out of the way, a parser that recurses ends the process."""
    done = subprocess.run([sys.executable, "-c", SMALL_STACK], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr[-500:]
