"""References as rows of their own: ``(owner, attribute, value, target)``.

The target is an object of the same connector whose DN or anchor folds like the value; the DN goes first. It is found
when either of the two appears, it follows the object through renames, and it is given up when the object goes.
"""

from collections.abc import Iterable, Mapping

from ecmahost_core.ecma.values import Attributes, text_of
from ecmahost_core.space.sqlite.connection import Transaction
from ecmahost_core.text import fold

_TARGET = """coalesce(
    (SELECT key FROM object WHERE type IN (SELECT id FROM space_type WHERE connector = :connector)
        AND dn_key = :value_key ORDER BY key LIMIT 1),
    (SELECT key FROM object WHERE type IN (SELECT id FROM space_type WHERE connector = :connector)
        AND anchor_key = :value_key ORDER BY key LIMIT 1))"""
_INSERT = f"""INSERT OR IGNORE INTO reference (owner, attribute, value_key, value, connector, target)
    VALUES (:owner, :attribute, :value_key, :value, :connector, {_TARGET})"""  # noqa: S608  # our own text, no values
_AGAIN = f"""UPDATE reference SET target = {_TARGET}
    WHERE owner = :owner AND attribute = :attribute AND value_key = :value_key"""  # noqa: S608  # our own text, no values


def of(attributes: Attributes, names: Iterable[str]) -> dict[tuple[str, str], str]:
    """Returns the references that follow from an object: attribute and folded value, to the value as it is written."""
    found = ((name, text_of(value)) for name in names for value in attributes.get(name, ()))
    return {(name, fold(text)): text for name, text in found}


def insert(transaction: Transaction, connector: int, owner: int, wanted: Mapping[tuple[str, str], str]) -> None:
    """Adds references of an object and finds the targets that are there already."""
    if not wanted:
        return
    transaction.connection.executemany(
        _INSERT,
        [
            {"owner": owner, "attribute": name, "value_key": key, "value": value, "connector": connector}
            for (name, key), value in wanted.items()
        ],
    )


def change(
    transaction: Transaction,
    connector: int,
    owner: int,
    before: Mapping[tuple[str, str], str],
    after: Mapping[tuple[str, str], str],
) -> None:
    """Makes the references of an object what they are now, touching only what differs."""
    gone = [(owner, *key) for key in before if key not in after]
    if gone:
        transaction.connection.executemany(
            "DELETE FROM reference WHERE owner = ? AND attribute = ? AND value_key = ?", gone
        )
    respelt = [(value, owner, *key) for key, value in after.items() if before.get(key, value) != value]
    if respelt:
        transaction.connection.executemany(
            "UPDATE reference SET value = ? WHERE owner = ? AND attribute = ? AND value_key = ?", respelt
        )
    insert(transaction, connector, owner, {key: value for key, value in after.items() if key not in before})


def resolve(transaction: Transaction, connector: int, appeared: Iterable[tuple[int, str, str | None]]) -> None:
    """Points open references at objects that appeared or got a new name: key, folded anchor and folded DN of each."""
    connection = transaction.connection
    # The usual connector has no open references, and a first import would ask for every object.
    if not connection.execute(
        "SELECT 1 FROM reference WHERE connector = ? AND target IS NULL LIMIT 1", (connector,)
    ).fetchall():
        return
    connection.executemany(
        "UPDATE reference SET target = ? WHERE connector = ? AND target IS NULL AND value_key IN (?, ?)",
        [(key, connector, anchor_key, dn_key) for key, anchor_key, dn_key in appeared],
    )


def forget(transaction: Transaction, connector: int, keys: Iterable[int]) -> None:
    """Removes the references of objects that are gone, and gives up those to them.

    Called when the objects' rows are removed already: where another object has taken over the DN (deleted in the target
    and made again there), the reference goes on to that one.
    """
    connection = transaction.connection
    singles = [(key,) for key in keys]
    connection.executemany("DELETE FROM reference WHERE owner = ?", singles)
    for single in singles:
        pointing = connection.execute(
            "SELECT owner, attribute, value_key FROM reference WHERE target = ?", single
        ).fetchall()
        connection.executemany(
            _AGAIN,
            [
                {"owner": owner, "attribute": name, "value_key": key, "connector": connector}
                for owner, name, key in pointing
            ],
        )
