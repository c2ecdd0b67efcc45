"""A file that holds an older state; see ``sql.succession``."""

from pathlib import Path

from ecmahost_core.space.sql import succession
from ecmahost_core.space.sqlite.connection import Database


def begin_anew(path: Path, reason: str) -> None:
    """Makes an older state one that can be served; migrates it first. Raises StoreUnavailable.

    Args:
        path: of the store's file, which no process has open.
        reason: for the connectors' history.
    """
    database = Database(path, writing=True)
    try:
        with database.write() as transaction:
            succession.begin_anew(transaction, reason)
            transaction.connection.execute("DELETE FROM incarnation")
    finally:
        database.close()
