"""Sums over records: any order gives the same, any change another, and docs/digest.md alone leads to the same numbers."""

from __future__ import annotations

import json
import random
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.protocol_pipeline import GOOD, walk, written
from support.renewal_strategies import renewals, texts
from vipgate.cli.sample import PAGE_BODY, sample_renewals
from vipgate.protocol.digest import (
    BUCKETS,
    NO_MONTH,
    DigestSum,
    bucket_of,
    digest_text,
    month_of,
    record_digest,
    tally_buckets,
    tally_months,
)
from vipgate.protocol.renewal import Renewal, parse_instant

PAGE = Path(__file__).parents[3] / "docs" / "digest.md"
UNTIL_US = 1_795_492_800_000_000
SAID = [name for name in Renewal.__struct_fields__ if name != "flags"]
stocks = st.lists(renewals(), max_size=6)


def sample(count: int = 300) -> list[Renewal]:
    return list(sample_renewals(count, 1, until_us=UNTIL_US))


def tally(rows: list[Renewal]) -> DigestSum:
    found = DigestSum()
    for renewal in rows:
        found.add(renewal)
    return found


def digest_by_the_document(one: Renewal) -> int:
    """Written from docs/digest.md with the standard library, as another vendor would."""
    said = [
        one.pay_partner, one.plate, one.plate_color, one.card_no, one.card_id, one.charge_type, one.vip_type,
        one.quantity, one.pay_type, one.value_e4, one.pay_time_ms, one.renewal_start_time_us, one.renewal_end_time_us,
        one.pay_value_fen, one.operator, one.extra,
    ]  # fmt: skip
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def test_page_example_has_the_digest_that_the_document_says() -> None:
    [renewal] = walk(PAGE_BODY).renewals
    assert f"The page's own example has the digest `{digest_text(record_digest(renewal))}`." in PAGE.read_text("utf-8")


@given(renewals())
@settings(deadline=None)
def test_another_vendor_comes_to_the_same_digest(renewal: Renewal) -> None:
    assert record_digest(renewal) == digest_by_the_document(renewal)


@given(renewals(), renewals(), st.sampled_from(SAID))
@settings(deadline=None, max_examples=300)
def test_any_changed_member_changes_the_digest(one: Renewal, other: Renewal, name: str) -> None:
    assume(getattr(one, name) != getattr(other, name))
    changed = msgspec.structs.replace(one, **{name: getattr(other, name)})
    assert record_digest(changed) != record_digest(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"card_no": "7", "card_id": None}, {"card_no": None, "card_id": "7"}),
        ({"card_no": "7,8", "card_id": "9"}, {"card_no": "7", "card_id": "8,9"}),
        ({"card_no": '7","8', "card_id": "9"}, {"card_no": "7", "card_id": '8","9'}),
        ({"quantity": 1, "pay_type": 2}, {"quantity": 2, "pay_type": 1}),
        ({"operator": None}, {"operator": "null"}),
        ({"pay_value_fen": None}, {"pay_value_fen": 0}),
    ],
)
def test_members_do_not_run_into_each_other(one: dict[str, object], other: dict[str, object]) -> None:
    [first, second] = [msgspec.structs.replace(sample()[0], **members) for members in (one, other)]
    assert record_digest(first) != record_digest(second)


def test_what_the_platform_thinks_of_a_record_is_no_part_of_its_digest() -> None:
    renewal = sample()[0]
    assert record_digest(msgspec.structs.replace(renewal, flags=renewal.flags ^ 7)) == record_digest(renewal)


def test_order_and_blanks_of_unlisted_members_do_not_matter() -> None:
    rows = [written(a="1", b='{"x": 2}'), written(b='{"x":2}', a=" 1")]
    first, second = [walk(b'{"park_uuid":"p","row":[%s]}' % row).renewals[0] for row in rows]
    assert first.extra == '{"a":1,"b":{"x":2}}'
    assert record_digest(first) == record_digest(second)


@given(stocks, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_records_does_not_matter(rows: list[Renewal], chance: random.Random) -> None:
    mixed = rows.copy()
    chance.shuffle(mixed)
    assert tally(mixed) == tally(rows)
    assert tally_months(mixed) == tally_months(rows)


@given(stocks, stocks)
@settings(deadline=None)
def test_joined_sums_are_the_sums_of_all(some: list[Renewal], others: list[Renewal]) -> None:
    joined = tally(some)
    joined.join(tally(others))
    assert joined == tally(some + others)
    assert 0 <= joined.digest < 2**64


def test_record_held_twice_does_not_cancel_itself_out() -> None:
    renewal = sample()[0]
    assert tally([renewal, renewal]).digest == 2 * record_digest(renewal) % 2**64


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        ("2026-10-31T15:59:59.999Z", "2026-10"),
        ("2026-10-31T16:00:00Z", "2026-11"),
        ("2026-12-31T16:00:00Z", "2027-01"),
        ("2000-01-01T00:00:00Z", "2000-01"),
        ("2100-12-31T23:59:59.999Z", "2101-01"),
        (None, NO_MONTH),
    ],
)
def test_month_is_of_beijing(instant: str | None, month: str) -> None:
    paid_us = None if instant is None else parse_instant(instant)
    assert paid_us is None or isinstance(paid_us, int)
    renewal = msgspec.structs.replace(sample()[0], pay_time_ms=None if paid_us is None else paid_us // 1000)
    assert month_of(renewal) == month


@given(texts, st.sampled_from(BUCKETS))
def test_bucket_is_where_the_document_says(pay_partner: str, buckets: int) -> None:
    number = int.from_bytes(blake2b(pay_partner.encode(), digest_size=4).digest(), "big")
    assert bucket_of(pay_partner, buckets) == number % buckets


@pytest.mark.parametrize("buckets", BUCKETS)
def test_buckets_of_a_month_add_up_to_it(buckets: int) -> None:
    rows = sample()[::-1]
    months = tally_months(rows)
    assert list(months) == sorted(months)
    found = tally_buckets(rows, months, buckets)
    assert list(found) == sorted(found)
    for month, whole in months.items():
        parts = DigestSum()
        for (of, _), part in found.items():
            if of == month:
                assert part.count > 0
                parts.join(part)
        assert parts == whole


def test_only_the_months_asked_for_are_told() -> None:
    rows = sample()
    asked = list(tally_months(rows))[3:5]
    assert {month for month, _ in tally_buckets(rows, asked, 16)} == set(asked)


def test_record_without_a_time_or_money_counts() -> None:
    [renewal] = walk(b'{"park_uuid":"p","row":[%s]}' % json.dumps(GOOD).encode()).renewals
    assert tally_months([renewal]) == {NO_MONTH: DigestSum(1, 0, record_digest(renewal))}
