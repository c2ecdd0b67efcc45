"""What a change means for the columns of a row: names and values to write, checked before anything is sent."""

from collections.abc import Mapping
from typing import TypeAlias

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    AttributeOperation,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    Value,
    Values,
)
from ecmahost_sql.catalog import Column, Table
from ecmahost_sql.database import Row, SqlValue
from ecmahost_sql.errors import Refused
from ecmahost_sql.rows import Selection, require_column
from ecmahost_sql.values import InvalidValue, bind, bind_for_query

Assignments: TypeAlias = Mapping[str, SqlValue]
"""The columns to write, by name."""


def require_operation(table: Table, operation: ObjectModificationType) -> None:
    """Raises Refused for a view that has no trigger for this operation."""
    if operation not in table.operations:
        raise Refused(
            MAExportError.PERMISSION_ISSUE,
            f"view {table.name} cannot be changed this way ({operation.value}): it has no INSTEAD OF trigger for it",
        )


def identified(selection: Selection, change: CSEntryChange) -> Row:
    """Returns the values that find the object of an Update, Replace or Delete."""
    if len(change.anchor) != len(selection.key):
        raise Refused(
            MAExportError.MISSING_PROVISIONING_ATTRIBUTE,
            f"table {selection.table.name}: the anchor ({', '.join(selection.key_names)}) is not complete",
            selection.key_names[0],
        )
    try:
        return tuple(
            bind_for_query(column, selection.attribute_type(column), value)
            for column, value in zip(selection.key, change.anchor, strict=True)
        )
    except InvalidValue:
        raise Refused(
            MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT,
            f"table {selection.table.name} can have no object with this anchor ({', '.join(selection.key_names)})",
        ) from None


def added(selection: Selection, change: CSEntryChange) -> Assignments:
    """Returns what an Add inserts. A column without a value is left out, so that the database's default applies."""
    wanted = dict(change.attributes)
    for name, value in zip(selection.key_names, change.anchor, strict=False):
        if not wanted.get(name):
            wanted[name] = (value,)
    assignments = {name: _bound(selection, name, values) for name, values in wanted.items() if values}
    for column in selection.key:
        if column.name not in assignments and not column.defaulted and not column.computed:
            raise _without_anchor(selection, column)
    return assignments


def replaced(selection: Selection, change: CSEntryChange, current: CSEntryChange) -> Assignments:
    """Returns what a Replace writes: every selected column that can be written, NULL where it was given no value.

    The anchor is only written when another value was given. An attribute that can only be exported is left alone when
    it was not given: its value is not known.
    """
    assignments: dict[str, SqlValue] = {}
    given = change.attributes
    for attribute in selection.schema_type.attributes:
        column = require_column(selection.table, attribute.name)
        values = given.get(attribute.name, ())
        if column.computed or attribute.operation is AttributeOperation.IMPORT_ONLY:
            continue
        if attribute.name in selection.key_names:
            if values and values != current.attributes.get(attribute.name):
                assignments[attribute.name] = _bound(selection, attribute.name, values)
        elif attribute.name in given or attribute.operation is not AttributeOperation.EXPORT_ONLY:
            assignments[attribute.name] = _bound(selection, attribute.name, values)
    for name in given:
        require_known(selection, name)
    return assignments


def updated(selection: Selection, change: CSEntryChange, current: CSEntryChange) -> Assignments:
    """Returns what an Update writes: the columns that it names, and nothing else."""
    assignments: dict[str, SqlValue] = {}
    for part in change.attribute_changes:
        values = _values_after(part, current.attributes.get(part.name, ()))
        bound = _bound(selection, part.name, values)
        column = require_known(selection, part.name)
        if column in selection.key and bound is None:
            raise _without_anchor(selection, column)
        if values != current.attributes.get(part.name) or column not in selection.key:
            assignments[part.name] = bound
    return assignments


def require_known(selection: Selection, name: str) -> Column:
    """Returns the column of an attribute; Refused when the table has none of this name."""
    column = selection.table.column(name)
    if column is None:
        raise Refused(
            MAExportError.SCHEMA_VIOLATION, f"table {selection.table.name} has no column {name}", attribute=name
        )
    return column


def _values_after(part: AttributeChange, current: Values) -> Values:
    """Returns an attribute's values after its change."""
    match part.modification_type:
        case AttributeModificationType.DELETE:
            return ()
        case AttributeModificationType.UPDATE:
            kept = tuple(value for value in current if value not in part.removed and value not in part.added)
            return (*kept, *part.added)
        case _:
            return part.added


def _bound(selection: Selection, name: str, values: Values) -> SqlValue:
    """Returns what to write into a column; Refused when it cannot be written or cannot keep the value."""
    column = require_known(selection, name)
    if column.computed:
        raise Refused(
            MAExportError.SCHEMA_VIOLATION,
            f"column {name} of table {selection.table.name} is computed by the database and cannot be written",
            attribute=name,
        )
    if len(values) > 1:
        raise _invalid(selection, name, "holds one value, more were sent")
    try:
        return _bound_value(selection, column, values[0]) if values else None
    except InvalidValue as problem:
        raise _invalid(selection, name, str(problem)) from None


def _bound_value(selection: Selection, column: Column, value: Value) -> SqlValue:
    return bind(column, selection.attribute_type(column), value)


def _invalid(selection: Selection, name: str, problem: str) -> Refused:
    return Refused(
        MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE,
        f"column {name} of table {selection.table.name} {problem}",
        attribute=name,
    )


def _without_anchor(selection: Selection, column: Column) -> Refused:
    return Refused(
        MAExportError.MISSING_PROVISIONING_ATTRIBUTE,
        f"column {column.name} of table {selection.table.name} is part of the anchor and must have a value",
        attribute=column.name,
    )
