"""Files as sources: whatever a till's program writes is read line by line, and half a line is left for the next look."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import text_files
from vipgate.agent.sources.base import Source, SourceFault, SourceRow, SourceTooLarge, SourceUnavailable
from vipgate.agent.sources.open import open_source
from vipgate.errors import UsageError

HEADER = ["车牌号", "金额"]
NOON = datetime(2024, 1, 31, 12)  # noqa: DTZ001 - the times of a park have no zone

Opener = Callable[..., Source]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Opens a file, after writing it where bytes are given; its time of writing is long ago."""

    def from_bytes(content: bytes | None, name: str = "续费.csv", **settings: Any) -> Source:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
            os.utime(path, (1_700_000_000, 1_700_000_000))
        return open_source(SourceConfig(file=Path(name), **settings), base=tmp_path)

    return from_bytes


def values(source: Source) -> list[list[object]]:
    return [list(row.values) for row in source.scan()]


def rows(source: Source) -> list[SourceRow]:
    return list(source.scan())


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_encoding_and_delimiter_are_found(opened: Opener, mark: str, encoding: str, end: str) -> None:
    text = end.join([mark.join(HEADER), mark.join(["粤B12345", '"1,2;3\t4|5"']), mark.join(["粤B6", ""]), ""])
    source = opened(text.encode(encoding))
    assert source.columns == HEADER
    assert values(source) == [["粤B12345", "1,2;3\t4|5"], ["粤B6", ""]]
    assert (source.newest(), source.count(), source.problems(), source.has_cursor) == (None, None, [], False)


def test_encoding_is_judged_by_the_whole_file(opened: Opener) -> None:
    text = "plate,who\n" + "a,b\n" * 700_000 + "粤B1,张三\n"
    assert rows(opened(text.encode("gbk")))[-1].values == ["粤B1", "张三"]
    assert rows(opened(text.encode()))[-1].values == ["粤B1", "张三"]


def test_encoding_and_delimiter_that_are_told_are_taken(opened: Opener) -> None:
    assert opened("车,牌\t号\n1\t2\n".encode("gbk"), encoding="gbk", delimiter="\t").columns == ["车,牌", "号"]
    assert opened("车牌号\n㐀\n".encode("gb18030"), encoding="GB2312").columns == ["车牌号"]
    assert opened("车牌号\n1\n".encode("utf-8-sig"), encoding="utf-8").columns == ["车牌号"]
    with pytest.raises(UsageError, match=r"is not text in ascii .*; fix source.encoding"):
        opened("车牌号\n".encode(), encoding="ascii")
    with pytest.raises(UsageError, match=r"is not text in nonsense .*; fix source.encoding"):
        opened("车牌号\n".encode(), encoding="nonsense")


def test_line_numbers_are_those_of_an_editor(opened: Opener) -> None:
    source = opened(b'a,b\n1,"two\nlines"\n\n3,"x\r\ny"\n  ,\n5,6\n')
    assert [(row.place, row.values) for row in source.scan()] == [
        ("line 2", ["1", "two\nlines"]),
        ("line 5", ["3", "x\r\ny"]),
        ("line 8", ["5", "6"]),
    ]


def test_header_may_stand_further_down(opened: Opener) -> None:
    source = opened("续费报表\n2024,01,31\n车牌号, 金额 \n粤B1,3\n".encode(), header_line=3)
    assert source.columns == HEADER
    assert [(row.place, row.values) for row in source.scan()] == [("line 4", ["粤B1", "3"])]
    with pytest.raises(UsageError, match=r"has no line 9 with the columns' names; fix source\.header_line"):
        opened(None, header_line=9)


