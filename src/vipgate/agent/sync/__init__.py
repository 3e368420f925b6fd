"""Keeps the platform in step with the source: snapshot, changes, retries."""
