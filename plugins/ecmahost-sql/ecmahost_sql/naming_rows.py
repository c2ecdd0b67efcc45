"""The rows of value tables that name an object: as the one that has a value, or as the value of another.

They follow the object within its own transaction, so that nobody who gets the same name one day gets what it had.
"""

from collections.abc import Iterator

from ecmahost_core import Anchor, MAExportError, ObjectModificationType, Value
from ecmahost_sql import value_statements
from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.database import Place, SqlValue
from ecmahost_sql.errors import DatabaseFailure, Refused
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session
from ecmahost_sql.statements import delete, place_of
from ecmahost_sql.values import InvalidValue, bind, bind_for_query


def forget(session: Session, selection: Selection, anchor: Anchor) -> None:
    """Removes the values of an object, and the rows that name it as somebody's value, before it is deleted itself."""
    database = session.database
    for table, column, place in _naming(session, selection, anchor):
        if ObjectModificationType.DELETE in table.operations:
            try:
                database.execute(delete(table, place), place.parameters, table)
            except DatabaseFailure as failure:
                raise _of_table(table, column, failure) from None


def rename(session: Session, selection: Selection, before: Anchor, after: Anchor) -> None:
    """Lets the values of an object, and the rows that name it, follow its anchor, unless the database has done so."""
    if before == after or len(after) != 1:
        return
    database = session.database
    for table, column, place in _naming(session, selection, before):
        if ObjectModificationType.UPDATE in table.operations:
            sql, parameters = value_statements.rename(
                database, table, column, place, anchor_in(selection, table, column, after[0])
            )
            try:
                database.execute(sql, parameters, table)
            except DatabaseFailure as failure:
                raise _of_table(table, column, failure) from None


def _naming(session: Session, selection: Selection, anchor: Anchor) -> Iterator[tuple[Table, Column, Place]]:
    """Yields where rows of value tables hold this anchor; none where it cannot stand there."""
    if len(anchor) != 1:
        return
    for table, column in session.naming(selection.schema_type.name):
        try:
            bound = bind_for_query(column, selection.attribute_type(selection.key[0]), anchor[0])
        except InvalidValue:
            continue
        yield table, column, place_of(session.database, [value_statements.compared(session.database, column)], (bound,))


def _of_table(table: Table, column: Column, failure: DatabaseFailure) -> DatabaseFailure:
    detail = f"table {table.name}, whose column {column.name} names the object: {failure.detail}"
    return DatabaseFailure(failure.kind, detail)


def anchor_in(selection: Selection, table: Table, column: Column, anchor: Value) -> SqlValue:
    """Returns an object's anchor as a column of a value table takes it; Refused where it cannot."""
    try:
        return bind(column, selection.attribute_type(selection.key[0]), anchor)
    except InvalidValue as problem:
        raise Refused(
            MAExportError.SCHEMA_VIOLATION,
            f"column {column.name} of table {table.name} cannot hold the anchor of {selection.table.name}: it "
            f"{problem}",
        ) from None
