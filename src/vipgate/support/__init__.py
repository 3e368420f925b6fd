"""What several packages need and none owns: logs, metrics, files, TLS, outgoing HTTP."""
