"""Collects a request's body within the memory quota."""

from __future__ import annotations

from collections.abc import Callable

from vipgate.gateway.http.messages import Request
from vipgate.gateway.limits.body_quota import SMALL_BYTES_MAX, BodyMemoryQuota, BodyReservation


class BodyBuffer:
    """The body being received on one connection: its bytes, and its memory reservation where it needs one."""

    __slots__ = ("_caller", "_declared_bytes", "_uploads", "here", "upload")

    def __init__(self, uploads: BodyMemoryQuota, caller: Callable[[Request], str]) -> None:
        self._uploads = uploads
        self._caller = caller
        self.here: bytes | bytearray = b""
        self._declared_bytes = 0
        self.upload: BodyReservation | None = None

    def reserve(self, request: Request, meant_bytes: int) -> bool:
        """Reserves room for the declared length of a body, 0 where unknown; False where there is none."""
        self._declared_bytes = meant_bytes
        if meant_bytes <= SMALL_BYTES_MAX:
            return self._uploads.has_room(meant_bytes)
        self.upload = self._uploads.begin(self._caller(request), meant_bytes)
        return self.upload is not None

    def append(self, request: Request, piece: bytes) -> bool:
        """Stores a piece; False where there is no room for it."""
        if self.upload is None and len(piece) == self._declared_bytes:
            # Most bodies are one piece and stay in memory only until the response: no per-address quota needed.
            if not self._uploads.has_room(self._declared_bytes):
                return False
            self._uploads.total_bytes += self._declared_bytes
        elif not self._grow(request, len(piece)):
            return False
        if not self.here:
            self.here = piece
        elif isinstance(self.here, bytes):
            self.here = bytearray(self.here) + piece
        else:
            self.here += piece
        return True

    def _grow(self, request: Request, piece_bytes: int) -> bool:
        if self.upload is None:
            self.upload = self._uploads.begin(self._caller(request), self._declared_bytes)
        return self.upload is not None and self._uploads.grow(self.upload, piece_bytes)

    def finish(self) -> bytes:
        """Returns the complete body. Its bytes count in the quota until the response."""
        body, self.here = bytes(self.here), b""
        if self.upload is not None:
            self._uploads.end(self.upload)
            self.upload = None
        return body

    def discard(self) -> None:
        """Drops the body and releases its memory."""
        self._uploads.total_bytes -= len(self.here)
        self.here = b""
        if self.upload is not None:
            self._uploads.end(self.upload)
            self.upload = None
