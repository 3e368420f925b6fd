"""The ledger in PostgreSQL, plain or distributed over a Citus cluster. Several processes and machines may write at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from psycopg.rows import tuple_row

from vipgate.errors import RequestError, StoreError, StoreUnavailable
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.common.cards import add_new_cards
from vipgate.store.common.erasure import erase_expired
from vipgate.store.common.park_ids import STRANGERS, UNKNOWN_PARK, ParkIds
from vipgate.store.common.parks import ParkStoreMixin
from vipgate.store.common.reads import ReadStoreMixin, stream_statement
from vipgate.store.common.row_mapping import read_access, read_park, read_stored
from vipgate.store.interfaces.ledger import (
    DAY_US,
    Filter,
    Park,
    ParkAccess,
    Push,
    PushResult,
    RejectedRequest,
    Retention,
    StoredRecord,
    Unreachable,
)
from vipgate.store.postgres.cluster import ClusterNodes
from vipgate.store.postgres.group_writer import PostgresGroup
from vipgate.store.postgres.node_commit import commit_by_node
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
from vipgate.store.postgres.small_group import SmallGroup, is_small, pipelined_transaction
from vipgate.support.background import submit
from vipgate.support.sql_files import all_parks_variant, some_parks_variant

MAINTENANCE_LOCK: Final = 0x76697068
TRIES_MAX: Final = 5
TRY_PAUSE_S: Final = 0.02
STREAM_ROWS: Final = 2000
# Nodes of a cluster that are written to at the same time, each over a connection of its own.
NODES_AT_ONCE: Final = 4

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
    """See `Store`. In addition, several threads may use it at once."""

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
        self.park_ids = ParkIds()
        self.clock_us = clock_us
        self._retention = retention or Retention()
        self._clock_s = clock_s
        self._pause = pause
        self._chance = chance
        self._threads = ThreadPoolExecutor(NODES_AT_ONCE, "vipgate-node")
        self.nodes = ClusterNodes(self.pool, clock_s, self._start)
        try:
            self.schema = migrate(self.pool)
            with self.pool.connection() as db:
                self.is_distributed = is_distributed(self.pool, db)
            if self.is_distributed:
                self.pool.allow_more(NODES_AT_ONCE)
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
        if not self.is_distributed:
            self.is_distributed = True
            self.pool.allow_more(NODES_AT_ONCE)
        return done

    def _start(self, job: Callable[[], object]) -> None:
        """Runs a check of the nodes in a thread. While the coordinator does not answer either, the next request has it repeated."""

        def checked() -> None:
            with suppress(StoreError):
                job()

        submit(self._threads, checked, what="the check of the cluster's nodes")

    def commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """See `Store.commit`. On Citus each node's parks are a transaction of their own."""
        if not self.is_distributed:
            return self._commit_or_alone(group)
        try:
            node_of = self._nodes_of({request.park_uuid for request in group})
        except StoreError as error:
            return [error for _ in group]
        return commit_by_node(group, node_of, self.nodes, self._threads, self._commit_or_alone)

    def _commit_or_alone(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        try:
            return [*self._commit(group)]
        except (DatabaseUnreachable, ShardUnavailable) as error:
            # Not one by one: an unreachable server fails for all of them.
            return [error for _ in group]
        except StoreError as error:
            if len(group) == 1:
                return [error]
        return [outcome for request in group for outcome in self._commit_or_alone([request])]

    def _nodes_of(self, park_uuids: Collection[str | None]) -> dict[str | None, str]:
        """The node of each park of a cluster; None stands for strangers. Unknown parks are left out."""
        with self.pool.connection() as db:
            named = self._find_park_ids(db, {park_uuid for park_uuid in park_uuids if park_uuid is not None})
        park_ids: dict[str | None, int] = dict(named.items())
        if None in park_uuids:
            park_ids[None] = STRANGERS
        places = self.nodes.nodes_of(park_ids.values())
        return {park_uuid: places[park_id] for park_uuid, park_id in park_ids.items() if park_id in places}

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Borrows a connection. After an error of a cluster's node, finds out which nodes do not answer."""
        try:
            with self.pool.connection() as db:
                yield db
        except ShardUnavailable:
            self.nodes.check()
            raise

    def _commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError]:
        """Commits in one transaction; retries, at most TRIES_MAX times, after a conflict or a broken connection."""
        for attempt in range(TRIES_MAX):
            try:
                with self._connection() as db:
                    park_ids = self._find_park_ids(db, {request.park_uuid for request in group if request.park_uuid})
                    return self._write(db, group, park_ids, again=attempt > 0)
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

    def _find_park_ids(self, db: Connection, park_uuids: Collection[str]) -> dict[str, int]:
        """The park_ids of several parks; reads those that are not known yet. Unknown parks are left out."""
        found = self.park_ids.known(park_uuids)
        missing = [park_uuid for park_uuid in park_uuids if park_uuid not in found]
        if missing:
            read: dict[str, int] = dict(db.execute(self._sql["find_park_ids"], {"park_uuids": missing}).fetchall())
            self.park_ids.add(read)
            found |= read
        return found

    def _write(
        self, db: Connection, group: Sequence[Push | RejectedRequest], park_ids: Mapping[str, int], *, again: bool
    ) -> list[PushResult | RequestError]:
        """Writes a group and returns its results. `again`: an earlier attempt may be stored although its reply was lost."""
        small = not self.is_distributed and is_small(group)
        with pipelined_transaction(db) if small else db.transaction():
            made = SmallGroup if small else PostgresGroup
            writer = made(db, self._sql, park_ids, self._retention, self.clock_us, per_park=self.is_distributed)
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
            if not one_row(db, self._sql["try_maintenance_lock"], {"lock": MAINTENANCE_LOCK})[0]:
                return False
            deleted = self._purge_generation(
                db, now_us - retention.generation_days * DAY_US, {"chunk_rows": retention.chunk_rows}
            )
            if not deleted:
                deleted = self._purge_request_log(db, now_us, retention)
        # Neither waits for the other: while parks push cards, there are always new ones.
        cards_left = add_new_cards(self)
        return deleted > 0 or erase_expired(self, now_us) or cards_left

    def _purge_generation(self, db: Connection, before_us: int, chunk: dict[str, object]) -> int:
        found = db.execute(self._sql["expired_generation"], {"before_us": before_us}).fetchone()
        if found is None:
            return 0
        place = {"park_id": found[0], "generation": found[1]}
        if not db.execute(self._sql["start_purge"], place).rowcount:
            return 0
        for name in ("purge_renewals", "purge_history", "purge_later", "purge_cards", "purge_generation"):
            deleted = db.execute(self._sql[name], place | chunk).rowcount
            if deleted:
                return deleted
        return 0

    def _purge_request_log(self, db: Connection, now_us: int, retention: Retention) -> int:
        chunk = {"chunk_rows": retention.chunk_rows}
        requests = chunk | {"before_seqno": seqno_prefix(now_us - retention.request_log_days * DAY_US)}
        bodies = chunk | {"before_seqno": seqno_prefix(now_us - retention.rejected_days * DAY_US)}
        expired = db.execute(self._sql["expired_requests"], requests).fetchall()
        strangers = chunk | {"strangers_max": retention.strangers_max}
        surplus = [(STRANGERS, seqno) for (seqno,) in db.execute(self._sql["surplus_strangers"], strangers)]
        return (
            self._purge(db, "purge_requests", expired)
            + self._purge(db, "purge_requests", surplus)
            + self._purge(db, "purge_bodies", db.execute(self._sql["expired_bodies"], bodies).fetchall())
        )

    def _purge(self, db: Connection, name: str, found: Sequence[tuple[Any, ...]]) -> int:
        deleted = 0
        for park_id, of_park in groupby(sorted(found), _PARK_OF):
            values = {"park_id": park_id, "seqnos": [seqno for _, seqno in of_park]}
            deleted += db.execute(self._sql[name], values).rowcount
        return deleted

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """See `TransactionRunner.transaction`."""
        with self.pool.connection() as db, db.transaction():
            yield PostgresTransaction(db, self._sql)

    def rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """See `TransactionRunner.rows`. Of an unknown park nothing is asked: on Citus, its key would belong to a node too."""
        if values.get("park_id") == UNKNOWN_PARK:
            return []
        return self.read(all_parks_variant(self._sql[name]), values)

    def read(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of a read-only statement."""
        with self._connection() as db:
            return db.execute(statement, values).fetchall()

    def read_reachable(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of a statement over all parks; while nodes do not answer, over the parks on the other nodes."""
        if not self.nodes.is_away():
            try:
                return self.read(all_parks_variant(statement), values)
            except ShardUnavailable:
                if not self.nodes.is_away():
                    raise
        missing = self.nodes.missing()
        if missing is None:
            return self.read(all_parks_variant(statement), values)
        return self.read(some_parks_variant(statement), {**values, "park_ids": missing[1]})

    def reachable_parks(self, after: str, limit: int) -> list[Park]:
        """See `Store.reachable_parks`."""
        return list(map(read_park, self.read_reachable(self._sql["list_parks"], {"after": after, "limit": limit})))

    def unreachable(self) -> Unreachable | None:
        """See `Store.unreachable`."""
        missing = self.nodes.missing() if self.is_distributed else None
        return None if missing is None else missing[0]

    def _of_request(self, name: str, seqno: str) -> list[tuple[Any, ...]]:
        rows = self.read_reachable(self._sql[name], {"seqno": seqno})
        missing = None if rows else self.unreachable()
        if missing is not None:
            raise ShardUnavailable(
                f"{self.where}: {seqno} may be on {', '.join(missing.nodes)}, which does not answer; try again later"
            )
        return rows

    def park_access(self, park_uuid: str) -> ParkAccess | None:
        """See `Store.park_access`. Fails at once for a park whose node does not answer."""
        if self.is_distributed:
            refusal = self.nodes.refusal(self._nodes_of({park_uuid}).get(park_uuid))
            if refusal is not None:
                raise refusal
        return super().park_access(park_uuid)

    def park_accesses(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        """See `Store.park_accesses`. On Citus one query per park: a list would go to every node."""
        if self.is_distributed:
            found = list(filter(None, map(self.park_access, park_uuids)))
        else:
            with self.pool.connection() as db:
                wanted = {"park_ids": list(self._find_park_ids(db, park_uuids).values())}
                found = list(map(read_access, db.execute(self._sql["park_accesses"], wanted)))
        return {access.park_uuid: access for access in found}

    def iter_records(self, park_uuid: str, wanted: Filter) -> Iterator[StoredRecord]:
        """See `Store.iter_records`."""
        name, values = stream_statement(self.park_id(park_uuid), wanted)
        with self.pool.connection() as db, db.transaction():
            db.execute(self._sql["no_timeout"], {"in_transaction": True})
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
        self._threads.shutdown(wait=False)
        self.pool.close()
