"""The peer: the same gateway as a good team would write it by habit, with FastAPI, Pydantic 2, SQLAlchemy 2 and uvicorn.

It checks the same signature over the raw body, validates rows as the contract has them, stores them under the same key with the
same indexes, commits once a request with WAL and synchronous=FULL, and answers the same envelope with the same counts.

What it leaves out favours it: no history, no request log, no rollups, no conflict flags, no sealed secrets, no near-miss
diagnosis, one fault format instead of places and remedies. It parses the body once, rows included, before it checks the signature.
Choices that matter were measured, and the fastest kept: a write lock over waiting inside SQLite, Core inserts that SQLAlchemy
compiles once (a multi-row VALUES compiled for each request is twenty times slower), one statement that both writes and
counts, instants as integers, parks remembered for some seconds.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from hashlib import md5
from itertools import count
from time import monotonic, time_ns
from typing import Annotated, Any, Final, Literal, Self
from unicodedata import normalize

import uvicorn
from fastapi import FastAPI, Header, Request, Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    StringConstraints,
    ValidationError,
    model_validator,
)
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Executable,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    delete,
    event,
    insert,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

PUSH_PATH: Final = "/gate/1.0/parking/internal/vip/recharge"
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
ROWS_MAX: Final = 10_000
EXTRA_BYTES_MAX: Final = 4096
PARK_REMEMBERED_S: Final = 5.0
POOL_SIZE: Final = 16

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# ---- the rows --------------------------------------------------------------------------------------------------------


class PlateColor(IntEnum):
    UNKNOWN = -1
    BLUE = 1
    YELLOW = 2
    WHITE = 3
    BLACK = 4
    GREEN = 5


class VipType(IntEnum):
    FREE = 0
    MONTH = 1
    STORED_VALUE = 2
    STORED_TIMES = 3
    STORED_DAYS = 4
    YEAR = 5
    QUARTER = 6
    HALF_YEAR = 7


class PayType(IntEnum):
    CASH = 1
    ONLINE = 2


def _fold_plate(text: str) -> str:
    return normalize("NFKC", text).upper().replace(" ", "").replace("·", "")


Plate = Annotated[str, AfterValidator(_fold_plate), StringConstraints(min_length=1, max_length=16)]
Required = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Optional = Annotated[str, StringConstraints(max_length=64)] | None
Blank = Literal[""] | None


class Row(BaseModel):
    """One record as it comes; `extra="allow"` keeps the members that the contract does not list."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, str_strip_whitespace=True)

    plate: Plate
    plate_color: PlateColor
    card_no: Optional = None
    card_id: Optional = None
    charge_type: Required
    vip_type: VipType
    quantity: Annotated[int, Field(ge=0, le=10**9)]
    pay_partner: Required
    pay_type: PayType
    value: Annotated[Decimal, Field(max_digits=16, decimal_places=4)] | Blank = None
    pay_time: Annotated[int, Field(ge=946_684_800_000, le=4_133_980_799_999)] | Blank = None
    renewal_start_time: AwareDatetime | Blank = None
    renewal_end_time: AwareDatetime | Blank = None
    pay_value: Annotated[int, Field(ge=0, le=10**12)] | Blank = None
    operator: Optional = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        start, end = self.renewal_start_time, self.renewal_end_time
        if start and end and end < start:
            raise ValueError("renewal_end_time is before renewal_start_time")
        if self.model_extra and len(json.dumps(self.model_extra, ensure_ascii=False).encode()) > EXTRA_BYTES_MAX:
            raise ValueError(f"unlisted members: at most {EXTRA_BYTES_MAX} bytes")
        return self


Rows = Annotated[list[Row], Field(min_length=1, max_length=ROWS_MAX)]


class Body(BaseModel):
    """A push; `row` is an array, or a string that holds one."""

    park_uuid: Required
    complete: Literal[0, 1, "0", "1", "", None] = 0
    row: Annotated[Rows | Json[Rows], Field(union_mode="left_to_right")]


class Payload(BaseModel):
    received: int
    inserted: int
    updated: int
    unchanged: int


