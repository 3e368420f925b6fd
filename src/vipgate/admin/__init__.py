"""The admin port: console, read API, probes and metrics, in a separate process."""
