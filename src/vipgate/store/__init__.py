"""The ledger: one protocol, one driver for each database."""
