"""Measures the gateway against a peer built by habit and against the bare store: `make bench`."""
