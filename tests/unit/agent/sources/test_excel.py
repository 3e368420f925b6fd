"""Files that would take all memory or end their reader: each is refused with what is wrong with it, within bounds."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from support.hostile_workbooks import HEADER, MIB, encrypted, ods, understated, xlsb, xlsx, zeros
from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import excel
from vipgate.agent.sources.base import SourceFault, SourceRow, SourceTooLarge, SourceUnavailable
from vipgate.agent.sources.excel import ExcelSource
from vipgate.agent.sources.open import open_source
from vipgate.support.sheet.bounds import MEMORY_BYTES_MAX

Make = Callable[[Path], Path]
# By itself, by the signal of a closed pipe, or as Python ends when its last output found nobody.
ENDED = (0, -signal.SIGPIPE, 120)
FAR = HEADER + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
ODS_CELL = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
ODS_ROW = f"<table:table-row>{ODS_CELL}</table:table-row>"
EMPTY_ROWS = '<table:table-row table:number-rows-repeated="99999999"/>'
NESTED = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">{NESTED}]>'
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a0 "{"a" * 100_000}">]>'


def far_xls(path: Path) -> Path:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    page = book.add_sheet("S1")
    page.write(0, 0, "a")
    page.write(65535, 255, "b")
    book.save(str(path))
    return path


def inline(text: str) -> str:
    return f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'


def broken(path: Path) -> Path:
    whole = xlsx(path, HEADER).read_bytes()
    path.write_bytes(whole[:200] + bytes(60) + whole[260:])
    return path


TOO_LARGE: list[tuple[str, Make, str]] = [
    ("a.xlsx", lambda path: xlsx(path, FAR), "1048576 rows and 16384 columns, the farthest in XFD1048576; at most 4000000"),
    # The same without the places that a sheet need not give, in other quotes, and with a prefix.
    ("a.xlsx", lambda path: xlsx(path, HEADER + '<row r="1048576">' + "<c/>" * 16383 + "<c><v>1</v></c></row>"), "XFD1048576"),
    ("a.xlsx", lambda path: xlsx(path, FAR.replace('"', "'")), "XFD1048576"),
    ("a.xlsx", lambda path: xlsx(path, FAR.replace("<", "<x:").replace("<x:/", "</x:"), prefix="x:"), "XFD1048576"),
    # One row alone, but far down: those before it are read as empty.
    ("a.xlsx", lambda path: xlsx(path, FAR.removeprefix(HEADER).replace("<c", '<c r="A1048576"><v>1</v></c><c')), "1048576 rows"),
    ("a.xlsx", lambda path: xlsx(path, HEADER + '<row r="99999999999"><c><v>1</v></c></row>'), "99999999999 rows"),
    ("a.xlsx", lambda path: xlsx(path, f'<row r="1">{"<c><v>1</v></c>" * 1_025}</row>'), "1025 columns, at most 1024"),
    ("a.xlsm", lambda path: xlsx(path, FAR), "XFD1048576"),
    ("a.xlsx", lambda path: xlsx(path, HEADER, more={"xl/sharedStrings.xml": zeros(600 * MIB)}), "at most 536870912 are read"),
    ("a.xlsx", lambda path: xlsx(path, HEADER, more={f"xl/{n}.xml": zeros(30 * MIB) for n in range(20)}), "unpacked it has"),
    ("a.xlsx", lambda path: xlsx(path, HEADER, more={f"xl/{n}": [] for n in range(10_001)}), "parts, at most 10000"),
    ("a.xls", far_xls, "takes more memory to read than there may be used"),
    ("a.xlsb", lambda path: xlsb(path, 1_048_575, 16_383), "takes more memory to read than there may be used"),
    ("a.ods", lambda path: ods(path, ODS_ROW + ODS_ROW.replace("-row>", '-row table:number-rows-repeated="1048575">', 1)
        .replace("-cell ", '-cell table:number-columns-repeated="16384" ')), "16384 columns, the farthest in XFD1048576"),
    ("a.ods", lambda path: ods(path, EMPTY_ROWS + ODS_ROW), "100000000 rows and 1 columns"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "told"), TOO_LARGE)
def test_file_that_is_too_large_is_refused_with_what_is_and_what_to_do(
    tmp_path: Path, name: str, make: Make, told: str
) -> None:
    path = make(tmp_path / name)
    began_s = time.process_time()
    with pytest.raises(
        SourceTooLarge, match=r"is too large: .*(delete the cells beyond the table|save it as CSV)"
    ) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert told in str(raised.value)
    assert time.process_time() - began_s < 20
    # What was taken was taken by another process, which is gone.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 <= MEMORY_BYTES_MAX
    assert children() == []


@pytest.mark.parametrize(
    ("name", "make", "kind", "told"),
    [
        ("a.xlsx", lambda path: xlsx(path, "", sheets=0), SourceFault, "it has no sheet; save it again"),
        ("a.xlsx", encrypted, SourceFault, "it is encrypted; save it without a password"),
        ("a.xlsx", lambda path: xlsx(path, inline("&a11;"), before=BOMB), SourceFault, "it declares entities"),
        ("a.xlsx", lambda path: xlsx(path, inline("&a0;" * 10_000), before=QUADRATIC), SourceFault, "it declares entities"),
        ("a.ods", lambda path: ods(path, ODS_ROW, before=BOMB), SourceFault, "it declares entities"),
        ("a.xlsx", broken, SourceUnavailable, "no Excel file, or half written"),
        ("a.xlsx", lambda path: understated(xlsx(path, HEADER, more={"xl/s.xml": zeros(64 * MIB)}), "xl/s.xml"),
            SourceUnavailable, "no Excel file, or half written"),
    ],
)  # fmt: skip
def test_workbook_that_no_program_writes_is_refused_with_a_reason(
    tmp_path: Path, name: str, make: Make, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=r"cannot be read|no Excel file") as raised:
        read(make(tmp_path / name))
    assert type(raised.value) is kind
    assert told in str(raised.value)


def test_cells_that_are_only_formatted_do_not_count(tmp_path: Path) -> None:
    styled = '<row r="2"><c r="A2"><v>5</v></c></row><row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert [list(row.values) for row in read(xlsx(tmp_path / "a.xlsx", HEADER + styled))] == [[5.0, ""]]
    blank = '<table:table-cell table:number-columns-repeated="16384"/>'
    padded = f'<table:table-row table:number-rows-repeated="1048574">{blank}</table:table-row>'
    assert [list(row.values) for row in read(ods(tmp_path / "a.ods", ODS_ROW * 2 + padded))] == [["a"]]


def test_other_sheets_may_be_as_large_as_they_like(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", HEADER, sheets=2)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet9.xml", f"<worksheet><sheetData>{FAR}</sheetData></worksheet>")
    assert read(path) == []


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with status -9"),
        ("import sys; sys.exit(7)", "ended with status 7"),
        (
            "from vipgate.support.sheet import reader\nreader.CPU_S_MAX = 1\nreader._limit_process()\nwhile True: pass",
            "s of CPU",
        ),
        ("import os; os.write(2, b'memory allocation of 9 bytes failed'); os.abort()", "more memory to read than there may"),
        ("import faulthandler, time; faulthandler.dump_traceback_later(0.1, exit=True); time.sleep(60)", "s to open"),
        ("import os; os.write(1, b'r' + bytes([255] * 4))", "cannot be read"),
        ("import os; os.write(1, b'r' + bytes([0, 0, 0, 9]) + b'cut')", "cannot be read"),
    ],
)  # fmt: skip
def test_whatever_ends_the_process_that_reads_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    monkeypatch.setattr(excel, "_READER", (*excel._READER[:2], "-c", code))
    with pytest.raises(SourceFault, match=r".") as raised:
        read(xlsx(tmp_path / "a.xlsx", HEADER))
    assert told in str(raised.value)


def test_process_that_reads_is_gone_when_nobody_reads_on(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 50_001))
    source = open_source(SourceConfig(file=xlsx(tmp_path / "a.xlsx", rows)), base=tmp_path)
    assert children() == []
    scan = iter(source.scan())
    assert next(scan).place == "row 2"
    assert len(children()) == 1
    scan.close()  # type: ignore[attr-defined]
    assert children() == []


def test_process_that_reads_ends_with_the_agent(tmp_path: Path) -> None:
    assert isinstance(open_source(SourceConfig(file=xlsx(tmp_path / "a.xlsx", HEADER)), base=tmp_path), ExcelSource)
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{"x" * 100}</t></is></c></row>' for n in range(1, 20_001)
    )
    path = xlsx(tmp_path / "b.xlsx", rows)
    with subprocess.Popen(reader_words(path), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as reader:
        assert reader.stdout is not None
        reader.stdout.read(1)
        reader.stdout.close()
        assert reader.wait(30) in ENDED


def test_process_that_reads_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 50_001))
    path = xlsx(tmp_path / "a.xlsx", rows)
    read_end, write_end = os.pipe()
    code = (
        "import os, subprocess, sys\n"
        "words = [one.replace('PARENT', str(os.getpid())) for one in sys.argv[2:]]\n"
        "reader = subprocess.Popen(words, stdout=int(sys.argv[1]))\n"
        "print(reader.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", code, str(write_end), *reader_words(path, "PARENT")]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(write_end,), env=os.environ
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        # The reader waits in the middle of its rows: this test keeps their other end, and reads no more.
        assert os.read(read_end, 1) == b"r"
        parent.kill()
    os.close(write_end)
    try:
        deadline_s = time.monotonic() + 60
        while is_running(pid):
            assert time.monotonic() < deadline_s, "the reader outlives its parent"
            time.sleep(0.01)
    finally:
        os.close(read_end)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def reader_words(path: Path, parent: str = str(os.getpid())) -> list[str]:
    return [*excel._READER, "rows", parent, str(path), "", "0", "S1"]


def children() -> list[int]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # ended while it is looked at
            if excel._READER[-1] in child.cmdline():
                found.append(child.pid)
    return found


def read(path: Path) -> list[SourceRow]:
    """As every command of the agent reads it."""
    return list(open_source(SourceConfig(file=path), base=path.parent).scan())
