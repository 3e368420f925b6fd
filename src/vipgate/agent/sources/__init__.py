"""Sources of a car park's own records: databases, CSV and Excel files."""
