"""Connectors and their object types under small numbers, and which attributes of a type are kept in the index.

The index only ever grows by itself: when a process arrives with a query attribute that the index does not have yet,
what is stored is indexed first, in one transaction. Another process that still runs with the older configuration goes
on maintaining the new attribute, because every write reads the list from the type's row.
"""

import sqlite3
import threading
from dataclasses import dataclass

import orjson

from ecmahost_core.ecma.values import attributes_from_json
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sqlite import references
from ecmahost_core.space.sqlite.connection import Database, Transaction
from ecmahost_core.space.sqlite.rows import BATCH, value_keys


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One object type of one connector, as the tables have it.

    Attributes:
        id, connector: their numbers.
        indexed, references: what is maintained, which may be more than this process's configuration asks for.
    """

    id: int
    connector: int
    indexed: tuple[str, ...]
    references: tuple[str, ...]


class Types:
    """The numbers of the object types, remembered by the process: they never change once given."""

    def __init__(self, database: Database) -> None:
        """Remembers nothing yet."""
        self._database = database
        self._known: dict[SpaceType, int] = {}
        self._lock = threading.Lock()

    def find(self, space_type: SpaceType) -> int | None:
        """Returns the type's number, its index being complete; None in a reader when nothing was ever stored."""
        known = self._known.get(space_type)
        if known is not None:
            return known
        if self._database.writing:
            return self.require(space_type)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT t.id FROM space_type t JOIN connector c ON c.id = t.connector"
                " WHERE c.name = ? AND t.resource_type = ?",
                (space_type.connector, space_type.resource_type),
            ).fetchall()
        return rows[0][0] if rows else None

    def require(self, space_type: SpaceType) -> int:
        """Returns the type's number, making it and completing its index first where that is needed."""
        known = self._known.get(space_type)
        if known is not None:
            return known
        with self._lock:
            with self._database.write() as transaction:
                number = _ensure(transaction, space_type)
            self._known[space_type] = number
        return number


def connector_id(transaction: Transaction, name: str) -> int:
    """Returns a connector's number, making its row first where that is needed."""
    connection = transaction.connection
    connection.execute("INSERT OR IGNORE INTO connector (name) VALUES (?)", (name,))
    number: int = connection.execute("SELECT id FROM connector WHERE name = ?", (name,)).fetchall()[0][0]
    return number


def type_row(connection: sqlite3.Connection, number: int) -> TypeRow:
    """Returns a type's row as it is now."""
    ((connector, indexed, reference_attributes),) = connection.execute(
        "SELECT connector, indexed, reference_attributes FROM space_type WHERE id = ?", (number,)
    ).fetchall()
    return TypeRow(number, connector, tuple(orjson.loads(indexed)), tuple(orjson.loads(reference_attributes)))


def is_indexed(connection: sqlite3.Connection, number: int, attribute: str) -> bool:
    """Returns whether the index of a type has this attribute."""
    return attribute in type_row(connection, number).indexed


def _ensure(transaction: Transaction, space_type: SpaceType) -> int:
    connection = transaction.connection
    connector = connector_id(transaction, space_type.connector)
    place = (connector, space_type.resource_type)
    connection.execute("INSERT OR IGNORE INTO space_type (connector, resource_type) VALUES (?, ?)", place)
    ((number,),) = connection.execute(
        "SELECT id FROM space_type WHERE connector = ? AND resource_type = ?", place
    ).fetchall()
    row = type_row(connection, number)
    new_indexed = [name for name in space_type.indexed if name not in row.indexed]
    new_references = [name for name in space_type.references if name not in row.references]
    if new_indexed or new_references:
        _extend(transaction, row, new_indexed, new_references)
    return row.id


def _extend(transaction: Transaction, row: TypeRow, indexed: list[str], reference_attributes: list[str]) -> None:
    """Indexes what is stored by further attributes, a batch at a time so that memory stays flat."""
    connection = transaction.connection
    last = 0
    while batch := connection.execute(
        "SELECT key, attributes FROM object WHERE type = ? AND key > ? ORDER BY key LIMIT ?", (row.id, last, BATCH)
    ).fetchall():
        loaded = [(key, attributes_from_json(attributes)) for key, attributes in batch]
        connection.executemany(
            "INSERT OR IGNORE INTO value_index VALUES (?, ?, ?, ?)",
            [(row.id, *entry, key) for key, attributes in loaded for entry in value_keys(attributes, indexed)],
        )
        for key, attributes in loaded:
            references.insert(transaction, row.connector, key, references.of(attributes, reference_attributes))
        last = batch[-1][0]
    connection.execute(
        "UPDATE space_type SET indexed = ?, reference_attributes = ? WHERE id = ?",
        (
            orjson.dumps([*row.indexed, *indexed]).decode(),
            orjson.dumps([*row.references, *reference_attributes]).decode(),
            row.id,
        ),
    )
