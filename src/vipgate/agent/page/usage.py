"""Records when a person last used the page, so that an unused page ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from vipgate.clock import clock_s


@dataclass(slots=True)
class Usage:
    """When a person last asked for a page or sent a form. Strangers and pages that reload by themselves do not count."""

    last_s: float = field(default_factory=clock_s)

    def note(self) -> None:
        """Notes a use."""
        self.last_s = clock_s()
