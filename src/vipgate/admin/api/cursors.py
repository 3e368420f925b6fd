"""Page cursors: opaque, URL-safe, and validated when a client returns them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, TypeVar

import msgspec

from vipgate.protocol.seqno import SEQNO_CHARS
from vipgate.store.interfaces.ledger import INSTANT_US_MAX
from vipgate.store.interfaces.queries import CardKind

Position = Annotated[int, msgspec.Meta(ge=0, le=INSTANT_US_MAX)]
ParkUuid = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class ParkCursor(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """The last park of a page."""

    park_uuid: ParkUuid


class RecordCursor(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """Where a page of records ended."""

    position: Position
    park_uuid: ParkUuid


class VehicleCursor(msgspec.Struct, frozen=True, array_like=True, tag="v"):
    """The last plate or card of a page of vehicles."""

    kind: CardKind
    key: Annotated[str, msgspec.Meta(max_length=64)]


class VehicleChangeCursor(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    """Where a page of vehicles sorted by newest change ended."""

    position: Position


class RequestCursor(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """The last request of a page."""

    seqno: Annotated[str, msgspec.Meta(pattern=rf"\A[0-9]{{{SEQNO_CHARS}}}\Z")]


class ChangeCursor(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """A reader has all changes of this generation up to this position."""

    generation: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    position: Position


Cursor = ParkCursor | RecordCursor | VehicleCursor | VehicleChangeCursor | RequestCursor | ChangeCursor
C = TypeVar("C", bound=Cursor)


def write_cursor(cursor: Cursor) -> str:
    """Encodes a cursor as text."""
    return _word(msgspec.msgpack.encode(cursor))


def read_cursor(word: str, form: type[C]) -> C | None:
    """Decodes a cursor; None if `word` is not one of type `form`."""
    try:
        raw = _bytes(word)
        cursor = msgspec.msgpack.decode(raw, type=form)
    except (ValueError, msgspec.DecodeError):
        return None
    # Accepts the canonical encoding only.
    return cursor if msgspec.msgpack.encode(cursor) == raw and _has_no_nul(cursor) else None


def _word(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(word: str) -> bytes:
    raw = urlsafe_b64decode(word + "=" * (-len(word) % 4))
    if _word(raw) != word:
        raise ValueError(word)
    return raw


def _has_no_nul(cursor: Cursor) -> bool:
    """Whether no text contains NUL, which PostgreSQL rejects."""
    return not any(isinstance(part, str) and "\0" in part for part in msgspec.structs.astuple(cursor))
