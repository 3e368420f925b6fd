"""What is asked wrongly, and the form of every answer: errors, languages, methods, ETag, headers."""

from __future__ import annotations

import base64

import pytest

from support.api_app import Platform
from support.store_data import OTHER, PARK
from vipgate.admin.api.cursors import (
    ChangeCursor,
    Cursor,
    ParkCursor,
    RecordCursor,
    RequestCursor,
    VehicleCursor,
    write_cursor,
)
from vipgate.store.interfaces.ledger import Unreachable
from vipgate.store.sqlite.store import SqliteStore

WRONG = [
    ("/parks?limit=0", "limit", "from 1 to 1000"),
    ("/parks?limit=1001", "limit", "from 1 to 1000"),
    ("/parks?limit=1.0", "limit", "whole number"),
    ("/parks?limit=%EF%BC%91", "limit", "whole number"),
    ("/parks?limit=+1", "limit", "whole number"),
    ("/parks?limit=" + "9" * 4_000, "limit", "whole number"),
    ("/parks?limit=1&limit=2", "limit", "only once"),
    ("/parks?limit=", "limit", "must not be empty"),
    ("/parks?limit", "?", "name=value"),
    ("/parks?colour=red", "colour", "known parameters: search, after, limit"),
    ("/parks?search=%FF", "?", "UTF-8"),
    ("/parks?search=%00", "search", "control characters"),
    ("/parks?search=a%0A", "search", "control characters"),
    ("/parks?search=" + "x" * 65, "search", "at most 64"),
    ("/parks?search=" + "x" * 9_000, "?", "8192 bytes"),
    ("/parks?" + "&".join(f"a{n}=1" for n in range(50)), "?", "name=value"),
    (f"/parks/{'p' * 65}", "park_uuid", "at most 64"),
    (f"/parks/{PARK}?limit=1", "limit", "unknown"),
    (f"/parks/{PARK}?park_uuid={OTHER}", "park_uuid", "unknown"),
    (f"/parks/{PARK}/renewals?plate=·", "plate", "must be a plate"),
    (f"/parks/{PARK}/renewals?plate=a&plate_prefix=b", "plate_prefix", "cannot be combined with plate"),
    (f"/parks/{PARK}/renewals?vip_type=8", "vip_type", "from 0 to 7"),
    (f"/parks/{PARK}/renewals?pay_type=0", "pay_type", "from 1 to 2"),
    (f"/parks/{PARK}/renewals?flag=odd", "flag", "unusual_plate,plate_changed,money_changed,no_order,decimal_money"),
    (f"/parks/{PARK}/renewals?since=yesterday", "since", "2026-11-24T08:00:00Z"),
    (f"/parks/{PARK}/renewals?until=2026-11-24T08:00:00", "until", "write 2026-11-24T00:00:00Z"),
    (f"/parks/{PARK}/renewals?paid_since=2026-11-24T08:00:00+08:00", "paid_since", "%2B"),
    (f"/parks/{PARK}/renewals?paid_until=2026-02-30", "paid_until", "2026-11-24"),
    (f"/parks/{PARK}/vehicles?plate=a&card=b", "card", "cannot be combined with"),
    (f"/parks/{PARK}/renewals.csv?plate=a", "plate", "unknown"),
    ("/renewals", "plate", "plate_prefix, pay_partner or card"),
    ("/renewals?charge_type=101", "plate", "plate_prefix, pay_partner or card"),
    ("/requests/123", "seqno", "32 digits"),
    ("/requests?code=abc", "code", "1001"),
    ("/totals?since=2026-11-24T00:00:00Z", "since", "a date like"),
    ("/totals?since=2026-11-31", "since", "a date like"),
    ("/totals?since=2025-01-01&until=2026-11-24", "since", "400 days"),
    ("/totals?since=2026-11-25&until=2026-11-24", "since", "not be after"),
    ("/changes", "park_uuid", "required"),
    (f"/changes?park_uuid={PARK}&wait_s=31", "wait_s", "from 0 to 30"),
    ("/?lang=fr", "lang", "zh,en"),
    ("/openapi.json?pretty=1", "pretty", "unknown"),
]


@pytest.mark.parametrize(("path", "place", "part"), WRONG, ids=[path[:60] for path, _, _ in WRONG])
def test_wrong_parameter_is_named_with_its_remedy(platform: Platform, path: str, place: str, part: str) -> None:
    answer = platform.ask(path.replace("=+1", "=%2B1"), platform.token())
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["place"]) == ("bad_parameter", place)
    assert part in error["message"]


def test_all_faults_are_told_at_once(platform: Platform) -> None:
    error = platform.ask("/parks?limit=0&colour=red&search=", platform.token()).json()["error"]
    assert [line.partition(":")[0] for line in error["message"].splitlines()] == ["limit", "colour", "search"]