@pytest.mark.parametrize(
    ("line", "read", "problem"),
    [
        ("1", ["1", None], "must have 2 columns, has 1"),
        ("1,2,3", ["1", "2"], "must have 2 columns, has 3"),
        ("1,2,, ", ["1", "2"], None),
        ("1,a\0b", ["1", "a\ufffdb"], None),
        ('1,a"b', ["1", 'a"b'], None),
    ],
)
def test_row_of_another_width_is_a_fault_of_that_row(
    opened: Opener, line: str, read: list[object], problem: str | None
) -> None:
    first, second = rows(opened(f"a,b\n{line}\n8,9\n".encode()))
    assert (first.values, first.problem and first.problem.en) == (read, problem)
    assert (second.values, second.problem) == (["8", "9"], None)


def test_cell_and_line_without_an_end_are_bounded(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "CELL_CHARS_MAX", 1000)
    monkeypatch.setattr(text_files, "LINE_CHARS_MAX", 4000)
    source = opened(b'a,b\n1,2\n3,"never closed\n' + b"x,y\n" * 1000)
    with pytest.raises(SourceFault, match=r"line 3: field larger than field limit .*a quote that nothing closes"):
        rows(source)
    source = opened(b"a,b\n1,2\n" + b"x" * 5000)
    with pytest.raises(SourceTooLarge, match="line 3 is too large: longer than 4000 characters"):
        rows(source)
    # Cell by cell within the bound, the record is not.
    monkeypatch.setattr(text_files, "RECORD_CHARS_MAX", 8000)
    source = opened(b'a,b\n1,2\n3,"x' + b'","\n' * 5000)
    with pytest.raises(SourceTooLarge, match="line 3 is too large: a record of more than 8000 characters"):
        rows(source)
    with pytest.raises(SourceTooLarge, match="has 1025 columns, at most 1024 are read"):
        opened(b"a," * 1024 + b"b\n1,2\n")


