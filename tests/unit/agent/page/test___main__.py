"""The page's process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from vipgate.agent.page.launch import Launch

# A process of its own: the module keeps `rich` from being imported.
_PROGRAM = """
import logging, sys
from vipgate.agent.page import __main__ as page
page.serve_page = lambda *_, **__: logging.getLogger("library").warning("cannot reach mysql://u:geheim@host/d")
sys.exit(page.main(sys.argv[1:]))
"""


_IMPORTED = """
import sys
from vipgate.agent.page import __main__ as page
page.serve_page = lambda *_, **__: print(*sorted(name for name in sys.modules if sys.modules[name] is not None))
sys.exit(page.main(sys.argv[1:]))
"""
# What a running agent's pages do without: 25 MiB. The set-up and the comparison load it when they are opened.
_HEAVY = {"rich", "pygments", "greenlet", "httpx", "sqlalchemy", "tomlkit", "typer", "pydantic", "pydantic_settings"}


def test_pages_of_a_running_agent_load_no_library_of_the_set_up(tmp_path: Path) -> None:
    launch = Launch(config=str(tmp_path / "park.toml"), spool=None, port=0, opens_browser=False, language="en")
    words = [sys.executable, "-c", _IMPORTED, msgspec.json.encode(launch).decode()]
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    loaded = set(ended.stdout.split())
    assert "starlette" in loaded
    assert not _HEAVY & loaded


def test_warning_of_a_library_is_logged_without_its_password(tmp_path: Path) -> None:
    launch = Launch(config=str(tmp_path / "park.toml"), spool=None, port=0, opens_browser=False, language="en")
    words = [sys.executable, "-c", _PROGRAM, msgspec.json.encode(launch).decode()]
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    said = ended.stdout + ended.stderr
    assert "cannot reach mysql://" in said
    assert "geheim" not in said
