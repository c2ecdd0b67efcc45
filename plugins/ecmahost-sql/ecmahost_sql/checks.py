"""What ``ecmahost check`` says about the tables of a step. Reads only; every statement ends within the timeout."""

from collections.abc import Iterator, Sequence
from functools import partial

from ecmahost_core import AttributeOperation, Finding, ObjectModificationType, RunStep, SchemaType, Severity
from ecmahost_sql import statements
from ecmahost_sql.catalog import Column, Kind, Table
from ecmahost_sql.errors import DatabaseFailure, FailureKind, as_connector_errors
from ecmahost_sql.passwords import PasswordHash
from ecmahost_sql.rights import missing_rights
from ecmahost_sql.rows import Selection
from ecmahost_sql.session import Session
from ecmahost_sql.value_checks import value_findings
from ecmahost_sql.values import any_value


def findings(session: Session, step: RunStep) -> Sequence[Finding]:
    """Returns what was found about each type of the step, the file last."""
    with as_connector_errors():
        session.require_database()
        found: dict[Finding, None] = {}
        for schema_type in step.types:
            found |= dict.fromkeys(_of_type(session, schema_type, step))
        return tuple(found)


def _of_type(session: Session, schema_type: SchemaType, step: RunStep) -> Iterator[Finding]:
    try:
        selection = session.selection(schema_type)
    except DatabaseFailure as failure:
        if failure.kind is not FailureKind.NOT_IN_CATALOG:
            raise
        subject = f"{schema_type.name}.{failure.column}" if failure.column else schema_type.name
        yield Finding(Severity.ERROR, subject, failure.detail, "Correct the configuration, or create what is missing.")
        return
    writing = any(attribute.operation is not AttributeOperation.IMPORT_ONLY for attribute in schema_type.attributes)
    if writing:
        yield from _columns_without_a_value(selection)
        yield from _operations(selection.table)
        yield from _passwords(session, selection.table)
        yield from missing_rights(session.database, selection)
    subject = f"{selection.table.name} ({', '.join(selection.key_names)})"
    yield from _compared(_anchor(session, selection), subject, "Choose another anchor.")
    yield from _compared(_unindexed(session, selection), subject, "Choose another anchor.")
    yield from _query_attributes(session, selection, step.query_attributes.get(schema_type.name, ()))
    yield from value_findings(session, selection, step.types, partial(_measured, session))
    yield from session.database.findings(selection.table, writing=writing)


def _compared(findings: Iterator[Finding], subject: str, remedy: str) -> Iterator[Finding]:
    """Lets findings pass; a type that has no equality (PostgreSQL's json, xml, point) is one of them."""
    try:
        yield from findings
    except DatabaseFailure as failure:
        if failure.kind is not FailureKind.OTHER:
            raise
        yield Finding(Severity.ERROR, subject, f"values of this type cannot be found again: {failure.detail}", remedy)


def _columns_without_a_value(selection: Selection) -> Iterator[Finding]:
    """A column that must have a value, and that nothing is mapped to, makes every creation fail."""
    written = {
        attribute.name
        for attribute in selection.schema_type.attributes
        if attribute.operation is not AttributeOperation.IMPORT_ONLY
    }
    for column in selection.table.columns:
        if not (column.nullable or column.defaulted or column.computed or column.name in written):
            yield Finding(
                Severity.ERROR,
                f"{selection.table.name}.{column.name}",
                "the column must have a value and has no default, but nothing writes it: every creation will fail",
                "Select and map the column, or give it a default in the database.",
            )


def _passwords(session: Session, table: Table) -> Iterator[Finding]:
    """Whether the password column can keep what is to be written there."""
    if session.password is None:
        return
    way, column = session.password, session.password_column(table)
    subject = f"{table.name}.{way.name}"
    if column is None or column.computed or column.kind is not Kind.TEXT:
        what = "there is no such column" if column is None else "the column holds no text, or cannot be written"
        remedy = "Correct password_column under [connectivity], or the table."
        yield Finding(Severity.ERROR, subject, f"{what}, and passwords are to go there", remedy)
        return
    if column.max_length is not None and column.max_length < way.hash.length:
        message = (
            f"passwords are to go there, and the column takes {column.max_length} characters where "
            f"{way.hash.value} makes {way.hash.length}: every password will be refused"
        )
        yield Finding(Severity.ERROR, subject, message, f"Make it VARCHAR({max(255, way.hash.length)}).")
    if way.hash is PasswordHash.PLAIN:
        message = "passwords are kept there as they are: whoever reads the table, or a backup of it, has them all"
        yield Finding(Severity.WARNING, subject, message, "Choose another password_hash where the programs allow it.")
    if not (column.nullable or column.defaulted):
        message = "passwords go there and the column must have a value: creations without a password will fail"
        yield Finding(Severity.INFO, subject, message, "Map the password, or let the column be NULL.")


