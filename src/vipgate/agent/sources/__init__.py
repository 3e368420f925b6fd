"""Where a car park keeps its renewals: databases, CSV and Excel files."""
