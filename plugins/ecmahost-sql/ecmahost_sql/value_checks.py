"""What ``ecmahost check`` says about tables that keep the values of attributes. Reads only."""

from collections.abc import Callable, Iterator, Sequence

from ecmahost_core import AttributeOperation, Finding, ObjectModificationType, SchemaType, Severity
from ecmahost_sql import statements, value_statements
from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.database import Database, Place
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session
from ecmahost_sql.value_tables import KEY_KINDS, ValueColumn, fit
from ecmahost_sql.values import any_value

_NOWHERE = Place("1 = 0", ())

Measure = Callable[[str], int | None]
"""Runs a counting statement; None when it takes too long."""


def value_findings(
    session: Session, selection: Selection, types: Sequence[SchemaType], measure: Measure
) -> Iterator[Finding]:
    """Yields what was found about the tables of one type's values; ``types`` are all types of the step."""
    for kept in selection.several:
        named = session.referenced(kept.references) if kept.references else None
        keys = _keys(kept, named, types) if named is not None else []
        misfits = list(_misfits(kept, named, keys, _anchor(kept, types)))
        yield from misfits
        if kept.attribute.operation is not AttributeOperation.IMPORT_ONLY:
            yield from _writing(kept)
        yield from _rights(session.database, kept)
        if misfits or session.database.forbids(statements.count(kept.table, _NOWHERE)):
            continue
        yield from _indexes(session.database, kept)
        yield from _of_nobody(session.database, kept, kept.owner, selection.table, selection.key, measure)
        if named is not None:
            yield from _of_nobody(session.database, kept, kept.column, named, keys, measure)


def _keys(kept: ValueColumn, named: Table, types: Sequence[SchemaType]) -> list[Column]:
    """Returns the columns that the values may be of: the anchor where the step says it, else whatever is unique."""
    anchor = _anchor(kept, types)
    unique = [names for names in named.unique if len(names) == 1]
    wanted = [anchor[0]] if len(anchor) == 1 else [name for names in unique for name in names]
    columns = [column for column in map(named.column, wanted) if column is not None]
    return [column for column in columns if fit(kept.column, column)]


def _anchor(kept: ValueColumn, types: Sequence[SchemaType]) -> Sequence[str]:
    """Returns the anchor of the objects that the values name; empty where the step does not say it."""
    return next((one.anchor for one in types if one.name == kept.references), ())


def _misfits(
    kept: ValueColumn, named: Table | None, keys: Sequence[Column], anchor: Sequence[str]
) -> Iterator[Finding]:
    subject = f"{kept.table.name}.{kept.column.name}"
    if named is not None and len(anchor) > 1:
        message = f"the anchor of {named.name}, which it is to hold, has several columns ({', '.join(anchor)})"
        yield Finding(Severity.ERROR, subject, message, "Choose an anchor of one column.")
    elif named is not None and not keys:
        message = f"its type is another one than that of the anchor of {named.name}, which it is to hold"
        remedy = "Give the column the anchor's type, or choose the anchor that it holds."
        yield Finding(Severity.ERROR, subject, message, remedy)
    if kept.is_link and kept.column.kind not in KEY_KINDS:
        message = f"values of this type ({kept.column.kind.value}) cannot name other objects"
        yield Finding(Severity.ERROR, subject, message, "Choose another anchor.")


def _writing(kept: ValueColumn) -> Iterator[Finding]:
    table = kept.table
    for column in table.columns:
        if not (column.nullable or column.defaulted or column.computed or column in (kept.owner, kept.column)):
            yield Finding(
                Severity.ERROR,
                f"{table.name}.{column.name}",
                f"the column must have a value and has no default: no value of {kept.attribute.name} can be added",
                "Give it a default in the database.",
            )
    for operation, what in ((ObjectModificationType.ADD, "added"), (ObjectModificationType.DELETE, "removed")):
        if operation not in table.operations:
            message = f"through this view, values of {kept.attribute.name} cannot be {what}"
            remedy = "Create the trigger, name the table itself, or call the attribute import only."
            yield Finding(Severity.WARNING, table.name, message, remedy)


def _rights(database: Database, kept: ValueColumn) -> Iterator[Finding]:
    table, name = kept.table, kept.attribute.name
    columns = ", ".join(database.quote(column.name) for column in (kept.owner, kept.column))
    wanted = [("SELECT", statements.count(table, _NOWHERE), "cannot be read", True)]
    if kept.attribute.operation is not AttributeOperation.IMPORT_ONLY:
        insert = f"{table.insert} ({columns}) VALUES (NULL, NULL)"
        wanted.append(("INSERT", insert, "cannot be added", ObjectModificationType.ADD in table.operations))
        remove = statements.delete(table, _NOWHERE)
        wanted.append(("DELETE", remove, "cannot be removed", ObjectModificationType.DELETE in table.operations))
    for right, sql, what, possible in wanted:
        if possible and database.forbids(sql):
            yield Finding(
                Severity.ERROR,
                table.name,
                f"the database account lacks the right {right}, or a right that goes with it: values of {name} {what}",
                f"As the table's owner: GRANT {right} ON {table.source} TO the account.",
            )


def _indexes(database: Database, kept: ValueColumn) -> Iterator[Finding]:
    table, owner, value = kept.table, kept.owner.name, kept.column.name
    both = frozenset({owner, value})
    if not table.view and both not in table.unique:
        yield Finding(
            Severity.WARNING,
            f"{table.name} ({owner}, {value})",
            "the database does not keep this pair unique: other programs can add a value twice, and each addition "
            f"looks through all values of {kept.attribute.name} that the object has",
            f"Create a primary key or a unique index on ({owner}, {value}).",
        )
    needed = [(kept.owner, f"every reading and every change of {kept.attribute.name} reads the whole table")]
    if kept.references:
        needed.append((kept.column, f"deleting an object of {kept.references} reads the whole table"))
    for column, message in needed:
        place = statements.place_of(database, [database.quote(column.name)], (any_value(column),))
        if database.scans(statements.count(table, place), place.parameters):
            subject = f"{table.name}.{column.name}"
            remedy = f"Create an index on {column.name}, or one that begins with it."
            yield Finding(Severity.WARNING, subject, f"no index finds this column: {message}", remedy)


def _of_nobody(
    database: Database, kept: ValueColumn, column: Column, holder: Table, keys: Sequence[Column], measure: Measure
) -> Iterator[Finding]:
    """Whether there are rows that whoever gets this anchor next would inherit."""
    number = measure(value_statements.of_nobody(database, kept.table, column, holder, keys))
    if number:
        message = (
            f"rows that name an object that is not in {holder.name}: {number}; the next one with that anchor has them"
        )
        remedy = "Delete these rows, and add a foreign key."
        yield Finding(Severity.WARNING, f"{kept.table.name}.{column.name}", message, remedy)
