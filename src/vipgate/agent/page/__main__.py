"""The page's process. `vipgate agent page` starts it: without the modules of all other commands it needs half of the memory."""

from __future__ import annotations

import sys
from pathlib import Path

# structlog and httpx import these wherever they are installed, and do without them elsewhere: 10 MiB that no page needs.
for name in ("rich", "pygments", "greenlet"):
    sys.modules[name] = None  # type: ignore[assignment]

import msgspec  # noqa: E402 - after the lines above

from vipgate.agent.page.launch import Launch  # noqa: E402
from vipgate.agent.page.serve import serve_page  # noqa: E402
from vipgate.agent.translations import CHINESE  # noqa: E402
from vipgate.errors import VipgateError  # noqa: E402
from vipgate.i18n import register_chinese, set_language  # noqa: E402
from vipgate.support.address_masking import mask  # noqa: E402
from vipgate.support.logs import adopt_library_logs, set_up_logs, show_traceback  # noqa: E402


def main(words: list[str]) -> int:
    """Serves the page as the launch message in `words` says."""
    launch = msgspec.json.decode(words[0], type=Launch)
    set_up_logs()
    adopt_library_logs()
    sys.excepthook = show_traceback
    register_chinese(CHINESE)
    set_language(launch.language)
    spool = None if launch.spool is None else Path(launch.spool)
    try:
        serve_page(
            Path(launch.config), spool, port=launch.port, opens_browser=launch.opens_browser,
            asked_language=launch.asked_language, say=_say,
        )  # fmt: skip
    except VipgateError as error:
        _say(f"error: {mask(str(error))}")
        return 1
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for the person at the command line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
