"""What an object that is gone referred to, and what referred to it: given up in the transaction that removes it.

A group may have very many members, and somebody may be in very many groups. What is more than a short transaction can
do is noted in ``departed`` and done in further ones, by whoever removed the object or, after a kill, by ``prune``.
Until then such rows belong to, or name, a number that no object has and none ever gets again: nobody sees them.
"""

import time
from collections.abc import Mapping, Sequence

import orjson

from ecmahost_core.space.sql import digests, links, references
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.rows import BATCH, select_in
from ecmahost_core.space.sql.types import PAUSE

_OWN = "SELECT owner, attribute, value_key FROM reference WHERE owner {in} LIMIT "
_POINTING = """SELECT r.owner, r.attribute, r.value_key, r.value, r.scope, o.digest, o.change_seq, t.links
    FROM reference r LEFT JOIN object o ON o.key = r.owner LEFT JOIN space_type t ON t.id = o.type
    WHERE r.target {in} LIMIT """
_DELETE = "DELETE FROM reference WHERE owner = ? AND attribute = ? AND value_key = ?"

Touched = dict[int, tuple[int, int]]
"""Objects that got a new version because of what they referred to: key, to the change numbers before and now."""


def give_up(transaction: Transaction, connector: int, keys: Sequence[int], *, dropping: bool) -> Touched:
    """Removes the references of at most ``BATCH`` objects that are gone, and those to them.

    Called when the objects' rows are removed already. Where another object has taken over the DN (deleted in the target
    and made again there), a reference goes on to that one, and else stays, open, for whoever gets the name. With
    ``dropping``, links are removed instead, as the target has removed them with the object: somebody who is given the
    name next must not be shown in the groups of the one before.
    """
    touched: Touched = {}
    if not _portion(transaction, connector, keys, touched, dropping=dropping):
        transaction.connection.executemany(
            "INSERT INTO departed VALUES (?, ?, ?)", [(key, connector, int(dropping)) for key in keys]
        )
    return touched


def finish(database: Database) -> Touched:
    """Does what ``give_up`` has left; reads once and writes nothing where that is nothing."""
    touched: Touched = {}
    with database.read() as connection:
        left = bool(connection.execute("SELECT 1 FROM departed LIMIT 1").fetchall())
    while left:
        with database.write() as transaction:
            left = _advance(transaction, touched)
        time.sleep(PAUSE)
    return touched


def _advance(transaction: Transaction, touched: Touched) -> bool:
    """Does the next portion; returns whether something is left."""
    connection = transaction.connection
    found = connection.execute("SELECT connector, dropping FROM departed ORDER BY object LIMIT 1").fetchall()
    for connector, dropping in found:
        rows = connection.execute(
            "SELECT object FROM departed WHERE connector = ? AND dropping = ? ORDER BY object LIMIT ?",
            (connector, dropping, BATCH),
        ).fetchall()
        if _portion(transaction, connector, [key for (key,) in rows], touched, dropping=bool(dropping)):
            connection.executemany("DELETE FROM departed WHERE object = ?", rows)
    return bool(found)


def _portion(
    transaction: Transaction, connector: int, keys: Sequence[int], touched: Touched, *, dropping: bool
) -> bool:
    """Gives up some rows; returns whether those were all."""
    own = list(select_in(transaction.connection, f"{_OWN}{links.ROWS}", (), keys))
    transaction.connection.executemany(_DELETE, own)
    pointing = list(select_in(transaction.connection, f"{_POINTING}{links.ROWS}", (), keys))
    by_scope: dict[int | None, list[tuple[int, str, str]]] = {}
    dropped = []
    left: dict[int, int] = {}
    for row in pointing:
        owner, attribute, value_key, _, scope, digest, change_seq, names = row
        if digest is None or (dropping and attribute in orjson.loads(names)):
            dropped.append(row)
        else:
            by_scope.setdefault(scope, []).append((owner, attribute, value_key))
            left[owner] = change_seq
    for scope, places in by_scope.items():
        references.aim(transaction, connector, scope, places)
    changed = _drop(transaction, dropped)
    _touch(transaction, {owner: left[owner] for owner in sorted(left.keys() - changed)}, touched)
    return max(len(own), len(pointing)) < links.ROWS


def _touch(transaction: Transaction, owners: Mapping[int, int], touched: Touched) -> None:
    """Gives a new version to objects whose manager is not shown any more: clients that have the old one ask again."""
    if owners:
        first = transaction.next_seq(len(owners))
        for place, (key, change_seq) in enumerate(owners.items()):
            before, now = touched.get(key, (change_seq, change_seq))
            # Where somebody else has changed it between two transactions, that is what was before.
            touched[key] = (before if now == change_seq else change_seq, first + place)
        transaction.connection.executemany(
            "UPDATE object SET change_seq = ?, modified = ? WHERE key = ?",
            [(first + place, transaction.now, key) for place, key in enumerate(owners)],
        )


def _drop(
    transaction: Transaction, rows: Sequence[tuple[int, str, str, str, int | None, bytes | None, int, str]]
) -> set[int]:
    """Removes links from objects, which change by that, and rows of objects that are gone themselves.

    Returns the keys of those that have changed.
    """
    transaction.connection.executemany(_DELETE, [row[:3] for row in rows])
    after: dict[int, bytes] = {}
    for owner, attribute, _, value, _, digest, _, names_text in rows:
        if digest is None:
            continue
        names = orjson.loads(names_text)
        found = digests.parts(after.get(owner, digest), names)
        place = names.index(attribute) + 1
        found[place] = digests.moved(found[place], attribute, (), (value,))
        after[owner] = b"".join(found)
    if after:
        first = transaction.next_seq(len(after))
        transaction.connection.executemany(
            "UPDATE object SET digest = ?, change_seq = ?, modified = ? WHERE key = ?",
            [(digest, first + place, transaction.now, key) for place, (key, digest) in enumerate(after.items())],
        )
    return set(after)
