"""Writing the values that are in tables of their own, within the transaction of the object that has them.

The object's row is locked meanwhile, so two hosts write the values of one object one after the other. A value that is
there is not added again and one that is not there is removed in peace: what counts is how it is afterwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    Value,
    Values,
    fold,
)
from ecmahost_sql import value_statements
from ecmahost_sql.changes import require_operation
from ecmahost_sql.database import Database, SqlValue
from ecmahost_sql.errors import DatabaseFailure, FailureKind, Refused
from ecmahost_sql.naming_rows import anchor_in
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session
from ecmahost_sql.statements import delete
from ecmahost_sql.value_reads import typed
from ecmahost_sql.value_tables import ValueColumn
from ecmahost_sql.values import InvalidValue, UnreadableValue, bind, bind_for_query, reader

VALUES_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class ValueChange:
    """What becomes of the values of one object.

    Attributes:
        kept: where they are.
        whole: ``added`` are all the values that it has afterwards.
        added, removed: as the change has them.
    """

    kept: ValueColumn
    whole: bool
    added: Values = ()
    removed: Values = ()


class ValueFailure(DatabaseFailure):
    """The database refused to add values."""

    def __init__(self, failure: DatabaseFailure, change: ValueChange) -> None:
        """Says of the attribute what the failure says of a column."""
        name = change.kept.attribute.name
        super().__init__(failure.kind, f"{name}: {failure.detail}", name)
        self.change = change


def parted(selection: Selection, change: CSEntryChange) -> tuple[CSEntryChange, Sequence[ValueChange]]:
    """Returns what a change writes into the object's own table, and what into tables of values."""
    kept = {one.attribute.name: one for one in selection.several}
    if not kept:
        return change, ()
    changes = [_value_change(kept[part.name], part) for part in change.attribute_changes if part.name in kept]
    for name, one in kept.items():
        if name in change.attributes:
            changes.append(ValueChange(one, whole=True, added=change.attributes[name]))
        elif change.modification_type is ObjectModificationType.REPLACE and not one.is_link:
            changes.append(ValueChange(one, whole=True))
    own = replace(
        change,
        attributes={name: values for name, values in change.attributes.items() if name not in kept},
        attribute_changes=tuple(part for part in change.attribute_changes if part.name not in kept),
    )
    return own, changes


def _value_change(kept: ValueColumn, part: AttributeChange) -> ValueChange:
    if part.modification_type is AttributeModificationType.UPDATE:
        return ValueChange(kept, whole=False, added=part.added, removed=part.removed)
    return ValueChange(kept, whole=True, added=part.added)


def write(
    session: Session, selection: Selection, owner: Value, changes: Iterable[ValueChange], *, singly: bool
) -> None:
    """Makes the values of the object with this anchor what the changes say.

    Args:
        session: within a transaction.
        selection: of the object.
        owner: its anchor.
        changes: each of another attribute.
        singly: looks for every value before it adds it, where it is not known which of them the database takes for
            equal.
    """
    for change in changes:
        key = anchor_in(selection, change.kept.table, change.kept.owner, owner)
        removed, added = change.removed, change.added
        if change.whole:
            before = _present(session.database, change.kept, key)
            known, wanted = frozenset(before), frozenset(added)
            removed = tuple(value for value in before if value not in wanted)
            added = tuple(value for value in added if value not in known)
        _remove(session.database, change.kept, key, removed)
        if added:
            _add(session.database, change, key, list(bound(change, added)), singly=singly)


def _present(database: Database, kept: ValueColumn, owner: SqlValue) -> Values:
    rows = database.query(*value_statements.owned(database, kept, owner))
    try:
        return typed(replace(kept, attribute=replace(kept.attribute, multi_valued=True)), [row[0] for row in rows])
    except UnreadableValue as problem:
        raise Refused(
            MAExportError.CONSTRAINT_VIOLATION,
            f"column {kept.column.name} of table {kept.table.name} {problem}: correct the rows",
            kept.attribute.name,
        ) from None


