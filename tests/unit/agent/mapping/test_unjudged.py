"""Values that no filter names are counted, however many there are, and the most frequent are named."""

from __future__ import annotations

from collections import Counter

from vipgate.agent.mapping.unjudged import OTHERS, VALUES_MAX, count_unjudged, unjudged_text


def test_values_are_bounded_and_no_row_is_lost() -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for page in range(100):
        count_unjudged(counts, {("状态", f"{page}-{number}"): 2 for number in range(40)} | {OTHERS: 1})
    assert len(counts) <= VALUES_MAX + 1
    text = unjudged_text(counts)
    assert text.startswith(f"{100 * 81} rows are not sent")
    assert "状态 = '0-0' (2), " in text
    assert ", …; are these paid renewals" in text
    assert " = '' (" not in text


def test_few_values_are_all_named() -> None:
    text = unjudged_text({("状态", "x"): 5, ("状态", ""): 2})
    assert text.startswith(
        "7 rows are not sent because of values that no filter names: 状态 = 'x' (5), 状态 = '' (2); "
    )
