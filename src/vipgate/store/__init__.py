"""The ledger: one protocol, a driver for each database."""
