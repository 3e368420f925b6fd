"""Comparing a source with a platform: what is told, what is sent again, and that an old version never is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipgate.agent import reconcile
from vipgate.agent.reconcile import NotOffered, OddAnswer, Report, SourceRecord, compare
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.digest import (
    NO_MONTH,
    DigestSum,
    bucket_of,
    bucket_place,
    digest_text,
    month_of,
    record_digest,
    tally_buckets,
    tally_months,
)
from vipgate.protocol.renewal import PAY_TIME_MS_MIN, Renewal, anonymized

UNTIL_US = 1_795_492_800_000_000
MONTH_MS = 31 * 86_400_000


def sample(count: int = 400) -> list[Renewal]:
    return list(sample_renewals(count, 1, until_us=UNTIL_US))


def changed(renewal: Renewal, **members: object) -> Renewal:
    return msgspec.structs.replace(renewal, **members)


def late(renewal: Renewal) -> Renewal:
    """The next version of `renewal`, paid in another month."""
    assert renewal.pay_time_ms is not None
    return changed(renewal, quantity=9, pay_time_ms=renewal.pay_time_ms + MONTH_MS)


def shown(tally: DigestSum) -> dict[str, object]:
    return {"count": tally.count, "pay_value": tally.pay_value, "digest": digest_text(tally.digest)}


@dataclass
class Platform:
    """What docs/digest.md says, over a list in the order of the changes. Refuses to be asked for more than it allows."""

    held: list[Renewal]
    page_records: int = 7
    asked: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, members: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(members)
        assert members.keys() <= {"months", "buckets", "wanted", "after"}
        if "wanted" in members:
            return self._page(members)
        if "months" in members:
            assert 0 < len(members["months"]) <= 1_200
            found = tally_buckets(self.held, members["months"], members["buckets"])
            return {"buckets": [{"month": month, "bucket": at, **shown(sums)} for (month, at), sums in found.items()]}
        return {"months": [{"month": month, **shown(sums)} for month, sums in tally_months(self.held).items()]}

    def _page(self, members: dict[str, Any]) -> dict[str, Any]:
        assert 0 < len(members["wanted"]) <= 4_096
        places = {(month, bucket) for month, bucket in members["wanted"]}
        records: list[list[str]] = []
        for position, one in enumerate(self.held[members["after"] :], members["after"]):
            if len(records) == self.page_records:
                return {"records": records, "next": position}
            if bucket_place(one, members["buckets"]) in places:
                records.append([one.pay_partner, digest_text(record_digest(one))])
        return {"records": records, "next": None}

    def push(self, renewal: Renewal) -> None:
        """The newest arrival wins and is the last change."""
        self.held = [one for one in self.held if one.pay_partner != renewal.pay_partner] + [renewal]


@dataclass
class Source:
    """The park's rows, read again at each scan, oldest first unless `order` says otherwise."""

    rows: Sequence[Renewal]
    scans: int = 0
    order: Sequence[int] | None = None

    def __call__(self) -> Iterator[SourceRecord]:
        self.scans += 1
        places = range(len(self.rows)) if self.order is None else self.order
        return iter([SourceRecord(self.rows[place], (place,)) for place in places])


def lists(report: Report) -> tuple[list[str], list[str], list[str]]:
    """Missing, different and only there, each in order; the counts agree."""
    found = report.difference
    counts = (found.missing_count, found.different_count, found.only_there_count)
    assert counts == (len(found.missing), len(found.different), len(found.only_there))
    return sorted(found.missing), sorted(found.different), sorted(found.only_there)


def keys(*renewals: Renewal) -> list[str]:
    return sorted(one.pay_partner for one in renewals)


def test_alike_sides_cost_one_question_and_one_scan() -> None:
    rows = sample()
    platform, source = Platform(rows[::-1]), Source(rows)
    report = compare(source, platform.ask)
    assert report.is_alike
    assert lists(report) == ([], [], [])
    assert [month.month for month in report.months] == list(tally_months(rows))
    assert (len(platform.asked), source.scans) == (1, 1)


def test_each_kind_of_difference_is_told_apart_and_only_what_can_be_mended_is_sent() -> None:
    rows = sample()
    gone, new, other = rows[10], rows[200], rows[390]
    platform = Platform([one for one in rows if one is not new and one is not other] + [changed(other, quantity=7)])
    sent: list[Renewal] = []
    report = compare(
        Source([one for one in rows if one is not gone]), platform.ask, lambda record: sent.append(record.renewal)
    )
    assert not report.is_alike
    assert lists(report) == (keys(new), keys(other), keys(gone))
    assert sorted(sent, key=lambda one: one.pay_partner) == sorted([new, other], key=lambda one: one.pay_partner)
    unlike = [month for month in report.months if not month.is_alike]
    assert [month.month for month in unlike] == sorted({month_of(one) for one in (gone, new, other)})


