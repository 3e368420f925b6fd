"""The result of a check of the configuration, as the last step and the mapping show it."""

from __future__ import annotations

from dataclasses import dataclass

from vipgate.agent.setup.checks import Finding
from vipgate.agent.setup.rehearsal import RowCounts
from vipgate.i18n import Language


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings of one configuration, and the records on both sides; None where a side cannot be counted."""

    of: str
    park_uuid: str
    url: str
    findings: tuple[Finding, ...]
    here: int | None
    there: int | None
    language: Language

    @property
    def faults(self) -> int:
        """How many findings must be put right."""
        return sum(bool(one.remedy) and not one.is_warning for one in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return sum(bool(one.remedy) and one.is_warning for one in self.findings)

    @property
    def counts(self) -> RowCounts | None:
        """What becomes of the source's rows; None where they cannot be read."""
        return next((one.counts for one in self.findings if one.counts is not None), None)
