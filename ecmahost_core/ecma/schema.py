"""What the target offers: object types and their attributes (ECMA2: Schema, SchemaType, SchemaAttribute)."""

from dataclasses import dataclass
from enum import StrEnum


class AttributeType(StrEnum):
    """The type of an attribute's values (ECMA2: AttributeType, with DateTime as in the Generic SQL connector)."""

    STRING = "String"
    INTEGER = "Integer"
    BOOLEAN = "Boolean"
    BINARY = "Binary"
    REFERENCE = "Reference"
    DATE_TIME = "DateTime"


class AttributeOperation(StrEnum):
    """In which direction an attribute can flow (ECMA2: AttributeOperation)."""

    IMPORT_ONLY = "ImportOnly"
    EXPORT_ONLY = "ExportOnly"
    IMPORT_EXPORT = "ImportExport"


class ValueFormat(StrEnum):
    """What the texts of a String or Reference are where ECMA2's six types do not say it: which of them are equal.

    The host brings what a client sends to the form given here before it exports it, refuses what has no such form, and
    takes texts for equal that mean the same. A text of the target's that has another form equals itself alone.
    """

    DECIMAL = "Decimal"
    """A number: digits, a point and a sign where there is one; ``1.50`` equals ``1.5``."""
    DATE = "Date"
    """A calendar date, ``2026-01-31``."""
    TIMESTAMP = "Timestamp"
    """A date and time in ISO 8601, UTC where it names no zone. The host exports ``2026-01-31T08:00:00Z``, with a
    fraction where there is one."""
    TIME = "Time"
    """A time of day without a zone, ``08:00:00``, with a fraction where there is one."""
    GUID = "Guid"
    """Hexadecimal digits in groups of 8-4-4-4-12; the host exports small letters and no braces."""
    PADDED = "Padded"
    """Text at whose end blanks mean nothing; the host exports none."""


@dataclass(frozen=True, slots=True)
class SchemaAttribute:
    """One attribute of an object type.

    Attributes:
        name: as the target spells it; any non-empty text.
        type: the type of each value.
        multi_valued: whether it can hold more than one value.
        operation: whether it can be read, written, or both.
        required: True when the target refuses a new object without it and fills in nothing itself.
        generated: True when the target can make the value of a new object itself (a sequence, a default).
        unique: True when the target itself refuses a second object with the same value.
        max_length: in characters, for strings whose length the target limits; None where it does not say.
        format: what the texts of a String or Reference attribute are; None for text in which every character counts.
        minimum, maximum: the least and the greatest number of an Integer attribute; None for those of 64 bits.
        precision: how many digits of a DECIMAL the target keeps, those behind the point included; None where it does
            not say.
        scale: how many digits behind the point of a DECIMAL, or of the seconds of a TIMESTAMP, TIME or DateTime, the
            target keeps; None where it does not say. More digits of a number are refused, of a second left out.
        references: of a Reference: the name of the object type whose objects the values name, by the text of their
            anchor. Empty where the values are DNs, or where the target does not say.
    """

    name: str
    type: AttributeType = AttributeType.STRING
    multi_valued: bool = False
    operation: AttributeOperation = AttributeOperation.IMPORT_EXPORT
    required: bool = False
    generated: bool = False
    unique: bool = False
    max_length: int | None = None
    format: ValueFormat | None = None
    minimum: int | None = None
    maximum: int | None = None
    precision: int | None = None
    scale: int | None = None
    references: str = ""


@dataclass(frozen=True, slots=True)
class SchemaType:
    """One object type of the target: a table, a class, a file.

    Attributes:
        name: as the target spells it.
        attributes: in the target's order; in a run step only those that were selected, anchor included.
        anchor: the names of the attributes that identify an object. As ``schema`` returns it: what the target's own
            catalog says (a primary key), empty where it says nothing. In a run step: what the configuration chose,
            never empty.
        anchor_locked: True when no other anchor may be configured (ECMA2: LockAnchorDefinition).
    """

    name: str
    attributes: tuple[SchemaAttribute, ...]
    anchor: tuple[str, ...] = ()
    anchor_locked: bool = False

    def attribute(self, name: str) -> SchemaAttribute | None:
        """Returns the attribute of exactly this name, or None."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


@dataclass(frozen=True, slots=True)
class Schema:
    """All object types that the connector's account can see; may be empty."""

    types: tuple[SchemaType, ...]

    def type(self, name: str) -> SchemaType | None:
        """Returns the object type of exactly this name, or None."""
        return next((schema_type for schema_type in self.types if schema_type.name == name), None)
