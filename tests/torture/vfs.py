"""A SQLite VFS before the real one, in which any write, sync, truncation, deletion or opening can fail, or the power.

It is put into the very library that the `sqlite3` module uses, through ctypes: nothing is compiled, nothing preloaded. It keeps
what each 512-byte sector held when its file was synced last; when the power fails, any of the sectors written since may hold that
again. A sector whose sync failed stays in doubt until it is written again, as on Linux.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import random
import threading
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, Self

SECTOR_BYTES: Final = 512
SQLITE_OK: Final = 0
SQLITE_IOERR: Final = 10
SQLITE_FULL: Final = 13
SQLITE_CANTOPEN: Final = 14
SQLITE_IOERR_SHORT_READ: Final = SQLITE_IOERR | 2 << 8
# The database, its rollback journal, its write-ahead log.
WATCHED_FLAGS: Final = 0x100 | 0x800 | 0x80000

Operation = Literal["write", "sync", "truncate", "delete", "open", "map"]
Fault = Literal["eio", "full", "short", "cut"]
EIO: Final[dict[Operation, int]] = {
    "write": SQLITE_IOERR | 3 << 8,
    "sync": SQLITE_IOERR | 4 << 8,
    "truncate": SQLITE_IOERR | 6 << 8,
    "delete": SQLITE_IOERR | 10 << 8,
    "open": SQLITE_CANTOPEN,
    "map": SQLITE_IOERR | 21 << 8,
}
OPERATIONS: Final = tuple(EIO)


class Weather(Protocol):
    """Decides what happens to each operation."""

    def strike(self, operation: Operation) -> Fault | None:
        """What this one meets; None: it goes through."""

    def power_failed(self) -> None:
        """The sectors are as they are after it; a process ends here, as far as the disk is concerned."""


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""


class _File(ctypes.Structure):
    """sqlite3_file: what follows belongs to the real VFS."""

    _fields_ = (("methods", POINTER(_Methods)),)


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""


_FILE = POINTER(_File)
_Close = CFUNCTYPE(c_int, _FILE)
_Transfer = CFUNCTYPE(c_int, _FILE, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, _FILE, c_int64)
_Sync = CFUNCTYPE(c_int, _FILE, c_int)
_Size = CFUNCTYPE(c_int, _FILE, POINTER(c_int64))
_Map = CFUNCTYPE(c_int, _FILE, c_int, c_int, c_int, c_void_p)
_Open = CFUNCTYPE(c_int, POINTER(_Vfs), c_void_p, _FILE, c_int, POINTER(c_int))
_Delete = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_int)

_Methods._fields_ = (
    ("version", c_int), ("close", _Close), ("read", _Transfer), ("write", _Transfer), ("truncate", _Truncate),
    ("sync", _Sync), ("file_size", _Size),
    *[(name, c_void_p) for name in ("lock", "unlock", "reserved", "control", "sector", "device")],
    ("shm_map", _Map),
    *[(name, c_void_p) for name in ("shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch")],
)  # fmt: skip
_Vfs._fields_ = (
    ("version", c_int), ("file_bytes", c_int), ("path_bytes", c_int), ("next", c_void_p), ("name", c_char_p),
    ("data", c_void_p), ("open", _Open), ("delete", _Delete),
    *[(f"rest_{number}", c_void_p) for number in range(14)],
)  # fmt: skip


@dataclass
class _Watched:
    """An open file: what its sectors held when they were synced last, where they have been written since."""

    real: Any
    dirty: dict[int, bytes] = field(default_factory=dict)
    doubtful: dict[int, bytes] = field(default_factory=dict)


class FaultyVfs:
    """Made the default while it is entered; files that are open at the end must be closed before."""

    def __init__(self, weather: Weather, chance: random.Random) -> None:
        self._weather = weather
        self._chance = chance
        self._lock = threading.RLock()
        self._files: dict[int, _Watched] = {}
        self._dead = False
        self._tables: dict[int, tuple[_Methods, _Methods]] = {}
        self._library = ctypes.CDLL(_sqlite3.__file__)
        self._library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._real = self._library.sqlite3_vfs_find(None)
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._vfs.name = b"torture"
        self._vfs.open = _Open(self._open)
        self._vfs.delete = _Delete(self._delete)

    def __enter__(self) -> Self:
        self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))
        self._library.sqlite3_vfs_register(self._real, 1)

    def _met(self, operation: Operation) -> int | Fault | None:
        """An SQLite error, or a fault that is more than that, or None."""
        if self._dead:
            return SQLITE_IOERR
        fault = self._weather.strike(operation)
        if fault is None or fault == "cut":
            return fault
        if operation == "write" and fault in ("full", "short"):
            return SQLITE_FULL if fault == "full" else fault
        return EIO[operation]

    # ---- what SQLite calls -----------------------------------------------------------------------------------------

    def _open(self, _: Any, name: int | None, file: Any, flags: int, out: Any) -> int:
        with self._lock:
            watched = name is not None and flags & WATCHED_FLAGS
            met = self._met("open") if watched else None
            if met == "cut":
                return self._cut()
            if isinstance(met, int):
                # SQLite closes what could not be opened unless there is nothing to close it with.
                file.contents.methods = None
                return met
            result = int(self._real.contents.open(self._real, name, file, flags, out))
            if result == SQLITE_OK and watched:
                self._watch(file)
            return result

    def _watch(self, file: Any) -> None:
        real = file.contents.methods
        address = ctypes.addressof(real.contents)
        if address not in self._tables:
            own = _Methods.from_buffer_copy(real.contents)
            own.close, own.write, own.truncate = _Close(self._close), _Transfer(self._write), _Truncate(self._truncate)
            own.sync = _Sync(self._sync)
            if own.version > 1 and own.shm_map:
                own.shm_map = _Map(self._map)
            self._tables[address] = (own, real.contents)
        own, _ = self._tables[address]
        self._files[_address(file)] = _Watched(real.contents)
        file.contents.methods = ctypes.pointer(own)

    def _close(self, file: Any) -> int:
        with self._lock:
            # What is closed without a sync is forgotten: only the databases of runs that end are closed.
            return int(self._files.pop(_address(file)).real.close(file))

    def _write(self, file: Any, data: int, size: int, offset: int) -> int:
        with self._lock:
            watched = self._files[_address(file)]
            met = self._met("write")
            if isinstance(met, int):
                return met
            self._remember(watched, file, offset, offset + size)
            result = int(watched.real.write(file, data, size // 2 if met == "short" else size, offset))
            if met == "cut":
                return self._cut()
            return SQLITE_FULL if met == "short" else result

    def _truncate(self, file: Any, size: int) -> int:
        with self._lock:
            watched = self._files[_address(file)]
            met = self._met("truncate")
            if isinstance(met, int):
                return met
            self._remember(watched, file, size, _size(watched, file))
            result = int(watched.real.truncate(file, size))
            return self._cut() if met == "cut" else result

    def _sync(self, file: Any, flags: int) -> int:
        with self._lock:
            watched = self._files[_address(file)]
            met = self._met("sync")
            if met == "cut":
                return self._cut()
            if isinstance(met, int):
                watched.doubtful |= {at: held for at, held in watched.dirty.items() if at not in watched.doubtful}
                watched.dirty.clear()
                return met
            watched.dirty.clear()
            return int(watched.real.sync(file, flags))

    def _map(self, file: Any, region: int, size: int, extend: int, out: int) -> int:
        with self._lock:
            met = self._met("map") if extend else None
            if met is not None and met != "short":
                return self._cut() if met == "cut" else EIO["map"]
            return int(self._files[_address(file)].real.shm_map(file, region, size, extend, out))

    def _delete(self, _: Any, name: bytes, sync_folder: int) -> int:
        with self._lock:
            met = self._met("delete")
            if met == "cut":
                return self._cut()
            return met if isinstance(met, int) else int(self._real.contents.delete(self._real, name, sync_folder))

    # ---- the power -------------------------------------------------------------------------------------------------

    def _remember(self, watched: _Watched, file: Any, start: int, end: int) -> None:
        """Keeps what the sectors from `start` to `end` hold, where they have not been written since the last sync."""
        for at in range(start // SECTOR_BYTES * SECTOR_BYTES, end, SECTOR_BYTES):
            if at in watched.dirty:
                continue
            if at in watched.doubtful:
                watched.dirty[at] = watched.doubtful.pop(at)
                continue
            held = ctypes.create_string_buffer(SECTOR_BYTES)
            watched.real.read(file, ctypes.addressof(held), SECTOR_BYTES, at)
            watched.dirty[at] = held.raw

    def _cut(self) -> int:
        """The power fails: of the sectors in doubt any may hold what they held before, in all files."""
        self._dead = True
        for address, watched in self._files.items():
            file = ctypes.cast(address, _FILE)
            share = self._chance.choice((0.0, 0.1, 0.5, 1.0))
            for at, held in (watched.doubtful | watched.dirty).items():
                if self._chance.random() < share:
                    buffer = ctypes.create_string_buffer(held, SECTOR_BYTES)
                    watched.real.write(file, ctypes.addressof(buffer), SECTOR_BYTES, at)
        self._weather.power_failed()
        return SQLITE_IOERR


def _address(file: Any) -> int:
    return ctypes.addressof(file.contents)


def _size(watched: _Watched, file: Any) -> int:
    size = c_int64()
    watched.real.file_size(file, ctypes.byref(size))
    return size.value


def is_possible() -> bool:
    """Whether the `sqlite3` module shows us the library that it uses."""
    library = getattr(_sqlite3, "__file__", None)
    return library is not None and hasattr(ctypes.CDLL(library), "sqlite3_vfs_register")
