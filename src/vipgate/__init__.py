"""vipgate synchronises renewal records from car park systems to a parking platform's ledger."""

__version__ = "0.1.0"
