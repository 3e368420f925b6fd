"""What the pages of a round say of the source is in the status until a later round says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.reader import Page
from vipgate.agent.models import HASH_BYTES, Rejection, Version
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status
from vipgate.agent.sync.page_intake import PageIntake
from vipgate.agent.sync.source_thread import PageRead


def test_rows_that_are_too_many_to_be_compared_are_a_warning_until_a_round_compares_all(tmp_path: Path) -> None:
    spool, status = Spool(tmp_path / "spool", lambda: 1), Status(at_us=1)
    intake = PageIntake(SourceConfig(), spool, status, lambda: 1, lambda _: None)
    intake.take(PageRead("again", Page([], [], []), 0, 1, left=5), has_key=False, is_snapshot=False)
    intake.end_round()
    assert "were not sent, and are no dead letters; name the columns" in status.warnings["order numbers"]
    intake.end_round()
    assert status.warnings == {}
    spool.close()


def test_numbers_that_may_be_rounded_are_a_warning_once_in_a_round(tmp_path: Path) -> None:
    spool, status = Spool(tmp_path / "spool", lambda: 1), Status(at_us=1)
    intake = PageIntake(SourceConfig(), spool, status, lambda: 1, lambda _: None)
    page = Page([], [], [], doubtful=[("line 3", "202411050000012000")])
    intake.take(PageRead("round", page, 1, 1), has_key=False, is_snapshot=False)
    # What shares an order number is read a second time.
    intake.take(PageRead("again", page, 0, 1), has_key=False, is_snapshot=False)
    assert status.warnings["rounded"].startswith("1 long order numbers")
    spool.close()


@pytest.mark.parametrize("has_key", [True, False])
def test_row_that_changes_its_order_number_has_no_letter_under_the_old_one(tmp_path: Path, *, has_key: bool) -> None:
    spool, status = Spool(tmp_path / "spool", lambda: 1), Status(at_us=1)
    intake = PageIntake(SourceConfig(), spool, status, lambda: 1, lambda _: None)

    def read(order: str | None) -> list[str]:
        """Reads row 5, which cannot be sent, under an order number or none; returns the identities of the dead letters."""
        dead = Rejection(order or "编号=5", order, "编号=5", "no money", source="{}", row_id=b"5")
        intake.take(PageRead("changes", Page([], [], [dead]), 1, 1), has_key=has_key, is_snapshot=False)
        return [letter.identity for letter in spool.dead_letters()]

    assert read(None) == ["编号=5"]
    assert read("A1") == (["A1"] if has_key else ["编号=5", "A1"])
    assert read("A2") == (["A2"] if has_key else ["编号=5", "A1", "A2"])
    assert read("A1")[-1:] == (["A1"] if has_key else ["A2"])
    assert intake.dead == len(list(spool.dead_letters()))
    spool.close()


def test_records_that_were_sent_and_pass_no_filter_any_more_are_named(tmp_path: Path) -> None:
    spool, status = Spool(tmp_path / "spool", lambda: 1), Status(at_us=1)
    intake = PageIntake(SourceConfig(), spool, status, lambda: 1, lambda _: None)
    with spool.transaction():
        spool.acknowledged.note({"A1": Version(b"h" * HASH_BYTES, b"[1]"), "A2": Version(b"h" * HASH_BYTES, b"[2]")})
    # A1 is the row that was sent; of A2 another row was, and A3 was never sent.
    left = Page([], [], [], left_orders=[("A1", b"[1]"), ("A2", b"[7]"), ("A3", b"[3]")], left_out=3)
    intake.take(PageRead("round", left, 3, 1), has_key=True, is_snapshot=False)
    assert status.warnings["left out"].startswith("1 records that were sent no longer pass the filters (A1)")
    intake.end_round()
    intake.take(PageRead("round", Page([], [], []), 3, 1), has_key=True, is_snapshot=False)
    intake.end_round()
    assert status.warnings == {}
    # Without a key nothing tells which row was sent.
    intake.take(PageRead("round", left, 3, 1), has_key=False, is_snapshot=False)
    assert status.warnings == {}
    spool.close()


def test_rows_of_other_plates_under_one_order_number_are_named(tmp_path: Path) -> None:
    spool, status = Spool(tmp_path / "spool", lambda: 1), Status(at_us=1)
    intake = PageIntake(SourceConfig(), spool, status, lambda: 1, lambda _: None)
    page = Page([], [], [], replaced=[("A1", "row 9", "row 3")])
    intake.take(PageRead("again", page, 2, 1), has_key=True, is_snapshot=False)
    intake.end_round()
    assert status.warnings["plates"].startswith(
        "1 order numbers are those of several rows with different plates: the newest is sent, the other is not: A1 (row 9 and "
        "not row 3)"
    )
    spool.close()
