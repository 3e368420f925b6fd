"""The ledger in PostgreSQL or on a Citus cluster."""
