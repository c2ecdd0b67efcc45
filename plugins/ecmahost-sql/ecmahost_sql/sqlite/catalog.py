"""Tables, views and columns of a SQLite database, from its own catalog.

SQLite types values, not columns; a column has only an affinity, drawn from the declared type's spelling
(https://sqlite.org/datatype3.html section 3.1). What a column is *made for* is read from the spelling as people mean
it: BOOLEAN is a boolean although its affinity is NUMERIC. Dates stay text, which is how SQLite keeps them.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from ecmahost_core import ObjectModificationType, ValueFormat
from ecmahost_sql.catalog import ALL_OPERATIONS, Column, Kind, Table
from ecmahost_sql.values import SIGNIFICANT_DIGITS

Run: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]
"""Runs a statement with its parameters and returns its rows; raises sqlite3.Error."""

_BOOLEANS = frozenset({"BOOLEAN", "BOOL", "BIT"})
_BINARIES = frozenset({"BINARY", "VARBINARY", "LONGVARBINARY", "IMAGE", "BYTEA", "RAW", "LONG RAW"})
_DECIMALS = frozenset({"NUMERIC", "DECIMAL", "DEC", "NUMBER", "FIXED", "MONEY", "SMALLMONEY"})
_ROWID_NAMES = ("rowid", "_rowid_", "oid")
_COMMENT_OR_QUOTED = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^]]*\]", re.DOTALL
)
_INSTEAD_OF = re.compile(r"\bINSTEAD\s+OF\s+(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_EVENTS = {
    "INSERT": {ObjectModificationType.ADD},
    "UPDATE": {ObjectModificationType.UPDATE, ObjectModificationType.REPLACE},
    "DELETE": {ObjectModificationType.DELETE},
}


def quote(name: str) -> str:
    """Returns a name as an identifier.

    In back quotes: SQLite takes a name in double quotes that it does not know for a string, and would answer a query
    for a missing column with the column's name (https://sqlite.org/quirks.html section 8).
    """
    return "`" + name.replace("`", "``") + "`"


def read_tables(run: Run) -> tuple[Table, ...]:
    """Returns the tables and views of the main database, by name.

    Left out: SQLite's own tables, the shadow tables of virtual ones, and views that no longer compile.
    """
    shadows, strict = _table_list(run)
    found = run(
        "SELECT name, type, sql FROM main.sqlite_master"
        " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '' ORDER BY name"
    )
    tables = []
    for name, kind, sql in found:
        if name in shadows:
            continue
        try:
            columns = run(
                'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?, ?)', name, "main"
            )
        except sqlite3.OperationalError as error:
            if not _does_not_compile(error):
                raise
            continue
        if kind == "view":
            tables.append(_view(run, name, columns))
        else:
            tables.append(_table(run, name, sql or "", columns, strict=name in strict))
    return tuple(tables)


def _does_not_compile(error: sqlite3.Error) -> bool:
    """Tells a statement that cannot work (SQLITE_ERROR) from one that could not work now, such as a locked file."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def _table_list(run: Run) -> tuple[frozenset[str], frozenset[str]]:
    """Returns the shadow tables and the STRICT tables; neither is told by SQLite before 3.37."""
    if sqlite3.sqlite_version_info < (3, 37):
        return frozenset(), frozenset()
    rows = run("SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main'")
    return frozenset(row[0] for row in rows if row[1] == "shadow"), frozenset(row[0] for row in rows if row[2])


def _view(run: Run, name: str, rows: Sequence[tuple[Any, ...]]) -> Table:
    operations: set[ObjectModificationType] = set()
    triggers = run("SELECT sql FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE", name)
    for (sql,) in triggers:
        event = _INSTEAD_OF.search(_COMMENT_OR_QUOTED.sub(" ", sql))
        if event:
            operations |= _EVENTS[event[1].upper()]
    columns = tuple(_column(row, alias="", strict=False, view=True) for row in rows if row[0])
    source = quote(name)
    return Table(
        name, source, f"INSERT INTO {source}", f"UPDATE {source}", columns, view=True, operations=frozenset(operations)
    )


