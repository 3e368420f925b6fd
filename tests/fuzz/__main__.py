"""`make fuzz`: bad input for FUZZ_S seconds from FUZZ_SEED on; exit status 1 where something did not hold.

FUZZ_TARGETS: some of the targets only, parted by commas.

What was found lies in a folder that the last lines name, as small as it could be made. Fixed, it belongs into corpus/.
"""

from __future__ import annotations

import faulthandler
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from fuzz.hunt import Hunt
from fuzz.targets import all_targets

ROUND_S_MAX: Final = 600


def main() -> int:
    seconds = float(os.environ.get("FUZZ_S", "60"))
    first_seed = int(os.environ.get("FUZZ_SEED") or secrets.randbelow(10**6))
    only = os.environ.get("FUZZ_TARGETS")
    say(f"seed {first_seed}, {seconds:g} s")
    until_s = time.monotonic() + seconds
    finds = Path(tempfile.mkdtemp(prefix="vipgate-fuzz-"))
    hunt = Hunt(finds, say)
    with tempfile.TemporaryDirectory() as folder, all_targets(Path(folder)) as targets:
        chosen = [one for one in targets if only is None or one.name in only.split(",")]
        seed = first_seed
        while time.monotonic() < until_s:
            for target in chosen:
                # An input that is worked on for ever is a find as well; where, tells the traceback.
                faulthandler.dump_traceback_later(ROUND_S_MAX, exit=True)
                hunt.go(target, seed)
                if time.monotonic() >= until_s:
                    break
            seed += 1
    faulthandler.cancel_dump_traceback_later()
    say(f"seed {first_seed}: {hunt.told()}")
    if not hunt.finds:
        finds.rmdir()
    return 1 if hunt.finds else 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
