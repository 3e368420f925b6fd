"""The ledger in PostgreSQL, plain or distributed over a Citus cluster. Several processes and machines may write at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from psycopg.rows import tuple_row

from vipgate.errors import RequestError, StoreError, StoreUnavailable
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.common.erasure import erase_expired
from vipgate.store.common.parks import ParkStoreMixin
from vipgate.store.common.reads import ReadStoreMixin, stream_statement
from vipgate.store.common.row_mapping import read_access, read_stored
from vipgate.store.interfaces.ledger import (
    DAY_US,
    Filter,
    ParkAccess,
    Push,
    PushResult,
    RejectedRequest,
    Retention,
    StoredRecord,
)
from vipgate.store.postgres.group_writer import PostgresGroup
from vipgate.store.postgres.pool import (
    Connection,
    ConnectionLost,
    ConnectionPool,
    DatabaseUnreachable,
    RetryableConflict,
    ShardUnavailable,
    one_row,
)
from vipgate.store.postgres.schema import distribute, is_distributed, migrate

HOUSEKEEPING_TURN: Final = 0x76697068
TRIES_MAX: Final = 5
TRY_PAUSE_S: Final = 0.02
STREAM_ROWS: Final = 2000
# An unavailable node is not tried for each push: each attempt would delay all requests behind it.
NODE_PAUSE_S: Final = 5.0
PARKS_AWAY_MAX: Final = 100_000

_PARK_OF = itemgetter(0)


class PostgresTransaction:
    """See `Transaction`."""

    def __init__(self, db: Connection, sql: Mapping[str, str]) -> None:
        self._db = db
        self._sql = sql

    def run(self, name: str, values: Mapping[str, object]) -> int:
        """See `Transaction.run`."""
        return self._db.execute(self._sql[name], values).rowcount

    def rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """See `Transaction.rows`."""
        return self._db.execute(self._sql[name], values).fetchall()


class PostgresStore(ParkStoreMixin, ReadStoreMixin):
    """See `Store`. Unlike the protocol requires, several threads may use it at once."""

    def __init__(
        self,
        url: str,
        clock_us: Callable[[], int],
        retention: Retention | None = None,
        *,
        connections: int = 1,
        clock_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.pool = ConnectionPool(url, connections, clock_s)
        self._sql = self.pool.sql
        self.clock_us = clock_us
        self._retention = retention or Retention()
        self._clock_s = clock_s
        self._pause = pause
        self._chance = chance
        self._away: dict[str, tuple[ShardUnavailable, float]] = {}
        try:
            self.schema = migrate(self.pool)
            with self.pool.connection() as db:
                self.is_distributed = is_distributed(self.pool, db)
        except BaseException:
            self.pool.close()
            raise

    @property
    def where(self) -> str:
        """See `Store.where`."""
        return self.pool.where

    def distribute(self) -> bool:
        """Distributes the ledger over a Citus cluster; False if it already is. Raises IncompatibleDatabase without Citus."""
        done = distribute(self.pool)
        self.is_distributed = True
        return done

    def commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """See `Store.commit`."""
        away = self._cooling_down(group) if self._away else {}
        if away:
            rest = [request for request in group if request.park_uuid not in away]
            outcomes = iter(self.commit(rest) if rest else [])
            return [away.get(request.park_uuid or "") or next(outcomes) for request in group]
        try:
            return [*self._commit(group)]
        except DatabaseUnreachable as error:
            # Not one by one: an unreachable server fails for all of them.
            return [error for _ in group]
        except ShardUnavailable as error:
            if len({request.park_uuid for request in group}) == 1:
                self._mark_away(group[0].park_uuid or "", error)
                return [error for _ in group]
            return self._by_park(group)
        except StoreError as error:
            if len(group) == 1:
                return [error]
        return [outcome for request in group for outcome in self.commit([request])]

    def _cooling_down(self, group: Sequence[Push | RejectedRequest]) -> dict[str, ShardUnavailable]:
        """The parks of `group` whose node was unavailable less than NODE_PAUSE_S ago, with the error."""
        now_s = self._clock_s()
        found = {park: self._away[park] for request in group if (park := request.park_uuid or "") in self._away}
        for park in [park for park, (_, until_s) in found.items() if now_s >= until_s]:
            del self._away[park], found[park]
        return {park: error for park, (error, _) in found.items()}

    def _mark_away(self, park_uuid: str, error: ShardUnavailable) -> None:
        if len(self._away) < PARKS_AWAY_MAX:
            self._away[park_uuid] = (error, self._clock_s() + NODE_PAUSE_S)

    def _by_park(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """Commits each park in its own transaction, so that parks on healthy nodes succeed."""
        places: dict[str | None, list[int]] = {}
        for place, request in enumerate(group):
            places.setdefault(request.park_uuid, []).append(place)
        outcomes: dict[int, PushResult | RequestError | StoreError] = {}
        for of_park in places.values():
            outcomes |= zip(of_park, self.commit([group[place] for place in of_park]), strict=True)
        return [outcomes[place] for place in range(len(group))]

    def _commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError]:
        """Commits in one transaction; retries, at most TRIES_MAX times, after a conflict or a broken connection."""
        for attempt in range(TRIES_MAX):
            try:
                with self.pool.connection() as db:
                    return self._write(db, group, again=attempt > 0)
            except RetryableConflict:
                if attempt == TRIES_MAX - 1:
                    raise
                self._pause((0.5 + self._chance()) * TRY_PAUSE_S * 2**attempt)
            except ConnectionLost:
                if attempt == TRIES_MAX - 1:
                    raise
                # The idle connections lost the same server.
                self.pool.discard_idle()
        raise AssertionError

    def _write(
        self, db: Connection, group: Sequence[Push | RejectedRequest], *, again: bool
    ) -> list[PushResult | RequestError]:
        """Writes a group and returns its results. `again`: an earlier attempt may be stored although its reply was lost."""
        with db.pipeline() if self.is_distributed else nullcontext() as pipeline, db.transaction():
            writer = PostgresGroup(db, pipeline, self._sql, self._retention, self.clock_us)
            if not again:
                return writer.write(group)
            stored = writer.stored_already(group)
            missing = [request for request in group if request.seqno not in stored]
            fresh = writer.write(missing) if missing else []
            by_seqno: dict[str, PushResult | RequestError] = {**stored}
            by_seqno.update((request.seqno, outcome) for request, outcome in zip(missing, fresh, strict=True))
            return [by_seqno[request.seqno] for request in group]

    def run_maintenance(self, now_us: int, retention: Retention) -> bool:
        """See `Store.run_maintenance`."""
        with self.pool.connection() as db, db.transaction():
            if not one_row(db, self._sql["take_turn"], {"turn": HOUSEKEEPING_TURN})[0]:
                return False
            deleted = self._purge_generation(
                db, now_us - retention.generation_days * DAY_US, {"chunk_rows": retention.chunk_rows}
            )
            if not deleted:
                deleted = self._purge_journal(db, now_us, retention)
        return deleted > 0 or erase_expired(self, now_us)

    def _purge_generation(self, db: Connection, before_us: int, chunk: dict[str, object]) -> int:
        found = db.execute(self._sql["expired_generation"], {"before_us": before_us}).fetchone()
        if found is None:
            return 0
        place = {"park_uuid": found[0], "generation": found[1]}
        if not db.execute(self._sql["start_purge"], place).rowcount:
            return 0
        for name in ("purge_renewals", "purge_history", "purge_later", "purge_generation"):
            deleted = db.execute(self._sql[name], place | chunk).rowcount
            if deleted:
                return deleted
        return 0

    def _purge_journal(self, db: Connection, now_us: int, retention: Retention) -> int:
        chunk = {"chunk_rows": retention.chunk_rows}
        requests = chunk | {"before_seqno": seqno_prefix(now_us - retention.request_log_days * DAY_US)}
        bodies = chunk | {"before_seqno": seqno_prefix(now_us - retention.refused_days * DAY_US)}
        expired = db.execute(self._sql["expired_requests"], requests).fetchall()
        strangers = chunk | {"strangers_max": retention.strangers_max}
        surplus = [("", seqno) for (seqno,) in db.execute(self._sql["surplus_strangers"], strangers)]
        return (
            self._purge(db, "purge_requests", expired)
            + self._purge(db, "purge_requests", surplus)
            + self._purge(db, "purge_bodies", db.execute(self._sql["expired_bodies"], bodies).fetchall())
        )

    def _purge(self, db: Connection, name: str, found: Sequence[tuple[Any, ...]]) -> int:
        deleted = 0
        for park_uuid, of_park in groupby(sorted(found), _PARK_OF):
            values = {"park_uuid": park_uuid, "seqnos": [seqno for _, seqno in of_park]}
            deleted += db.execute(self._sql[name], values).rowcount
        return deleted

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """See `TransactionRunner.transaction`."""
        with self.pool.connection() as db, db.transaction():
            yield PostgresTransaction(db, self._sql)

    def rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """See `TransactionRunner.rows`."""
        with self.pool.connection() as db:
            return db.execute(self._sql[name], values).fetchall()

    def park_accesses(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        """See `Store.park_accesses`. On Citus one query per park: a list would go to every node."""
        if self.is_distributed:
            found = list(filter(None, map(self.park_access, park_uuids)))
        else:
            found = list(map(read_access, self.rows("park_accesses", {"park_uuids": list(park_uuids)})))
        return {access.park_uuid: access for access in found}

    def iter_records(self, park_uuid: str, wanted: Filter) -> Iterator[StoredRecord]:
        """See `Store.iter_records`."""
        name, values = stream_statement(park_uuid, wanted)
        with self.pool.connection() as db, db.transaction():
            db.execute(self._sql["patient"], {"in_transaction": True})
            # An open cursor reads from one snapshot.
            with db.cursor(name="stream", row_factory=tuple_row) as cursor:
                cursor.itersize = STREAM_ROWS
                cursor.execute(self._sql[name], values, binary=True)
                yield from map(read_stored, cursor)

    def ping(self) -> None:
        """See `Store.ping`."""
        if self.rows("ping", {})[0][0]:
            raise StoreUnavailable(f"{self.where} is a standby and takes no writes; connect to the primary.")

    def clear_log(self, tries: int = 1) -> bool:  # noqa: ARG002 - the protocol's parameter
        """See `ParkLister.clear_log`. PostgreSQL manages its own WAL and old row versions (docs/operating.md)."""
        return True

    def close(self) -> None:
        """See `Store.close`."""
        self.pool.close()
