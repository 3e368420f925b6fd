"""What the platform has acknowledged, in a real spool: compact, complete after merges, restarts and a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vipgate.agent import acknowledged
from vipgate.agent.models import Version, short_hash
from vipgate.agent.spool import Spool

RECORDS = 200_000
PAGE = 1_000
BYTES_A_RECORD_MAX = 64 * 1024 * 1024 / 1_000_000
# Enough for two merges at the size that the killed process uses.
KILLED = """
import sys
from pathlib import Path
from vipgate.agent import acknowledged
from vipgate.agent.models import Version
from vipgate.agent.spool import Spool

acknowledged.RECENT_MAX = 500
spool, number = Spool(Path(sys.argv[1]), lambda: 0), 0
while True:
    with spool.transaction():
        spool.acknowledged.note({f"XF{number + one}": Version(b"%08d" % one, b"[%d]" % number) for one in range(100)})
    number += 100
    print(number, flush=True)
"""


def test_spools_of_earlier_versions_find_their_records_again() -> None:
    # As `blake2b(…, digest_size=8)` had it from the first spool on.
    assert short_hash(b"XF000000000001").hex() == "71cb0b1bc50c40ca"
    assert short_hash(b"XF000000000002") != short_hash(b"XF000000000001"), "a hash leaves nothing behind"


def opened(path: Path) -> Spool:
    return Spool(path / "spool", lambda: 0)


def note(spool: Spool, versions: dict[str, Version]) -> None:
    with spool.transaction():
        spool.acknowledged.note(versions)


def entries(spool: Spool) -> tuple[int, int]:
    """How many lists wait to be merged, and how many records were."""
    tables = ("acknowledged_recently", "acknowledged")
    waiting, merged = (int(spool._db.execute(f"SELECT count(*) FROM {one}").fetchone()[0]) for one in tables)  # noqa: S608
    return waiting, merged


def test_a_million_records_take_at_most_64_mib(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    before = spool.used_bytes()
    for start in range(0, RECORDS, PAGE):
        note(spool, {f"XF{n:012}": Version(n.to_bytes(8, "big"), b"[%d]" % n) for n in range(start, start + PAGE)})
    spool.truncate_wal()
    assert (spool.used_bytes() - before) / RECORDS <= BYTES_A_RECORD_MAX
    keys = [f"XF{n:012}" for n in range(0, RECORDS, 997)]
    found = spool.acknowledged.find([*keys, "XF-none"])
    assert found == {key: Version(int(key[2:]).to_bytes(8, "big"), b"[%d]" % int(key[2:])) for key in keys}
    spool.close()


def test_newest_version_is_found_before_and_after_a_merge_and_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledged, "RECENT_MAX", 10)
    spool = opened(tmp_path)
    wanted: dict[str, Version] = {}
    for turn in range(40):
        versions = {f"XF{(turn * 7 + n) % 23}": Version(b"%08d" % turn, b"[%d]" % n) for n in range(3)}
        wanted |= versions
        note(spool, versions)
        if turn % 9 == 8:
            spool.close()
            spool = opened(tmp_path)
        assert spool.acknowledged.find([f"XF{n}" for n in range(25)]) == wanted
    spool.close()


def test_few_records_that_change_all_the_time_are_merged_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledged, "RECENT_MAX", 10)
    spool = opened(tmp_path)
    for turn in range(25):
        note(spool, {"XF1": Version(b"%08d" % turn, b"[1]")})
    assert entries(spool) == (5, 1)
    spool.close()
    spool = opened(tmp_path)
    for turn in range(25, 31):
        note(spool, {"XF1": Version(b"%08d" % turn, b"[1]")})
    assert entries(spool) == (1, 1)
    assert spool.acknowledged.find(["XF1"])["XF1"].hash == b"00000030"
    spool.close()


def test_nothing_is_known_any_more_after_a_drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledged, "RECENT_MAX", 2)
    spool = opened(tmp_path)
    for n in range(5):
        note(spool, {f"XF{n}": Version(b"12345678", b"")})
    with spool.transaction():
        spool.acknowledged.drop()
    assert entries(spool) == (0, 0)
    assert spool.acknowledged.find([f"XF{n}" for n in range(5)]) == {}
    spool.close()


def test_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path / "spool")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        committed = 0
        while committed < 1_700:
            committed = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        committed = max([committed, *(int(line) for line in process.stdout if line.endswith("\n"))])
    spool = opened(tmp_path)
    found = spool.acknowledged.find([f"XF{n}" for n in range(committed)])
    assert found == {f"XF{n}": Version(b"%08d" % (n % 100), b"[%d]" % (n // 100 * 100)) for n in range(committed)}
    assert entries(spool)[1] >= 500
    spool.close()
