"""Who is in which group: the rows of the memberships file, one for each member of a group.

A row has the group's anchor and the member's, as texts; of what else it has nothing is known, and it is kept. Case and
trailing blanks do not count, as with anchors. Rows that are there twice are read once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ecmahost_core import (
    Anchor,
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    MAExportError,
    ObjectModificationType,
    ObjectTypeNotSupported,
    Reference,
    Values,
    anchor_text,
    fold,
)
from ecmahost_csv.columns import Column, Key
from ecmahost_csv.composing import Refused
from ecmahost_csv.draft import Row
from ecmahost_csv.index import Columns, Index
from ecmahost_csv.parameters import Groups
from ecmahost_csv.records import Record
from ecmahost_csv.session import MEMBERS
from ecmahost_csv.target import Target


@dataclass(frozen=True, slots=True)
class MembershipColumns:
    """Where a row of the memberships file has the two anchors."""

    group: Column
    member: Column

    @property
    def pair(self) -> Columns:
        """Both, by which a membership is found."""
        return (self.group, self.member)

    def key_of(self, row: Sequence[str]) -> tuple[str, str] | None:
        """Returns what a row says; None for one in which an anchor is missing."""
        first, second = self.group.position, self.member.position
        if max(first, second) >= len(row):
            return None
        group, member = fold(row[first]), fold(row[second])
        return (group, member) if group and member else None


def membership_columns(target: Target, groups: Groups) -> MembershipColumns:
    """Returns the columns of an open memberships file; ObjectTypeNotSupported names one that it lacks."""
    names = target.layout.names
    found = []
    for name in (groups.group_column, groups.member_column):
        if name not in names:
            raise ObjectTypeNotSupported(
                f"{target.path}: has no column {name!r}; correct its header or the parameter membership_columns"
            )
        found.append(Column(names.index(name), name))
    return MembershipColumns(*found)


def members_of(index: Index, target: Target, columns: MembershipColumns, group: Anchor) -> Values:
    """Returns the members of a group, each once, in the file's order."""
    found = index.find_all(target, (columns.group,), fold(anchor_text(group)))
    return _once(record.cells[columns.member.position] for record in found if columns.key_of(record.cells))


class AllMembers:
    """The members of all groups, read in one go, for an import: 8 bytes a row, and each member's text once."""

    def __init__(self, target: Target, columns: MembershipColumns) -> None:
        """Reads the whole file; raises UnexpectedData as reading its records does."""
        self._groups: dict[str, list[str]] = {}
        texts: dict[str, str] = {}
        position = columns.member.position
        for record in target.records():
            key = columns.key_of(record.cells)
            if key is not None:
                member = record.cells[position]
                self._groups.setdefault(key[0], []).append(texts.setdefault(member, member))

    def of(self, group: Anchor) -> Values:
        """Returns the members of a group, as ``members_of`` does."""
        return _once(self._groups.get(fold(anchor_text(group)), ()))


def _once(members: Iterable[str]) -> Values:
    found: dict[str, str] = {}
    for member in members:
        found.setdefault(fold(member), member)
    return tuple(map(Reference, found.values()))


