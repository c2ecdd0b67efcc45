"""What a change makes of one row's cells."""

from collections.abc import Sequence

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    Attributes,
    AttributeType,
    ExportError,
    MAExportError,
    Value,
    Values,
)
from ecmahost_csv.columns import Binding, Column
from ecmahost_csv.records import RECORD_LIMIT
from ecmahost_csv.target import Target

SAMPLED_ROWS = 1000
"""How far a column is read to learn how it spells true, false and times."""


class Refused(Exception):
    """One change is refused; carries its ExportError."""

    def __init__(self, code: MAExportError, detail: str, attribute: str = "") -> None:
        """Keeps the error; the detail is shown to the client."""
        super().__init__(detail)
        self.error = ExportError(code, detail, attribute=attribute)


class Composer:
    """Composes rows for one open version of the file; remembers how its columns spell what they hold."""

    def __init__(self, target: Target, binding: Binding) -> None:
        """Keeps the version and what its columns mean."""
        self._target = target
        self._binding = binding
        self._samples: dict[str, str] = {}

    def blank(self) -> tuple[str, ...]:
        """Returns a row without values."""
        return ("",) * len(self._binding.columns)

    def with_values(self, row: Sequence[str], attributes: Attributes) -> tuple[str, ...]:
        """Returns the row with these attributes set and the others as they were; Refused when one cannot be."""
        composed = list(row)
        for name, values in attributes.items():
            column = self._column(name)
            composed[column.position] = self._cell(column, row, self._texts(column, row, values))
        return self._checked(composed)

    def with_changes(self, row: Sequence[str], changes: Sequence[AttributeChange]) -> tuple[str, ...]:
        """Returns the row after these changes; Refused when one cannot be made."""
        composed = list(row)
        for change in changes:
            column = self._column(change.name)
            composed[column.position] = self._cell(column, row, self._texts_after(column, row, change))
        return self._checked(composed)

    def replaced(self, row: Sequence[str], attributes: Attributes) -> tuple[str, ...]:
        """Returns the row with the whole object: selected columns that it does not name lose their value.

        Columns that are not selected, the anchor and what is only read stay as they are.
        """
        anchor = {column.name for column in self._binding.anchor}
        cleared: dict[str, Values] = {
            column.name: () for column in self._binding.selected if column.writable and column.name not in anchor
        }
        return self.with_values(row, {**cleared, **attributes})

    def _column(self, name: str) -> Column:
        column = self._binding.columns.get(name)
        if column is None:
            detail = f"the file has no column {name!r}; add it to the header or unselect it"
            raise Refused(MAExportError.SCHEMA_VIOLATION, detail, name)
        return column

    def _texts_after(self, column: Column, row: Sequence[str], change: AttributeChange) -> list[str]:
        added = self._texts(column, row, change.added)
        if change.modification_type is AttributeModificationType.DELETE:
            return []
        if change.modification_type is not AttributeModificationType.UPDATE or (added and not column.separator):
            return added
        removed = {_identity(column, text) for text in self._texts(column, row, change.removed)}
        kept = [text for text in column.parts(row) if _identity(column, text) not in removed]
        present = {_identity(column, text) for text in kept}
        return kept + [text for text in added if _identity(column, text) not in present]

    def _texts(self, column: Column, row: Sequence[str], values: Values) -> list[str]:
        """Returns the texts of values; an empty text is no value, as an import would read it."""
        return [text for value in values if (text := self._text(column, row, value))]

    def _text(self, column: Column, row: Sequence[str], value: Value) -> str:
        try:
            text = column.written(value, self._sample(column, row))
        except ValueError as error:
            raise _unfit(column, str(error)) from error
        problem = self._target.layout.obstacle(text)
        if problem:
            raise _unfit(column, problem)
        if column.separator and column.separator in text:
            raise _unfit(column, f"the text {column.separator!r}, which separates the values of a cell")
        return text

    def _cell(self, column: Column, row: Sequence[str], texts: list[str]) -> str:
        """Returns the new cell; the old one to the letter when it already means the same."""
        if len(texts) > 1 and not column.separator:
            raise _unfit(column, f"{len(texts)} values; the column takes one")
        before = sorted(_identity(column, text) for text in column.parts(row))
        if before == sorted(_identity(column, text) for text in texts):
            return row[column.position]
        return column.separator.join(texts)

    def _checked(self, row: list[str]) -> tuple[str, ...]:
        for column in self._binding.anchor:
            if not column.keys(row):
                detail = f"column {column.name!r} is part of the anchor and has no value; a CSV file makes none itself"
                raise Refused(MAExportError.MISSING_PROVISIONING_ATTRIBUTE, detail, column.name)
        if len(self._target.layout.encoded(row)) > RECORD_LIMIT - 64:
            detail = f"the row would be longer than {RECORD_LIMIT // (1024 * 1024)} MiB"
            raise Refused(MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, detail)
        return tuple(row)

    def _sample(self, column: Column, row: Sequence[str]) -> str:
        """Returns a cell that shows the column's spelling: the row's own, else the first one; empty without any."""
        if column.type not in {AttributeType.BOOLEAN, AttributeType.DATE_TIME}:
            return ""
        own = next((part for part in column.parts(row) if _readable(column, part)), "")
        if own:
            return own
        if column.name not in self._samples:
            rows = zip(range(SAMPLED_ROWS), self._target.records(), strict=False)
            parts = (part for _number, record in rows for part in column.parts(record.cells))
            self._samples[column.name] = next((part for part in parts if _readable(column, part)), "")
        return self._samples[column.name]


def _readable(column: Column, text: str) -> bool:
    try:
        column.read(text)
    except ValueError:
        return False
    return True


def _identity(column: Column, text: str) -> str:
    """Returns what is equal for two texts that an import would yield as the same value."""
    if column.type in {AttributeType.STRING, AttributeType.REFERENCE}:
        return text
    return column.key(text)


def _unfit(column: Column, found: str) -> Refused:
    detail = f"column {column.name!r}: {found}"
    return Refused(MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, detail, column.name)
