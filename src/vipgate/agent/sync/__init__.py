"""Keeps the platform in sync with the source: snapshot, changes, retries."""
