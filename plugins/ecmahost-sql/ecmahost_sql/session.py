"""A session: one connection, and what has been read of its catalog."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path

from ecmahost_core import (
    MAExportError,
    ObjectTypeNotSupported,
    Parameters,
    Schema,
    SchemaType,
    Secret,
    SessionPurpose,
)
from ecmahost_sql.catalog import Column, Table, object_type
from ecmahost_sql.database import Database, SqlValue
from ecmahost_sql.errors import DatabaseFailure, FailureKind, Refused, as_connector_errors
from ecmahost_sql.odbc.connection import open_odbc
from ecmahost_sql.odbc.source import OdbcSource
from ecmahost_sql.parameters import Connectivity, Deltas, understand
from ecmahost_sql.passwords import PasswordColumn, assigned, taking
from ecmahost_sql.rows import Selection, select_attributes
from ecmahost_sql.sqlite.connection import open_sqlite
from ecmahost_sql.value_tables import ValueColumn, ValueTable, fit, offered_attribute, require


class Session:
    """What ``open_session`` yields; used by one thread at a time.

    Attributes:
        database: the connection.
        password: where passwords go; None where none are taken. No table that the session knows has this column.
        value_tables: what is declared of tables that keep the values of attributes; these are no object types.
        deltas: how changes are found by a watermark; None where they are not.
    """

    def __init__(
        self,
        database: Database,
        offered: Sequence[str] = (),
        password: PasswordColumn | None = None,
        value_tables: Sequence[ValueTable] = (),
        deltas: Deltas | None = None,
        deleted_column: str = "",
    ) -> None:
        """``offered`` limits the tables to those names; empty offers all."""
        self.database = database
        self.deltas = deltas
        self._deleted_column = deleted_column
        self.password = password
        self.value_tables = tuple(value_tables)
        self._offered = tuple(offered)
        self._password_columns: dict[str, Column] = {}
        self._version: Hashable = None
        self._tables: dict[str, Table] = {}
        self._complete = False
        self._selections: dict[str, tuple[SchemaType, Selection]] = {}
        self._tables_of_values: dict[str, Table] = {}

    def tables(self) -> Sequence[Table]:
        """Returns the tables on offer, read again only when the catalog has changed."""
        self._look_again()
        if not self._complete:
            keepers = {one.table for one in self.value_tables}
            tables = {
                table.name: self._hiding(table)
                for table in self.database.tables(self._offered)
                if table.name not in keepers
            }
            self._tables = {name: tables[name] for name in self._offered or tables if name in tables}
            self._complete = True
        return tuple(self._tables.values())

    def _look_again(self) -> None:
        """Forgets what was read of a catalog that has changed since."""
        version = self.database.catalog_version()
        if version != self._version:
            self._tables, self._selections, self._complete = {}, {}, False
            self._password_columns, self._tables_of_values = {}, {}
            self._version = version

    def _table(self, name: str) -> Table | None:
        """Returns one table, without reading what the catalog says of all the others."""
        if name not in self._tables and not self._complete and (not self._offered or name in self._offered):
            self._tables |= {table.name: self._hiding(table) for table in self.database.tables((name,))}
        return self._tables.get(name)

    def table_of(self, declaration: ValueTable) -> Table:
        """Returns the table that keeps the values of an attribute; DatabaseFailure when it is not there."""
        self._look_again()
        name = declaration.table
        if name not in self._tables_of_values:
            self._tables_of_values |= {table.name: table for table in self.database.tables((name,))}
        if name not in self._tables_of_values:
            attribute = f"{declaration.object_type}.{declaration.attribute}"
            raise DatabaseFailure(
                FailureKind.NOT_IN_CATALOG,
                f"there is no table {name}, which value_tables under [connectivity] names for {attribute}",
                declaration.attribute,
            )
        return self._tables_of_values[name]

    def referenced(self, name: str) -> Table | None:
        """Returns the table of the object type that a reference names; None when it is not on offer."""
        return self._table(name)

    def naming(self, object_type: str) -> Sequence[tuple[Table, Column]]:
        """Returns which columns of value tables hold anchors of this type's objects: as owners, or as values."""
        found: dict[tuple[str, str], tuple[Table, Column]] = {}
        for one in self.value_tables:
            for name, holder in ((one.owner, one.object_type), (one.value, one.references)):
                if holder == object_type:
                    table = self.table_of(one)
                    found[table.name, name] = (table, require(one, table, name))
        return tuple(found.values())

    def _several(self, table: Table, schema_type: SchemaType) -> Sequence[ValueColumn]:
        """Returns which attributes of a step's type are kept in tables of their own; DatabaseFailure where none can."""
        found = []
        for one in self.value_tables:
            attribute = schema_type.attribute(one.attribute) if one.object_type == schema_type.name else None
            if attribute is None:
                continue
            keeper = self.table_of(one)
            owner, value = require(one, keeper, one.owner), require(one, keeper, one.value)
            key = table.column(schema_type.anchor[0])
            problem = ""
            if len(schema_type.anchor) != 1 or one.attribute in schema_type.anchor:
                problem = f"has several columns ({', '.join(schema_type.anchor)}), and {owner.name} is one"
            elif key is not None and not fit(owner, key):
                problem = f"({key.name}) has another type than {owner.name}"
            if problem:
                detail = f"{one.attribute}: the anchor of {table.name} {problem} in table {keeper.name}"
                raise DatabaseFailure(FailureKind.NOT_IN_CATALOG, detail, one.attribute)
            found.append(ValueColumn(attribute, keeper, owner, value, one.references))
        return found

    def _hiding(self, table: Table) -> Table:
        """Returns a table without its password column, which is kept apart."""
        column = table.column(self.password.name) if self.password is not None else None
        if column is None:
            return table
        self._password_columns[table.name] = column
        return replace(table, columns=tuple(one for one in table.columns if one is not column))

    def password_column(self, table: Table) -> Column | None:
        """Returns the column of a table that passwords go into; None when it has none of that name."""
        return self._password_columns.get(table.name)

    def assigned(self, table: Table, password: Secret) -> Mapping[str, SqlValue]:
        """Returns what a change writes for a password; Refused where the table cannot keep it."""
        if self.password is None:
            raise _no_password_column()
        return assigned(self.password, table.name, self.password_column(table), password)

    def password_place(self, table: Table) -> str:
        """Returns the name of the column that a password would go into; Refused as ``assigned`` does."""
        if self.password is None:
            raise _no_password_column()
        return taking(self.password, table.name, self.password_column(table)).name

    def through(self, database: Database) -> "Session":
        """Returns a session that knows the same catalog and sends its statements through ``database``."""
        other = copy(self)
        other.database = database
        return other

    def missing(self) -> Sequence[str]:
        """Returns which of the offered tables the database did not have when they were last read."""
        return [name for name in self._offered if name not in self._tables]

    def selection(self, schema_type: SchemaType) -> Selection:
        """Returns how the type's attributes are read; DatabaseFailure NOT_IN_CATALOG names what is missing."""
        self._look_again()
        known = self._selections.get(schema_type.name)
        if known is not None and known[0] == schema_type:
            return known[1]
        table = self._table(schema_type.name)
        if table is None:
            raise DatabaseFailure(FailureKind.NOT_IN_CATALOG, f"there is no table {schema_type.name}{self._hint()}")
        several = self._several(table, schema_type)
        selection = select_attributes(self.database, table, schema_type, several, self._deleted_column)
        self._selections[schema_type.name] = schema_type, selection
        return selection

    def require_database(self) -> None:
        """Raises DatabaseFailure UNAVAILABLE when the database was replaced since the session was opened."""
        if not self.database.still_there():
            raise DatabaseFailure(FailureKind.UNAVAILABLE, "the database was replaced or removed; it is opened again")

    def _hint(self) -> str:
        return " among those that `tables` under [connectivity] offers" if self._offered else " in the database"


