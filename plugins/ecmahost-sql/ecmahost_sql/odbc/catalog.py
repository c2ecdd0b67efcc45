"""Tables, views and columns of a database over ODBC.

From ODBC's catalog functions, and from the database's own catalog where those do not tell enough: generated keys,
computed columns, the declared type.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core import ObjectModificationType
from ecmahost_sql.catalog import ALL_OPERATIONS, Column, Kind, Moment, Table
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.odbc.dbapi import Connection, Cursor, Module
from ecmahost_sql.odbc.drivers import Driver
from ecmahost_sql.odbc.types import typed

_TABLE_KINDS = frozenset({"TABLE", "BASE TABLE", "PARTITIONED TABLE", "FOREIGN TABLE"})
_VIEW_KINDS = frozenset({"VIEW", "MATERIALIZED VIEW", "MATVIEW"})


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where a table is: ODBC's catalog and schema, empty where the database has none, its own name, and its kind."""

    catalog: str
    schema: str
    name: str
    view: bool


@dataclass(frozen=True, slots=True)
class _Declared:
    """What a catalog says of one column."""

    name: str
    type: str
    nullable: bool
    default: str | None
    made: bool
    computed: bool


class Catalog:
    """Reads the catalog on one connection; every method may raise pyodbc's errors."""

    def __init__(self, connection: Connection, module: Module, driver: Driver, quote: Callable[[str], str]) -> None:
        """Reads nothing yet."""
        self._connection = connection
        self._driver = driver
        self._quote = quote
        self._module = module
        self._escape = str(connection.getinfo(module.SQL_SEARCH_PATTERN_ESCAPE)).strip()
        self._found: dict[str, Namespace] = {}

    def touch(self) -> None:
        """Asks the database for as little as possible."""
        self._rows("SELECT 1" if self._driver.explain or not self._driver.schema else self._driver.schema)

    def namespace(self, name: str) -> Namespace | None:
        """Returns where the table of this name was found."""
        return self._found.get(name)

    def tables(self, names: frozenset[str]) -> list[Table]:
        """Returns the tables and views of these names, all where there is none, by name.

        A table of the schema that names without one lead to has its own name, one of another schema ``schema.table``.
        """
        self._found = self._namespaces()
        wanted = sorted(names & self._found.keys()) if names else sorted(self._found)
        return [table for name in wanted if (table := self._table(name, self._found[name])).columns]

    def _namespaces(self) -> dict[str, Namespace]:
        home = str(self._rows(self._driver.schema)[0][0]) if self._driver.schema else ""
        database = self._database()
        found: dict[str, Namespace] = {}
        for catalog, schema, name, kind, *_ in self._listed(lambda cursor: cursor.tables(catalog=database or None)):
            inside = not database or not catalog or catalog == database
            if not inside or (schema or catalog or "") in self._driver.inner:
                continue
            if kind in _TABLE_KINDS | _VIEW_KINDS:
                shown = name if not schema or schema == home else f"{schema}.{name}"
                found.setdefault(shown, Namespace(catalog or "", schema or "", name, kind in _VIEW_KINDS))
        return found

    def _database(self) -> str:
        """Returns the database that the connection is in; empty where a server has but one."""
        if self._driver.database:
            ((database,),) = self._rows(self._driver.database)
            if database is None:
                raise DatabaseFailure(
                    FailureKind.OTHER, "the connection is in no database: name one in the data source (DATABASE=...)"
                )
            return str(database)
        return str(self._connection.getinfo(self._module.SQL_DATABASE_NAME) or "").strip()

    def _table(self, name: str, place: Namespace) -> Table:
        key = () if place.view else self._key(place)
        indexes = {} if place.view else self._unique(place)
        columns = tuple(_column(declared, place) for declared in self._declared(place))
        parts = (place.schema, place.name) if place.schema else (place.name,)
        source = ".".join(map(self._quote, parts))
        unique = {frozenset(key)} if key else set()
        unique |= set(indexes.values())
        # Only a constraint is sure to compare as its columns do, and numbers have no collation.
        numbers = {column.name for column in columns if column.kind is Kind.INTEGER}
        distinct = [names for names in unique if names == frozenset(key) or names <= numbers]
        locator = _locator(key, columns)
        return Table(
            name,
            source,
            f"INSERT INTO {source}",
            f"UPDATE {source}",
            columns,
            key,
            tuple(sorted(unique, key=sorted)),
            tuple(sorted(distinct, key=sorted)),
            view=place.view,
            operations=self._operations(place) if place.view else ALL_OPERATIONS,
            locator=self._quote(locator) if locator else "",
            locator_column=locator,
            indexes=tuple(indexes.items()),
        )

    def _key(self, place: Namespace) -> tuple[str, ...]:
        if self._driver.key:
            return tuple(row[0] for row in self._rows(self._driver.key, place.schema or place.catalog, place.name))
        rows = self._listed(lambda cursor: cursor.primaryKeys(place.name, place.catalog or None, place.schema or None))
        return tuple(row[3] for row in sorted(rows, key=lambda row: int(row[4])))

    def _unique(self, place: Namespace) -> dict[str, frozenset[str]]:
        if self._driver.unique:
            pairs = self._rows(self._driver.unique, place.schema or place.catalog, place.name)
        else:
            rows = self._listed(
                lambda cursor: cursor.statistics(
                    place.name, place.catalog or None, place.schema or None, unique=True, quick=True
                )
            )
            pairs = [(row[5], row[8]) for row in rows if row[5] and row[8] and not row[3]]
        names: dict[str, set[str]] = {}
        for index, column in pairs:
            names.setdefault(index, set()).add(column)
        return {index: frozenset(columns) for index, columns in names.items()}

    def _declared(self, place: Namespace) -> list[_Declared]:
        described = {
            row[3]: row
            for row in self._listed(
                lambda cursor: cursor.columns(
                    self._pattern(place.name), place.catalog or None, self._pattern(place.schema) or None
                )
            )
            if row[2] == place.name and (row[1] or "") == place.schema
        }
        if self._driver.columns:
            rows = self._rows(self._driver.columns, place.schema or place.catalog, place.name)
            return [
                _Declared(name, kind, _nullable(described.get(name)), default, bool(made), bool(computed))
                for name, kind, default, made, computed in rows
            ]
        return [
            _Declared(row[3], _declared_type(row), _nullable(row), row[12], _is_identity(row), computed=False)
            for row in described.values()
        ]

    def _operations(self, place: Namespace) -> frozenset[ObjectModificationType]:
        if not self._driver.writable:
            return frozenset()
        allowed: set[ObjectModificationType] = set()
        for row in self._rows(self._driver.writable, place.schema or place.catalog, place.name):
            add, change, remove = (bool(cell) for cell in row)
            allowed |= {ObjectModificationType.ADD} if add else set()
            allowed |= {ObjectModificationType.UPDATE, ObjectModificationType.REPLACE} if change else set()
            allowed |= {ObjectModificationType.DELETE} if remove else set()
        return frozenset(allowed)

    def _pattern(self, name: str) -> str:
        """Returns a name as a search pattern that matches it alone, or hardly more."""
        return re.sub(r"[%_\\]", lambda found: self._escape + found[0], name) if self._escape else name

    def _rows(self, sql: str, *parameters: str) -> list[Any]:
        return self._listed(lambda cursor: cursor.execute(sql, parameters))

    def _listed(self, ask: Callable[[Cursor], object]) -> list[Any]:
        cursor = self._connection.cursor()
        try:
            ask(cursor)
            return [tuple(row) for row in cursor.fetchall()]
        finally:
            cursor.close()