LISTS: dict[str, Cursor] = {
    "/parks": ParkCursor("a"),
    f"/parks/{PARK}/renewals": RecordCursor(5, PARK),
    "/renewals?plate=x": RecordCursor(5, PARK),
    f"/parks/{PARK}/vehicles": VehicleCursor("plate", "a"),
    "/requests": RequestCursor("1" * 32),
    f"/changes?park_uuid={PARK}": ChangeCursor(1, 5),
}
BAD_CURSORS = {
    "no base64": "a",
    "a letter that is in no cursor": "abc$",
    "other bytes": "AAAA",
    "bits after the end": write_cursor(ParkCursor("abc"))[:-1] + "_",
    "another spelling of a cursor": base64.urlsafe_b64encode(b"\xdc\x00\x02\xa1p\xa3abc").decode().rstrip("="),
    "a number as a park": write_cursor(ParkCursor(5)),  # type: ignore[arg-type]
    "a NUL": write_cursor(ParkCursor("a\0")),
    "a position below all": write_cursor(RecordCursor(-1, PARK)),
    "a position beyond all": write_cursor(RecordCursor(2**63, PARK)),
    "a kind of card that is not": write_cursor(VehicleCursor("phone", "a")),  # type: ignore[arg-type]
    "letters for a seqno": write_cursor(RequestCursor("x" * 32)),
    "a seqno with more behind it": write_cursor(RequestCursor("1" * 32 + "\n")),
    "a generation beyond all": write_cursor(ChangeCursor(2**31, 0)),
    "long": "A" * 1_025,
}


@pytest.mark.parametrize("path", LISTS)
def test_cursor_that_is_not_of_this_list_is_refused(platform: Platform, path: str) -> None:
    token = platform.token()
    join = "&" if "?" in path else "?"
    own = LISTS[path]
    foreign = {
        type(cursor).__name__: write_cursor(cursor) for cursor in LISTS.values() if type(cursor) is not type(own)
    }
    for name, word in {**BAD_CURSORS, **foreign}.items():
        answer = platform.ask(f"{path}{join}after={word}", token)
        assert answer.status_code == 400, name
        assert answer.json()["error"]["place"] == "after"
    assert platform.ask(f"{path}{join}after={write_cursor(own)}", token).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "language"),
    [(None, "zh"), ("en", "en"), ("zh-CN,en;q=0.5", "zh"), ("fr, en-GB;q=0.8", "en"), ("fr", "zh"), ("é" * 300, "zh")],
)
def test_error_speaks_the_language_that_was_asked_for(platform: Platform, accepted: str | None, language: str) -> None:
    headers = {} if accepted is None else {"accept-language": accepted.encode()}
    answer = platform.send("/api/v1/requests/123", headers=headers)
    assert answer.headers["content-language"] == language
    assert ("应为" in answer.text) == (language == "zh")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/parks", f"/parks/{PARK}/renewals.csv", "/", "/openapi.json"])
def test_other_methods_are_refused_with_those_that_are_allowed(platform: Platform, method: str, path: str) -> None:
    answer = platform.ask(path, None, method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["error"]["code"] == "wrong_method"


@pytest.mark.parametrize(
    "path", ["/nothing", f"/parks/{PARK}/", "/parks/", f"/parks/{PARK}/renewals/a/b", "/parks/%FF"]
)
def test_unknown_path_is_answered_in_the_same_form(platform: Platform, path: str) -> None:
    answer = platform.ask(path, platform.token())
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert platform.send("/api/other").json()["error"]["code"] == "not_found"


ANSWERS = ["/parks", "/parks?limit=0", "/nothing", "/", "/api.css", "/openapi.json", f"/parks/{PARK}/renewals.csv"]


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_has_the_strict_headers_and_head_has_them_without_a_body(platform: Platform, path: str) -> None:
    token = platform.token()
    got, head = platform.ask(path, token), platform.ask(path, token, "HEAD")
    for answer in (got, head):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert got.content
    assert not head.content
    assert head.status_code == got.status_code
    same = ("content-type", "etag", "content-length") if not path.endswith("csv") else ("content-type",)
    assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]


def test_answer_that_has_not_changed_is_not_sent_again(stocked: Platform) -> None:
    token, path = stocked.token(), f"/parks/{PARK}/renewals"
    tag = stocked.ask(path, token).headers["etag"]
    assert tag.startswith('"')
    for wanted in (tag, f'"other", W/{tag}', "*"):
        again = stocked.ask(path, token, if_none_match=wanted)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert stocked.ask(path, token, if_none_match='"other"').status_code == 200
    assert stocked.ask(path, stocked.token(masked=True), if_none_match=tag).status_code == 200
    assert stocked.ask("/nothing", token, if_none_match="*").status_code == 404


def test_answers_name_the_nodes_that_do_not_answer(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    token = platform.token()
    assert "vipgate-incomplete" not in platform.ask("/parks", token).headers
    monkeypatch.setattr(SqliteStore, "unreachable", lambda _: Unreachable(("w1:5432", "w2:5432"), 12))
    assert platform.ask("/parks", token).headers["vipgate-incomplete"] == 'parks=12; nodes="w1:5432 w2:5432"'
