"""What travels between a car park and the platform: envelope, rows, signatures. Pure: no clock, no disk, no network."""
