"""Opens files so that other programs can replace them meanwhile, as spreadsheet programs do when they save."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

_GENERIC_READ: Final = 0x80000000
# Read, write, delete: without the last one Windows refuses to replace the file.
_SHARE_ALL: Final = 0x7
_OPEN_EXISTING: Final = 3
_SEQUENTIAL: Final = 0x08000000


def open_shared(path: Path) -> BinaryIO:
    """Opens `path` for reading bytes. Raises OSError."""
    if sys.platform != "win32":
        return path.open("rb")
    import ctypes
    import msvcrt

    create = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
    create.restype = ctypes.c_void_p
    handle = create(str(path), _GENERIC_READ, _SHARE_ALL, None, _OPEN_EXISTING, _SEQUENTIAL, None)
    if handle in (None, ctypes.c_void_p(-1).value):
        raise ctypes.WinError(ctypes.get_last_error())
    return io.BufferedReader(io.FileIO(msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY)))
