"""The read API of the admin port: other systems read the ledger, each with a token of its own."""

from vipgate.admin.api.app import build_api

__all__ = ["build_api"]
