"""Which value of many the database has refused, where it does not say so."""

from collections.abc import Iterable

from ecmahost_sql import value_statements
from ecmahost_sql.errors import DatabaseFailure, FailureKind, Refused
from ecmahost_sql.session import Session
from ecmahost_sql.value_tables import fit
from ecmahost_sql.value_writes import VALUES_AT_ONCE, ValueChange, ValueFailure, bound, stored


def located(session: Session, failure: DatabaseFailure, changes: Iterable[ValueChange]) -> DatabaseFailure:
    """Returns a failure that was undone, with the place of the value that names nobody, if there is one.

    Databases say that a foreign key was violated, and not by which of many rows; some say so no sooner than at the end.
    """
    if failure.kind is not FailureKind.CONSTRAINT:
        return failure
    for change in [failure.change] if isinstance(failure, ValueFailure) else changes:
        try:
            place = _place_of_nobody(session, change)
        except (DatabaseFailure, Refused):
            return failure
        if place:
            name = change.kept.attribute.name
            detail = f"{name}: value {place} of {len(change.added)} names no row of table {change.kept.references}"
            return DatabaseFailure(failure.kind, detail, name)
    return failure


def _place_of_nobody(session: Session, change: ValueChange) -> int:
    """Returns the place of the first added value that no object of the type referred to has for a key; 0 if all do."""
    database, kept = session.database, change.kept
    named = session.referenced(kept.references) if kept.references else None
    if named is None:
        return 0
    names = [name for unique in named.unique if len(unique) == 1 for name in unique]
    keys = [column for column in map(named.column, names) if column is not None and fit(column, kept.column)]
    added = bound(change, change.added)
    values = list(added) if keys else []
    for start in range(0, len(values), VALUES_AT_ONCE):
        some = values[start : start + VALUES_AT_ONCE]
        for key in keys:
            found = stored(
                kept, [row[0] for row in database.query(*value_statements.known(database, named, key, some))]
            )
            some = [value for value in some if value not in found]
        for value in some:
            if not any(database.query(*value_statements.known(database, named, key, [value])) for key in keys):
                return added[value]
    return 0
