"""The read API of the admin port: other systems read the ledger, each with its own token."""

from vipgate.admin.api.app import build_api

__all__ = ["build_api"]
