"""The agent's loop in this process: how it ends."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from vipgate.agent.config import load_config
from vipgate.agent.opening import build_dependencies, open_client
from vipgate.agent.spool import Spool
from vipgate.agent.sync.agent import Agent
from vipgate.clock import clock_us

CONFIG = """
[platform]
url = "http://127.0.0.1:9"
park_uuid = "park"
secret = "secret-of-the-park"

[source]
database = "sqlite:///park.db"
table = "sale"

[map]
pay_partner = "number"
plate = "plate"
plate_color = { constant = 1 }
charge_type = { constant = 1 }
vip_type = { constant = "月卡" }
quantity = { constant = 1 }
pay_type = { constant = 1 }
begin = "begin"
end = "finish"
"""


@pytest.mark.timeout(20)
def test_signal_that_arrives_while_the_loop_holds_a_lock_ends_it(tmp_path: Path) -> None:
    """A signal handler runs between two lines of the main thread: a lock that these hold would never be free for it."""
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("CREATE TABLE sale (number TEXT PRIMARY KEY, plate TEXT, begin TEXT, finish TEXT)")
    (tmp_path / "park.toml").write_text(CONFIG, encoding="utf-8")
    config = load_config(tmp_path / "park.toml")
    spool = Spool(tmp_path / "spool", clock_us)
    signals, run = 0, Agent.run.__code__
    with open_client(config) as client:
        agent = Agent(config, spool, build_dependencies(config, client))

        def within_wait(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal signals
            if event == "line" and not signals and "signaled" in frame.f_locals:
                signals += 1
                agent.stop()
            return within_wait

        def traced(frame: FrameType, _event: str, _arg: Any) -> Any:
            is_pause = frame.f_code.co_name == "wait" and frame.f_back is not None and frame.f_back.f_code is run
            return within_wait if is_pause else None

        sys.settrace(traced)
        try:
            agent.run()
        finally:
            sys.settrace(None)
            spool.close()
    assert signals == 1
