"""vipgate keeps a parking platform's ledger of renewals in step with every car park's own system."""

__version__ = "0.1.0"
