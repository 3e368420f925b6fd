"""What the records mean: entitlement, park health, charge types, masking, serialization."""
