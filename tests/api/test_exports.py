"""Whole parks as CSV and Parquet: what is in them, what spreadsheets do with it, who is noted, and readers that go away."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from importlib import import_module
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from support.api_app import ROWS, Platform, row, served
from support.store_data import PARK, changed, do, push, renewals
from support.store_database import NOON_US
from vipgate.admin.middleware import RequestGuard
from vipgate.domain.serialization import CSV_CHUNK_ROWS, EXPORT_COLUMNS, csv_chunks, flatten_cells, record_to_dict
from vipgate.store.interfaces.ledger import StoredRecord
from vipgate.support.metrics import AdminRecorder, SharedMetrics
from vipgate.support.web.http_server import WebServer, build_server

CSV, PARQUET = f"/parks/{PARK}/renewals.csv", f"/parks/{PARK}/renewals.parquet"


def _table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_csv_has_a_bom_a_head_and_every_record_oldest_change_first(stocked: Platform) -> None:
    answer = stocked.ask(CSV, stocked.token())
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{PARK}-renewals.csv"
    assert answer.content.startswith(b"\xef\xbb\xbfplate,")
    head, *lines = _table(answer.content)
    assert tuple(head) == EXPORT_COLUMNS
    held = [flatten_cells(record_to_dict(one)) for one in stocked.database.queries.iter_park(PARK)]
    assert lines == [["" if cell is None else str(cell) for cell in cells] for cells in held]
    assert lines[-1][EXPORT_COLUMNS.index("operator")] == "王五"


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_text_like_a_formula_cannot_run_in_a_spreadsheet(platform: Platform, mark: str) -> None:
    text = f'{mark}HYPERLINK("http://evil.test","x")'
    do(platform.database.store, push([row(operator=text, card_no=f"{mark}1", plate_color=-1)], platform.clock()))
    [head, line] = _table(platform.ask(CSV, platform.token()).content)
    told = dict(zip(head, line, strict=True))
    assert (told["operator"], told["card_no"], told["plate_color"]) == (f"'{text}", f"'{mark}1", "-1")


def test_csv_of_an_empty_park_is_its_head(platform: Platform) -> None:
    assert _table(platform.ask(CSV, platform.token()).content) == [list(EXPORT_COLUMNS)]


@pytest.mark.parametrize("count", [CSV_CHUNK_ROWS - 1, CSV_CHUNK_ROWS, CSV_CHUNK_ROWS + 1, 3 * CSV_CHUNK_ROWS])
def test_csv_is_whole_wherever_its_pieces_end(count: int) -> None:
    records = [StoredRecord(one, 1, "s", 1) for one in renewals(count)]
    pieces = list(csv_chunks(records, masked=False))
    assert len(_table(b"".join(pieces))) == 1 + count
    assert len(pieces) >= count // CSV_CHUNK_ROWS
    assert all(pieces)


def test_parquet_has_every_record_with_exact_types(stocked: Platform) -> None:
    odd = changed(
        row(), pay_partner="odd", value_e4=10**16 - 1, extra='{"a": [1]}', flags=5, pay_time_ms=NOON_US // 1000
    )
    do(stocked.database.store, push([odd], stocked.clock()))
    answer = stocked.ask(PARQUET, stocked.token())
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    table = import_module("pyarrow.parquet").read_table(io.BytesIO(answer.content))
    assert tuple(table.column_names) == EXPORT_COLUMNS
    rows: list[dict[str, Any]] = table.to_pylist()
    assert len(rows) == ROWS + 1
    last = rows[-1]
    assert last["value"] == Decimal("999999999999.9999")
    assert (last["extra"], last["flags"]) == ('{"a": [1]}', ["unusual_plate", "money_changed"])
    assert last["pay_time"].isoformat() == "2026-11-24T04:00:00+00:00"
    held = {one.renewal.pay_partner: one.renewal for one in stocked.database.queries.iter_park(PARK)}
    for one in rows:
        renewal = held[one["pay_partner"]]
        assert (one["plate"], one["pay_value"]) == (renewal.plate, renewal.pay_value_fen)
        assert one["value"] == (None if renewal.value_e4 is None else Decimal(renewal.value_e4) / 10_000)


def test_parquet_comes_in_row_groups(stocked: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vipgate.admin.api.exports.GROUP_ROWS", 25)
    answer = stocked.ask(PARQUET, stocked.token())
    found = import_module("pyarrow.parquet").ParquetFile(io.BytesIO(answer.content))
    assert [found.metadata.row_group(n).num_rows for n in range(found.metadata.num_row_groups)] == [25, 25, 10]
    held = [one.renewal.pay_partner for one in stocked.database.queries.iter_park(PARK)]
    assert found.read().column("pay_partner").to_pylist() == held


def test_parquet_of_an_empty_park_can_be_read(platform: Platform) -> None:
    answer = platform.ask(PARQUET, platform.token())
    assert import_module("pyarrow.parquet").read_table(io.BytesIO(answer.content)).num_rows == 0


def test_masked_parquet_hides_plates_and_what_tells_of_people(platform: Platform) -> None:
    secret = row(plate="粤B88123", card_no="CARD0000042", operator="13800000000", extra='{"a":1}')
    do(platform.database.store, push([secret], platform.clock()))
    answer = platform.ask(PARQUET, platform.token(masked=True))
    [one] = import_module("pyarrow.parquet").read_table(io.BytesIO(answer.content)).to_pylist()
    assert "*" in one["plate"]
    assert "*" in one["card_no"]
    assert (one["operator"], one["extra"]) == (None, None)


def test_without_pyarrow_parquet_is_refused_with_the_remedy(stocked: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Any:
        return None if name == "pyarrow" else importlib.util.find_spec(name)

    monkeypatch.setattr("vipgate.admin.api.exports.find_spec", find)
    answer = stocked.ask(PARQUET, stocked.token())
    assert answer.status_code == 501
    assert "vipgate[parquet]" in answer.json()["error"]["message"]
    assert stocked.ask(CSV, stocked.token()).status_code == 200


@pytest.mark.parametrize(("path", "subject"), [(CSV, "renewals.csv"), (PARQUET, "renewals.parquet")])
def test_export_of_plates_in_the_clear_is_noted_and_a_masked_one_or_a_head_is_not(
    stocked: Platform, path: str, subject: str
) -> None:
    token = stocked.token(name="bi")
    for asked, method in ((stocked.token(masked=True, name="hidden"), "GET"), (token, "HEAD")):
        assert stocked.ask(path, asked, method).status_code == 200
    assert [
        entry for entry in stocked.database.accounts.audit_entries(None, None, None, 50) if entry.action == "export"
    ] == []
    assert stocked.ask(path, token).status_code == 200
    [entry] = stocked.database.accounts.audit_entries("token:bi", PARK, None, 50)
    assert (entry.action, entry.subject, entry.at_us) == ("export", subject, stocked.clock())


def test_reader_that_goes_away_lets_go_of_the_export(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(_: Iterator[StoredRecord], *, masked: bool) -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    monkeypatch.setattr("vipgate.admin.api.exports.csv_chunks", endless)
    headers = {"authorization": f"Bearer {platform.token()}"}
    with served(platform.app) as base, httpx.Client(headers=headers, timeout=30) as client:
        for _ in range(3):
            with client.stream("GET", f"{base}/api/v1{CSV}") as answer:
                assert answer.status_code == 200
                next(answer.iter_raw(100))
            _free_again(platform)


def test_line_that_breaks_while_a_piece_is_sent_lets_go_of_the_export(stocked: Platform) -> None:
    path = f"/api/v1{CSV}"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {stocked.token()}".encode())],
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError("broken")

    with pytest.raises(ClientDisconnect):
        stocked.runner.run(stocked.app(scope, receive, send))
    _free_again(stocked)


def test_large_export_comes_whole_over_a_real_line(platform: Platform) -> None:
    do(platform.database.store, push(renewals(3_000), platform.clock()))
    headers = {"authorization": f"Bearer {platform.token()}"}
    with served(platform.app) as base, httpx.Client(headers=headers, timeout=30) as client:
        assert len(_table(client.get(f"{base}/api/v1{CSV}").content)) == 3_001
        head = client.head(f"{base}/api/v1/parks")
        assert (head.status_code, head.content, int(head.headers["content-length"]) > 0) == (200, b"", True)


def _free_again(platform: Platform) -> None:
    eventually(lambda: platform.databases._stream_places._value == 2, "the export is let go of")


def test_exports_beyond_the_bound_are_told_to_come_back(stocked: Platform) -> None:
    token = stocked.token()
    held = [stocked.runner.run(stocked.databases.stream(owner, lambda _: iter([b"x"]))) for owner in "ab"]
    answer = stocked.ask(CSV, token)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    for one in held:
        one.close()
    _free_again(stocked)
    assert stocked.ask(CSV, token).status_code == 200


def test_token_has_one_export_at_a_time_and_cannot_keep_another_from_his(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: Iterator[StoredRecord], *, masked: bool) -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    monkeypatch.setattr("vipgate.admin.api.exports.csv_chunks", endless)
    slow, other = ({"authorization": f"Bearer {platform.token()}"} for _ in range(2))
    with served(platform.app) as base, httpx.Client(timeout=30) as client:
        url = f"{base}/api/v1{CSV}"
        with client.stream("GET", url, headers=slow) as held:
            pieces = held.iter_raw(100)
            next(pieces)
            for _ in range(3):
                refused = client.get(url, headers=slow)
                assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
                assert int(refused.headers["retry-after"]) > 0
            with client.stream("GET", url, headers=other) as answer:
                assert answer.status_code == 200
    _free_again(platform)


@contextmanager
def admin_port(platform: Platform) -> Iterator[tuple[int, WebServer]]:
    """The API behind the door of the admin port, on the port's own server."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = build_server(RequestGuard(platform.app, AdminRecorder(SharedMetrics(1)), time.monotonic, stall_s=1.0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        yield listening.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(30)


def test_reader_that_takes_nothing_is_ended_and_his_connection_with_him(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: Iterator[StoredRecord], *, masked: bool) -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    monkeypatch.setattr("vipgate.admin.api.exports.csv_chunks", endless)
    monkeypatch.setattr("vipgate.support.web.http_server.LINGER_S", 0.2)
    platform.databases._behind_s_max = 0.5
    with admin_port(platform) as (port, server), socket.create_connection(("127.0.0.1", port)) as reader:
        head = f"GET /api/v1{CSV} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {platform.token()}\r\n\r\n"
        reader.sendall(head.encode())
        eventually(lambda: platform.databases._stream_places._value == 1, "the export has begun")
        _free_again(platform)
        eventually(lambda: not server.server_state.connections, "the connection is gone")


def eventually(true: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end_s, what
        time.sleep(0.01)
