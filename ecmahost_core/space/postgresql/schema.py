"""The tables in a schema of their own, and how those of an older version become this version's.

They are those of ``sql.tables``, whose promises hold here too, with what PostgreSQL needs beside them: the version,
the highest key that an object ever had, and when an incarnation was first seen to be lost.
"""

import uuid
from collections.abc import Mapping

from ecmahost_core.space.postgresql import dialect
from ecmahost_core.space.postgresql.database import Database
from ecmahost_core.space.postgresql.session import Session
from ecmahost_core.space.sql.tables import MIGRATIONS, SHORT_KEYS
from ecmahost_core.space.store import StoreUnavailable

_OWN: Mapping[int, tuple[str, ...]] = {
    1: (
        """CREATE TABLE postgresql (
            only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
            version BIGINT NOT NULL,
            newest_key BIGINT NOT NULL
        ) WITH (fillfactor = 10)""",
        """CREATE TABLE lost (
            incarnation TEXT COLLATE "C" PRIMARY KEY,
            since BIGINT NOT NULL
        )""",
        "INSERT INTO postgresql VALUES (1, 0, 0)",
        # Rows that nearly every transaction changes are changed in place while their page has room.
        "ALTER TABLE store SET (fillfactor = 10)",
        "ALTER TABLE space_type SET (fillfactor = 50)",
        "ALTER TABLE connector SET (fillfactor = 50)",
        "ALTER TABLE incarnation ALTER COLUMN process TYPE TEXT",  # with the name of its host
        # SQLite's indexes end with the row's key by themselves, and its statements say which one is meant.
        "DROP INDEX object_listing, event_connector, reference_target",
        "CREATE INDEX object_listing ON object (type, state, key)",
        "CREATE INDEX event_connector ON event (connector, seq)",
        "CREATE INDEX reference_target ON reference (target, attribute, owner) WHERE target IS NOT NULL",
    ),
    # As above: the row of the newest keys is changed with every object that comes.
    8: ("ALTER TABLE listing SET (fillfactor = 50)",),
}
"""What follows the migration to a version, here only."""

VERSION = len(MIGRATIONS)


def prepare(database: Database) -> None:
    """Makes the schema or brings it to this version, or for a reader looks whether it has it.

    Raises StoreUnavailable for a schema that belongs to something else or to another version.
    """
    database.patiently(lambda: _prepare(database))
    database.version = VERSION


def _prepare(database: Database) -> None:
    """One attempt, on a connection of its own: one that breaks in the middle has changed nothing."""
    session = Session(database.connect(reading=not database.writing), {})
    try:
        (_migrate if database.writing else _require)(database, session)
    finally:
        session.close()


def _migrate(database: Database, session: Session) -> None:
    run = session.raw
    run.execute("BEGIN")
    run.execute("SET LOCAL statement_timeout = 0")  # a large store takes longer than any other statement may
    run.silence = None
    run.execute("SELECT pg_advisory_xact_lock(%s)", (database.lock_key("writer"),))
    if not run.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (database.schema,)).fetchall():
        run.execute(f'CREATE SCHEMA "{database.schema}"'.encode())
    version = _version(database, session)
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        own = _OWN.get(number, ())
        # A server has never had a longer key.
        shared = () if statements is SHORT_KEYS else map(dialect.table, statements)
        for statement in (*shared, *own):
            run.execute(statement.encode())
    if version == 0:
        run.execute("INSERT INTO store VALUES (1, %s, 0)", (str(uuid.uuid4()),))
    if version < VERSION:
        run.execute("UPDATE postgresql SET version = %s", (VERSION,))
    run.execute("COMMIT")


def _require(database: Database, session: Session) -> None:
    if _version(database, session) < VERSION:
        raise StoreUnavailable("the connector space is empty or of an older version: start the host once to prepare it")


def _version(database: Database, session: Session) -> int:
    run = session.raw
    tables = {
        name
        for (name,) in run.execute(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v')",
            (database.schema,),
        )
    }
    if not tables:
        return 0
    if not {"postgresql", "store", "journal"} <= tables:
        raise StoreUnavailable(
            f"the schema {database.schema} holds something else: give the connector space one of its own, in [store]"
        )
    ((version,),) = run.execute("SELECT version FROM postgresql").fetchall()
    if version > VERSION:
        raise StoreUnavailable("the connector space was written by a newer version of ecmahost: upgrade this one")
    found: int = version
    return found
