"""Decides when a run with `--once` gives up because the platform or the source stays away. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vipgate.i18n import tr

# Longer than each pause between two tries; a run by hand or by a schedule is started again.
ONCE_OUTAGE_S_MAX: Final = 120.0


class OutageLimit:
    """Measures how long each part has been in trouble without progress."""

    def __init__(self, outage_s_max: float) -> None:
        self._outage_s_max = outage_s_max
        # By part: since when, and the progress at that time.
        self._since: dict[str, tuple[float, int]] = {}

    def fault(self, troubles: Mapping[str, str], progress: int, now_s: float) -> str | None:
        """Why the run should end; None while no trouble lasts too long. `troubles`: reasons by part, empty without trouble.

        `progress` grows or shrinks with each settled row: a trouble that comes and goes meanwhile is a new one.
        """
        lasting = {part: reason for part, reason in troubles.items() if reason}
        self._since = {part: one for part, one in self._since.items() if part in lasting and one[1] == progress}
        for part, reason in lasting.items():
            since_s, _ = self._since.setdefault(part, (now_s, progress))
            if now_s - since_s >= self._outage_s_max:
                return tr(
                    "{reason}\nGave up after {seconds:g} s without progress. The next run goes on where this one ended; "
                    "--give-up-after-s waits longer.",
                    reason=reason,
                    seconds=self._outage_s_max,
                )
        return None