def _column(declared: _Declared, place: Namespace) -> Column:
    found = typed(declared.type)
    return Column(
        declared.name,
        found.kind,
        approximate=found.approximate,
        nullable=place.view or declared.nullable,
        defaulted=declared.made or (declared.default is not None and declared.default.upper() != "NULL"),
        computed=declared.computed,
        max_length=found.length if found.kind is Kind.TEXT and found.moment is Moment.NONE else None,
        bits=found.bits,
        unsigned=found.unsigned,
        exact=found.kind is Kind.DECIMAL and not found.approximate,
        scale=found.scale,
        precision=found.precision,
        moment=found.moment,
        format=found.format,
        plain=found.plain,
    )


def _locator(key: Sequence[str], columns: Sequence[Column]) -> str:
    """Returns the one column that tells rows apart, if its values come and go unchanged."""
    if len(key) != 1:
        return ""
    column = next((column for column in columns if column.name == key[0]), None)
    return key[0] if column is not None and column.plain and column.kind in {Kind.INTEGER, Kind.TEXT} else ""


def _nullable(row: Sequence[Any] | None) -> bool:
    """SQLColumns: NULLABLE is 0 for a column that must have a value."""
    return row is None or row[10] != 0


def _is_identity(row: Sequence[Any]) -> bool:
    return "identity" in str(row[5]).lower()


def _declared_type(row: Sequence[Any]) -> str:
    """SQLColumns: TYPE_NAME with COLUMN_SIZE and DECIMAL_DIGITS, as a declaration would have them."""
    name, size, digits = str(row[5]), row[6], row[8]
    if row[4] in {2, 3} and size:
        return f"{name}({size},{digits or 0})"
    return f"{name}({size})" if row[4] in {1, 12, -8, -9} and size and size > 0 else name
