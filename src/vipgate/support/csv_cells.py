"""Keeps text that begins like a formula from being run by the spreadsheet that opens a CSV file. Pure."""

from __future__ import annotations

from typing import Any, Final

# A spreadsheet runs a cell that starts with one of these as a formula.
_FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def escape_formula(cell: Any) -> Any:
    """Prefixes `cell` with an apostrophe if a spreadsheet would read it as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_MARKS) else cell