def _no_password_column() -> Refused:
    return Refused(MAExportError.SCHEMA_VIOLATION, "no password_column is named under [connectivity]")


@contextmanager
def connected(parameters: Parameters, purpose: SessionPurpose) -> Iterator[Session]:
    """Opens the database for one purpose: only an export session can write."""
    wanted = understand(parameters)
    writing = purpose is SessionPurpose.EXPORT
    with as_connector_errors():
        database = _opened(wanted, writing=writing)
    try:
        yield Session(
            database, wanted.tables, wanted.password, wanted.value_tables, wanted.deltas, wanted.deleted_column
        )
    finally:
        database.close()


def _opened(wanted: Connectivity, *, writing: bool) -> Database:
    if isinstance(wanted.source, OdbcSource):
        return open_odbc(wanted.source, wanted.command_timeout, writing=writing)
    return open_sqlite(Path(wanted.source), wanted.command_timeout, writing=writing)


def read_schema(session: Session) -> Schema:
    """Returns every table on offer; ObjectTypeNotSupported names one of ``tables`` that is not there."""
    with as_connector_errors():
        session.require_database()
        tables = session.tables()
        missing = session.missing()
        if missing:
            raise ObjectTypeNotSupported(
                f"`tables` under [connectivity] names {', '.join(missing)}, which is not there"
            )
        types = {table.name: object_type(table) for table in tables if table.columns}
        for declaration in session.value_tables:
            _require_types(declaration, types)
            owner = types[declaration.object_type]
            attribute = offered_attribute(declaration, session.table_of(declaration))
            types[owner.name] = replace(owner, attributes=(*owner.attributes, attribute))
    return Schema(tuple(types.values()))


def _require_types(declaration: ValueTable, types: Mapping[str, SchemaType]) -> None:
    """Raises ObjectTypeNotSupported when a declaration names an object type that is not there, or a name twice."""
    for name in filter(None, (declaration.object_type, declaration.references)):
        if name not in types:
            raise ObjectTypeNotSupported(
                f"value_tables under [connectivity] names {name}, which is not among the tables on offer"
            )
    if types[declaration.object_type].attribute(declaration.attribute) is not None:
        raise ObjectTypeNotSupported(
            f"value_tables under [connectivity] gives {declaration.object_type} an attribute {declaration.attribute}; "
            "a column of this name is there already: choose another name"
        )
