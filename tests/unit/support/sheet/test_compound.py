"""A stream of a compound file is found whole wherever it lies; a broken file has none, and is never read without end."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from support.hostile_workbooks import END_OF_CHAIN, encrypted, small_xls
from vipgate.support.sheet.compound import read_stream
from vipgate.support.sheet.faults import is_encrypted

BOOK = ("workbook", "book")


@pytest.mark.parametrize("length", [1, 63, 64, 65, 1000, 4095])
def test_small_stream_is_read_from_the_mini_stream(tmp_path: Path, length: int) -> None:
    content = random.Random(length).randbytes(length)
    raw = small_xls(tmp_path / "a.xls", content).read_bytes()
    assert read_stream(raw, BOOK) == content
    assert read_stream(raw, ("other",)) == b""


def test_password_of_a_small_workbook_is_seen(tmp_path: Path) -> None:
    begin = struct.pack("<HH4x", 0x0809, 4)
    assert is_encrypted(small_xls(tmp_path / "a.xls", begin + struct.pack("<HH2x", 0x002F, 2)).read_bytes())
    assert not is_encrypted(small_xls(tmp_path / "a.xls", begin).read_bytes())
    assert is_encrypted(encrypted(tmp_path / "b.xlsx").read_bytes())


# Places in the header: sizes of sectors, folder, limit of small streams, their table, more lists.
@pytest.mark.parametrize("place", [30, 32, 48, 56, 60, 68, 76])
@pytest.mark.parametrize("value", [0, 1, 2, 3, 0xFFFF, 0x7FFFFFFF, END_OF_CHAIN, 0xFFFFFFFF])
def test_header_that_lies_ends_the_search(tmp_path: Path, place: int, value: int) -> None:
    raw = bytearray(small_xls(tmp_path / "a.xls", bytes(1000)).read_bytes())
    struct.pack_into("<H" if place < 40 else "<I", raw, place, value & (0xFFFF if place < 40 else 0xFFFFFFFF))
    assert len(read_stream(bytes(raw), BOOK)) <= 1000


def test_chain_that_goes_round_ends(tmp_path: Path) -> None:
    raw = bytearray(small_xls(tmp_path / "a.xls", bytes(1000)).read_bytes())
    # The table of small sectors is the third sector: each names itself.
    struct.pack_into("<16I", raw, 512 * 3, *range(16))
    assert len(read_stream(bytes(raw), BOOK)) == 1000
    struct.pack_into("<8I", raw, 512, *range(8))
    assert len(read_stream(bytes(raw), BOOK)) <= 1000


def test_bytes_that_were_changed_by_chance_end_the_search(tmp_path: Path) -> None:
    whole = small_xls(tmp_path / "a.xls", bytes(1000)).read_bytes()
    for seed in range(300):
        chance = random.Random(seed)
        raw = bytearray(whole[: chance.randrange(len(whole))] if seed % 3 == 0 else whole)
        for _ in range(min(8, len(raw))):
            raw[chance.randrange(min(len(raw), 2048))] = chance.randrange(256)
        assert len(read_stream(bytes(raw), BOOK)) <= len(whole)
