"""Cells as spreadsheet programs write them: a guard is taken off, and what is no value is never taken for one."""

from __future__ import annotations

import pytest

from vipgate.support.sheet.cells import BadCell, clean_cell, clean_row


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("'2022072512345928259", "2022072512345928259"),
        ("’2022072512345928259", "2022072512345928259"),
        ("`2022072512345928259", "2022072512345928259"),
        ("'A1'", "A1"),
        (' ="2022072512345928259" ', "2022072512345928259"),
        ('="a""b"', 'a"b'),
        ('=""', ""),
        ("='A1'", None),
        ("'", ""),
        ("'=1+1", "=1+1"),
    ],
)
def test_guard_is_taken_off(cell: str, value: str | None) -> None:
    found = clean_cell(cell)
    assert (None if isinstance(found, BadCell) else found) == value


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        *((text, "error") for text in ("#DIV/0!", "#N/A", "#NAME?", "#NUM!", "#REF!", "#VALUE!", "#NULL!", "#SPILL!", "#FUTURE!")),
        *((text, "error") for text in ("#GETTING_DATA", "########", "Err:502", " #DIV/0! ", '="#N/A"')),
        *((text, "rounded") for text in ("2.02207E+18", "2.02207e18", "2,02207E+18", "3E+02", "-1.5E-3")),
        *((text, "rounded") for text in ("'2.02207E+18", '="2.0E+18"')),
        *((text, "formula") for text in ("=A1*2", "=1/0", "=SUM(B2:B9)", '=T("x")', '="a"&"b"')),
    ],
)  # fmt: skip
def test_cell_without_a_value_is_known(cell: str, fault: str) -> None:
    found = clean_cell(cell)
    assert isinstance(found, BadCell)
    assert (found.fault, str(found) in cell) == (fault, True)
    assert found.remedy.zh
    assert found.remedy.en


@pytest.mark.parametrize(
    "cell",
    [
        "粤B12345",
        "300.00",
        "12E45",
        "A#1",
        "#12",
        "#A12",
        "=",
        "",
        "  ",
        "E+1",
        "-",
        "O'Neil",
        "2026-09-01",
        "Error",
        1.5,
        None,
        True,
    ],
)
def test_other_cells_are_kept(cell: object) -> None:
    assert clean_cell(cell) is cell


def test_row_is_looked_at_cell_by_cell() -> None:
    plain = ["A1", "粤B1", 1.5, None]
    assert clean_row(plain) is plain
    assert list(clean_row(["A1", "\n'2", 3, '="4"'])) == ["A1", "2", 3, "4"]
    assert str(clean_row(["x", " Err:508"])[1]) == "Err:508"
    assert str(clean_row(["x", "2.0E+9"])[1]) == "2.0E+9"
