"""A short torture of both engines, and a sweep over every so many operations of SQLite: nothing acknowledged is lost.

TORTURE_S: how many seconds for each engine; TORTURE_SEED: of the dice. `make torture` takes longer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from torture.sweep import sweep
from torture.vfs import OPERATIONS, Fault, is_possible
from torture.world import KINDS, Torture

SEED = int(os.environ.get("TORTURE_SEED") or 1)
SECONDS = float(os.environ.get("TORTURE_S", "6"))
# Of some 320 operations of a life: 10 lives for each fault.
STRIDE = 32

pytestmark = [
    pytest.mark.skipif(not is_possible(), reason="this Python hides its SQLite from the faulty VFS"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
    pytest.mark.timeout(SECONDS + 180),
]


@pytest.mark.parametrize("engine", KINDS)
def test_kills_and_faults_lose_nothing_acknowledged(engine: str, tmp_path: Path) -> None:
    figures = Torture(SEED, tmp_path, lambda _: None).run(SECONDS, [engine])
    assert not figures.wrong, figures.wrong[0]
    assert figures.lost == 0
    assert figures.acknowledged > 0


@pytest.mark.parametrize(("fault", "more"), [("eio", 0), ("full", 30), ("short", 0), ("cut", 0)])
def test_each_operation_fails_in_turn_and_nothing_acknowledged_is_lost(fault: Fault, more: int, tmp_path: Path) -> None:
    struck = set()
    for life, verdict in sweep(tmp_path, fault, SEED, more=more, stride=STRIDE):
        assert not verdict.faults, f"{fault} at operation {life.weather.at}, {life.weather.struck}: {verdict.told()}"
        struck.update(life.weather.struck)
    assert struck <= set(OPERATIONS)
    assert "write" in struck
