"""Exports whole parks as CSV (for spreadsheets) or Parquet, in constant memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from typing import Any, Final

from vipgate.admin.api.auth import AuthorizedRequest
from vipgate.admin.api.endpoint import ApiRequest, Export, Handler
from vipgate.admin.api.errors import NOT_INSTALLED, ApiError
from vipgate.admin.api.requests import ParkParams
from vipgate.domain.serialization import EXPORT_COLUMNS, csv_chunks, record_to_dict
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import VALUE_SCALE
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.ledger import StoredRecord

CSV: Final = "text/csv; charset=utf-8"
PARQUET: Final = "application/vnd.apache.parquet"
GROUP_ROWS: Final = 5_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Write = Callable[[Iterator[StoredRecord], bool], Iterator[bytes]]


def serve_export(kind: str, media: str, write: Write) -> Handler[ParkParams]:
    """Makes a handler that streams a park's current records, encoded by `write`."""

    async def serve(request: ApiRequest[ParkParams]) -> Export:
        who, park = await request.authorize(lambda authorized, ask: (authorized.who, authorized.park(ask.park_uuid)))
        if kind == "parquet" and find_spec("pyarrow") is None:
            words = LocalizedText(
                "未安装 pyarrow; 请运维执行 pip install 'vipgate[parquet]', 或改用 renewals.csv",
                "pyarrow is not installed; ask the operator to run pip install 'vipgate[parquet]', or use renewals.csv",
            )
            raise ApiError(NOT_INSTALLED, words)
        name = f"{park.park_uuid}-renewals.{kind}"
        if request.head:
            return Export(None, media, name)
        stream = await request.dependencies.databases.stream(
            who, lambda database: _written(request.enter(database), park.park_uuid, kind, write)
        )
        return Export(stream, media, name)

    return serve


def _written(authorized: AuthorizedRequest, park_uuid: str, kind: str, write: Write) -> Iterator[bytes]:
    if not authorized.masked:
        authorized.database.accounts.write_audit_entry(
            AuditEntry(
                at_us=authorized.now_us,
                who=authorized.who,
                action="export",
                park_uuid=park_uuid,
                subject=f"renewals.{kind}",
                detail="plates in the clear",
                peer=authorized.peer,
            )
        )
    return write(authorized.database.queries.iter_park(park_uuid), authorized.masked)


def write_csv(records: Iterator[StoredRecord], masked: bool) -> Iterator[bytes]:
    """Encodes records as CSV for spreadsheets."""
    return csv_chunks(records, masked=masked)


def write_parquet(records: Iterator[StoredRecord], masked: bool) -> Iterator[bytes]:
    """Encodes records as Parquet, one row group at a time; instants and decimals are typed, the rest is as in JSON."""
    # The import takes half a second and tens of megabytes: only Parquet requests pay for it.
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    schema = _schema(arrow)
    out = _Outlet()
    with parquet.ParquetWriter(arrow.PythonFile(out, mode="w"), schema, compression="zstd") as writer:
        while group := [_row(one, masked) for one in islice(records, GROUP_ROWS)]:
            writer.write_table(arrow.Table.from_pylist(group, schema=schema), row_group_size=GROUP_ROWS)
            yield out.take()
    yield out.take()


class _Outlet(io.BytesIO):
    """A file object whose written bytes are taken chunk by chunk."""

    def take(self) -> bytes:
        """Returns the bytes written since the last call."""
        part = self.getvalue()
        self.seek(0)
        self.truncate()
        return part


def _schema(arrow: Any) -> Any:
    instant, value = arrow.timestamp("us", tz="UTC"), arrow.decimal128(16, 4)
    types = {
        "plate_color": arrow.int8(),
        "vip_type": arrow.int8(),
        "quantity": arrow.int64(),
        "pay_type": arrow.int8(),
        "value": value,
        "pay_time": instant,
        "renewal_start_time": instant,
        "renewal_end_time": instant,
        "pay_value": arrow.int64(),
        "revision": arrow.int32(),
        "flags": arrow.list_(arrow.string()),
    }
    return arrow.schema([(column, types.get(column, arrow.string())) for column in EXPORT_COLUMNS])


def _row(stored: StoredRecord, masked: bool) -> dict[str, Any]:
    one, members = stored.renewal, record_to_dict(stored, masked=masked)
    members["value"] = None if one.value_e4 is None else Decimal(one.value_e4) / VALUE_SCALE
    members["pay_time"] = None if one.pay_time_ms is None else _moment(one.pay_time_ms * 1000)
    members["renewal_start_time"] = _moment(one.renewal_start_time_us)
    members["renewal_end_time"] = _moment(one.renewal_end_time_us)
    members["extra"] = None if members["extra"] is None else bytes(members["extra"]).decode()
    return members


def _moment(instant_us: int | None) -> datetime | None:
    return None if instant_us is None else _EPOCH + timedelta(microseconds=instant_us)
