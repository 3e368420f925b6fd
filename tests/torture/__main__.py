"""`make torture`: faults and kills for TORTURE_S seconds from TORTURE_SEED on; exit status 1 where anything was lost or wrong."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from torture.world import Torture


def main() -> int:
    seconds = float(os.environ.get("TORTURE_S", "300"))
    seed = int(os.environ.get("TORTURE_SEED") or secrets.randbelow(10**6))
    folder = Path(tempfile.mkdtemp(prefix="vipgate-torture-"))
    say(f"seed {seed}, {seconds:g} s")
    figures = Torture(seed, folder, say).run(seconds)
    for wrong in figures.wrong:
        say(wrong)
    say(f"seed {seed}: {figures.told()}")
    if figures.wrong or figures.lost:
        return 1
    shutil.rmtree(folder)
    return 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