def _operations(table: Table) -> Iterator[Finding]:
    names = {
        "created": ObjectModificationType.ADD,
        "changed": ObjectModificationType.UPDATE,
        "deleted": ObjectModificationType.DELETE,
    }
    missing = [name for name, operation in names.items() if operation not in table.operations]
    if missing:
        yield Finding(
            Severity.WARNING,
            table.name,
            f"through this view, objects cannot be {' or '.join(missing)}: it has no INSTEAD OF trigger for it",
            "Create the trigger, use the table itself, or do without.",
        )


def _anchor(session: Session, selection: Selection) -> Iterator[Finding]:
    """Whether the anchor finds one row each, quickly."""
    database, table = session.database, selection.table
    names = ", ".join(selection.key_names)
    subject = f"{table.name} ({names})"
    remedy = f"Create a unique index on {names}, or choose another anchor."
    key = frozenset(selection.key_names)
    if not table.view and not any(unique <= key for unique in table.unique):
        yield Finding(Severity.WARNING, subject, "the database does not keep the anchor unique", remedy)
    for column in selection.key:
        if column.approximate:
            yield Finding(
                Severity.WARNING,
                f"{table.name}.{column.name}",
                "the anchor is kept as an approximate number, which may not find its own row again",
                "Choose another anchor.",
            )
    without = statements.count(table, statements.without_key(database, selection.key))
    repeated = statements.repeated(table, selection.key_expressions)
    for sql, what in ((without, "rows without an anchor"), (repeated, "anchors that several rows have")):
        number = _measured(session, sql)
        if number:
            message = f"{what}: {number}; they cannot be imported or changed"
            yield Finding(Severity.WARNING, subject, message, "Give each row an anchor of its own.")
        elif number is None:
            yield Finding(Severity.WARNING, subject, "the table is too large to count in time", remedy)


def _unindexed(session: Session, selection: Selection) -> Iterator[Finding]:
    """Whether an object is found by its anchor without reading the whole table."""
    database, table = session.database, selection.table
    values = tuple(any_value(column) for column in selection.key)
    place = statements.place_of(database, selection.key_expressions, values)
    if database.scans(statements.count(table, place), place.parameters):
        yield Finding(
            Severity.WARNING,
            f"{table.name} ({', '.join(selection.key_names)})",
            "the anchor has no index: every change and every page of an import reads the whole table",
            f"Create an index on {', '.join(selection.key_names)}.",
        )


def _query_attributes(session: Session, selection: Selection, names: Sequence[str]) -> Iterator[Finding]:
    """What it costs to ask for somebody by these columns, and whether the answer can be one person."""
    table = selection.table
    selected = {attribute.name for attribute in selection.schema_type.attributes}
    for name in names:
        column = table.column(name)
        if column is None or name not in selected or selection.key_names == (name,):
            continue
        found = _query_attribute(session, table, column)
        yield from _compared(found, f"{table.name}.{name}", "Match people by another column.")


def _query_attribute(session: Session, table: Table, column: Column) -> Iterator[Finding]:
    database, name = session.database, column.name
    subject = f"{table.name}.{name}"
    place = statements.place_of(database, [database.quote(name)], (any_value(column),))
    if database.scans(statements.count(table, place), place.parameters):
        message = "people are matched by this column and it has no index: each match reads the whole table"
        yield Finding(Severity.WARNING, subject, message, f"Create an index on {name}.")
    if _measured(session, statements.repeated(table, [database.quote(name)])):
        message = "people are matched by this column and several rows have the same value: such a match is ambiguous"
        yield Finding(Severity.WARNING, subject, message, "Correct the rows, or match by another column.")


def _measured(session: Session, sql: str) -> int | None:
    """Returns the number that a counting statement gives; None when it takes longer than the command timeout."""
    try:
        ((number,),) = session.database.query(sql)
    except DatabaseFailure as failure:
        if failure.kind is FailureKind.TIMEOUT:
            return None
        raise
    return number if isinstance(number, int) else None
