"""What a delta import tells of single objects, against what the space has: the same rule as for whole imports.

A delta may tell of one object several times, so what it has written itself is no newer than what it reads next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ecmahost_core.space.objects import LinkChange, ObjectState, TargetObject
from ecmahost_core.space.sql import arbitration, changes
from ecmahost_core.space.sql.arbitration import Applied, Reading
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.links import ROWS, Room, portions
from ecmahost_core.space.sql.locks import held_keys, is_held
from ecmahost_core.space.sql.rows import Encoded, select_in, stored_row
from ecmahost_core.space.sql.type_row import type_row


def parts(objects: Sequence[TargetObject], links: Sequence[str]) -> Iterator[Sequence[TargetObject]]:
    """Yields what one transaction takes; the many changes of a large group are several."""
    if not links:
        yield from portions(objects, links)
        return
    plain = [one for one in objects if not one.link_changes]
    yield from portions(plain, links)
    for one in objects:
        for name, change in one.link_changes.items():
            for few in _few(change):
                yield [one._replace(link_changes={name: few})]


def _few(change: LinkChange) -> Iterator[LinkChange]:
    """Yields a change in parts; the removed values go before all that are added."""
    for start in range(0, len(change.removed), ROWS):
        yield LinkChange(removed=change.removed[start : start + ROWS])
    for start in range(0, len(change.added), ROWS):
        yield LinkChange(added=change.added[start : start + ROWS])


def apply(transaction: Transaction, type_id: int, reading: Reading, batch: Sequence[Encoded]) -> Applied:
    """As ``arbitration.apply``; ``Applied.own`` has everything that was written."""
    before = _newest(transaction)
    applied = arbitration.apply(transaction, type_id, reading, batch)
    _own(transaction, applied, before)
    return applied


def move(transaction: Transaction, type_id: int, reading: Reading, before: str, new: Encoded) -> Applied:
    """Gives the object with the folded anchor ``before`` the anchor of ``new``; see ``ImportRun.move``."""
    connection = transaction.connection
    row = type_row(connection, type_id)
    old = stored_row(connection, type_id, "anchor_key", before)
    if old is None or before == new.anchor_key:
        return apply(transaction, type_id, replace(reading, seen=arbitration.SeenKeys()), [new])
    held = held_keys(connection, type_id)
    there = stored_row(connection, type_id, "anchor_key", new.anchor_key)
    namesake = stored_row(connection, type_id, "dn_key", new.dn_key)
    others = {one.key: one for one in (there, namesake) if one is not None and one.key != old.key}
    for one in (old, *others.values()):
        if reading.loses_to(one) or is_held(held, row, new=new, old=one):
            return Applied(passed_over=1, lost=[new])
    newest = _newest(transaction)
    applied = Applied(changed=1, seen=[old.key])
    if there is not None and there.key in others:
        changes.remove(transaction, row, [there], bury=False)
        del others[there.key]
    for one in others.values():
        changes.release_dn(transaction, one)
        applied.seen.append(one.key)
    kept = None if old.kept == "{}" else arbitration.kept_beside(reading, old, new)
    room = Room(reading.began_seq, unlinking=reading.unlinking)
    changes.replace(transaction, row, old, new, state=ObjectState(old.state), kept=kept, room=room)
    applied.owing = room.owing
    if reading.noting is not None:
        reading.noting.changed(transaction, row, [(old, new, room.changed.get(old.key, {}))])
        reading.noting.removed(transaction, row, [one for one in (there,) if one is not None and one.key != old.key])
    _own(transaction, applied, newest)
    select = "SELECT anchor_key, change_seq FROM tombstone WHERE type = ? AND anchor_key = ?"
    reading.buried.update(connection.execute(select, (type_id, before)).fetchall())
    return applied


def _newest(transaction: Transaction) -> int:
    newest: int = transaction.connection.execute("SELECT change_seq FROM store").fetchall()[0][0]
    return newest


def _own(transaction: Transaction, applied: Applied, before: int) -> None:
    """Notes the numbers that this transaction, of which there is one at a time, has given."""
    select = "SELECT key, change_seq FROM object WHERE change_seq > ? AND key {in}"
    applied.own.update(select_in(transaction.connection, select, (before,), applied.seen))
