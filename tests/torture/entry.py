"""`vipgate` as it is, but the torture has its disk and its clock in its hands.

TORTURE_WEATHER: the file of the weather; TORTURE_SEED: of the dice.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from torture.vfs import FaultyVfs
from torture.weather import SharedWeather
from vipgate import clock


def main() -> None:
    """Puts disk and clock in place before anything else is imported, then is `vipgate`."""
    chance = random.Random(int(os.environ["TORTURE_SEED"]))
    weather = SharedWeather(Path(os.environ["TORTURE_WEATHER"]), chance)
    real_us = clock.clock_us
    clock.clock_us = lambda: real_us() + weather.clock_off_us
    # Everything that imports the clock by its name does so now.
    from vipgate.cli import main as vipgate

    with FaultyVfs(weather, chance):
        vipgate()


if __name__ == "__main__":
    main()
