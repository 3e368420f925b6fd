"""Fair limits on connections, memory, queues and rates. Independent of store and protocol."""