def test_record_erased_on_the_platform_is_alike_and_never_sent_again() -> None:
    rows = sample()
    gone, other = rows[:300], rows[300]
    held = [*map(anonymized, gone), changed(anonymized(other), quantity=7), *rows[301:]]
    sent: list[Renewal] = []
    report = compare(Source(rows), Platform(held).ask, lambda record: sent.append(record.renewal))
    assert lists(report) == ([], keys(other), [])
    assert (sent, report.difference.erased_count) == ([other], 300)
    unlike = [month.month for month in report.months if not month.is_alike]
    assert unlike == [month_of(other)]
    assert compare(Source(gone), Platform([anonymized(one) for one in gone]).ask).is_alike


def test_months_show_the_sums_of_both_sides() -> None:
    rows = [one for one in sample() if month_of(one) == "2026-03"]
    report = compare(Source(rows), Platform(rows[1:]).ask)
    [month] = report.months
    assert (month.month, month.here, month.there) == (
        "2026-03",
        tally_months(rows)["2026-03"],
        tally_months(rows[1:])["2026-03"],
    )


def test_month_that_one_side_alone_has_is_told() -> None:
    rows = [changed(one, pay_time_ms=None) for one in sample(3)]
    assert [(one.month, one.here.count, one.there.count) for one in compare(Source(rows), Platform([]).ask).months] == [
        (NO_MONTH, 3, 0)
    ]
    assert [(one.month, one.here.count, one.there.count) for one in compare(Source([]), Platform(rows).ask).months] == [
        (NO_MONTH, 0, 3)
    ]


def test_change_that_leaves_count_and_money_alone_is_found() -> None:
    rows = sample()
    report = compare(Source([changed(rows[0], operator="另一人"), *rows[1:]]), Platform(rows).ask)
    assert lists(report) == ([], keys(rows[0]), [])


@pytest.mark.parametrize("listed_max", [1, 200_000])
def test_record_that_moved_to_another_month_differs_and_is_not_gone(
    listed_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "LISTED_MAX", listed_max)
    rows = sample()
    moved = late(rows[0])
    sent: list[Renewal] = []
    # Others differ too, so that the two months of this one do not stand side by side by chance.
    platform = Platform([rows[0], *[changed(one, quantity=7) for one in rows[1:]]])
    report = compare(Source([*rows[1:], moved]), platform.ask, lambda record: sent.append(record.renewal))
    assert lists(report) == ([], keys(*rows), [])
    assert moved in sent


def test_last_row_of_an_order_number_counts() -> None:
    rows = sample()
    report = compare(Source([changed(rows[9], quantity=8), *rows]), Platform(rows).ask)
    assert report.is_alike
    assert all(month.is_alike for month in report.months)
    assert {month.month: month.here for month in report.months} == tally_months(rows)


def test_old_row_in_another_month_is_never_sent_after_the_new_one() -> None:
    rows = sample()
    sent: list[Renewal] = []
    new = late(rows[0])
    platform = Platform([*rows[1:], new])
    report = compare(Source([*rows, new]), platform.ask, lambda record: sent.append(record.renewal))
    assert sent == []
    assert report.is_alike
    assert all(month.is_alike for month in report.months)
    assert {month.month: month.here for month in report.months} == tally_months(platform.held)


def test_new_row_is_sent_where_the_platform_has_the_old_one_of_another_month() -> None:
    rows = sample()
    sent: list[Renewal] = []
    compare(Source([*rows, late(rows[0])]), Platform(rows).ask, lambda record: sent.append(record.renewal))
    assert sent == [late(rows[0])]


def test_row_that_changes_between_two_scans_is_sent_as_it_is_then() -> None:
    rows = sample()
    source = Source(rows)
    sent: list[Renewal] = []

    def read() -> Iterator[SourceRecord]:
        found = source()
        source.rows = [late(rows[0]), *rows[1:]]
        return found

    report = compare(
        read, Platform([changed(rows[0], quantity=7), *rows[1:]]).ask, lambda record: sent.append(record.renewal)
    )
    assert sent == [late(rows[0])]
    assert lists(report) == ([], keys(rows[0]), [])


def test_record_that_arrives_during_the_comparison_is_no_difference() -> None:
    rows = sample()
    platform = Platform(rows[1:])

    def ask(members: dict[str, Any]) -> dict[str, Any]:
        answer = platform.ask(members)
        if "months" in members:
            platform.push(rows[0])
        return answer

    report = compare(Source(rows), ask)
    assert report.is_alike
    assert all(month.is_alike for month in report.months)


