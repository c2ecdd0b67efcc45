"""The keys that open journal entries own, and whether something that was read touches one of them."""

from collections.abc import Iterable

from ecmahost_core.ecma.values import attributes_from_json
from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    lock_text,
)
from ecmahost_core.space.sql.database import Connection
from ecmahost_core.space.sql.rows import Encoded, StoredRow, value_keys
from ecmahost_core.space.sql.type_row import TypeRow


def held_keys(connection: Connection, type_id: int) -> frozenset[str]:
    """Returns all keys of a type that are owned now: as many as there are writes under way, mostly none."""
    rows = connection.execute("SELECT lock_key FROM journal_lock WHERE type = ?", (type_id,)).fetchall()
    return frozenset(text for (text,) in rows)


def is_held(held: frozenset[str], row: TypeRow, *, new: Encoded | None = None, old: StoredRow | None = None) -> bool:
    """Returns whether a write under way owns the id, the anchor, the DN or an indexed value of an object.

    Args:
        held: from ``held_keys``, in the same transaction.
        row: the object's type.
        new: the object as it was read; None when it was not.
        old: the object as the space has it; None when it has not.
    """
    if not held:
        return False
    texts: list[str] = []
    if new is not None:
        texts += _texts(new.anchor_key, new.dn_key, value_keys(new.source.attributes, row.indexed))
    if old is not None:
        texts.append(lock_text(ID, old.id))
        texts += _texts(old.anchor_key, old.dn_key, value_keys(attributes_from_json(old.attributes), row.indexed))
    return not held.isdisjoint(texts)


def _texts(anchor_key: str, dn_key: str | None, values: Iterable[tuple[str, str]]) -> list[str]:
    texts = [lock_text(ANCHOR, anchor_key), *(lock_text(name, value) for name, value in values)]
    if dn_key is not None:
        texts.append(lock_text(DN, dn_key))
    return texts
