"""Checks that a master key is the one under which the parks' secrets were sealed."""

from __future__ import annotations

from vipgate.store.interfaces.ledger import Store
from vipgate.support.vault import Vault


def check_master_key(store: Store, vault: Vault) -> bool:
    """Opens one stored secret. Returns False if none can be read now. Raises UsageError for another master key.

    A machine or command that made a key of its own would seal secrets that no gateway can open.
    """
    parks = store.reachable_parks("", 1)
    access = store.park_access(parks[0].park_uuid) if parks else None
    if access is not None:
        vault.open(access.secret, access.park_uuid)
    return access is not None
