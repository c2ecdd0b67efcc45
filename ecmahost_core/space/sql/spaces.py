"""The space of a connector as a whole: what it was built with, and giving the connector a new one.

A space is a row of ``connector``. Everything hangs on its number, so a reset is a new row under the old name: at once,
however many objects there are. What was begun with the old number goes on reading the old space and writes nothing.
"""

from collections.abc import Mapping

import orjson

from ecmahost_core.space.fingerprint import Fingerprint, MatchedIndex, Standing
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.sql.database import Connection, Database
from ecmahost_core.space.sql.events import write_event
from ecmahost_core.space.sql.matched import noted
from ecmahost_core.space.sql.rows import compact
from ecmahost_core.space.sql.types import connector_id
from ecmahost_core.space.store import EntriesOpen

_ROW = "SELECT id, identity, content, first_import_done FROM connector WHERE name = ?"


def agree(database: Database, connector: str, fingerprint: Fingerprint) -> Standing:
    """See ``Store.agree``."""
    with database.read() as connection:
        rows = connection.execute(_ROW, (connector,)).fetchall()
    if database.writing and (not rows or _to_note(rows[0], fingerprint)):
        with database.write() as transaction:
            connector_id(transaction, connector)
            rows = transaction.connection.execute(_ROW, (connector,)).fetchall()
            _note(transaction.connection, rows[0], fingerprint)
            rows = transaction.connection.execute(_ROW, (connector,)).fetchall()
    if not rows:
        return Standing(0)
    with database.read() as connection:
        matched = noted(connection, rows[0][0])
    return _standing(rows[0], fingerprint, matched)


def accept(database: Database, connector: str, fingerprint: Fingerprint, event: EventRecord) -> None:
    """See ``Store.accept``."""
    with database.write() as transaction:
        number = connector_id(transaction, connector)
        identity = compact(dict(fingerprint.identity))
        transaction.connection.execute(
            "UPDATE connector SET identity = ?, watermark = '{}' WHERE id = ?", (identity, number)
        )
        write_event(transaction, number, event)


def reset(database: Database, connector: str, fingerprint: Fingerprint | None, event: EventRecord) -> None:
    """See ``Store.reset``."""
    with database.write() as transaction:
        connection = transaction.connection
        old = connector_id(transaction, connector)
        ((entries,),) = connection.execute(
            "SELECT count(*) FROM journal WHERE type IN (SELECT id FROM space_type WHERE connector = ?)", (old,)
        ).fetchall()
        if entries:
            raise EntriesOpen(entries)
        connection.execute("UPDATE connector SET name = ?, retired = ? WHERE id = ?", (f"#{old}", transaction.now, old))
        new = connector_id(transaction, connector)
        identity = None if fingerprint is None else compact(dict(fingerprint.identity))
        connection.execute("UPDATE connector SET identity = ? WHERE id = ?", (identity, new))
        connection.execute("UPDATE connector SET successor = ? WHERE id = ?", (new, old))
        write_event(transaction, new, event)


def objects_held(database: Database, connector: str) -> int:
    """See ``Store.objects_held``."""
    with database.read() as connection:
        ((count,),) = connection.execute(
            "SELECT count(*) FROM object WHERE type IN"
            " (SELECT t.id FROM space_type t JOIN connector c ON c.id = t.connector WHERE c.name = ?)",
            (connector,),
        ).fetchall()
    held: int = count
    return held


def note_content(connection: Connection, space: int, content: Mapping[str, str]) -> None:
    """Notes what an import that has just completed brought."""
    connection.execute("UPDATE connector SET content = ? WHERE id = ?", (compact(dict(content)), space))


_Row = tuple[int, str | None, str | None, int]


def _to_note(row: _Row, fingerprint: Fingerprint) -> bool:
    """Whether something of the fingerprint is to be noted: a name that is new, or content that nobody has noted."""
    _, identity, content, imported = row
    new_names = fingerprint.identity.keys() - _loaded(identity).keys()
    new_content = content is None and fingerprint.content is not None and bool(imported)
    return (bool(new_names) or new_content) and not _differences(identity, fingerprint)


def _note(connection: Connection, row: _Row, fingerprint: Fingerprint) -> None:
    number, identity, content, imported = row
    if not _differences(identity, fingerprint):
        both = compact({**_loaded(identity), **fingerprint.identity})
        connection.execute("UPDATE connector SET identity = ? WHERE id = ?", (both, number))
        # An import of an older version has brought what its configuration said, and this is the first to tell.
        if content is None and fingerprint.content is not None and imported:
            note_content(connection, number, fingerprint.content)


def _standing(row: _Row, fingerprint: Fingerprint, matched: Mapping[str, MatchedIndex]) -> Standing:
    number, identity, content, _ = row
    incomplete: frozenset[str] = frozenset()
    brought = _loaded(content)
    if content is not None and fingerprint.content is not None:
        incomplete = frozenset(name for name, form in fingerprint.content.items() if brought.get(name) != form)
    return Standing(number, _differences(identity, fingerprint), incomplete, matched, brought)


def _differences(identity: str | None, fingerprint: Fingerprint) -> dict[str, tuple[str, str]]:
    noted = _loaded(identity)
    return {
        name: (noted[name], now) for name, now in fingerprint.identity.items() if name in noted and noted[name] != now
    }


def _loaded(text: str | None) -> dict[str, str]:
    loaded: dict[str, str] = orjson.loads(text) if text else {}
    return loaded
