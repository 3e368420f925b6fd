"""The wire contract between car park and platform: envelope, rows, signatures. Pure: no clock, no disk, no network."""
