"""An HTTP/1.1 server on asyncio: connections, bodies, TLS. Independent of paths, parks and store."""
