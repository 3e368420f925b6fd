"""Makes the address of a park's database from what a form asks, and reads it back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

SourceKind = Literal["file", "mysql", "mssql", "postgresql", "sqlite", "access", "address"]
KINDS: Final[tuple[SourceKind, ...]] = get_args(SourceKind)
SERVERS: Final = ("mysql", "mssql", "postgresql")
_ACCESS_DRIVER: Final = "DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ="
_ACCESS: Final = f"access:///?odbc_connect={_ACCESS_DRIVER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAddress:
    """Where the records are. `path` is that of a file; `address` is a whole database URL for what the form cannot say."""

    kind: SourceKind = "file"
    path: str = ""
    server: str = ""
    port: int | None = None
    database: str = ""
    user: str = ""
    password: str = ""
    address: str = ""

    @property
    def url(self) -> str:
        """The database's address, its password included; empty for a file."""
        if self.kind == "file":
            return ""
        if self.kind == "address":
            return self.address
        if self.kind == "sqlite":
            return f"sqlite:///{self.path}"
        if self.kind == "access":
            return f"{_ACCESS}{self.path}"
        made = URL.create(
            self.kind, self.user or None, self.password or None, self.server or None, self.port, self.database or None
        )
        return made.render_as_string(hide_password=False)


def holds_options(path: str) -> bool:
    """Whether the path of an Access file goes on with options of the driver, such as a password."""
    return ";" in unquote(path)


def read_address(file: str, url: str) -> SourceAddress:
    """Reads an address back into its fields. What they cannot say stays an `address`."""
    if file or not url:
        return SourceAddress(path=file)
    if url.startswith(_ACCESS) and not holds_options(url.removeprefix(_ACCESS)):
        return SourceAddress(kind="access", path=url.removeprefix(_ACCESS))
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        return SourceAddress(kind="address", address=url)
    if parts.drivername == "sqlite":
        return SourceAddress(kind="sqlite", path=parts.database or "")
    if parts.drivername in SERVERS and not parts.query:
        return SourceAddress(
            kind=parts.drivername,  # type: ignore[arg-type]
            server=parts.host or "",
            port=parts.port,
            database=parts.database or "",
            user=parts.username or "",
            password=parts.password or "",
        )
    return SourceAddress(kind="address", address=url)
