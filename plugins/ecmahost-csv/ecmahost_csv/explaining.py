"""Telling what an export would make of the files: the same drafts, which are then not written."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from ecmahost_core import CSEntryChange, ExportExplanation, RunStep, Statement
from ecmahost_csv.batches import Batch, Outcome
from ecmahost_csv.draft import Row
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import Target


def explain_export(opened: CsvSession, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[ExportExplanation]:
    """Returns for each change, by itself, the rows that a rewrite takes away and those that it puts there.

    Takes no lock and makes no file. Raises as reading does.
    """
    return [_explained(opened, step, change) for change in changes]


def _explained(opened: CsvSession, step: RunStep, change: CSEntryChange) -> ExportExplanation:
    with ExitStack() as stack:
        batch = Batch(opened, step, stack)
        result = batch.apply(change)
        outcomes = [one for one in batch.outcomes if one.changes and result.error is None]
        statements = tuple(Statement("\n".join(_lines(one))) for one in outcomes)
    paths = " and ".join(str(one.path) for one in outcomes)
    note = f"New versions of {paths}, put in place by renames; all other rows stay as they are." if paths else ""
    return ExportExplanation(change.identifier, statements, result.error, note)


def _lines(outcome: Outcome) -> Iterator[str]:
    """Yields what becomes of one file, in its order: where, what is taken away, what is there afterwards."""
    target = outcome.target
    yield outcome.path.name
    line, position = 1, 0
    for row in outcome.edited:
        line += target.lines_between(position, row.place)
        position = row.place
        yield f"line {line}"
        yield f"- {_before(target, row)}"
        if row.key is not None:
            yield f"+ {_text(target, row)}"
    if outcome.added:
        yield "at the end"
    for row in outcome.added:
        yield f"+ {_text(target, row)}"


def _before(target: Target, row: Row) -> str:
    raw = target.raw(row.place, row.end - row.place)
    return raw.removesuffix(row.terminator).decode(target.layout.codec, "replace")


def _text(target: Target, row: Row) -> str:
    return target.layout.encoded(row.cells).decode(target.layout.codec)
