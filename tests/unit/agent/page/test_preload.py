"""The later steps of the set-up are loaded while a person fills in the first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[3]
# A process of its own: in this one other tests have loaded everything.
_PROGRAM = """
import sys, threading
from pathlib import Path
from support.agent_page import open_page
page = open_page(Path(sys.argv[1]))
page.get("/setup/platform")
for thread in threading.enumerate():
    if thread.name == "vipgate-page-preload":
        thread.join(50)
from vipgate.agent.page.preload import MODULES
print("loaded" if all(map(sys.modules.get, MODULES)) else "missing")
"""


def test_second_step_finds_the_database_library_loaded(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _PROGRAM, str(tmp_path / "park.toml")]
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60, cwd=TESTS)
    assert ended.stdout == "loaded\n", ended.stderr
