"""HTTP/1.1 on asyncio: connections, bodies, TLS. Knows no path, no park and no store."""
