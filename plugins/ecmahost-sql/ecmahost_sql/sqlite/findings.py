"""What ``ecmahost check`` says about a SQLite file."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ecmahost_core import Finding, Severity
from ecmahost_sql.catalog import Table
from ecmahost_sql.database import Row

_WAL = "wal"


def file_findings(path: Path, journal_mode: str, *, writing: bool) -> Iterator[Finding]:
    """Yields what keeps the host from writing, and how the journal mode lets readers and writers wait."""
    if writing and not os.access(path, os.W_OK):
        yield Finding(
            Severity.ERROR,
            "database file",
            "the host may not write the database file: every change will be refused",
            "Give the host's user write permission on the file.",
        )
    if not os.access(path.parent, os.W_OK):
        yield Finding(
            Severity.ERROR if writing or journal_mode == _WAL else Severity.WARNING,
            "database directory",
            "the host may not write the directory of the database file, where SQLite keeps its journal",
            "Give the host's user write permission on the directory.",
        )
    if journal_mode != _WAL:
        yield Finding(
            Severity.INFO,
            "journal mode",
            f"the journal mode is {journal_mode}: readers and writers wait for each other",
            "If every program that uses the database allows it, set PRAGMA journal_mode = WAL once.",
        )


def key_findings(table: Table, query: Callable[[str, Row], list[Row]]) -> Iterator[Finding]:
    """Yields whether the database may give the key of a deleted row to a new one."""
    if not table.locator_column:
        return
    sql = "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?"
    text = "".join(str(row[0]) for row in query(sql, (table.name,)))
    if not re.search(r"\bAUTOINCREMENT\b", text, re.IGNORECASE):
        yield Finding(
            Severity.INFO,
            f"{table.name}.{table.locator_column}",
            "SQLite gives the highest key again after its row was deleted, because the column is not AUTOINCREMENT",
            "Do not declare this anchor immutable, or declare the column AUTOINCREMENT.",
        )