class MembershipDraft:
    """What a batch of changes makes of one version of the memberships file; nothing is written."""

    def __init__(self, target: Target, index: Index, groups: Groups) -> None:
        """Starts from an open version, unchanged."""
        self._target = target
        self._index = index
        self._columns = membership_columns(target, groups)
        self._removed: dict[int, Row] = {}
        self._followed: set[int] = set()
        self._added: dict[str, dict[str, tuple[str, ...]]] = {}

    @property
    def edited(self) -> list[Row]:
        """The rows of the file that are removed, in its order."""
        return sorted(self._removed.values(), key=lambda row: row.place)

    @property
    def moved(self) -> list[Row]:
        """Those of the removed rows that stand among the new ones with another anchor."""
        return [row for row in self.edited if row.place in self._followed]

    @property
    def added(self) -> list[Row]:
        """The new rows, in the order in which they came."""
        rows = [cells for members in self._added.values() for cells in members.values()]
        return [Row(-number, cells, self._columns.key_of(cells)) for number, cells in enumerate(rows, start=1)]

    def texts(self, values: Values) -> list[str]:
        """Returns the texts of members; Refused tells the place of one that cannot stand in the file."""
        found = []
        for place, value in enumerate(values, start=1):
            text = value.value if isinstance(value, Reference) else str(value)
            problem = self._problem(text)
            if problem:
                detail = f"{MEMBERS}: value {place} of {len(values)}: {problem}"
                raise Refused(MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, detail, MEMBERS)
            found.append(text)
        return found

    def _problem(self, text: str) -> str:
        return self._target.layout.obstacle(text) or ("" if fold(text) else "no text")

    def change(self, group: str, added: Iterable[str], removed: Iterable[str]) -> None:
        """Takes out members of a group, and puts others in; who is there, or is not, is left so."""
        for member in removed:
            self._take_out(group, member)
        for member in added:
            self._put_in(group, member)

    def replace(self, group: str, members: Iterable[str]) -> None:
        """Makes these the members of a group, and no others; rows of those who stay are not touched."""
        wanted = {fold(member): member for member in members}
        for present in list(self._members(group)):
            if present not in wanted:
                self._take_out(group, present)
        self.change(group, wanted.values(), ())

    def forget_group(self, group: str) -> None:
        """Removes the rows of a group."""
        self.replace(group, ())

    def forget_member(self, member: str) -> None:
        """Removes the rows of a member, in all groups."""
        for record in self._rows((self._columns.member,), fold(member)):
            self._remove(record)
        for members in self._added.values():
            members.pop(fold(member), None)

    def rename_group(self, before: str, after: str) -> None:
        """Lets the rows of a group follow its anchor; what an earlier group of that name left behind goes."""
        members = frozenset(self._members(before))
        for stranger in [one for one in self._members(after) if one not in members]:
            self._take_out(after, stranger)
        for record in self._rows((self._columns.group,), fold(before)):
            self._moved(record, self._columns.group, after)
        for cells in self._added.pop(fold(before), {}).values():
            self._put(cells, self._columns.group, after)

    def rename_member(self, before: str, after: str) -> None:
        """Lets the rows of a member, in all groups, follow its anchor; what an earlier one of that name left goes."""
        key = (self._columns.member,)
        groups = {self._group_of(record) for record in self._rows(key, fold(before))}
        groups |= {group for group, members in self._added.items() if fold(before) in members}
        for record in self._rows(key, fold(after)):
            if self._group_of(record) not in groups:
                self._remove(record)
        for record in self._rows((self._columns.member,), fold(before)):
            self._moved(record, self._columns.member, after)
        for members in self._added.values():
            if fold(before) in members:
                self._put(members.pop(fold(before)), self._columns.member, after)

    def _rows(self, columns: Columns, key: Key) -> list[Record]:
        """Returns the rows of the file that are found by a key and have not been removed."""
        pair = self._columns.pair
        self._index.prepare(self._target, pair, pair[:1], pair[1:])
        found = self._index.find_all(self._target, columns, key)
        return [record for record in found if record.offset not in self._removed]

    def _members(self, group: str) -> Iterator[str]:
        for record in self._rows((self._columns.group,), fold(group)):
            key = self._columns.key_of(record.cells)
            if key is not None:
                yield key[1]
        yield from self._added.get(fold(group), ())

    def _group_of(self, record: Record) -> str | None:
        key = self._columns.key_of(record.cells)
        return None if key is None else key[0]

    def _put_in(self, group: str, member: str) -> None:
        key = (fold(group), fold(member))
        if key[1] not in self._added.get(key[0], ()) and not self._rows(self._columns.pair, key):
            cells = [""] * len(self._target.layout.names)
            cells[self._columns.group.position], cells[self._columns.member.position] = group, member
            self._added.setdefault(key[0], {})[key[1]] = tuple(cells)

    def _take_out(self, group: str, member: str) -> None:
        key = (fold(group), fold(member))
        self._added.get(key[0], {}).pop(key[1], None)
        for record in self._rows(self._columns.pair, key):
            self._remove(record)

    def _moved(self, record: Record, column: Column, text: str) -> None:
        self._put(record.cells, column, text)
        self._followed.add(record.offset)
        self._remove(record)

    def _put(self, row: Sequence[str], column: Column, text: str) -> None:
        """Adds a row with another anchor in it, unless there is one that says the same."""
        cells = [*row, *[""] * (len(self._target.layout.names) - len(row))]
        cells[column.position] = text
        key = self._columns.key_of(cells)
        if key is not None and not self._rows(self._columns.pair, key):
            self._added.setdefault(key[0], {}).setdefault(key[1], tuple(cells))

    def _remove(self, record: Record) -> None:
        terminator = self._target.layout.terminator(record.raw)
        self._removed[record.offset] = Row(record.offset, tuple(record.cells), None, record.end, terminator)


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What a change of a group says about its members.

    Attributes:
        whole: ``added`` are all the members that it has afterwards.
        added, removed: the members' anchors.
    """

    whole: bool
    added: Sequence[str] = ()
    removed: Sequence[str] = ()


def member_change(draft: MembershipDraft, change: CSEntryChange) -> MemberChange | None:
    """Returns what a change of a group says about its members; None where it says nothing; Refused for bad values."""
    for part in change.attribute_changes:
        if part.name == MEMBERS:
            return _of_part(draft, part)
    if MEMBERS in change.attributes:
        return MemberChange(whole=True, added=draft.texts(change.attributes[MEMBERS]))
    # A new group has the members that it comes with: rows that a group of this name once left behind are not its own.
    return MemberChange(whole=True) if change.modification_type is ObjectModificationType.ADD else None


def _of_part(draft: MembershipDraft, part: AttributeChange) -> MemberChange:
    whole = part.modification_type is not AttributeModificationType.UPDATE
    removed = [value.value if isinstance(value, Reference) else str(value) for value in part.removed]
    return MemberChange(whole, draft.texts(part.added), removed)
