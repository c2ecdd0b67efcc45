"""A file's columns as the run step wants them: types, several values in a cell, and which columns are the anchor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product

from ecmahost_core import (
    Anchor,
    AttributeOperation,
    Attributes,
    AttributeType,
    CSEntryChange,
    ImportFailure,
    MAImportError,
    ObjectModificationType,
    ObjectTypeNotSupported,
    SchemaType,
    Value,
    Values,
    fold,
)
from ecmahost_csv import cells
from ecmahost_csv.layout import Layout
from ecmahost_csv.records import Record

Key = str | tuple[str, ...]
"""Equal for cells that mean the same: of one column its text, of several a tuple."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as a typed attribute.

    Attributes:
        position: from 0.
        name: as the header has it.
        type: of each value.
        separator: between several values of a cell; empty where a cell is one value.
        writable: False where the configuration says that it is only read.
        truths: how the file spells true and false; None leaves that to the column.
    """

    position: int
    name: str
    type: AttributeType = AttributeType.STRING
    separator: str = ""
    writable: bool = True
    truths: cells.Truths | None = None

    def parts(self, row: Sequence[str]) -> list[str]:
        """Returns the texts of this column's values in a row; a row that is too short has none."""
        cell = row[self.position] if self.position < len(row) else ""
        if self.separator:
            return [part for part in cell.split(self.separator) if part]
        return [cell] if cell else []

    def values(self, row: Sequence[str]) -> Values:
        """Returns this column's values in a row; ValueError when one does not have the type."""
        return tuple(self.read(part) for part in self.parts(row))

    def read(self, text: str) -> Value:
        """Returns one value's text as this column's type; ValueError when it is none."""
        return cells.read(text, self.type, self.truths)

    def written(self, value: Value, sample: str = "") -> str:
        """Returns the text of a value, spelled as ``sample`` is; ValueError when it does not have the type."""
        return cells.write(value, self.type, sample, self.truths)

    def key(self, text: str) -> str:
        """Returns what is equal for two texts that mean the same in this column."""
        return cells.key(text, self.type, self.truths)

    def keys(self, row: Sequence[str]) -> list[str]:
        """Returns what this column is found by in a row; empty where it has no value."""
        return [key for part in self.parts(row) if (key := self.key(part))]


def keys_of(columns: Sequence[Column], row: Sequence[str]) -> Iterator[Key]:
    """Yields the keys under which a row is found by these columns together; none where one of them is empty."""
    if len(columns) == 1:
        yield from columns[0].keys(row)
    else:
        yield from product(*(column.keys(row) for column in columns))


def keys_function(columns: Sequence[Column]) -> Callable[[Sequence[str]], Iterable[Key]]:
    """Returns ``keys_of`` for these columns, as one quick function where they are plain text."""
    if any(column.separator or column.type is not AttributeType.STRING for column in columns):
        return partial(keys_of, columns)
    positions = [column.position for column in columns]
    position, last = positions[0], max(positions)

    def alone(row: Sequence[str]) -> Iterable[Key]:
        return (key,) if position < len(row) and (key := fold(row[position])) else ()

    def together(row: Sequence[str]) -> Iterable[Key]:
        if last >= len(row):
            return ()
        parts = tuple([fold(row[each]) for each in positions])
        return () if "" in parts else (parts,)

    return alone if len(positions) == 1 else together


