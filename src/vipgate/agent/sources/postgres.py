"""Connects to PostgreSQL through psycopg: session and deadlines."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg.abc import RV, Buffer, PQGen
from psycopg.adapt import Loader

from vipgate.agent.mapping.values import SinglePrecision
from vipgate.agent.sources import postgres_time

# A peer that has gone without a word is noticed after idle + interval * count.
_KEEPALIVES: Final = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3}
# From here on the numbers that a `real` can hold lie further apart than a fen.
_REAL_MAX: Final = 2**17


class _RealLoader(Loader):
    def load(self, data: Buffer) -> float:
        number = float(bytes(data))
        return number if abs(number) < _REAL_MAX else SinglePrecision(number)


class ParkConnection(psycopg.Connection[Any]):
    """A connection that waits for no answer longer than `silence_s`, even if the network swallows it."""

    silence_s: float = 0

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See `Connection.wait`."""
        limit_s = self.silence_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit_s or None)
        except psycopg.OperationalError as error:
            # The driver's error for its own timeout has no public name; the server's have a code.
            if error.sqlstate is None and not self.closed and "timeout" in str(error):
                with suppress(psycopg.Error):
                    self.close()
                raise psycopg.OperationalError(f"no answer within {limit_s:g} s") from error
            raise


def connect(*args: Any, zone: str, lock_wait_s: int, read_s: int, silence_s: int, **options: Any) -> ParkConnection:
    """Opens a connection. The session is set up by statements: a pooler rejects start-up parameters."""
    waits = {"connect_timeout": lock_wait_s, "tcp_user_timeout": silence_s * 1000, **_KEEPALIVES}
    link = ParkConnection.connect(*args, **waits | options)
    link.silence_s = silence_s
    postgres_time.register_text_loader(link)
    link.adapters.register_loader("float4", _RealLoader)
    settings = {
        "lock_timeout": f"{lock_wait_s}s", "statement_timeout": f"{read_s}s", "TimeZone": zone, "extra_float_digits": "1",
    }  # fmt: skip
    for name, value in settings.items():
        link.execute("SELECT set_config(%s, %s, false)", (name, value))
    link.commit()
    return link
