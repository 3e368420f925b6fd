"""Leads connections to 10.0.0.N to 127.0.0.N, as a router would.

No setting lets a park's gateway be asked on loopback, where tests have theirs. So they name it by a private address: what is
checked is that address, what is spoken is real HTTP over a real socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpcore

NEAR = "10.0.0.1"
# On the path of a gateway's processes it has them do so from their start.
NEAR_PATH = Path(__file__).with_name("near")
# What is left to the garbage collector ends.
_for_good = ExitStack()


@contextmanager
def rerouted() -> Iterator[None]:
    """Connections to any other address fail the test."""
    real = httpcore.SyncBackend.connect_tcp

    def connect_tcp(system: httpcore.SyncBackend, host: str, *rest: Any, **named: Any) -> httpcore.NetworkStream:
        assert host.startswith("10.0.0."), host
        return real(system, host.replace("10.0.0.", "127.0.0."), *rest, **named)

    with patch.object(httpcore.SyncBackend, "connect_tcp", connect_tcp):
        yield


def reroute() -> None:
    """The same until the process ends."""
    _for_good.enter_context(rerouted())
