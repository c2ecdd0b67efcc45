"""What a batch of changes makes of one version of the file, worked out without writing anything.

Changes are applied in order, each as a whole or not at all; a later one sees what an earlier one did.
"""

from dataclasses import dataclass, replace

from ecmahost_core import (
    Anchor,
    Attributes,
    CSEntryChange,
    CSEntryChangeResult,
    MAExportError,
    ObjectModificationType,
    Values,
)
from ecmahost_csv.columns import Binding, Key
from ecmahost_csv.composing import Composer, Refused
from ecmahost_csv.index import Index
from ecmahost_csv.records import Record
from ecmahost_csv.target import Target


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file or a new one.

    Attributes:
        place: the offset of its record; negative for a new row, counting down.
        cells: at least as many as the file has columns.
        key: of its anchor; None for a row that has none any more because it is removed.
        end: the offset of the byte after its record; 0 for a new row.
        terminator: the bytes of its line ending; empty at the end of a file that lacks the last, and for a new row.
    """

    place: int
    cells: tuple[str, ...]
    key: Key | None
    end: int = 0
    terminator: bytes = b""


class Draft:
    """The rows of one version of the file that a batch touches."""

    def __init__(self, target: Target, binding: Binding, index: Index) -> None:
        """Starts from an open version, unchanged."""
        self._target = target
        self._binding = binding
        self._index = index
        self._composer = Composer(target, binding)
        self._rows: dict[int, Row] = {}
        self._places: dict[Key, set[int]] = {}
        self._new = 0

    @property
    def edited(self) -> list[Row]:
        """The rows of the file that change, in its order; those without a key are removed."""
        return sorted((row for row in self._rows.values() if row.place >= 0), key=lambda row: row.place)

    @property
    def added(self) -> list[Row]:
        """The new rows, in the order in which they came."""
        return [row for row in self._rows.values() if row.place < 0 and row.key is not None]

    def apply(self, change: CSEntryChange) -> CSEntryChangeResult:
        """Takes one change into the draft and returns how it ends once the draft is written."""
        try:
            if change.object_type != self._binding.object_type:
                detail = f"the file holds {self._binding.object_type!r}, not {change.object_type!r}"
                raise Refused(MAExportError.SCHEMA_VIOLATION, detail)
            if change.modification_type is ObjectModificationType.DELETE:
                self._put(replace(self._one(change.anchor), key=None))
                return CSEntryChangeResult(change.identifier, anchor=change.anchor)
            if change.modification_type is ObjectModificationType.ADD:
                return self._result(change, self._add(change))
            return self._result(change, self._change(change))
        except Refused as refused:
            return CSEntryChangeResult(change.identifier, refused.error, change.anchor)

    def _add(self, change: CSEntryChange) -> Row:
        sent = zip((column.name for column in self._binding.anchor), change.anchor, strict=False)
        anchor: dict[str, Values] = {name: (value,) for name, value in sent}
        composed = self._composer.with_values(self._composer.blank(), {**anchor, **_with_values(change.attributes)})
        self._new -= 1
        row = Row(self._new, composed, self._binding.anchor_key(composed))
        self._refuse_second(row)
        return self._put(row)

    def _change(self, change: CSEntryChange) -> Row:
        row = self._one(change.anchor)
        if change.modification_type is ObjectModificationType.REPLACE:
            composed = self._composer.replaced(row.cells, change.attributes)
        else:
            composed = self._composer.with_changes(row.cells, change.attribute_changes)
        changed = replace(row, cells=composed, key=self._binding.anchor_key(composed))
        if changed.cells == row.cells:
            return row
        if changed.key != row.key:
            self._refuse_second(changed)
        return self._put(changed)

    def _one(self, anchor: Anchor) -> Row:
        """Returns the row that an anchor means: the one with exactly this text, else the only one that is alike."""
        found = self._find(self._key(anchor))
        chosen = [row for row in found if _has_anchor(self._binding, row, anchor)] or found
        if not chosen:
            raise Refused(MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "the file has no row with this anchor")
        if len(chosen) > 1:
            detail = f"{len(chosen)} rows of the file have this anchor; remove all but one"
            raise Refused(MAExportError.AMBIGUOUS_UPDATE, detail)
        if len(chosen[0].cells) > len(self._binding.columns):
            line = self._target.line_of(chosen[0].place)
            detail = f"line {line} has more cells than the header has columns; correct it in the file"
            raise Refused(MAExportError.CONNECTED_DIRECTORY_ERROR, detail)
        return chosen[0]

    def _find(self, key: Key) -> list[Row]:
        rows = [
            self._row(record, key)
            for record in self._index.find(self._target, self._binding.anchor, key)
            if record.offset not in self._rows
        ]
        return rows + [self._rows[place] for place in sorted(self._places.get(key, ()))]

    def _row(self, record: Record, key: Key) -> Row:
        missing = len(self._binding.columns) - len(record.cells)
        padded = (*record.cells, *("",) * missing)
        return Row(record.offset, padded, key, record.end, self._target.layout.terminator(record.raw))

    def _refuse_second(self, row: Row) -> None:
        if row.key is not None and any(other.place != row.place for other in self._find(row.key)):
            raise Refused(MAExportError.DUPLICATE_ANCHOR, "another row of the file has this anchor")

    def _put(self, row: Row) -> Row:
        before = self._rows.get(row.place)
        if before is not None and before.key is not None:
            self._places[before.key].discard(row.place)
        self._rows[row.place] = row
        if row.key is not None:
            self._places.setdefault(row.key, set()).add(row.place)
        return row

    def _key(self, anchor: Anchor) -> Key:
        columns = self._binding.anchor
        if len(anchor) != len(columns):
            names = ", ".join(repr(column.name) for column in columns)
            raise Refused(MAExportError.SCHEMA_VIOLATION, f"the anchor is {names}; {len(anchor)} values were sent")
        try:
            texts = [column.written(value) for column, value in zip(columns, anchor, strict=True)]
        except ValueError as error:
            detail = f"the anchor does not have its columns' types: {error}"
            raise Refused(MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, detail) from error
        keys = [column.key(text) for column, text in zip(columns, texts, strict=True)]
        return keys[0] if len(keys) == 1 else tuple(keys)

    def _result(self, change: CSEntryChange, row: Row) -> CSEntryChangeResult:
        try:
            anchor = self._binding.anchor_of(row.cells)
        except ValueError:
            anchor = change.anchor
        try:
            attributes: Attributes | None = self._binding.attributes(row.cells)
        except ValueError:
            # A cell that this change did not touch does not have its column's type; an import tells where.
            attributes = None
        return CSEntryChangeResult(change.identifier, anchor=anchor, attributes=attributes)


def _with_values(attributes: Attributes) -> Attributes:
    """Leaves out attributes without a value: they must not hide what the change's anchor says."""
    return {name: values for name, values in attributes.items() if values}


def _has_anchor(binding: Binding, row: Row, anchor: Anchor) -> bool:
    try:
        return binding.anchor_of(row.cells) == anchor
    except ValueError:
        return False
