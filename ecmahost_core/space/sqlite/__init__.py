"""The connector space in one SQLite file: the store of a host that shares it with nobody else.

``open_store`` is the door. Several processes of one host use the file at the same time.
"""

from ecmahost_core.space.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
