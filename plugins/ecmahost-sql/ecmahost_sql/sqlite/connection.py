"""One connection to a SQLite file."""

import os
import sqlite3
import time
from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ecmahost_core import Finding
from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.database import Insertion, Place, Row, SqlValue, UndecodableText
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.sqlite.catalog import quote, read_tables
from ecmahost_sql.sqlite.errors import failure_of
from ecmahost_sql.sqlite.findings import file_findings, key_findings

_INSTRUCTIONS_BETWEEN_LOOKS = 100_000
"""How often a running statement looks at the clock; some milliseconds of work."""

_OLDEST = (3, 25)
"""Window functions came with 3.25."""


def open_sqlite(path: Path, command_timeout: float, *, writing: bool) -> "SqliteDatabase":
    """Opens an existing file; never creates one.

    The journal mode stays as it is. Foreign keys are enforced. A connection for anything but exports cannot write; one
    for exports syncs so that a commit survives a power failure in any journal mode.

    Raises DatabaseFailure: UNAVAILABLE when the file is not there, PERMISSION when it may not be read, DAMAGED when it
    is no database, BUSY when it stays locked.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise DatabaseFailure(FailureKind.OTHER, "Python's sqlite3 module is older than 3.25; use a newer Python")
    path = path.absolute()
    identity = _identity(path)
    try:
        connection = sqlite3.connect(
            # mode=rw opens a file that may only be read as read-only, and never makes one.
            f"{path.as_uri()}?mode=rw",
            uri=True,
            timeout=command_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise failure_of(error) from None
    database = SqliteDatabase(connection, path, identity, command_timeout)
    try:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA synchronous = EXTRA" if writing else "PRAGMA query_only = ON")
        database.catalog_version()
        if not database.still_there():
            raise DatabaseFailure(FailureKind.UNAVAILABLE, "the database file was replaced while it was being opened")
    except DatabaseFailure:
        database.close()
        raise
    return database


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except PermissionError:
        raise DatabaseFailure(FailureKind.PERMISSION, "the host may not enter the database's directory") from None
    except OSError:
        raise DatabaseFailure(
            FailureKind.UNAVAILABLE,
            "the database file of url under [connectivity] is not there; it is never created, and a relative path "
            "starts at the home directory",
        ) from None
    if not path.is_file():
        raise DatabaseFailure(FailureKind.UNAVAILABLE, "url under [connectivity] leads to something that is no file")
    if not os.access(path, os.R_OK):
        raise DatabaseFailure(FailureKind.PERMISSION, "the host may not read the database file")
    return found.st_dev, found.st_ino


class SqliteDatabase:
    """One open file: see ``ecmahost_sql.database.Database`` for what the methods promise."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, identity: tuple[int, int], command_timeout: float
    ) -> None:
        """Takes over the connection and begins to watch how long statements run."""
        self._connection = connection
        self._path = path
        self._identity = identity
        self._command_timeout = command_timeout
        self._stop_at = 0.0
        connection.set_progress_handler(self._too_late, _INSTRUCTIONS_BETWEEN_LOOKS)

    @property
    def row_values(self) -> bool:
        """Since 3.15."""
        return True

    def quote(self, name: str) -> str:
        """In back quotes: see ``catalog.quote``."""
        return quote(name)

    def read_expression(self, column: Column) -> str:
        """Numbers with a fraction are printed by SQLite itself, whose text differs from Python's."""
        name = quote(column.name)
        if not column.fractions:
            return name
        return f"CASE typeof({name}) WHEN 'real' THEN {self.as_text(column)} ELSE {name} END"

    def as_text(self, column: Column) -> str:
        """With CAST, which keeps the column's collation."""
        return f"CAST({quote(column.name)} AS TEXT)"

    def bookmark(self, column: Column, expression: str) -> str:  # noqa: ARG002 -- columns have no types here
        """The value as it is stored, of whatever type."""
        return expression

    def locked(self, select: str) -> str:
        """``begin`` has locked all tables."""
        return select

    def placeholder(self, value: SqlValue) -> str:
        """Text that is no UTF-8 can only be handed back as bytes that SQLite takes for text."""
        return "CAST(? AS TEXT)" if isinstance(value, UndecodableText) else "?"

    def limited(self, select: str, rows: int) -> str:
        """With LIMIT."""
        return f"{select} LIMIT {rows:d}"

    def tables(self, names: Collection[str] = ()) -> Sequence[Table]:
        """Reads the whole catalog, which is small and near."""
        with self._failures():
            tables = read_tables(lambda sql, *parameters: self._run(sql, parameters).fetchall())
        return [table for table in tables if not names or table.name in names]

    def catalog_version(self) -> Hashable:
        """The schema cookie, which every change of the schema increments."""
        return self.query("PRAGMA schema_version")[0][0]

    def query(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Reads all rows; text that cannot be decoded arrives as ``UndecodableText``."""
        with self._failures():
            try:
                return self._run(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                # The exception has no result code, and its message quotes the text.
                if getattr(error, "sqlite_errorcode", None) is not None or "decode to UTF-8" not in str(error):
                    raise
            self._connection.text_factory = _decode
            try:
                return self._run(sql, parameters).fetchall()
            finally:
                self._connection.text_factory = str

    def execute(self, sql: str, parameters: Row = (), table: Table | None = None) -> int:
        """Writes; ``table`` helps to name the column that a constraint is about."""
        with self._failures(table):
            cursor = self._run(sql, parameters)
            return -1 if table is not None and table.view else cursor.rowcount

    def insertion(self, table: Table, names: Sequence[str], key: Sequence[str]) -> Insertion:
        """Finds the new row by its rowid; without one by RETURNING, where this SQLite has it (3.35)."""
        columns, markers = ", ".join(map(quote, names)), ", ".join("?" * len(names))
        sql = f"{table.insert}({columns}) VALUES ({markers})" if names else f"{table.insert} DEFAULT VALUES"
        if table.locator:
            return Insertion(sql, found_by=(table.locator,), condition=f"{table.locator} = ?")
        if table.view or sqlite3.sqlite_version_info < (3, 35):
            return Insertion(sql)
        sql += f" RETURNING {', '.join(map(quote, key))}"
        return Insertion(
            sql, returning=True, found_by=tuple(key), condition=" AND ".join(f"{quote(name)} IS ?" for name in key)
        )

    def insert(self, table: Table, names: Sequence[str], values: Row, key: Sequence[str]) -> Place | None:
        """As ``insertion`` says."""
        how = self.insertion(table, names, key)
        with self._failures(table):
            cursor = self._run(how.sql, values)
            returned = cursor.fetchall()
            ignored = not returned if how.returning else cursor.rowcount == 0 and not table.view
        if ignored:
            raise DatabaseFailure(FailureKind.CONSTRAINT, f"a trigger of table {table.name} ignored the new row")
        if not how.condition:
            return None
        return Place(how.condition, returned[0] if how.returning else (cursor.lastrowid,))

    def insertions(
        self, table: Table, names: Sequence[str], rows: Sequence[Row]
    ) -> Sequence[tuple[str, Sequence[Row]]]:
        """One prepared statement for all of them."""
        columns, markers = ", ".join(map(quote, names)), ", ".join("?" * len(names))
        return [(f"{table.insert}({columns}) VALUES ({markers})", rows)]

    def insert_rows(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> int:
        """As ``insertions`` says."""
        self._stop_at = time.monotonic() + self._command_timeout
        with self._failures(table):
            counts = [self._connection.executemany(*one).rowcount for one in self.insertions(table, names, rows)]
            return -1 if table.view else sum(counts)

    def scans(self, sql: str, parameters: Row) -> bool:
        """Asks the query planner; a scan of an index is a scan of all rows too."""
        return any(step.startswith("SCAN") for step in self._plan(sql, parameters))

    def sorts(self, sql: str, parameters: Row) -> bool:
        """Asks the query planner, which sorts in a temporary b-tree."""
        return any(step.startswith("USE TEMP B-TREE") for step in self._plan(sql, parameters))

    def forbids(self, sql: str) -> bool:  # noqa: ARG002 -- the protocol gives the statement
        """SQLite has no accounts; what the host may do with the file is among the findings."""
        return False

    def begin(self) -> None:
        """IMMEDIATE: a lock that is refused later, in the middle, could not be waited for."""
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """With synchronous=EXTRA, durable in every journal mode."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """SQLite has already rolled back after some errors."""
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def give_up_at_once(self, *, on_locks: bool) -> None:
        """Sets the busy timeout, in milliseconds."""
        self.execute(f"PRAGMA busy_timeout = {0 if on_locks else int(self._command_timeout * 1000)}")

    def still_there(self) -> bool:
        """A file that was replaced has another inode, and what is written to the old one is lost."""
        try:
            found = self._path.stat()
            self._connection.execute("SELECT 1")
        except (OSError, sqlite3.Error):
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def answers(self) -> bool:
        """The same: nothing is between us and the file."""
        return self.still_there()

    def findings(self, table: Table, *, writing: bool) -> Sequence[Finding]:
        """About the file and its directory, the journal mode, and whether keys are used again."""
        (mode,) = self.query("PRAGMA journal_mode")[0]
        found = file_findings(self._path, str(mode), writing=writing)
        return [*found, *key_findings(table, self.query)]

    def close(self) -> None:
        """Closes; an error at this point concerns nobody any more, every change was committed."""
        try:
            self._connection.close()
        except sqlite3.Error:
            return

    def _plan(self, sql: str, parameters: Row) -> list[str]:
        return [str(row[3]) for row in self.query(f"EXPLAIN QUERY PLAN {sql}", parameters)]

    def _run(self, sql: str, parameters: Row) -> sqlite3.Cursor:
        self._stop_at = time.monotonic() + self._command_timeout
        return self._connection.execute(sql, parameters)

    def _too_late(self) -> bool:
        return time.monotonic() > self._stop_at

    @contextmanager
    def _failures(self, table: Table | None = None) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Not chained: the original's message may quote a value or a path.
            raise failure_of(error, table) from None


def _decode(text: bytes) -> str | UndecodableText:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return UndecodableText(text)