def written_now(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_half_a_line_of_a_file_that_grows_is_left_for_the_next_look(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "续费.csv"
    written_now(path, "车牌号,金额\n粤B1,3\n粤B2,12")
    source = opened(None)
    seen = source.stamp()
    monkeypatch.setattr(time, "sleep", lambda _: written_now(path, "车牌号,金额\n粤B1,3\n粤B2,120\n"))
    assert values(source) == [["粤B1", "3"]]
    assert source.stamp() != seen, "the next look would not come"
    assert values(source) == [["粤B1", "3"], ["粤B2", "120"]]


def test_last_line_without_an_end_is_read_when_nobody_writes_any_more(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    source = opened("车牌号,金额\n粤B1,3".encode())
    assert values(source) == [["粤B1", "3"]]
    assert waited == []
    written_now(tmp_path / "续费.csv", "车牌号,金额\n粤B1,4")
    assert values(source) == [["粤B1", "4"]]
    assert waited == [text_files.SETTLED_S]


def test_half_a_character_is_read_at_the_next_look(opened: Opener) -> None:
    for whole in ("车牌号,金额\n粤B1,元", "车牌号,金额\n" + "粤B1,3\n" * 20_000 + "粤B2,元"):
        for encoding in ("utf-8", "gbk"):
            with pytest.raises(SourceUnavailable, match="half written, or another encoding"):
                rows(opened(whole.encode(encoding)[:-1]))


@pytest.mark.parametrize("name", ["续费.csv", "续费.xlsx", "续费.xls"])
def test_file_that_is_not_there_is_waited_for(opened: Opener, name: str) -> None:
    with pytest.raises(SourceUnavailable, match=r"there is no file .*; put it there, or fix source\.file"):
        opened(None, name)


def test_file_that_goes_away_and_comes_back(opened: Opener, tmp_path: Path) -> None:
    source = opened(b"a,b\n1,2\n")
    path = tmp_path / "续费.csv"
    path.rename(tmp_path / "aside")
    for verb in (source.stamp, lambda: rows(source)):
        with pytest.raises(SourceUnavailable, match="there is no file"):
            verb()
    (tmp_path / "aside").rename(path)
    assert values(source) == [["1", "2"]]


def test_stamp_tells_that_a_file_was_changed(opened: Opener, tmp_path: Path) -> None:
    source = opened(b"a,b\n1,2\n")
    before = source.stamp()
    assert source.stamp() == before
    opened(b"a,b\n1,3\n")
    os.utime(tmp_path / "续费.csv", ns=(0, 1_700_000_000_000_000_001))
    assert source.stamp() != before


def test_file_has_no_cursor(opened: Opener) -> None:
    with pytest.raises(UsageError, match=r"a file has no cursor; leave source\.cursor out"):
        list(opened(b"a,b\n").changes(None))


def test_hundred_thousand_lines_are_never_all_in_memory(opened: Opener) -> None:
    source = opened("车牌号,金额\n".encode() + "粤B12345,300.50\n".encode() * 100_000)
    tracemalloc.start()
    count = sum(1 for _ in source.scan())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak_bytes < 2 * 1024**2


# ---- Excel ----------------------------------------------------------------------------------------------------------------

TABLE: list[list[object]] = [["车牌号", "金额", "时间"], ["粤B1", 300.5, NOON], [None, None, None], ["粤B2", 123, None]]


def write_xlsx(path: Path, *, first_row: int = 1, sheet: str = "续费") -> None:
    book = openpyxl.Workbook()
    page = book.create_sheet(sheet)
    book.remove(book.worksheets[0])
    for down, line in enumerate(TABLE):
        for right, value in enumerate(line):
            page.cell(first_row + down, 2 + right, value)
    book.create_sheet("另一张")
    book.save(path)


def test_sheet_of_xlsx_is_read_with_the_numbers_of_its_rows(opened: Opener, tmp_path: Path) -> None:
    for first_row in (1, 4):
        write_xlsx(tmp_path / "a.xlsx", first_row=first_row)
        source = opened(None, "a.xlsx", header_line=first_row)
        assert source.columns == ["车牌号", "金额", "时间"]
        assert [(row.place, row.values) for row in source.scan()] == [
            (f"row {first_row + 1}", ["粤B1", 300.5, NOON]),
            (f"row {first_row + 3}", ["粤B2", 123.0, ""]),
        ]


def test_sheet_of_xls_is_read_too(opened: Opener, tmp_path: Path) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    page = book.add_sheet("续费")
    dated = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for down, line in enumerate(TABLE):
        for right, value in enumerate(line):
            if value is not None:
                page.write(down, right, value, *([dated] if isinstance(value, datetime) else []))
    book.save(str(tmp_path / "a.xls"))
    source = opened(None, "a.xls")
    assert source.columns == ["车牌号", "金额", "时间"]
    assert [(row.place, row.values) for row in source.scan()] == [
        ("row 2", ["粤B1", 300.5, NOON]),
        ("row 4", ["粤B2", 123.0, ""]),
    ]


def test_sheet_is_chosen_by_name(opened: Opener, tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx")
    assert len(rows(opened(None, "a.xlsx", sheet="续费"))) == 2
    with pytest.raises(UsageError, match=r"has no sheet Sheet1, only 续费, 另一张; fix source\.sheet"):
        opened(None, "a.xlsx", sheet="Sheet1")
    with pytest.raises(UsageError, match=r"has no row 1 with the columns' names; fix source\.header_line"):
        opened(None, "a.xlsx", sheet="另一张")


def test_sheet_that_is_half_written_is_asked_again(opened: Opener, tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx")
    source = opened(None, "a.xlsx")
    whole = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / "a.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceUnavailable, match="no Excel file, or half written"):
        rows(source)
    (tmp_path / "a.xlsx").write_bytes(whole)
    assert len(rows(source)) == 2


def test_pipe_in_the_place_of_the_file_is_trouble_and_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("pay_partner\n1\n")
    source = open_source(SourceConfig(file=path), base=tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SourceUnavailable, match="no regular file"):
        list(source.scan())
