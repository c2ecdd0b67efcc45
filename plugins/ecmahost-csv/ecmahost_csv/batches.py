"""What a batch of changes makes of the files together: of people, of groups, and of who is in which group."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ecmahost_core import CSEntryChange, CSEntryChangeResult, ObjectModificationType, RunStep, anchor_text, fold
from ecmahost_csv.composing import Refused
from ecmahost_csv.draft import Draft, Row
from ecmahost_csv.memberships import MemberChange, MembershipDraft, member_change
from ecmahost_csv.session import MEMBERS, CsvSession
from ecmahost_csv.target import Target, open_target


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one file.

    Attributes:
        path: of the file, links resolved.
        target: the version that it is made from.
        edited, added: see ``Draft``.
        moved: those of ``edited`` that stay until the other files are in place.
    """

    path: Path
    target: Target
    edited: Sequence[Row]
    added: Sequence[Row]
    moved: Sequence[Row] = ()

    @property
    def changes(self) -> bool:
        """Whether anything changes at all."""
        return bool(self.edited or self.added)


class Batch:
    """One version of each file, opened, and what the changes that are applied make of it."""

    def __init__(self, opened: CsvSession, step: RunStep, stack: ExitStack) -> None:
        """Opens the current versions, which ``stack`` closes; raises as ``open_target`` and ``binding`` do."""
        self._people = opened.settings.object_type
        self._further = frozenset(part.settings.object_type for part in opened.further)
        self._drafts: dict[str, Draft] = {}
        self._memberships: MembershipDraft | None = None
        self._parts: list[tuple[Path, Target, Draft | MembershipDraft]] = []
        for schema_type in step.types:
            part = opened.of(schema_type.name)
            target = stack.enter_context(open_target(part.path, part.settings.dialect))
            draft = Draft(target, part.binding(target, schema_type), part.index)
            self._drafts[schema_type.name] = draft
            self._parts.append((part.path, target, draft))
        if opened.memberships is not None and opened.settings.groups is not None:
            part = opened.memberships
            target = stack.enter_context(open_target(part.path, part.settings.dialect))
            self._memberships = MembershipDraft(target, part.index, opened.settings.groups)
            self._parts.insert(0, (part.path, target, self._memberships))

    @property
    def outcomes(self) -> list[Outcome]:
        """What becomes of each file, in the order in which the new versions are put in place: memberships first.

        Killed between two files, a group or a person that was to be removed is still there, without memberships, and a
        new group is not there yet. That is what is read back, and doing it once more does the rest. The other way
        round, memberships would wait for the next one who gets the name, and nobody would see them. Where an anchor
        changes, memberships stand under both until the file that has it is in place: nobody loses theirs.
        """
        return [
            Outcome(path, target, draft.edited, draft.added, draft.moved if isinstance(draft, MembershipDraft) else ())
            for path, target, draft in self._parts
        ]

    def apply(self, change: CSEntryChange) -> CSEntryChangeResult:
        """Takes one change into the drafts and returns how it ends once they are written."""
        draft = self._drafts.get(change.object_type) or next(iter(self._drafts.values()))
        if self._memberships is None or change.object_type in self._further:
            return draft.apply(change)
        if change.object_type == self._people:
            result = draft.apply(change)
            if result.error is None:
                _follow_person(self._memberships, change, result)
            return result
        try:
            members = member_change(self._memberships, change)
        except Refused as refused:
            return CSEntryChangeResult(change.identifier, refused.error, change.anchor)
        result = draft.apply(_without_members(change))
        if result.error is None:
            _follow_group(self._memberships, change, result, members)
        return result


def _follow_person(draft: MembershipDraft, change: CSEntryChange, result: CSEntryChangeResult) -> None:
    if change.modification_type in (ObjectModificationType.ADD, ObjectModificationType.DELETE):
        # Rows under the name of somebody new are of an earlier one, left behind by a writer that was killed.
        draft.forget_member(anchor_text(result.anchor))
    elif _renamed(change, result):
        draft.rename_member(anchor_text(change.anchor), anchor_text(result.anchor))


def _follow_group(
    draft: MembershipDraft, change: CSEntryChange, result: CSEntryChangeResult, members: MemberChange | None
) -> None:
    group = anchor_text(result.anchor)
    if change.modification_type is ObjectModificationType.DELETE:
        draft.forget_group(group)
        return
    if _renamed(change, result):
        draft.rename_group(anchor_text(change.anchor), group)
    if members is not None and members.whole:
        draft.replace(group, members.added)
    elif members is not None:
        draft.change(group, members.added, members.removed)


def _renamed(change: CSEntryChange, result: CSEntryChangeResult) -> bool:
    if change.modification_type is ObjectModificationType.ADD:
        return False
    return fold(anchor_text(change.anchor)) != fold(anchor_text(result.anchor))


def _without_members(change: CSEntryChange) -> CSEntryChange:
    return replace(
        change,
        attributes={name: values for name, values in change.attributes.items() if name != MEMBERS},
        attribute_changes=tuple(part for part in change.attribute_changes if part.name != MEMBERS),
    )
