"""The inside port: console, read API and metrics, in a process of its own."""
