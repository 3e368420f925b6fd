"""Who is let in: tokens, scopes, the park of a token, and what masked ones never see."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from support.api_app import Platform, row
from support.store_data import OTHER, PARK, do, push, refused
from vipgate.errors import StoreUnavailable
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import SCOPES, AuditEntry
from vipgate.store.interfaces.ledger import RejectedRequest, RequestOrigin

UNKNOWN = f"vipgate_{'A' * 43}"


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, 'Bearer realm="vipgate"'),
        (f"Bearer {UNKNOWN}", 'Bearer realm="vipgate", error="invalid_token"'),
        ("Bearer", 'Bearer realm="vipgate", error="invalid_token"'),
        (f"Basic {UNKNOWN}", 'Bearer realm="vipgate", error="invalid_token"'),
        (f"Bearer {UNKNOWN}x", 'Bearer realm="vipgate", error="invalid_token"'),
        ("Bearer vipgate_" + "é" * 43, 'Bearer realm="vipgate", error="invalid_token"'),
    ],
)
def test_question_without_a_good_token_is_challenged(
    platform: Platform, authorization: str | None, challenge: str
) -> None:
    headers = {} if authorization is None else {"authorization": authorization.encode()}
    answer = platform.send("/api/v1/parks", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == challenge
    assert answer.json()["error"]["code"] == "no_token"


def test_scheme_of_a_token_is_read_in_any_case(platform: Platform) -> None:
    token = platform.token()
    assert platform.ask("/parks", None, authorization=f"bearer {token}").status_code == 200


def test_revoked_token_is_shut_out_at_once(platform: Platform) -> None:
    token = platform.token(name="old")
    platform.get("/parks", token)
    entry = AuditEntry(at_us=0, who="command", action="revoke token", park_uuid=None, subject="old", detail="", peer="")
    assert platform.database.accounts.revoke_token("old", platform.clock(), entry)
    assert platform.ask("/parks", token).status_code == 401


PATHS = {
    "parks": ["/parks", f"/parks/{PARK}"],
    "renewals": [f"/parks/{PARK}/renewals", f"/parks/{PARK}/renewals.csv", "/renewals?plate=x"],
    "vehicles": [f"/parks/{PARK}/vehicles"],
    "requests": ["/requests"],
    "totals": ["/totals"],
    "changes": [f"/changes?park_uuid={PARK}"],
}


@pytest.mark.parametrize(("scope", "path"), [(scope, path) for scope, paths in PATHS.items() for path in paths])
def test_token_without_the_scope_is_refused_and_told_which(platform: Platform, scope: str, path: str) -> None:
    others = tuple(one for one in SCOPES if one != scope)
    answer = platform.ask(path, platform.token(scopes=others))
    assert answer.status_code == 403
    assert f'error="insufficient_scope", scope="{scope}"' in answer.headers["www-authenticate"]
    assert platform.ask(path, platform.token(scopes=(scope,))).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "/parks/{}",
        "/parks/{}/renewals",
        "/parks/{}/renewals/x",
        "/parks/{}/renewals.csv",
        "/parks/{}/renewals.parquet",
        "/parks/{}/vehicles",
        "/requests?park_uuid={}",
        "/totals?park_uuid={}",
        "/changes?park_uuid={}",
    ],
)
def test_park_of_others_looks_as_if_it_were_not_there(stocked: Platform, path: str) -> None:
    token = stocked.token(park=PARK)
    foreign, missing = stocked.ask(path.format(OTHER), token), stocked.ask(path.format("nowhere"), token)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(OTHER, "nowhere") == missing.text


def test_token_of_one_park_finds_nothing_of_others(stocked: Platform) -> None:
    token, all_parks = stocked.token(park=OTHER), stocked.token()
    assert [one["park_uuid"] for one in stocked.get("/parks", token)["items"]] == [OTHER]
    assert stocked.get("/parks?search=北", token)["items"] == []
    assert stocked.get("/renewals?plate=粤B99999", token)["items"] == []
    assert len(stocked.get("/renewals?plate=粤B99999", all_parks)["items"]) == 1
    assert {one["park_uuid"] for one in stocked.get("/requests", token)["items"]} == {OTHER}
    assert sum(day["inserted"] for day in stocked.get("/totals", token)["records"]) == 60
    assert sum(day["inserted"] for day in stocked.get("/totals", all_parks)["records"]) == 120
    assert len(stocked.get("/changes", token)["items"]) == 60


def test_request_of_another_park_or_of_a_stranger_is_hidden_from_the_token_of_a_park(stocked: Platform) -> None:
    stranger, own = refused(stocked.clock(), park=None, code="401"), refused(stocked.clock())
    do(stocked.database.store, stranger, own)
    for token, seen in ((stocked.token(), {own.seqno, stranger.seqno}), (stocked.token(park=PARK), {own.seqno})):
        for seqno in (own.seqno, stranger.seqno):
            assert stocked.ask(f"/requests/{seqno}", token).status_code == (200 if seqno in seen else 404)


PLATE, CARD, PHONE = "粤B88123", "CARD0000042", "13800000000"


@pytest.mark.parametrize(
    "path",
    [
        f"/parks/{PARK}/renewals",
        f"/parks/{PARK}/renewals?plate={PLATE}",
        f"/parks/{PARK}/renewals?card={CARD}",
        f"/parks/{PARK}/renewals/order-1",
        f"/parks/{PARK}/renewals.csv",
        f"/parks/{PARK}/vehicles",
        f"/parks/{PARK}/vehicles?plate={PLATE}",
        f"/parks/{PARK}/vehicles?card={CARD}",
        f"/renewals?plate={PLATE}",
        f"/changes?park_uuid={PARK}",
        "/requests",
    ],
)
def test_masked_token_sees_no_plate_no_card_and_nothing_about_people(platform: Platform, path: str) -> None:
    secret = row(
        pay_partner="order-1", plate=PLATE, card_no=CARD, card_id=CARD, operator=PHONE, extra=f'{{"phone":"{PHONE}"}}'
    )
    hint = LocalizedText(f'row[0].plate: 不对, 收到 "{PLATE} 收到 1"', f'row[0].plate: wrong, got "{PLATE} got 1"')
    caller = RequestOrigin(received_us=platform.clock(), peer="192.0.2.1", body_bytes=1, body_sha256="ab" * 32)
    do(platform.database.store, push([secret], platform.clock()))
    do(platform.database.store, push([row(pay_partner="order-1", plate=PLATE, quantity=7)], platform.clock()))
    do(platform.database.store, push([secret], platform.clock()))
    do(platform.database.store, RejectedRequest("2" * 32, PARK, PARK, "400", hint, caller))
    masked, plain = platform.ask(path, platform.token(masked=True)), platform.ask(path, platform.token())
    assert masked.status_code == plain.status_code == 200
    assert any(secret in plain.text for secret in (PLATE, CARD))
    assert not any(secret in masked.text for secret in (PLATE, CARD, PHONE))


def test_masked_token_cannot_spell_a_plate_out_by_prefixes(stocked: Platform) -> None:
    answer = stocked.ask("/renewals?plate_prefix=粤B9999", stocked.token(masked=True))
    assert answer.status_code == 403
    assert answer.json()["error"]["place"] == "plate_prefix"
    assert stocked.get("/renewals?plate_prefix=粤B9999", stocked.token())["items"]


def test_cursor_of_a_masked_token_hides_the_plate_in_it(stocked: Platform) -> None:
    token, plain = stocked.token(masked=True), stocked.token()
    sealed = stocked.get(f"/parks/{PARK}/vehicles?limit=5", token)["next"]
    page = stocked.get(f"/parks/{PARK}/vehicles?limit=5", plain)
    clear, plate = page["next"], page["items"][-1]["key"].encode()
    decoded = [base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)) for word in (sealed, clear)]
    assert [plate in raw for raw in decoded] == [False, True]
    all_pages = [one for items in stocked.pages(f"/parks/{PARK}/vehicles", token, 7) for one in items]
    assert len(all_pages) == len(stocked.get(f"/parks/{PARK}/vehicles?limit=1000", plain)["items"])
    for word, other in ((clear, token), (sealed, plain)):
        assert stocked.ask(f"/parks/{PARK}/vehicles?after={word}", other).status_code == 400


def _used(platform: Platform) -> int | None:
    return next(token.used_us for token in platform.database.accounts.list_tokens() if token.name == "busy")


def test_use_of_a_token_is_noted_once_a_minute(platform: Platform) -> None:
    token, begun = platform.token(name="busy"), platform.clock()
    platform.get("/parks", token)
    assert _used(platform) == begun
    platform.clock.forward(60)
    platform.get("/parks", token)
    assert _used(platform) == begun
    platform.clock.forward(1)
    platform.get("/parks", token)
    assert _used(platform) == begun + 61_000_000


def test_token_is_read_with_when_its_use_cannot_be_noted(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    token = platform.token()

    def full(*_: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(type(platform.database.accounts), "use_token", full)
    platform.get("/parks", token)


def test_log_learns_whose_question_it_was_and_its_path_without_the_query(stocked: Platform) -> None:
    noted: list[dict[str, Any]] = []

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        await stocked.app(scope, receive, send)
        noted.append(scope["state"])

    async def ask() -> None:
        transport = httpx.ASGITransport(listening)
        async with httpx.AsyncClient(transport=transport, base_url="http://inside.test") as client:
            token = {"authorization": f"Bearer {stocked.token(name='bi')}"}
            await client.get(f"/api/v1/parks/{PARK}/renewals?plate=粤B99999", headers=token)

    stocked.runner.run(ask())
    assert noted == [{"shown": f"/api/v1/parks/{PARK}/renewals", "who": "token:bi"}]