def _table(run: Run, name: str, sql: str, rows: Sequence[tuple[Any, ...]], *, strict: bool) -> Table:
    key = tuple(row[0] for row in sorted((row for row in rows if row[4]), key=lambda row: int(row[4])))
    indexes = run('SELECT name, "unique", origin, partial FROM pragma_index_list(?, ?)', name, "main")
    locator = _locator(run, name, rows)
    alias = _rowid_alias(key, rows, indexes) if locator else ""
    unique = {frozenset(key)} if key else set()
    distinct = {frozenset({alias})} if alias else set()
    for index, is_unique, _, partial in indexes:
        if is_unique and not partial:
            parts = [part for (part,) in run("SELECT name FROM pragma_index_xinfo(?, ?) WHERE key = 1", index, "main")]
            if all(parts):
                unique.add(frozenset(parts))
                if _orders(run, name, index, parts):
                    distinct.add(frozenset(parts))
    # A constraint's own ON CONFLICT REPLACE would overwrite somebody else's row without an error. OR ABORT overrides
    # it, but also what a trigger's statements say, so it is used where it is needed only.
    abort = " OR ABORT" if re.search(r"\bON\s+CONFLICT\b", _COMMENT_OR_QUOTED.sub(" ", sql), re.IGNORECASE) else ""
    source = quote(name)
    return Table(
        name,
        source,
        f"INSERT{abort} INTO {source}",
        f"UPDATE{abort} {source}",
        # Hidden columns of virtual tables (1) are arguments rather than data.
        tuple(_column(row, alias=alias, strict=strict, view=False) for row in rows if row[0] and row[5] != 1),
        key,
        tuple(sorted(unique, key=sorted)),
        tuple(sorted(distinct, key=sorted)),
        operations=ALL_OPERATIONS,
        locator=quote(locator) if locator else "",
        locator_column=alias,
    )


def _orders(run: Run, table: str, index: str, columns: Sequence[str]) -> bool:
    """Whether an index has the order of its columns' own collations, so that it gives their rows without sorting."""
    names = ", ".join(map(quote, columns))
    try:
        plan = run(
            f"EXPLAIN QUERY PLAN SELECT 1 FROM {quote(table)}"  # noqa: S608 -- names are quoted
            f" INDEXED BY {quote(index)} ORDER BY {names}"
        )
    except sqlite3.OperationalError as error:
        # A collation that only another application defines, for example (an extended code of SQLITE_ERROR).
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        return False
    return not any("TEMP B-TREE" in step[3] for step in plan)


def _locator(run: Run, name: str, rows: Iterable[tuple[Any, ...]]) -> str:
    """Returns the name under which the table's rowid can be asked for; empty for a table without one."""
    taken = {row[0].lower() for row in rows}
    free = next((candidate for candidate in _ROWID_NAMES if candidate not in taken), "")
    if free:
        try:
            run(f"SELECT {quote(free)} FROM {quote(name)} LIMIT 0")  # noqa: S608 -- both names are quoted
        except sqlite3.OperationalError as error:
            if not _does_not_compile(error):
                raise
            return ""
    return free


def _rowid_alias(key: Sequence[str], rows: Iterable[tuple[Any, ...]], indexes: Iterable[tuple[Any, ...]]) -> str:
    """Returns the INTEGER PRIMARY KEY that is the rowid itself: the one that needs no index of its own."""
    if len(key) != 1 or any(origin == "pk" for _, _, origin, _ in indexes):
        return ""
    return next((row[0] for row in rows if row[0] == key[0] and row[1].upper() == "INTEGER"), "")


def _column(row: tuple[Any, ...], *, alias: str, strict: bool, view: bool) -> Column:
    name, declared, not_null, default, _, hidden = row
    base = declared.partition("(")[0].strip().upper()
    affinity = "BLOB" if strict and base == "ANY" else _affinity(declared)
    kind = _kind(base, affinity)
    return Column(
        name,
        kind,
        numeric=affinity in {"INTEGER", "REAL", "NUMERIC"},
        approximate=affinity == "REAL",
        untyped=affinity == "BLOB",
        fractions=affinity != "TEXT" and name != alias,
        nullable=view or not (not_null or name == alias),
        defaulted=name == alias or (default is not None and default.upper() != "NULL"),
        computed=hidden in {2, 3},
        max_length=_max_length(declared) if kind is Kind.TEXT and affinity == "TEXT" else None,
        # Nothing else has a form of its own in SQLite: dates, GUIDs and CHAR(n) are the text that was sent.
        format=ValueFormat.DECIMAL if kind is Kind.DECIMAL else None,
        precision=SIGNIFICANT_DIGITS if affinity == "REAL" else None,
    )


def _affinity(declared: str) -> str:
    upper = declared.upper()
    if "INT" in upper:
        return "INTEGER"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in upper or not upper:
        return "BLOB"
    return "REAL" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _kind(base: str, affinity: str) -> Kind:
    if base in _BOOLEANS:
        return Kind.BOOLEAN
    if base in _BINARIES or (affinity == "BLOB" and "BLOB" in base):
        return Kind.BINARY
    if affinity == "INTEGER":
        return Kind.INTEGER
    return Kind.DECIMAL if base in _DECIMALS or affinity == "REAL" else Kind.TEXT


def _max_length(declared: str) -> int | None:
    length = re.search(r"\(\s*([1-9][0-9]{0,8})\s*\)", declared)
    return int(length[1]) if length else None
