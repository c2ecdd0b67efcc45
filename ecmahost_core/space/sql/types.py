"""Connectors and their object types under small numbers, and which attributes of a type are kept in the index.

The index only ever grows by itself: when a process arrives with a query attribute that the index does not have yet,
what is stored is indexed first (``indexing``). Another process that still runs with the older configuration goes on
maintaining the new attribute, because every write reads the list from the type's row.
"""

import threading
import time

import orjson

from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sql import indexing, rescoping, unindexing
from ecmahost_core.space.sql.database import WAIT_SECONDS, Connection, Database, Transaction
from ecmahost_core.space.sql.type_row import SPACE_REPLACED, building_of
from ecmahost_core.space.store import SpaceReplaced, StoreUnavailable

PAUSE = 0.001
"""Seconds between two transactions of what takes many, so that the writers of other processes get their turn."""
_INCOMPLETE = "further attributes of connector {} are being indexed: try again in a moment"


class Types:
    """The numbers of the object types, remembered by the process: they never change once given."""

    def __init__(self, database: Database) -> None:
        """Remembers nothing yet."""
        self._database = database
        self._known: dict[SpaceType, int] = {}
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    def find(self, space_type: SpaceType) -> int | None:
        """Returns the type's number, its index being complete; None in a reader when nothing was ever stored."""
        known = self._known.get(space_type)
        if known is not None:
            return known
        if self._database.writing:
            return self.require(space_type)
        column, value = ("id", space_type.space) if space_type.space else ("name", space_type.connector)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT t.id FROM space_type t JOIN connector c ON c.id = t.connector"  # noqa: S608  # names, no values
                f" WHERE t.resource_type = ? AND c.{column} = ?",  # names, no values
                (space_type.resource_type, value),
            ).fetchall()
        return rows[0][0] if rows else None

    def require(self, space_type: SpaceType, patience: float | None = None) -> int:
        """Returns the type's number, making it and completing its index first where that is needed.

        With ``patience`` it looks at the index whatever it remembers: an index that clients asked for may have gone.

        Raises SpaceReplaced for a type of a space that was reset, StoreUnavailable when its index takes so long that
        nobody should wait for it (``patience`` seconds): the next caller goes on with it.
        """
        known = self._known.get(space_type)
        if known is not None and patience is None:
            return known
        with self._lock:
            lock = self._locks.setdefault((space_type.connector, space_type.resource_type), threading.Lock())
        patience = WAIT_SECONDS if patience is None else min(patience, threading.TIMEOUT_MAX)
        give_up = time.monotonic() + patience
        if not lock.acquire(timeout=patience):
            raise StoreUnavailable(_INCOMPLETE.format(space_type.connector))
        try:
            with self._database.write() as transaction:
                number, incomplete = _ensure(transaction, space_type)
                left = incomplete and _advance(transaction, number)
            while left:
                if time.monotonic() > give_up:
                    raise StoreUnavailable(_INCOMPLETE.format(space_type.connector))
                time.sleep(PAUSE)
                with self._database.write() as transaction:
                    left = _advance(transaction, number)
            self._known[space_type] = number
        finally:
            lock.release()
        return number


def _advance(transaction: Transaction, number: int) -> bool:
    """Brings the index one step nearer to what the type's row says; returns whether something is left."""
    steps = (rescoping.advance, unindexing.advance, indexing.advance)
    return any(step(transaction, number) for step in steps)


def connector_id(transaction: Transaction, name: str) -> int:
    """Returns the number of a connector's space, making its row first where that is needed."""
    connection = transaction.connection
    connection.execute("INSERT OR IGNORE INTO connector (name) VALUES (?)", (name,))
    number: int = connection.execute("SELECT id FROM connector WHERE name = ?", (name,)).fetchall()[0][0]
    return number


def require_space(connection: Connection, space: int) -> None:
    """Raises SpaceReplaced unless the space with this number is a connector's, and not what is left of a reset."""
    if not connection.execute("SELECT 1 FROM connector WHERE id = ? AND retired IS NULL", (space,)).fetchall():
        raise SpaceReplaced(SPACE_REPLACED)


def require_current(connection: Connection, number: int) -> None:
    """Raises SpaceReplaced for a type of a space that was reset."""
    if not connection.execute(
        "SELECT 1 FROM space_type t JOIN connector c ON c.id = t.connector WHERE t.id = ? AND c.retired IS NULL",
        (number,),
    ).fetchall():
        raise SpaceReplaced(SPACE_REPLACED)


def is_indexed(connection: Connection, number: int, attribute: str) -> bool:
    """Returns whether the index of a type has this attribute, of all its objects."""
    rows = connection.execute("SELECT indexed FROM space_type WHERE id = ?", (number,)).fetchall()
    return bool(rows) and attribute in orjson.loads(rows[0][0])


def _ensure(transaction: Transaction, space_type: SpaceType) -> tuple[int, bool]:
    """Returns the type's number, and whether its index lacks something that it asks for."""
    connection = transaction.connection
    connector = space_type.space or connector_id(transaction, space_type.connector)
    require_space(connection, connector)
    number = _type_id(connection, connector, space_type.resource_type)
    again = _set_attributes(connection, connector, number, space_type)
    unindexing.keep(connection, number, space_type.indexed)
    matched = unindexing.staying(connection, number, space_type.matched)
    incomplete = indexing.require(transaction, number, (*space_type.indexed, *matched), space_type.references)
    return number, rescoping.require(transaction, number, again) or incomplete


def _set_attributes(connection: Connection, connector: int, number: int, space_type: SpaceType) -> list[str]:
    """Writes what a type's row takes over from the configuration; returns attributes whose references it changes."""
    scopes = {name: _type_id(connection, connector, named) for name, named in space_type.scopes}
    lists = "SELECT export_only, links, scopes, unkept, reference_attributes, building FROM space_type WHERE id = ?"
    ((export_only, links_text, scopes_text, unkept, references_text, building),) = connection.execute(
        lists, (number,)
    ).fetchall()
    configured = (space_type.export_only, space_type.links, scopes, space_type.unkept)
    wanted = tuple(orjson.dumps(each).decode() for each in configured)
    if (export_only, links_text, scopes_text, unkept) == wanted:
        return []
    links, references = orjson.loads(links_text), orjson.loads(references_text)
    before = orjson.loads(scopes_text)
    staying = [name for name in references if name not in space_type.links]
    connection.execute(
        "UPDATE space_type SET export_only = ?, links = ?, scopes = ?, unkept = ?, reference_attributes = ?"
        " WHERE id = ?",
        (*wanted, orjson.dumps(staying).decode(), number),
    )
    indexing.leave_out(connection, number, space_type.links)
    kept = dict.fromkeys((*links, *references, *building_of(building).references))
    return [
        name
        for name in kept
        if before.get(name) != scopes.get(name) or (name in links and name not in space_type.links)
    ]


def _type_id(connection: Connection, connector: int, resource_type: str) -> int:
    """Returns the number of a type, making its row first where that is needed."""
    place = (connector, resource_type)
    connection.execute("INSERT OR IGNORE INTO space_type (connector, resource_type) VALUES (?, ?)", place)
    number: int = connection.execute(
        "SELECT id FROM space_type WHERE connector = ? AND resource_type = ?", place
    ).fetchall()[0][0]
    return number
