"""Accounts, sessions and API tokens of the admin port."""