def bound(change: ValueChange, added: Values) -> dict[SqlValue, int]:
    """Returns what to add, each with its place in the change; Refused names the place of one that does not fit."""
    kept = change.kept
    places = {value: place for place, value in reversed(list(enumerate(change.added, start=1)))}
    found: dict[SqlValue, int] = {}
    for value in added:
        try:
            found.setdefault(bind(kept.column, kept.attribute.type, value), places[value])
        except InvalidValue as problem:
            raise Refused(
                MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE,
                f"{kept.attribute.name}: value {places[value]} of {len(change.added)} does not fit column "
                f"{kept.column.name} of table {kept.table.name}, which {problem}",
                kept.attribute.name,
            ) from None
    return found


def _remove(database: Database, kept: ValueColumn, owner: SqlValue, values: Values) -> None:
    wanted = list(dict.fromkeys(_known(kept, values)))
    if wanted:
        require_operation(kept.table, ObjectModificationType.DELETE)
    for start in range(0, len(wanted), VALUES_AT_ONCE):
        place = value_statements.of_owner(database, kept, owner, wanted[start : start + VALUES_AT_ONCE])
        try:
            database.execute(delete(kept.table, place), place.parameters, kept.table)
        except DatabaseFailure as failure:
            raise _about(kept, failure) from None


def _known(kept: ValueColumn, values: Values) -> Iterator[SqlValue]:
    """What no row can hold need not be removed."""
    for value in values:
        try:
            yield bind_for_query(kept.column, kept.attribute.type, value)
        except InvalidValue:
            continue


def _add(database: Database, change: ValueChange, owner: SqlValue, added: Sequence[SqlValue], *, singly: bool) -> None:
    kept = change.kept
    require_operation(kept.table, ObjectModificationType.ADD)
    alike: dict[str, SqlValue] = {}
    for value in added:
        alike.setdefault(fold(str(value)), value)
    together = [] if singly else list(alike.values())
    apart = [value for value in added if singly or alike[fold(str(value))] is not value]
    for start in range(0, len(together), VALUES_AT_ONCE):
        some = together[start : start + VALUES_AT_ONCE]
        _insert(database, change, owner, _missing(database, kept, owner, some))
    for value in apart:
        _insert(database, change, owner, _missing(database, kept, owner, [value]))


def _missing(database: Database, kept: ValueColumn, owner: SqlValue, wanted: Sequence[SqlValue]) -> list[SqlValue]:
    """Returns which of these values the owner lacks, by the database's own equality."""
    rows = database.query(*value_statements.present(database, kept, owner, wanted))
    if not rows or len(wanted) == 1:
        return [] if rows else list(wanted)
    found = stored(kept, [row[0] for row in rows])
    missing = [value for value in wanted if value not in found]
    if found <= set(wanted):
        return missing
    # The database takes one of them for equal that is spelled differently.
    return [value for value in missing if _missing(database, kept, owner, [value])]


def stored(kept: ValueColumn, values: Sequence[SqlValue]) -> set[SqlValue]:
    """Returns values that were read as ``bind`` gives them; None stands for one that cannot be read."""
    found: set[SqlValue] = set()
    for value in values:
        try:
            found |= {bind(kept.column, kept.attribute.type, one) for one in reader(kept.attribute.type)(value)}
        except (InvalidValue, UnreadableValue):
            found.add(None)
    return found


def _insert(database: Database, change: ValueChange, owner: SqlValue, values: Sequence[SqlValue]) -> None:
    if not values:
        return
    kept = change.kept
    names = (kept.owner.name, kept.column.name)
    try:
        done = database.insert_rows(kept.table, names, [(owner, value) for value in values])
        if 0 <= done < len(values):
            detail = f"a trigger of table {kept.table.name} ignored a new row"
            raise DatabaseFailure(FailureKind.CONSTRAINT, detail)
    except DatabaseFailure as failure:
        raise ValueFailure(failure, change) from None


def _about(kept: ValueColumn, failure: DatabaseFailure) -> DatabaseFailure:
    name = kept.attribute.name
    return DatabaseFailure(failure.kind, f"{name}: {failure.detail}", name)