def test_no_more_records_are_listed_at_once_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "LISTED_MAX", 50)
    rows = sample(1_000)
    platform, source = Platform([changed(one, quantity=7) for one in rows]), Source(rows)
    sent: list[Renewal] = []
    report = compare(source, platform.ask, lambda record: sent.append(record.renewal))
    groups = [members["wanted"] for members in platform.asked if members.get("after") == 0]
    listed = [sum(1 for one in rows if list(bucket_place(one, reconcile.BUCKETS)) in group) for group in groups]
    assert max(listed) <= 50
    assert (sum(listed), source.scans, len(sent)) == (1_000, 1 + len(groups), 1_000)
    assert report.difference.different_count == 1_000


def test_lists_are_cut_and_counts_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "SHOWN_MAX", 3)
    rows = sample(60)
    found = compare(Source(rows[:40]), Platform([changed(one, quantity=7) for one in rows[20:]]).ask).difference
    assert (found.missing_count, found.different_count, found.only_there_count) == (20, 20, 20)
    assert [len(found.missing), len(found.different), len(found.only_there)] == [3, 3, 3]


def test_more_months_than_one_question_takes_are_asked_in_parts() -> None:
    base = sample(1)[0]
    rows = [
        changed(base, pay_partner=f"P{number}", pay_time_ms=PAY_TIME_MS_MIN + number * MONTH_MS)
        for number in range(1_250)
    ]
    rows += [changed(base, pay_partner=f"Q{number}", pay_time_ms=None) for number in range(5)]
    old = [changed(one, pay_time_ms=(one.pay_time_ms or PAY_TIME_MS_MIN) + 15 * 86_400_000) for one in rows]
    report = compare(Source(rows), Platform(old, page_records=10_000).ask)
    assert len(report.months) > 1_250
    assert report.difference.different_count == 1_255


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_after_the_repair_the_platform_has_the_last_version_of_every_record(data: st.DataObject) -> None:
    base = sample(1)[0]
    # Two buckets and three months, so that versions of a record meet each other's neighbours.
    names = [
        name for name in (f"P{number}" for number in range(2_000)) if bucket_of(name, reconcile.BUCKETS) in (3, 4)
    ][:6]
    one = st.builds(
        lambda name, months, quantity: changed(
            base, pay_partner=name, quantity=quantity, pay_time_ms=PAY_TIME_MS_MIN + months * MONTH_MS
        ),
        st.sampled_from(names),
        st.integers(0, 2),
        st.integers(0, 2),
    )
    rows = data.draw(st.lists(one, max_size=12), "source")
    platform = Platform(data.draw(st.lists(one, max_size=6, unique_by=lambda it: it.pay_partner), "platform"), 2)
    last = {row.pay_partner: row for row in rows}
    before = {held.pay_partner: held for held in platform.held}
    sent: list[Renewal] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconcile, "LISTED_MAX", data.draw(st.sampled_from([1, 4, 100]), "listed at once"))
        order = data.draw(st.permutations(range(len(rows))), "order of the key")
        report = compare(Source(rows, order=order), platform.ask, lambda record: sent.append(record.renewal))
        for renewal in sent:
            assert renewal == last[renewal.pay_partner]
            assert renewal != before.get(renewal.pay_partner)
            platform.push(renewal)
        again = compare(Source(rows), platform.ask)
    after = {held.pay_partner: held for held in platform.held}
    only_there = sorted(before.keys() - last.keys())
    assert after == before | last
    assert report.is_alike == (before == last)
    assert sorted(report.difference.only_there) == only_there
    assert lists(again) == ([], [], only_there)
    if before == last:
        assert all(month.is_alike for month in report.months)


def test_platform_without_the_path_is_told() -> None:
    def ask(_: dict[str, Any]) -> dict[str, Any]:
        raise NotOffered

    with pytest.raises(NotOffered, match="has no digest path"):
        compare(Source(sample(1)), ask)


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({}, "months"),
        ({"months": [{"month": "2026-11", "count": 1, "pay_value": 0}]}, "digest"),
        ({"months": [{"month": "2026-11", "count": "x", "pay_value": 0, "digest": "0" * 16}]}, "count"),
        ({"months": [{"month": "2026-11", "count": 1, "pay_value": 0, "digest": "-1"}]}, "digest"),
        ({"months": None}, "months"),
    ],
)
def test_odd_answer_is_named_and_not_taken_for_a_difference(odd: dict[str, Any], named: str) -> None:
    with pytest.raises(OddAnswer, match=named):
        compare(Source(sample(1)), lambda _: odd)


def test_list_that_does_not_go_on_ends() -> None:
    platform = Platform([])

    def ask(members: dict[str, Any]) -> dict[str, Any]:
        return {"records": [], "next": 5} if "wanted" in members else platform.ask(members)

    with pytest.raises(OddAnswer, match="next is 5 after 5"):
        compare(Source(sample(5)), ask)
