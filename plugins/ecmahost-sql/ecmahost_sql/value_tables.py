"""Attributes of several values, which are rows of a table of their own: as declared, and as the database has them.

ECMA2's Generic SQL connector calls such a table a multi-value table.
"""

import re
from dataclasses import dataclass, replace

from ecmahost_core import AttributeType, SchemaAttribute, ValueFormat
from ecmahost_sql.catalog import Column, Kind, Table, attribute_of
from ecmahost_sql.errors import DatabaseFailure, FailureKind

_DECLARATION = re.compile(
    r"(?P<type>[^=;(),]+)\.(?P<attribute>[^=;(),.]+)=(?P<table>[^=;(),]+)\((?P<columns>[^=;()]*)\)"
    r"(?:\s*references\s+(?P<references>[^=;(),]+))?",
    re.IGNORECASE,
)
COLUMNS_OF_A_PAIR = 2
KEY_KINDS = frozenset({Kind.TEXT, Kind.INTEGER, Kind.DECIMAL})
"""What values of a reference can be, which are texts to the host."""


@dataclass(frozen=True, slots=True)
class ValueTable:
    """One declaration, ``Groups.members = GroupMembers(GroupId, UserId) references Users``.

    Attributes:
        object_type: whose attribute it is.
        attribute: its name.
        table: where the values are, a row each.
        owner: the column with the anchor of the object that has the value.
        value: the column with the value.
        references: the object type whose anchors the values are; empty where they are values of their own.
    """

    object_type: str
    attribute: str
    table: str
    owner: str
    value: str
    references: str = ""


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """A declaration, found in the database.

    Attributes:
        attribute: as the run step has it.
        table: where the values are.
        owner: the column with the owner's anchor.
        column: the column with the value.
        references: the object type whose anchors the values are; empty where they are values of their own.
    """

    attribute: SchemaAttribute
    table: Table
    owner: Column
    column: Column
    references: str

    @property
    def is_link(self) -> bool:
        """Whether the values name other objects; such an attribute can have very many."""
        return self.attribute.type is AttributeType.REFERENCE


def declared(text: str) -> tuple[ValueTable, ...]:
    """Returns what the parameter ``value_tables`` declares; ValueError says what is wrong with it."""
    found: list[ValueTable] = []
    for line in re.split(r"[;\n]", text):
        if line.strip():
            one = _declared(line.strip())
            if any((one.object_type, one.attribute) == (other.object_type, other.attribute) for other in found):
                raise ValueError(f"{one.object_type}.{one.attribute} is declared twice")
            found.append(one)
    return tuple(found)


def _declared(line: str) -> ValueTable:
    match = _DECLARATION.fullmatch(line)
    parts = {name: (part or "").strip() for name, part in match.groupdict().items()} if match else {}
    if not all(parts.get(name) for name in ("type", "attribute", "table", "columns")):
        raise ValueError(f"{line!r} is not of the form Type.attribute = Table(Owner, Value) references Type")
    columns = [column.strip() for column in parts["columns"].split(",")]
    if len(columns) != COLUMNS_OF_A_PAIR or not all(columns) or columns[0] == columns[1]:
        raise ValueError(
            f"{parts['table']} needs two columns, that of the owner's anchor and that of the value; an anchor of "
            "several columns cannot have such a table: choose an anchor of one, or make a view"
        )
    if parts["table"] in {parts["type"], parts["references"]}:
        raise ValueError(f"{parts['table']} is an object type itself and cannot keep the values of one")
    return ValueTable(parts["type"], parts["attribute"], parts["table"], columns[0], columns[1], parts["references"])


def offered_attribute(declaration: ValueTable, table: Table) -> SchemaAttribute:
    """Returns the attribute that a declaration adds to its object type; DatabaseFailure names a missing column."""
    require(declaration, table, declaration.owner)
    column = require(declaration, table, declaration.value)
    found = replace(
        attribute_of(table, column),
        name=declaration.attribute,
        multi_valued=True,
        required=False,
        generated=False,
        unique=False,
    )
    if not declaration.references:
        return found
    return replace(
        found,
        type=AttributeType.REFERENCE,
        references=declaration.references,
        minimum=None,
        maximum=None,
        precision=None,
        scale=None,
    )


def require(declaration: ValueTable, table: Table, name: str) -> Column:
    """Returns a column of a value table; DatabaseFailure NOT_IN_CATALOG when it is not there."""
    column = table.column(name)
    if column is None:
        raise DatabaseFailure(
            FailureKind.NOT_IN_CATALOG,
            f"table {table.name}, which keeps {declaration.object_type}.{declaration.attribute}, has no column {name}",
            declaration.attribute,
        )
    return column


def fit(one: Column, other: Column) -> bool:
    """Whether databases compare the two columns, and a value of one can be kept in the other."""
    kinds = {one.kind, other.kind}
    alike = len(kinds) == 1 or kinds == {Kind.INTEGER, Kind.DECIMAL}
    return alike and one.moment is other.moment and _guid(one) == _guid(other)


def _guid(column: Column) -> bool:
    return column.format is ValueFormat.GUID
