"""What SQLite's result codes mean (https://sqlite.org/rescode.html).

Only the messages of violated constraints are passed on: they hold names of the schema, or the text that the database's
own trigger raises. Every other message could hold a value or a path.
"""

import sqlite3

from ecmahost_sql.catalog import Table
from ecmahost_sql.errors import DatabaseFailure, FailureKind

_PRIMARY_CODE = 0xFF
_CONSTRAINT_DATATYPE = sqlite3.SQLITE_CONSTRAINT | 12 << 8  # of STRICT tables (3.37); the module does not name it
_LONGEST_DETAIL = 300

_OUTRIGHT = {
    sqlite3.SQLITE_BUSY: (FailureKind.BUSY, "the database is locked by another program; try again later"),
    sqlite3.SQLITE_LOCKED: (FailureKind.BUSY, "the table is locked by another program; try again later"),
    sqlite3.SQLITE_INTERRUPT: (
        FailureKind.TIMEOUT,
        "the statement took longer than command_timeout allows and was stopped; an index may be missing",
    ),
    sqlite3.SQLITE_READONLY: (FailureKind.PERMISSION, "the database can only be read: the host may not write its file"),
    sqlite3.SQLITE_PERM: (FailureKind.PERMISSION, "the host may not use the database file"),
    sqlite3.SQLITE_AUTH: (FailureKind.PERMISSION, "the database does not allow this statement"),
    sqlite3.SQLITE_FULL: (FailureKind.UNAVAILABLE, "the disk of the database is full"),
    sqlite3.SQLITE_IOERR: (FailureKind.UNAVAILABLE, "the disk of the database reports an error"),
    sqlite3.SQLITE_CANTOPEN: (FailureKind.UNAVAILABLE, "the database file cannot be opened"),
    sqlite3.SQLITE_PROTOCOL: (FailureKind.UNAVAILABLE, "the locks of the database file do not work"),
    sqlite3.SQLITE_CORRUPT: (FailureKind.DAMAGED, "the database file is damaged; restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (FailureKind.DAMAGED, "the file of url under [connectivity] is no SQLite database"),
    sqlite3.SQLITE_TOOBIG: (FailureKind.INVALID_VALUE, "a value is longer than the database takes"),
    sqlite3.SQLITE_MISMATCH: (FailureKind.INVALID_VALUE, "a value does not fit the type of its column"),
    sqlite3.SQLITE_SCHEMA: (FailureKind.BUSY, "the tables are being changed; try again later"),
}


def failure_of(error: sqlite3.Error, table: Table | None = None) -> DatabaseFailure:
    """Returns what an exception of the driver means; ``table`` is the one that a statement was to change."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return DatabaseFailure(FailureKind.OTHER, f"the database driver failed ({type(error).__name__})")
    primary = code & _PRIMARY_CODE
    if primary in _OUTRIGHT:
        return DatabaseFailure(*_OUTRIGHT[primary])
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return _constraint(code, str(error), table)
    if "no such table" in str(error) or "no such column" in str(error) or "has no column" in str(error):
        return DatabaseFailure(
            FailureKind.NOT_IN_CATALOG, "a table or column is missing, here or in what a view or trigger uses"
        )
    if "no such collation" in str(error) or "no such function" in str(error):
        return DatabaseFailure(
            FailureKind.OTHER, "the database needs a collation or function that only its own application defines"
        )
    if str(error).startswith("foreign key mismatch"):
        return DatabaseFailure(FailureKind.CONSTRAINT, f"a foreign key of the database is declared wrongly: {error}")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return DatabaseFailure(FailureKind.OTHER, f"the database refuses the statement ({name})")


def _constraint(code: int, message: str, table: Table | None) -> DatabaseFailure:
    words = message[:_LONGEST_DETAIL]
    column, elsewhere = _column_of(message, table)
    if elsewhere:
        return DatabaseFailure(FailureKind.CONSTRAINT, f"a trigger failed on another table: {words}")
    if code in _UNIQUE_CODES:
        where = f"in column {column}" if column else f"in columns that must be unique together ({words})"
        return DatabaseFailure(FailureKind.UNIQUE, f"another row already has this value {where}", column)
    if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
        return DatabaseFailure(FailureKind.NOT_NULL, f"column {column or words} must have a value", column)
    if code == _CONSTRAINT_DATATYPE:
        return DatabaseFailure(FailureKind.INVALID_VALUE, "a value does not fit the type of its column")
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return DatabaseFailure(
            FailureKind.CONSTRAINT,
            "a foreign key forbids it: a value refers to a row that does not exist, or another row refers to this one",
        )
    return DatabaseFailure(FailureKind.CONSTRAINT, f"the database forbids it: {words}")


_UNIQUE_CODES = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
    }
)


def _column_of(message: str, table: Table | None) -> tuple[str, bool]:
    """Returns the one column that a message names, and whether it is about another table than ours.

    The messages are ``UNIQUE constraint failed: T.A, T.B`` and ``NOT NULL constraint failed: T.A``. A view's rows live
    in other tables, so there a column of the same name is taken to be the one that is meant.
    """
    kind, colon, named = message.partition(" constraint failed: ")
    if not colon or kind not in {"UNIQUE", "NOT NULL"} or table is None or named.startswith("index "):
        return "", False
    ours = [column.name for column in table.columns if named == f"{table.name}.{column.name}"]
    if ours:
        return ours[0], False
    if table.view:
        same = [column.name for column in table.columns if named.endswith(f".{column.name}")]
        return (same[0] if same else ""), False
    return "", not named.startswith(f"{table.name}.")
