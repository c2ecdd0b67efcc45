"""Telling what an export would make of the file: the same draft, which is then not written."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecmahost_core import CSEntryChange, ExportExplanation, RunStep, Statement
from ecmahost_csv.columns import Binding
from ecmahost_csv.draft import Draft, Row
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Target, open_target


def explain_export(opened: CsvSession, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[ExportExplanation]:
    """Returns for each change, by itself, the rows that a rewrite takes away and those that it puts there.

    Takes no lock and makes no file. Raises as reading does.
    """
    path = Path(os.path.realpath(opened.settings.path))
    with open_target(path, opened.settings.dialect) as target:
        binding = opened.binding(target, step)
        return [_explained(opened, target, binding, change) for change in changes]


def _explained(opened: CsvSession, target: Target, binding: Binding, change: CSEntryChange) -> ExportExplanation:
    draft = Draft(target, binding, opened.index)
    result = draft.apply(change)
    statements = tuple(_statements(target, draft))
    note = f"One new version of {target.path}, put in its place by a rename; all other rows stay as they are."
    return ExportExplanation(change.identifier, statements, result.error, note if statements else "")


def _statements(target: Target, draft: Draft) -> Iterator[Statement]:
    for row in draft.edited:
        lines = [f"{target.path.name}, line {target.line_of(row.place)}", f"- {_before(target, row)}"]
        if row.key is not None:
            lines.append(f"+ {_text(target, row)}")
        yield Statement("\n".join(lines))
    for row in draft.added:
        yield Statement(f"{target.path.name}, at the end\n+ {_text(target, row)}")


def _before(target: Target, row: Row) -> str:
    raw = target.raw(row.place, row.end - row.place)
    return raw.removesuffix(row.terminator).decode(target.layout.codec, "replace")


def _text(target: Target, row: Row) -> str:
    return target.layout.encoded(row.cells).decode(target.layout.codec)
