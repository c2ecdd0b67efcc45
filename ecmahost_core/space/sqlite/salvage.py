"""The open journal entries of a damaged file: what can be read of them goes on in the file after it.

They say what the host was about to change when the file broke. In the new file they are writes of unknown outcome:
nobody is told anything about those objects before the target was looked at.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.sql.types import connector_id
from ecmahost_core.space.sqlite.connection import Transaction

_ANEW = ("number", "type", "state", "incarnation", "newest_key")
"""What an entry does not take with it: it belongs to no living process, and no object of the new file was before it."""


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """One entry, as it stood in the damaged file.

    Attributes:
        connector, resource_type: whose object.
        row: the columns by name, as far as that file's version had them.
    """

    connector: str
    resource_type: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was read.

    Attributes:
        entries: oldest first.
        incomplete: whether there may be more which cannot be read.
    """

    entries: Sequence[OpenEntry]
    incomplete: bool


def salvaged(path: Path) -> Salvage:
    """Reads a damaged file, which nobody uses any more. Never raises: what cannot be read is said to be incomplete."""
    # With the log beside it if SQLite takes it, otherwise the file alone.
    for way in ("mode=ro", "immutable=1"):
        try:
            with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?{way}", uri=True)) as connection:
                connection.row_factory = sqlite3.Row
                return _read(connection)
        except sqlite3.Error:
            continue
    return Salvage((), incomplete=True)


def put_back(transaction: Transaction, entries: Sequence[OpenEntry]) -> None:
    """Writes entries into a new file as writes of unknown outcome, with the names that they own."""
    connection = transaction.connection
    columns = {row[1] for row in connection.execute("PRAGMA table_info(journal)").fetchall()}
    for entry in entries:
        space = connector_id(transaction, entry.connector)
        number = _type_number(connection, space, entry.resource_type)
        row = {name: value for name, value in entry.row.items() if name in columns and name not in _ANEW}
        row |= {"type": number, "state": EntryState.UNCERTAIN.value, "incarnation": "", "newest_key": 0}
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        written = connection.execute(f"INSERT INTO journal ({names}) VALUES ({marks})", row).lastrowid  # noqa: S608  # the table's own names
        connection.executemany(
            "INSERT OR IGNORE INTO journal_lock (type, lock_key, entry) VALUES (?, ?, ?)",
            [(number, text, written) for text in orjson.loads(entry.row["lock_keys"])],
        )


def _type_number(connection: sqlite3.Connection, space: int, resource_type: str) -> int:
    place = (space, resource_type)
    connection.execute("INSERT OR IGNORE INTO space_type (connector, resource_type) VALUES (?, ?)", place)
    found = connection.execute("SELECT id FROM space_type WHERE connector = ? AND resource_type = ?", place)
    number: int = found.fetchall()[0][0]
    return number


def _read(connection: sqlite3.Connection) -> Salvage:
    connectors, types, journal = (_Table(connection, name) for name in ("connector", "space_type", "journal"))
    names = {row["id"]: row["name"] for row in connectors}
    known = {row["id"]: row for row in types}
    entries = []
    lost = False
    for row in sorted(journal, key=lambda row: row["number"]):
        kind = known.get(row["type"])
        if kind is None or kind["connector"] not in names or not _is_whole(row):
            lost = True
        else:
            entries.append(OpenEntry(names[kind["connector"]], kind["resource_type"], dict(row)))
    return Salvage(entries, lost or any(table.incomplete for table in (connectors, types, journal)))


def _is_whole(row: sqlite3.Row) -> bool:
    try:
        return all(isinstance(orjson.loads(row[name]), kind) for name, kind in (("change", dict), ("lock_keys", list)))
    except ValueError:
        return False


class _Table:
    """The rows of a table as far as they can be read, from its beginning and from its end."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.incomplete = False
        self._rows: dict[int, sqlite3.Row] = {}
        for order in ("", " DESC"):
            try:
                for row in connection.execute(f"SELECT rowid AS place, * FROM {name} ORDER BY rowid{order}"):  # noqa: S608  # our own names
                    self._rows[row["place"]] = row
            except sqlite3.Error:
                self.incomplete = True
            else:
                break

    def __iter__(self) -> Iterator[sqlite3.Row]:
        return iter(self._rows.values())
