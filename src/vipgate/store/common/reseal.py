"""Re-encrypts the secrets of all parks in one transaction, on any engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vipgate.errors import IncompatibleDatabase
from vipgate.store.common.accounts import write_audit_entry
from vipgate.store.common.transaction import Transaction, TransactionRunner
from vipgate.store.interfaces.accounts import AuditEntry

PARKS_A_PAGE: Final = 500
Transactions = Callable[[bytes, str], bytes]


def reencrypt_secrets(worker: TransactionRunner, reencrypt: Transactions, entry: AuditEntry) -> int:
    """Replaces each sealed secret of each park by the result of `reencrypt`, all or nothing; returns how many parks changed.

    An exception from `reencrypt` rolls everything back. On PostgreSQL `worker` needs two connections. Raises IncompatibleDatabase
    if a secret was changed concurrently.
    """
    changed, after = 0, ""
    with worker.transaction() as work:
        while page := worker.rows("sealed_secrets", {"after": after, "limit": PARKS_A_PAGE}):
            for row in page:
                changed += _reseal(work, reencrypt, *row)
            after = page[-1][-1]
        if changed:
            write_audit_entry(work, entry)
    return changed


def _reseal(
    work: Transaction, reencrypt: Transactions, park_id: int, secret: bytes, previous: bytes | None, park_uuid: str
) -> bool:
    new_secret = reencrypt(secret, park_uuid)
    new_previous = None if previous is None else reencrypt(previous, park_uuid)
    if (new_secret, new_previous) == (secret, previous):
        return False
    values = {"park_id": park_id, "secret": new_secret, "previous_secret": new_previous}
    if not work.run("reseal", values | {"was": secret, "was_previous": previous}):
        raise IncompatibleDatabase(
            f"The secret of park {park_uuid} was changed at the same time; nothing was sealed again. "
            "Stop all gateways and commands, then run this again."
        )
    return True
