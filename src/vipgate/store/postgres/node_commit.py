"""Commits a group on a Citus cluster: each node's parks in a transaction and on a connection of their own, all at once.

A transaction over one node needs no two-phase commit, and a node that does not answer fails only its own parks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from vipgate.errors import RequestError, StoreError
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest
from vipgate.store.postgres.cluster import ClusterNodes
from vipgate.support.background import submit

Requests = Sequence[Push | RejectedRequest]
Outcomes = list[PushResult | RequestError | StoreError]


def commit_by_node(
    group: Requests,
    node_of: Mapping[str | None, str],
    nodes: ClusterNodes,
    threads: ThreadPoolExecutor,
    commit: Callable[[Requests], Outcomes],
) -> Outcomes:
    """Runs `commit` for the requests of each node. `node_of`: the node of each park_uuid; None stands for strangers."""
    parts: dict[str | None, list[int]] = {}
    for index, request in enumerate(group):
        parts.setdefault(node_of.get(request.park_uuid), []).append(index)
    outcomes: dict[int, PushResult | RequestError | StoreError] = {}
    waiting: list[list[int]] = []
    for node, indexes in parts.items():
        refusal = nodes.refusal(node)
        if refusal is None:
            waiting.append(indexes)
        else:
            outcomes |= dict.fromkeys(indexes, refusal)
    requests = [[group[index] for index in indexes] for indexes in waiting]
    # The calling thread takes the last part.
    started = [submit(threads, partial(commit, part), what="a commit on a node") for part in requests[:-1]]
    last = [commit(part) for part in requests[-1:]]
    for indexes, done in zip(waiting, [*(one.result() for one in started), *last], strict=True):
        outcomes |= zip(indexes, done, strict=True)
    return [outcomes[index] for index in range(len(group))]
