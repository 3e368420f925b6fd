"""Why a file with a sheet is not read."""

from __future__ import annotations

from vipgate.i18n import tr


class SheetError(Exception):
    """A message for people, as a template with its values: the process that reads a sheet knows no language but English.

    A value may itself be a text with a translation, such as a remedy.
    """

    def __init__(self, template: str, /, **values: str | int) -> None:
        super().__init__(template)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        values = {name: tr(value) if isinstance(value, str) else value for name, value in self.values.items()}
        return tr(self.template, **values)


class TooLarge(SheetError):
    """A workbook exceeds a limit."""


class NoSuchSheet(Exception):
    """The workbook has no sheet of that name; the message lists its sheets."""


class Odd(SheetError):
    """A file that holds no table, or that no spreadsheet program would write."""


class HalfWritten(SheetError):
    """The file ends too early, or its text is broken."""
