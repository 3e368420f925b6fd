"""What must hold for an agent, whatever a platform answers and whatever lies in a park's file."""

from __future__ import annotations

import io
import os
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import openpyxl  # type: ignore[import-untyped]

from fuzz.gateway import PARK, SECRET, UNTIL_US, Wrong
from vipgate.agent.client import Client
from vipgate.agent.config import SourceConfig
from vipgate.agent.reconcile import NotOffered, OddAnswer, SourceRecord, compare
from vipgate.agent.responses import Accepted, AccessDenied, Answer, Rejected, RetryLater, TooLarge, Unconfirmed
from vipgate.agent.sources.open import open_source
from vipgate.cli.sample import sample_renewals
from vipgate.errors import VipgateError
from vipgate.protocol.row import encode_row

LONG_AGO_S: Final = 1_700_000_000
WAIT_S: Final = 5.0
REQUEST_BYTES_MAX: Final = 64 * 1024
TEXT_CHARS_MAX: Final = 16 * 1024 * 1024
RECORDS: Final = list(sample_renewals(3, 3, until_us=UNTIL_US))
ANSWERS: Final = (Accepted, Unconfirmed, RetryLater, AccessDenied, Rejected, TooLarge)


class Platform:
    """A platform that answers every request with the bytes it is told to, and closes."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.client = Client(f"http://127.0.0.1:{self._listener.getsockname()[1]}", PARK, SECRET, timeout_s=WAIT_S)

    def _run(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            with caller, suppress(OSError):
                caller.settimeout(WAIT_S)
                self._read_request(caller)
                caller.sendall(self.answer)
                caller.shutdown(socket.SHUT_WR)
                while caller.recv(65_536):
                    pass

    def _read_request(self, caller: socket.socket) -> None:
        received = b""
        while len(received) < REQUEST_BYTES_MAX:
            piece = caller.recv(65_536)
            received += piece
            # Every body that the client sends here is an object.
            if not piece or (b"\r\n\r\n" in received and received.endswith(b"}")):
                return

    def close(self) -> None:
        self.client.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_S)


def check_answer(platform: Platform, answer: bytes) -> None:
    """An answer means something, or counts as none; a success is only what bears the code of one."""
    platform.answer = answer
    meant: Answer = platform.client.send(list(map(encode_row, RECORDS)))
    if not isinstance(meant, ANSWERS):
        raise Wrong(f"the answer means {meant!r}")
    plain = b"encoding" not in answer.lower()
    if isinstance(meant, Accepted) and plain and not any(code in answer for code in (b"1001", b"1000", b"200")):
        raise Wrong("a success without a code of one")
    if isinstance(meant, RetryLater) and meant.retry_after_s is not None and not 0 <= meant.retry_after_s <= 3600:
        raise Wrong(f"wait {meant.retry_after_s} s")
    platform.client.probe()
    with suppress(OddAnswer, NotOffered):
        compare(lambda: map(SourceRecord, RECORDS), lambda members: _asked(platform, members))


def _asked(platform: Platform, members: dict[str, object]) -> dict[str, Any]:
    given = platform.client.ask(members)
    if isinstance(given, dict):
        return given
    raise NotOffered


def check_file(folder: Path, name: str, content: bytes) -> None:
    """A file is read to its end, or refused with a reason."""
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    with suppress(VipgateError):
        source = open_source(SourceConfig(file=Path(name)), base=folder)
        width = len(source.columns)
        for row in source.scan():
            if len(row.values) != width:
                raise Wrong(f"{row.place} has {len(row.values)} values of {width}")


def _answers() -> Iterator[bytes]:
    ok = '{"code":"1001","message":"操作成功","seqno":"20261124124850397345511877090504","payload":{"received":3}}'
    months = '{"code":"1001","payload":{"months":[{"month":"2026-11","count":1,"pay_value":5,"digest":"%s"}]}}' % (
        "0" * 16
    )
    buckets = months.replace('"months"', '"buckets"').replace('"count"', '"bucket":3,"count"')
    records = '{"code":"1001","payload":{"records":[["P1","%s"]],"next":null,"months":[],"buckets":[]}}' % ("a" * 16)
    hint = 'row[0].plate: 必填\\nrow[1].quantity: 应为 0 到 9 的整数, 收到 \\"x\\"'
    refused = f'{{"code":400,"message":"请求参数错误","hint":"{hint}","seqno":""}}'
    for status, body, extra in (
        ("200 OK", ok, ""),
        ("200 OK", months, ""),
        ("200 OK", buckets, ""),
        ("200 OK", records, ""),
        ("400 Bad Request", refused, ""),
        ("429 Too Many Requests", '{"code":"429","hint":"later"}', "Retry-After: 7\r\n"),
        ("503 Service Unavailable", "<html>", "Retry-After: Wed, 25 Nov 2026 08:00:00 GMT\r\n"),
        ("302 Found", "", "Location: http://elsewhere/\r\n"),
    ):
        content = body.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        yield f"{head}Date: Wed, 25 Nov 2026 07:00:00 GMT\r\n{extra}\r\n".encode() + content
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        len(ok.encode()),
        ok.encode(),
    )


def _sheet() -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for line in (["车牌号", "金额", "时间"], ["粤B1", 300.5, datetime(2024, 1, 31, 12)], ["粤B2", 123, None]):  # noqa: DTZ001
        page.append(line)
    written = io.BytesIO()
    book.save(written)
    # Not compressed: damage reaches what is said inside, not the packing alone.
    plain = io.BytesIO()
    with zipfile.ZipFile(written) as packed, zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as bare:
        for name in packed.namelist():
            if "theme" not in name:
                bare.writestr(zipfile.ZipInfo(name), packed.read(name))
    return plain.getvalue()


PLATFORM_ANSWERS: Final = list(_answers())
CSV_FILES: Final = [
    '车牌号,金额,时间\r\n粤B1,300,2024-01-31 12:00:00\r\n"粤B""2","1,5",\r\n'.encode(),
    "车牌号;金额\n粤B1;3\n".encode("gb18030"),
    "车牌号\t金额\n粤B1\t3\n".encode("utf-16"),
    "\ufeff车牌号|金额\n粤B1|3".encode(),
]
SHEETS: Final = [_sheet()]
