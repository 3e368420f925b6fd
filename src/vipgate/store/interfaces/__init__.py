"""Protocols of the stores, and the records that they take and return."""