class Envelope(BaseModel):
    code: str
    message: str
    hint: str | None = None
    seqno: str
    payload: Payload | None = None


# ---- the database ----------------------------------------------------------------------------------------------------

_metadata = MetaData()
_park = Table(
    "park",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("park_uuid", String(64), nullable=False, unique=True),
    Column("secret", String(256), nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
)
_renewal = Table(
    "renewal",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("park_id", Integer, nullable=False),
    Column("pay_partner", String(64), nullable=False),
    Column("plate", String(16), nullable=False),
    Column("plate_color", SmallInteger, nullable=False),
    Column("card_no", String(64)),
    Column("card_id", String(64)),
    Column("charge_type", String(64), nullable=False),
    Column("vip_type", SmallInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("pay_type", SmallInteger, nullable=False),
    Column("value_e4", BigInteger),
    Column("pay_time_ms", BigInteger),
    Column("renewal_start_time_us", BigInteger),
    Column("renewal_end_time_us", BigInteger),
    Column("pay_value_fen", BigInteger),
    Column("operator", String(64)),
    Column("extra", Text),
    Column("revision", Integer, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    UniqueConstraint("park_id", "pay_partner"),
    Index("renewal_plate", "park_id", "plate"),
    Index("renewal_received", "park_id", "received_us"),
)
_KEY: Final = ("park_id", "pay_partner")
_VALUES: Final = [column.name for column in _renewal.c if column.name not in ("id", *_KEY, "revision", "received_us")]


def _store_rows(dialect: Any) -> Executable:
    """Rows that are alike are left alone and not returned; what is returned was inserted (revision 1) or updated."""
    new = dialect.insert(_renewal)
    statement: Executable = new.on_conflict_do_update(
        index_elements=_KEY,
        set_={name: new.excluded[name] for name in (*_VALUES, "received_us")} | {"revision": _renewal.c.revision + 1},
        where=or_(*(_renewal.c[name].is_distinct_from(new.excluded[name]) for name in _VALUES)),
    ).returning(_renewal.c.revision)
    return statement


def create_database(url: str, park_uuids: Iterable[str], secret: str) -> None:
    """A fresh database that knows the parks."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        _metadata.create_all(connection)
        connection.execute(insert(_park), [{"park_uuid": park_uuid, "secret": secret} for park_uuid in park_uuids])
    engine.dispose()


def _open(url: str) -> AsyncEngine:
    if url.startswith("postgresql://"):
        return create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=POOL_SIZE, pool_use_lifo=True
        )
    engine = create_async_engine(url.replace("sqlite://", "sqlite+aiosqlite://"), pool_use_lifo=True)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "cache_size=-65536"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _columns(row: Row, park_id: int, received_us: int) -> dict[str, object]:
    return {
        "park_id": park_id,
        "pay_partner": row.pay_partner,
        "plate": row.plate,
        "plate_color": int(row.plate_color),
        "card_no": row.card_no or None,
        "card_id": row.card_id or None,
        "charge_type": row.charge_type,
        "vip_type": int(row.vip_type),
        "quantity": row.quantity,
        "pay_type": int(row.pay_type),
        "value_e4": int(row.value * 10_000) if isinstance(row.value, Decimal) else None,
        "pay_time_ms": row.pay_time or None,
        "renewal_start_time_us": _microseconds(row.renewal_start_time),
        "renewal_end_time_us": _microseconds(row.renewal_end_time),
        "pay_value_fen": row.pay_value if isinstance(row.pay_value, int) else None,
        "operator": row.operator or None,
        "extra": json.dumps(row.model_extra, ensure_ascii=False) if row.model_extra else None,
        "revision": 1,
        "received_us": received_us,
    }


def _microseconds(instant: datetime | Literal[""] | None) -> int | None:
    return (instant - _EPOCH) // _MICROSECOND if instant else None


class Ledger:
    """The parks and their records."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite has one writer; waiting here is fair and cheap, waiting inside SQLite is neither.
        is_sqlite = engine.dialect.name == "sqlite"
        self._writing = asyncio.Lock() if is_sqlite else asyncio.Semaphore(POOL_SIZE)
        self._store_rows = _store_rows(sqlite if is_sqlite else postgresql)
        self._parks: dict[str, tuple[float, int, str]] = {}

    async def find_park(self, park_uuid: str) -> tuple[int, str] | None:
        """The id and the secret of an enabled park."""
        remembered = self._parks.get(park_uuid)
        if remembered is not None and monotonic() - remembered[0] < PARK_REMEMBERED_S:
            return remembered[1:]
        wanted = select(_park.c.id, _park.c.secret).where(_park.c.park_uuid == park_uuid, _park.c.enabled)
        async with self._engine.connect() as connection:
            found = (await connection.execute(wanted)).one_or_none()
        if found is None:
            return None
        self._parks[park_uuid] = (monotonic(), found.id, found.secret)
        return found.id, found.secret

    async def store(self, park_id: int, rows: list[Row], received: int, *, complete: bool) -> Payload:
        """All rows in one transaction; what it did."""
        received_us = time_ns() // 1000
        values = [_columns(row, park_id, received_us) for row in rows]
        async with self._writing, self._engine.begin() as connection:
            if complete:
                await connection.execute(delete(_renewal).where(_renewal.c.park_id == park_id))
            revisions = await self._upsert(connection, values)
        inserted = revisions.count(1)
        updated = len(revisions) - inserted
        return Payload(received=received, inserted=inserted, updated=updated, unchanged=received - inserted - updated)

    async def _upsert(self, connection: AsyncConnection, values: list[dict[str, object]]) -> list[int]:
        # SQLAlchemy splits the rows into as many statements as the limit on parameters asks for.
        return list((await connection.execute(self._store_rows, values)).scalars())


# ---- HTTP ------------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """A request that gets another answer than 1001."""

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(hint)
        self.envelope = Envelope(code=str(status), message=message, hint=hint, seqno=_mint())
        self.status = status


_counter = count(time_ns() % 10**9)


def _mint() -> str:
    now = datetime.now(UTC)
    return f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03}{next(_counter) % 10**15:015}"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    engine = _open(app.state.database)
    app.state.ledger = Ledger(engine)
    yield
    await engine.dispose()


app = FastAPI(lifespan=_lifespan, openapi_url=None)


@app.exception_handler(Refused)
async def _answer_refusal(_: Request, refused: Refused) -> Response:
    body = refused.envelope.model_dump_json(exclude_none=True)
    return Response(body, refused.status, media_type="application/json")


@app.post(PUSH_PATH, response_model_exclude_none=True)
async def push(request: Request, authorization: Annotated[str, Header()] = "") -> Envelope:
    """Takes one push."""
    raw = await request.body()
    if len(raw) > BODY_BYTES_MAX:
        raise Refused(413, "请求数据过大", f"at most {BODY_BYTES_MAX} bytes")
    try:
        body = Body.model_validate_json(raw)
    except ValidationError as error:
        raise Refused(400, "请求参数错误", error.json(include_url=False, include_input=False)) from None
    ledger: Ledger = request.app.state.ledger
    park = await ledger.find_park(body.park_uuid)
    signature = md5(raw + b"&app_secret=" + (park[1] if park else "").encode(), usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(signature.encode(), authorization.strip().lower().encode()) or park is None:
        raise Refused(401, "请求签名校验不通过", "the signature does not match, or the park is unknown or disabled")
    rows = _distinct(body.row)
    payload = await ledger.store(park[0], rows, len(body.row), complete=str(body.complete) == "1")
    return Envelope(code="1001", message="操作成功", seqno=_mint(), payload=payload)


def _distinct(rows: list[Row]) -> list[Row]:
    """Each order number once; two rows that differ are refused."""
    first = {row.pay_partner: row for row in rows}
    if len(first) < len(rows) and any(first[row.pay_partner] != row for row in rows):
        raise Refused(400, "请求参数错误", "two rows with one pay_partner differ")
    return list(first.values())


def main(database: str) -> None:
    """Serves `database` on a free port and prints the address, as the gateway does."""
    app.state.database = database
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="on", access_log=False, log_level="warning", server_header=False
    )
    print(f"peer  http://127.0.0.1:{listener.getsockname()[1]}{PUSH_PATH}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
