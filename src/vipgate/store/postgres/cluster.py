"""Knows which node of a Citus cluster each park is on, and which nodes do not answer.

Asks the coordinator only: it names the nodes of the shards, and it tries to connect to every node.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from vipgate.store.common.park_ids import STRANGERS
from vipgate.store.interfaces.ledger import Unreachable
from vipgate.store.postgres.pool import ConnectionPool, ShardUnavailable

# A node that does not answer is tried again after this time, and never by a request: each attempt may take seconds.
CHECK_S: Final = 5.0
# Parks move when the cluster is rebalanced. A stale place costs a transaction over two nodes, no more.
PLACES_S: Final = 60.0
PLACES_MAX: Final = 100_000
# Lists that leave out unreachable parks name all the others in the statement.
LISTED_PARKS_MAX: Final = 100_000

Start = Callable[[Callable[[], object]], object]


class ClusterNodes:
    """The nodes that do not answer, and the node of each park. Several threads may use it at once."""

    def __init__(self, pool: ConnectionPool, clock_s: Callable[[], float], start: Start) -> None:
        self._pool = pool
        self._clock_s = clock_s
        # Runs a check without waiting for it.
        self._start = start
        self._lock = threading.Lock()
        self._checking = threading.Lock()
        self._places: dict[int, str] = {}
        self._places_until_s = 0.0
        self._away: frozenset[str] = frozenset()
        self._checked_s: float | None = None
        self._missing: tuple[Unreachable, list[int]] | None = None

    def nodes_of(self, park_ids: Collection[int]) -> Mapping[int, str]:
        """The node of each of these parks. Raises StoreError."""
        with self._lock:
            if self._clock_s() >= self._places_until_s:
                self._forget_places()
            known = {park_id: self._places[park_id] for park_id in park_ids if park_id in self._places}
        missing = [park_id for park_id in park_ids if park_id not in known]
        if missing:
            found: dict[int, str] = dict(self._rows("nodes_of_parks", {"park_ids": missing}))
            with self._lock:
                if len(self._places) + len(found) <= PLACES_MAX:
                    self._places.update(found)
            known |= found
        return known

    def refusal(self, node: str | None) -> ShardUnavailable | None:
        """The error for a request whose park is on `node`, if that node does not answer. Has the node tried again when due."""
        if node is None or node not in self._away:
            return None
        if self._check_is_due():
            self._start_check()
        return self._unavailable(node)

    def check(self) -> frozenset[str]:
        """Tries every node, unless that just happened; returns those that do not answer. Raises StoreError."""
        began_s = self._clock_s()
        with self._checking:
            # Where all answered, that is old news: a node may have stopped since, and the caller may have seen it fail.
            known_from_s = began_s - 1 if self._away else began_s
            if self._checked_s is None or self._checked_s <= known_from_s:
                away = frozenset(node for (node,) in self._rows("nodes_away", {}))
                with self._lock:
                    self._away, self._checked_s = away, self._clock_s()
                    self._missing = None
                    self._forget_places()
            return self._away

    def away(self) -> frozenset[str]:
        """The nodes that do not answer, as of at most CHECK_S ago. Raises StoreError."""
        if self._check_is_due():
            if not self._away:
                return self.check()
            self._start_check()
        return self._away

    def is_away(self) -> bool:
        """Whether any node did not answer when they were last tried."""
        return bool(self._away)

    def missing(self) -> tuple[Unreachable, list[int]] | None:
        """What cannot be reached, and the parks that can; None while every node answers. Raises StoreError."""
        away = self.away()
        if not away:
            return None
        found = self._missing
        if found is None:
            rows = self._rows("parks_by_node", {"limit": LISTED_PARKS_MAX})
            if len(rows) > LISTED_PARKS_MAX:
                raise ShardUnavailable(
                    f"{self._pool.where}: {', '.join(sorted(away))} does not answer, and only up to {LISTED_PARKS_MAX} "
                    "parks can be listed without the parks of a node; start the node or promote its standby"
                )
            reachable = [park_id for park_id, node in rows if node not in away]
            lost = sum(node in away for park_id, node in rows if park_id != STRANGERS)
            found = (Unreachable(tuple(sorted(away)), lost), reachable)
            self._missing = found
        return found

    def _rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with self._pool.connection() as db:
            return db.execute(self._pool.sql[name], values).fetchall()

    def _check_is_due(self) -> bool:
        return self._checked_s is None or self._clock_s() - self._checked_s >= CHECK_S

    def _start_check(self) -> None:
        if not self._checking.locked():
            self._start(self.check)

    def _forget_places(self) -> None:
        self._places.clear()
        self._places_until_s = self._clock_s() + PLACES_S

    def _unavailable(self, node: str) -> ShardUnavailable:
        return ShardUnavailable(
            f"{self._pool.where}: node {node} does not answer; its parks wait until it or its standby is back"
        )
