"""How a file becomes one of this version: its tables (``sql.tables``) are made, or those of an older version migrated.

``PRAGMA user_version`` counts the migrations that a file has seen, ``PRAGMA application_id`` says that it is ours.
"""

import sqlite3
import uuid

from ecmahost_core.space.keys import short_key
from ecmahost_core.space.sql.tables import MIGRATIONS
from ecmahost_core.space.store import StoreUnavailable

APPLICATION_ID = 0x45434D41  # "ECMA"
_STRICT_SINCE = (3, 37)


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the file to this version, inside the caller's write transaction; does nothing when it is there already.

    Raises StoreUnavailable for a file that belongs to something else or to a newer version.
    """
    version = _version(connection)
    connection.create_function("short_key", 1, short_key, deterministic=True)
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement if sqlite3.sqlite_version_info >= _STRICT_SINCE else _lax(statement))
    if version == 0:
        connection.execute("INSERT INTO store VALUES (1, ?, 0)", (str(uuid.uuid4()),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    if version < len(MIGRATIONS):
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def require_current(connection: sqlite3.Connection) -> None:
    """Raises StoreUnavailable unless the file has exactly this version: what a reader, who cannot migrate, asks."""
    if _version(connection) < len(MIGRATIONS):
        raise StoreUnavailable("the connector space is empty or of an older version: start the host once to prepare it")


def require_own(connection: sqlite3.Connection) -> None:
    """Raises StoreUnavailable where a newer version has migrated the file since: asked by each write.

    This version would not keep what the newer one's tables promise each other.
    """
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if version != len(MIGRATIONS):
        raise StoreUnavailable("the connector space belongs to a newer version of ecmahost now: restart the host")


def _lax(statement: str) -> str:
    """Returns a statement without STRICT, which the SQLite of RHEL 9 and Debian 11 does not know yet."""
    return statement.replace(") STRICT, WITHOUT ROWID", ") WITHOUT ROWID").removesuffix(" STRICT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (version or tables or application):
        raise StoreUnavailable("the file is a SQLite database, but not a connector space: check the store's path")
    if version > len(MIGRATIONS):
        raise StoreUnavailable("the connector space was written by a newer version of ecmahost: upgrade this one")
    return version
