"""The road reads JSON as RFC 8259 has it, wherever in a request it stands: what is none is refused, the rest kept as it came."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from support.json_cases import ACCEPTED, AROUND, NESTED_FAR, OPERATORS, QUANTITIES, REFUSED
from support.protocol_pipeline import request_of, walk, written
from vipgate.errors import BadRequest
from vipgate.protocol.row import EXTRA_BYTES_MAX

Place = Callable[[bytes], bytes]


def beside(value: bytes) -> bytes:
    """A good request with a member that nobody looks at."""
    return request_of(written())[:-1] + b',"remark":' + value + b"}"


def in_row(value: bytes) -> bytes:
    """A good request whose row has an unlisted member."""
    return request_of(written()[:-1] + b',"remark":' + value + b"}")


def in_text(value: bytes) -> bytes:
    """The same where the rows came as a string. Bytes that are no UTF-8 cannot stand in one."""
    rows = b"[" + written()[:-1] + b',"remark":' + value + b"}]"
    return b'{"park_uuid":"p","row":%s}' % json.dumps(rows.decode(), ensure_ascii=False).encode()


def is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("place", [beside, in_row, in_text])
@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_json_is_taken(place: Place, value: bytes) -> None:
    assert walk(place(value)).received == 1


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_unlisted_member_is_kept_as_it_came(value: bytes) -> None:
    """Numbers that no float holds, too."""
    [renewal] = walk(in_row(value)).renewals
    assert renewal.extra is not None
    assert len(renewal.extra) <= EXTRA_BYTES_MAX
    kept = json.loads(renewal.extra, parse_int=str, parse_float=str)
    assert kept == {"remark": json.loads(value, parse_int=str, parse_float=str)}


@pytest.mark.parametrize("place", [beside, in_row])
@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_is_no_json_is_refused(place: Place, value: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(place(value))
    assert caught.value.hint.zh


@pytest.mark.parametrize("name", [name for name, value in REFUSED.items() if is_text(value)])
def test_what_is_no_json_is_refused_in_a_string_of_rows(name: str) -> None:
    with pytest.raises(BadRequest, match=r"row: (not a valid JSON|nested too deeply)|row\[0\]|too many objects"):
        walk(in_text(REFUSED[name]))


@pytest.mark.parametrize("value", [*ACCEPTED.values(), *REFUSED.values()], ids=[*ACCEPTED, *REFUSED])
def test_value_alone_is_no_request(value: bytes) -> None:
    with pytest.raises(BadRequest):
        walk(value)


@pytest.mark.parametrize(("before", "after", "is_taken"), AROUND.values(), ids=AROUND)
def test_what_stands_around_a_request_counts(before: bytes, after: bytes, is_taken: bool) -> None:
    body = before + request_of(written()) + after
    if is_taken:
        assert walk(body).received == 1
    else:
        with pytest.raises(BadRequest):
            walk(body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_request_in_another_encoding_is_refused(encoding: str) -> None:
    body = request_of(written()).decode().encode(encoding)
    with pytest.raises(BadRequest):
        walk(body)


@pytest.mark.parametrize("length", range(1, len(request_of(written()))))
def test_request_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadRequest):
        walk(request_of(written())[:length])


@pytest.mark.parametrize(("literal", "kept"), QUANTITIES.items())
def test_number_is_read_exactly_or_refused(literal: str, kept: int | None) -> None:
    body = request_of(written(quantity=literal))
    if kept is None:
        with pytest.raises(BadRequest, match=r"row\[0\]\.quantity"):
            walk(body)
    else:
        assert walk(body).renewals[0].quantity == kept


@pytest.mark.parametrize(("literal", "kept"), OPERATORS.items())
def test_string_is_kept_character_by_character_or_refused(literal: str, kept: str | None) -> None:
    body = request_of(written(operator=literal))
    if kept is None:
        with pytest.raises(BadRequest):
            walk(body)
    else:
        assert walk(body).renewals[0].operator == kept


@pytest.mark.parametrize("place", ["park_uuid", "complete", "row"])
def test_nesting_without_an_end_is_refused_in_every_member(place: str) -> None:
    deep = b"[" * NESTED_FAR + b"]" * NESTED_FAR
    members = {"park_uuid": b'"p"', "complete": b"0", "row": b"[" + written() + b"]"} | {place: deep}
    body = b"{" + b",".join(b'"%s":%s' % (name.encode(), text) for name, text in members.items()) + b"}"
    with pytest.raises(BadRequest):
        walk(body)
