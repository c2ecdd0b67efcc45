"""What is noted of the past of single objects, in the transactions that change them: writes, and what readings found.

``history_name`` has the names that objects do not have any more, so that somebody who is gone, or has another name now,
is found too; those that they have, the tables of the objects know.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ecmahost_core.ecma.values import anchor_text, attributes_from_json
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ID, JournalEntry, lock_text
from ecmahost_core.space.objects import LinkChange, SpaceType
from ecmahost_core.space.past import Changes, differences, link_differences, sounds_secret
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.rows import Encoded, StoredRow, compact, value_keys
from ecmahost_core.space.sql.type_row import TypeRow

ROWS = 10_000
"""How many objects one reading of the target notes; of the others their number is told."""
NAME = 200
"""How many characters of a name count."""

_COLUMNS = (
    "time, connector, resource_type, kind, outcome, object_id, anchor, request_id, actor, error, told, milliseconds,"
    " asked, changes"
)
_INSERT = f"INSERT INTO history ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # names
_INSERT_NAME = (
    "INSERT INTO history_name (connector, name_key, object_id, time) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (connector, name_key, object_id) DO UPDATE SET time = excluded.time"
)


class Was(NamedTuple):
    """An object before and after; None where there is none."""

    before: StoredRow | None
    after: Encoded | None


def note_write(
    transaction: Transaction, row: TypeRow, entry: JournalEntry, event: EventRecord, was: Was, asked: str
) -> None:
    """Notes a write that has ended; ``asked`` is what the journal has of it."""
    before, after = was
    changes = _between(row, before, after, written=True)
    kept = orjson.loads(before.kept).get("active", True) if before is not None else True
    if after is not None and kept != entry.kept.get("active", True):
        changes["<active>"] = {"old": [kept], "new": [not kept]}
    names: set[str] = set()
    if before is not None:
        names = _old_names(row, before, after)
    elif after is None:
        names = _names_of_keys(row, entry.keys)
    anchor = _anchor(before, after)
    object_id = event.object_id or (before.id if before else "") or entry.object_id or entry.reserved_id
    _insert(
        transaction,
        [
            (
                transaction.now, entry.connector, entry.resource_type, event.kind, event.outcome, object_id, anchor,
                event.request_id, event.actor, event.error, event.told, event.milliseconds, asked, compact(changes),
            )
        ],
        [(entry.connector, name, object_id, transaction.now) for name in names],
    )  # fmt: skip


class _Found(NamedTuple):
    object_id: str
    before: StoredRow | None
    after: Encoded | None
    changes: Changes


class Noting:
    """What one reading of the target notes of what somebody else has changed in it."""

    def __init__(self, space_type: SpaceType, kind: str) -> None:
        """Notes nothing yet; ``kind`` is ``import`` or ``read``."""
        self.left_out = 0
        self._left = ROWS
        self._space_type = space_type
        self._kind = kind

    def added(self, transaction: Transaction, row: TypeRow, news: Sequence[tuple[Encoded, str]]) -> None:
        """Notes objects that the target has and the space had not, with the ids that they get."""
        news = news[: self._room(len(news))]
        links = ({name: LinkChange(tuple(new.links[name].values())) for name in new.links} for new, _ in news)
        found = [
            _Found(identifier, None, new, {**_between(row, None, new), **link_differences(parts)})
            for (new, identifier), parts in zip(news, links, strict=True)
        ]
        self._write(transaction, row, "added", found)

    def changed(
        self,
        transaction: Transaction,
        row: TypeRow,
        others: Sequence[tuple[StoredRow, Encoded, Mapping[str, LinkChange]]],
    ) -> None:
        """Notes objects that are other than the space had them, but those in which nothing differs that was known."""
        found = [
            _Found(old.id, old, new, {**_between(row, old, new), **link_differences(parts)})
            for old, new, parts in others[: self._room(len(others))]
        ]
        self._write(transaction, row, "changed", [one for one in found if one.changes])

    def linked(
        self, transaction: Transaction, row: TypeRow, key: int, new: Encoded, links: Mapping[str, LinkChange]
    ) -> None:
        """Notes links of an object that came or went."""
        changes = link_differences(links)
        if changes and self._room(1):
            ((object_id,),) = transaction.connection.execute("SELECT id FROM object WHERE key = ?", (key,)).fetchall()
            self._write(transaction, row, "changed", [_Found(object_id, None, new, changes)])

    def unlinked(self, transaction: Transaction, row: TypeRow, old: StoredRow, links: Mapping[str, LinkChange]) -> None:
        """Notes links that went at the end of a reading, of an object that is as it was."""
        if self._room(1):
            self._write(transaction, row, "changed", [_Found(old.id, old, None, link_differences(links))])

    def removed(self, transaction: Transaction, row: TypeRow, olds: Sequence[StoredRow]) -> None:
        """Notes objects that the target has no more."""
        room = self._room(len(olds))
        self._write(
            transaction, row, "removed", [_Found(old.id, old, None, _between(row, old, None)) for old in olds[:room]]
        )

    def _room(self, count: int) -> int:
        """Returns for how many of so many there is room, and counts the others."""
        room = min(count, self._left)
        self._left -= room
        self.left_out += count - room
        return room

    def _write(self, transaction: Transaction, row: TypeRow, outcome: str, found: Sequence[_Found]) -> None:
        rows: list[Sequence[Any]] = []
        names: list[Sequence[Any]] = []
        kept, now = self._space_type, transaction.now
        for object_id, before, after, changes in found:
            renamed = not changes.keys().isdisjoint(("<anchor>", *row.indexed))
            if before is not None and (after is None or renamed):
                names += [(kept.connector, name, object_id, now) for name in _old_names(row, before, after)]
            anchor = _anchor(before, after)
            rows.append(
                (
                    now, kept.connector, kept.resource_type, self._kind, outcome, object_id, anchor, "", "", "", "", 0,
                    "", compact(changes),
                )
            )  # fmt: skip
        _insert(transaction, rows, names)


def _between(row: TypeRow, before: StoredRow | None, after: Encoded | None, *, written: bool = False) -> dict[str, Any]:
    changes = differences(
        None if before is None else attributes_from_json(before.attributes),
        None if after is None else after.source.attributes,
        written=written,
        unkept=row.unkept,
    )
    if before is not None and after is not None:
        if before.dn_key != after.dn_key:
            changes["<dn>"] = {"old": [before.dn_key or ""], "new": [after.source.dn or ""]}
        if before.anchor_key != after.anchor_key:
            changes["<anchor>"] = {"old": [before.anchor_key], "new": [after.anchor_key]}
    if after is not None and after.changes:
        changes.update(link_differences(after.changes))
    return changes


def _anchor(before: StoredRow | None, after: Encoded | None) -> str:
    """Returns what an object is called for people."""
    if after is not None:
        return anchor_text(after.source.anchor)
    return before.anchor_key if before is not None else ""


def _old_names(row: TypeRow, before: StoredRow, after: Encoded | None) -> set[str]:
    """Returns the names, folded, that an object has no more: anchor and indexed values."""
    told = [name for name in row.indexed if name not in row.unkept and not sounds_secret(name)]
    names = {before.anchor_key, *(value for _, value in value_keys(attributes_from_json(before.attributes), told))}
    if after is not None:
        names -= {after.anchor_key, *(value for _, value in value_keys(after.source.attributes, told))}
    return {name[:NAME] for name in names}


def _names_of_keys(row: TypeRow, texts: Iterable[str]) -> set[str]:
    """Returns the folded values of the keys of a write that came to nothing."""
    prefix = lock_text(ID, "")
    parts = (text.partition("=") for text in texts if not text.startswith(prefix))
    return {value[:NAME] for kind, _, value in parts if kind not in row.unkept and not sounds_secret(kind)}


def _insert(transaction: Transaction, rows: Sequence[Sequence[Any]], names: Sequence[Sequence[Any]]) -> None:
    if rows:
        transaction.connection.executemany(_INSERT, rows)
        transaction.connection.executemany(_INSERT_NAME, names)
