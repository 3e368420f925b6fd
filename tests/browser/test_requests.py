"""Requests: by seqno and other fields, what was wrong, fixed and sent again; the signature check."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from support.browser_data import BUSY, NAMES, REFUSING
from support.browser_visitor import House
from support.gateway_process import SECRET
from vipgate.protocol.signature_md5 import sign
from vipgate.store.interfaces.accounts import Language

BODY = json.dumps({"park_uuid": REFUSING, "row": []})


def test_request_is_found_by_its_seqno_and_by_other_fields(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at("/requests")
    seqno = house.seqnos[language][1]
    visitor.fill("requests.seqno", seqno[:10])
    visitor.press("records.search", 422)
    visitor.fill("requests.seqno", seqno)
    visitor.press("records.search")
    assert visitor.path == f"/requests/{seqno}"
    visitor.at("/requests")
    visitor.follow("requests.kind.strangers")
    assert "nobody-knows-me" in visitor.page.locator("main tbody").inner_text()
    visitor.follow("requests.kind.rejected")
    assert "1001" not in visitor.page.locator("main tbody .tag").all_inner_texts()
    visitor.fill("records.park", "万象天地 P2")
    visitor.label("code").select_option("400")
    visitor.press("records.search")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(NAMES[REFUSING])
    assert set(visitor.page.locator("main tbody .tag").all_inner_texts()) == {"400"}


def test_requests_are_paged_to_the_end_and_back(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at(f"/requests?park={BUSY}")
    seen = first = _seqnos(visitor.page.locator("main tbody").inner_text())
    while visitor.page.get_by_role("link", name=visitor.t("page.next"), exact=True).count():
        visitor.follow("page.next")
        seen = seen + _seqnos(visitor.page.locator("main tbody").inner_text())
    assert len(seen) == len(set(seen)) > len(first)
    assert seen == sorted(seen, reverse=True)
    visitor.follow("page.first")
    assert _seqnos(visitor.page.locator("main tbody").inner_text()) == first


def _seqnos(text: str) -> list[str]:
    return re.findall(r"\b\d{32}\b", text)


def test_refused_request_is_mended_sent_again_and_stored(house: House, language: Language) -> None:
    seqno = house.seqnos[language][0]
    visitor = house.staff("operator", language).at(f"/requests/{seqno}")
    faults = visitor.page.locator("main table").first
    expect(faults.locator("tbody th")).to_have_text(["row[1].quantity", "row[3].pay_time"])
    body = visitor.label("replay.body")
    kept = body.input_value()
    assert "***" in kept
    body.fill("{")
    visitor.press("replay.do", 422)
    expect(visitor.label("replay.body")).to_have_attribute("aria-invalid", "true")
    visitor.label("replay.body").fill(kept.replace('"1.5"', '"1"'))
    visitor.press("replay.do")
    visitor.is_told("done.replay_rejected")
    expect(visitor.page.locator("main table").first.locator("tbody th")).to_have_text(["row[3].pay_time"])
    fixed = visitor.label("replay.body").input_value().replace('"昨天"', '"1795492800000"')
    visitor.label("replay.body").fill(fixed)
    visitor.press("replay.do")
    visitor.is_told("done.replayed")
    new = visitor.path.removeprefix("/requests/")[:32]
    expect(visitor.page.locator("main table tbody tr")).to_have_count(5)
    assert house.database.queries.replays_of(REFUSING, seqno)
    order = re.findall(r'"pay_partner": "([^"]+)"', fixed)[0]
    stored = house.database.store.find_record(REFUSING, order)
    assert stored is not None
    assert stored.seqno == new
    # A hidden plate that was left as it was shown is what was kept.
    assert "*" not in stored.renewal.plate
    entry = house.database.store.request_log_entry(new)
    assert entry is not None
    assert entry.origin.peer == "console:operator.one"


def test_full_replace_is_sent_again_only_after_a_second_confirmation(house: House, language: Language) -> None:
    seqno = house.seqnos[language][1]
    visitor = house.staff("operator", language).at(f"/requests/{seqno}")
    records = _records(house)
    body = visitor.label("replay.body").input_value()
    whole = body.replace('"1.5"', '"1"').replace('"昨天"', '"1795492800000"').replace("{", '{"complete": "1",', 1)
    visitor.label("replay.body").fill(whole)
    visitor.press("replay.do")
    expect(visitor.page.get_by_role("alert")).to_contain_text(visitor.t.number(records))
    assert _records(house) == records
    expect(visitor.button("replay.sure")).to_be_visible()
    visitor.follow("cancel")
    assert _records(house) == records


def _records(house: House) -> int:
    found = house.database.store.find_park(REFUSING)
    assert found is not None
    return found.records


@pytest.mark.parametrize(
    ("signed_with", "told"),
    [(SECRET, "signature_check.right"), ("another", "signature_check.wrong")],
    ids=["right", "wrong"],
)
def test_check_says_what_is_wrong_with_a_signature(
    house: House, language: Language, signed_with: str, told: str
) -> None:
    visitor = house.staff("operator", language).at("/signature-check")
    visitor.fill("signature_check.body", BODY)
    visitor.fill("signature_check.authorization", sign(BODY.encode(), signed_with))
    visitor.press("signature_check.do")
    expect(visitor.page.get_by_role("status")).to_contain_text(visitor.t(told))
    expect(visitor.page.locator("span.secret")).to_have_text(sign(BODY.encode(), SECRET))
    assert SECRET not in visitor.page.content()
    assert house.actions()[0] == "signature.check"


def test_check_takes_a_typed_secret_and_forgets_it(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at("/signature-check")
    visitor.fill("signature_check.body", BODY)
    visitor.press("signature_check.do", 422)
    visitor.fill("signature_check.secret.only", "typed-secret-1")
    visitor.press("signature_check.do")
    expect(visitor.page.locator("span.secret")).to_have_text(sign(BODY.encode(), "typed-secret-1"))
    assert "typed-secret-1" not in visitor.page.content()


def test_stranger_is_led_to_the_signature_check(house: House, language: Language) -> None:
    visitor = house.staff("operator", language).at("/requests?strangers=1")
    visitor.send(visitor.page.locator("main tbody").get_by_role("link").first)
    visitor.follow("request.signature_check")
    assert visitor.path.startswith("/signature-check?park=")
