"""What the torture wants of a running gateway, in a file that both map: which operations fail, and how far its clock is off."""

from __future__ import annotations

import mmap
import os
import random
import signal
from pathlib import Path
from typing import Final

from torture.vfs import Fault, Operation

FAULTS: Final[tuple[Fault, ...]] = ("eio", "full", "short")
PER_MILLE: Final = 1000
_CELLS: Final = 6
_SHARE, _FULL, _CUT_AT, _CLOCK_US, _SEEN, _STRUCK = range(_CELLS)
_CELL_BYTES: Final = 8


class SharedWeather:
    """See above. The gateway reads it at each operation and counts; the torture sets it whenever it likes."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._chance = chance
        with path.open("a+b") as file:
            file.truncate(_CELLS * _CELL_BYTES)
            self._map = mmap.mmap(file.fileno(), _CELLS * _CELL_BYTES)
        self._cells = memoryview(self._map).cast("q")

    def close(self) -> None:
        """Lets go of the file."""
        self._cells.release()
        self._map.close()

    def calm(self) -> None:
        """Everything goes through; the clock stays as it is."""
        self._cells[_SHARE] = self._cells[_FULL] = self._cells[_CUT_AT] = 0

    def storm(self, per_mille: int) -> None:
        """So many of 1,000 operations fail, one way or the other."""
        self._cells[_SHARE] = per_mille

    def fill_up(self) -> None:
        """The disk is full."""
        self._cells[_FULL] = 1

    def cut_after(self, operations: int) -> None:
        """The power fails after so many operations."""
        self._cells[_CUT_AT] = self._cells[_SEEN] + operations

    def set_clock(self, off_us: int) -> None:
        """The gateway's clock is so far off."""
        self._cells[_CLOCK_US] = off_us

    @property
    def clock_off_us(self) -> int:
        return self._cells[_CLOCK_US]

    @property
    def struck(self) -> int:
        """How many operations have failed."""
        return self._cells[_STRUCK]

    # ---- in the gateway --------------------------------------------------------------------------------------------

    def strike(self, operation: Operation) -> Fault | None:
        """See `vfs.Weather`."""
        cells = self._cells
        cells[_SEEN] += 1
        fault: Fault | None = None
        if cells[_CUT_AT] and cells[_SEEN] >= cells[_CUT_AT]:
            fault = "cut"
        elif cells[_FULL]:
            fault = "full" if operation == "write" else None
        elif cells[_SHARE] and self._chance.randrange(PER_MILLE) < cells[_SHARE]:
            fault = self._chance.choice(FAULTS)
        cells[_STRUCK] += fault is not None
        return fault

    def power_failed(self) -> None:
        """The process is gone before it can do anything else."""
        os.kill(os.getpid(), signal.SIGKILL)
