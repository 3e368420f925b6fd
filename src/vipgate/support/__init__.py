"""Shared infrastructure: logs, metrics, files, TLS, outgoing HTTP."""
