"""Limits on connections, memory, queues and rates, shared fairly between callers. Knows no store and no protocol."""
