"""The connector space in a PostgreSQL database: the store of several hosts that serve the same connectors.

``open_store`` is the door. Nothing else of the host imports psycopg, which is there where it is needed:
``pip install ecmahost-core[postgresql]``.
"""

from ecmahost_core.space.postgresql.store import PostgresqlStore, open_store

__all__ = ["PostgresqlStore", "open_store"]
