"""The PostgreSQL server of the store suite."""

from store.conftest import postgres_url

__all__ = ["postgres_url"]
