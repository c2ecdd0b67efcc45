"""What a database's own catalog says about a table, and what the host's schema makes of it.

A driver fills in :class:`Table` and :class:`Column`; everything above the driver works with these.
"""

from dataclasses import dataclass
from enum import StrEnum

from ecmahost_core import (
    AttributeOperation,
    AttributeType,
    ObjectModificationType,
    SchemaAttribute,
    SchemaType,
    ValueFormat,
)


class Kind(StrEnum):
    """What a column is made for, which decides how values are written into it."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    """Numbers with a fraction; they cross the contract as text."""
    BINARY = "binary"


class Moment(StrEnum):
    """What a column keeps of a date and time."""

    NONE = "none"
    """It is no such column, or keeps the text as it was sent."""
    DATE = "date"
    WITHOUT_ZONE = "without zone"
    """Written in UTC, without saying so."""


ATTRIBUTE_TYPES = {
    Kind.TEXT: AttributeType.STRING,
    Kind.INTEGER: AttributeType.INTEGER,
    Kind.BOOLEAN: AttributeType.BOOLEAN,
    Kind.DECIMAL: AttributeType.STRING,
    Kind.BINARY: AttributeType.BINARY,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: as the database spells it; never empty.
        kind: what it is made for.
        numeric: the database turns text that looks like a number into a number here.
        approximate: numbers are kept with 15 significant digits only.
        untyped: values of every type are kept as they came, so that the number 7 and the text "7" are two values.
        fractions: a number with a fraction may be met here, whatever the column is made for.
        nullable: a row may have no value here.
        defaulted: the database fills it in when a new row does not name it (a default, a sequence).
        computed: the database alone decides its value; it cannot be written.
        max_length: in characters, where the declaration says so; a limit that we keep even if the database does not.
        bits: of whole numbers, the sign included.
        unsigned: whole numbers below 0 are refused.
        exact: a number is kept with all its digits, as far as ``scale`` and ``precision`` allow.
        scale: how many digits behind the point, or of a second, are kept; None for any number of them.
        precision: how many digits of a number are kept in all; None where nothing is said.
        moment: what is kept of a date and time.
        format: what its texts are, for the host.
        plain: its values arrive as they are meant, without being printed by the database first.
    """

    name: str
    kind: Kind = Kind.TEXT
    numeric: bool = False
    approximate: bool = False
    untyped: bool = False
    fractions: bool = False
    nullable: bool = True
    defaulted: bool = False
    computed: bool = False
    max_length: int | None = None
    bits: int = 64
    unsigned: bool = False
    exact: bool = False
    scale: int | None = None
    precision: int | None = None
    moment: Moment = Moment.NONE
    format: ValueFormat | None = None
    plain: bool = True


ALL_OPERATIONS = frozenset(
    {
        ObjectModificationType.ADD,
        ObjectModificationType.REPLACE,
        ObjectModificationType.UPDATE,
        ObjectModificationType.DELETE,
    }
)


@dataclass(frozen=True, slots=True)
class Table:
    """One table or view.

    Attributes:
        name: as a configuration names it: the object type.
        source: the quoted reference to it, ready for a FROM.
        insert: the statement's beginning, such as ``INSERT INTO "T"``.
        update: the statement's beginning, such as ``UPDATE "T"``.
        columns: in the database's order.
        key: the primary key's columns; empty when there is none.
        unique: the sets of columns (one or more each) of which the database allows no two equal rows.
        distinct: those of them that are unique by the columns' own collations too, by which rows are ordered. An index
            with another collation may allow "Bob" beside "BOB" where the column takes them for equal.
        view: True for a view.
        operations: what can be done to its rows; a view without triggers allows nothing.
        locator: an SQL expression that identifies a row physically, quoted; empty when there is none.
        locator_column: the column that is the locator under another name; empty when there is none.
        indexes: the unique indexes by name, where errors tell no more than that.
    """

    name: str
    source: str
    insert: str
    update: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[frozenset[str], ...] = ()
    distinct: tuple[frozenset[str], ...] = ()
    view: bool = False
    operations: frozenset[ObjectModificationType] = ALL_OPERATIONS
    locator: str = ""
    locator_column: str = ""
    indexes: tuple[tuple[str, frozenset[str]], ...] = ()

    def column(self, name: str) -> Column | None:
        """Returns the column of exactly this name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def object_type(table: Table) -> SchemaType:
    """Returns the table as an object type, with its primary key as the proposed anchor."""
    return SchemaType(table.name, tuple(attribute_of(table, column) for column in table.columns), anchor=table.key)


def attribute_of(table: Table, column: Column) -> SchemaAttribute:
    """Returns the column as an attribute of the table's object type."""
    makes_rows = ObjectModificationType.ADD in table.operations or ObjectModificationType.UPDATE in table.operations
    writable = makes_rows and not column.computed
    filled_in = column.defaulted or column.computed
    limited = column.kind is Kind.INTEGER and (column.bits < 64 or column.unsigned)
    most = 2 ** (column.bits - 1) - 1
    return SchemaAttribute(
        column.name,
        type=ATTRIBUTE_TYPES[column.kind],
        operation=AttributeOperation.IMPORT_EXPORT if writable else AttributeOperation.IMPORT_ONLY,
        required=not filled_in and (not column.nullable or column.name in table.key),
        generated=filled_in,
        unique=frozenset({column.name}) in table.unique,
        max_length=column.max_length,
        format=column.format,
        minimum=(0 if column.unsigned else -most - 1) if limited else None,
        maximum=most if limited else None,
        precision=column.precision,
        scale=column.scale,
    )
