"""Cursors: where a page ended, as an opaque word that fits into an address and is checked when it comes back."""

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
    """A page of parks ended at this one."""

    park_uuid: ParkUuid


class RecordCursor(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """A page of records ended here."""

    position: Position
    park_uuid: ParkUuid


class VehicleCursor(msgspec.Struct, frozen=True, array_like=True, tag="v"):
    """A page of vehicles ended at this plate or card."""

    kind: CardKind
    key: Annotated[str, msgspec.Meta(max_length=64)]


class VehicleChangeCursor(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    """A page of vehicles in the order of their newest change ended at this position."""

    position: Position


class RequestCursor(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """A page of requests ended at this one."""

    seqno: Annotated[str, msgspec.Meta(pattern=rf"\A[0-9]{{{SEQNO_CHARS}}}\Z")]


class ChangeCursor(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """A reader of the changes has seen all of this generation up to this position."""

    generation: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    position: Position


Cursor = ParkCursor | RecordCursor | VehicleCursor | VehicleChangeCursor | RequestCursor | ChangeCursor
C = TypeVar("C", bound=Cursor)


def write_cursor(cursor: Cursor) -> str:
    """`cursor` as a word."""
    return _word(msgspec.msgpack.encode(cursor))


def read_cursor(word: str, form: type[C]) -> C | None:
    """The cursor in `word`; None where it is not one of this form."""
    try:
        raw = _bytes(word)
        cursor = msgspec.msgpack.decode(raw, type=form)
    except (ValueError, msgspec.DecodeError):
        return None
    # Only what we wrote: no second spelling of the same place.
    return cursor if msgspec.msgpack.encode(cursor) == raw and _has_no_nul(cursor) else None


def _word(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(word: str) -> bytes:
    raw = urlsafe_b64decode(word + "=" * (-len(word) % 4))
    if _word(raw) != word:
        raise ValueError(word)
    return raw


def _has_no_nul(cursor: Cursor) -> bool:
    """PostgreSQL takes no NUL in a text."""
    return not any(isinstance(part, str) and "\0" in part for part in msgspec.structs.astuple(cursor))