@dataclass(frozen=True, slots=True)
class Binding:
    """A file's columns bound to one object type of a run step.

    Attributes:
        object_type: its name.
        columns: every column of the file, by name.
        selected: those that the step selects, in its order.
        anchor: those that identify an object, in the anchor's order.
    """

    object_type: str
    columns: dict[str, Column]
    selected: tuple[Column, ...]
    anchor: tuple[Column, ...]

    def has_anchor(self, row: Sequence[str]) -> bool:
        """Whether every part of a row's anchor has a value; blanks are none."""
        return all(column.position < len(row) and row[column.position].strip() for column in self.anchor)

    def anchor_key(self, row: Sequence[str]) -> Key | None:
        """Returns the key of a row's anchor, or None when a part of it is empty."""
        return next(keys_of(self.anchor, row), None)

    def anchor_of(self, row: Sequence[str]) -> Anchor:
        """Returns the anchor, as every import yields it, of a row that has one; ValueError when it cannot be read."""
        return tuple(
            [
                row[column.position] if column.type is AttributeType.STRING else column.values(row)[0]
                for column in self.anchor
            ]
        )

    def attributes(self, row: Sequence[str]) -> Attributes:
        """Returns every selected attribute of a row; ValueError names the column that cannot be read."""
        found: dict[str, Values] = {}
        for column in self.selected:
            if column.type is AttributeType.STRING and not column.separator:
                cell = row[column.position] if column.position < len(row) else ""
                found[column.name] = (cell,) if cell else ()
                continue
            try:
                found[column.name] = column.values(row)
            except ValueError as error:
                raise ValueError(f"column {column.name!r}: {error}") from error
        return found


def bind(layout: Layout, schema_type: SchemaType, separator: str) -> Binding:
    """Returns the binding of a file to a step's type; ObjectTypeNotSupported names the columns that the file lacks."""
    wanted = {attribute.name: attribute for attribute in schema_type.attributes}
    missing = [name for name in (*wanted, *schema_type.anchor) if name not in layout.names]
    if missing:
        names = ", ".join(map(repr, dict.fromkeys(missing)))
        raise ObjectTypeNotSupported(f"the file has no column {names}; add it to the header or unselect it")
    columns = {}
    for position, name in enumerate(layout.names):
        attribute = wanted.get(name)
        if attribute is None:
            columns[name] = Column(position, name)
            continue
        split = separator if attribute.multi_valued and name not in schema_type.anchor else ""
        writable = attribute.operation is not AttributeOperation.IMPORT_ONLY
        columns[name] = Column(position, name, attribute.type, split, writable, layout.dialect.truths)
    selected = tuple(columns[name] for name in wanted)
    return Binding(schema_type.name, columns, selected, tuple(columns[name] for name in schema_type.anchor))


def entry(binding: Binding, record: Record, first_line: int | None = None) -> CSEntryChange:
    """Returns a record as an import yields it: an ADD, with ``failure`` where the record cannot be used.

    Args:
        binding: what the columns mean.
        record: not a blank line.
        first_line: where an earlier record with the same anchor stands; None when this is the first.
    """
    row = record.cells
    width = len(binding.columns)
    if record.problem:
        return _failed(binding, record, MAImportError.PARSE_ERROR, record.problem)
    if len(row) > width:
        detail = f"{len(row)} cells under {width} columns; quote a cell that contains the delimiter"
        return _failed(binding, record, MAImportError.PARSE_ERROR, detail)
    if not binding.has_anchor(row):
        names = ", ".join(repr(column.name) for column in binding.anchor)
        return _failed(binding, record, MAImportError.INVALID_ATTRIBUTE_VALUE, f"the anchor {names} is empty")
    if first_line is not None:
        detail = f"the anchor is also on line {first_line}; remove one of the two"
        return _failed(binding, record, MAImportError.INVALID_ATTRIBUTE_VALUE, detail)
    try:
        anchor, attributes = binding.anchor_of(row), binding.attributes(row)
    except ValueError as error:
        return _failed(binding, record, MAImportError.INVALID_ATTRIBUTE_VALUE, str(error))
    return CSEntryChange(binding.object_type, ObjectModificationType.ADD, anchor, attributes=attributes)


def _failed(binding: Binding, record: Record, code: MAImportError, detail: str) -> CSEntryChange:
    anchor: Anchor = ()
    where = f"line {record.line}"
    if binding.has_anchor(record.cells):
        # Shown as Python quotes it: an anchor may hold line endings, and this goes to a log.
        shown = [ascii(record.cells[column.position])[:100] for column in binding.anchor]
        where = f"line {record.line} ({', '.join(shown)})"
        with suppress(ValueError):
            anchor = binding.anchor_of(record.cells)
    failure = ImportFailure(code, f"{where}: {detail}")
    return CSEntryChange(binding.object_type, ObjectModificationType.ADD, anchor, failure=failure)
