"""Exporting: a batch of changes in one rewrite of each file that they touch."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ecmahost_core import ConnectorError, CSEntryChange, CSEntryChangeResult, RunStep, TargetBusy
from ecmahost_csv.batches import Batch, Outcome
from ecmahost_csv.finishing import finish, note, note_path
from ecmahost_csv.lock import write_lock
from ecmahost_csv.rewriting import is_current, pieces, second_path, sync_folder, temporary_path, write_temporary
from ecmahost_csv.session import CsvSession, files
from ecmahost_csv.target import Target, told

ATTEMPTS = 5
FOLDER = "the host's account must be able to make files in this folder"


def export(opened: CsvSession, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    """Applies the changes in order and returns their results, in order; one rewrite for all, none when nothing changes.

    When it returns, the new versions are durable. A link is followed: the file that it points to is replaced. The lock
    of the file of people is that of all files.

    Raises TargetBusy while another writer holds the lock, or when another program has changed a file under each of
    several attempts; ServerDown, AccessDenied and UnexpectedData as reading does, with ``nothing_sent``. Only an error
    after the first new version was put in place leaves the outcome open.
    """
    replaced: list[Path] = []
    try:
        results = _applied(opened, step, changes, replaced)
    except ConnectorError as error:
        error.nothing_sent = not replaced
        raise
    for folder in dict.fromkeys(path.parent for path in replaced):
        with told(folder, FOLDER):
            sync_folder(folder)
    return results


def _applied(
    opened: CsvSession, step: RunStep, changes: Sequence[CSEntryChange], replaced: list[Path]
) -> Sequence[CSEntryChangeResult]:
    """Notes in ``replaced`` which files have been."""
    path = opened.path
    with told(path):
        mode = path.stat().st_mode
    with told(path.parent, FOLDER), write_lock(path, mode):
        finish(each.path for each in files(opened))
        for _attempt in range(ATTEMPTS):
            results = _attempt_once(opened, step, changes, replaced)
            if results is not None:
                return results
    raise TargetBusy(f"{path}: another program keeps changing it; let it take {path.name}.lock (flock)")


def _attempt_once(
    opened: CsvSession, step: RunStep, changes: Sequence[CSEntryChange], replaced: list[Path]
) -> Sequence[CSEntryChangeResult] | None:
    """Returns the results; None, with nothing written, when a file changed underneath."""
    with ExitStack() as stack:
        batch = Batch(opened, step, stack)
        results = [batch.apply(change) for change in changes]
        outcomes = batch.outcomes
        begun = partial(bool, replaced)
        written = [_written(one, stack, begun) for one in outcomes if one.changes]
        first = {version.path: version.temporary for version in written}
        written += [_written(one, stack, begun, first) for one in outcomes if one.moved]
        if not all(one.target.unchanged() for one in outcomes if not one.changes):
            return None
        for version in written:
            with told(version.path.parent, FOLDER):
                if not is_current(version.target, version.path, version.digest):
                    return None
        for version in written:
            with told(version.path.parent, FOLDER):
                version.temporary.replace(version.path)
            replaced.append(version.path)
        for one in outcomes:
            _removed(note_path(one.path))
        return results


class _NewVersion(NamedTuple):
    """A version that waits beside its file.

    Attributes:
        path: of the file.
        target: what it was made from.
        temporary: where it waits.
        digest: see ``write_temporary``.
    """

    path: Path
    target: Target
    temporary: Path
    digest: bytes


def _written(
    one: Outcome, stack: ExitStack, begun: Callable[[], bool], first: Mapping[Path, Path] | None = None
) -> _NewVersion:
    """Writes a new version beside the file, for as long as ``stack`` is open or longer when the renames have begun.

    Without ``first`` one in which the rows that have moved are still there, too; with it the last one, and what is to
    be in place before.
    """
    temporary = temporary_path(one.path) if first is None else second_path(one.path)
    staying = {row.place for row in one.moved} if first is None else ()
    edited = [row for row in one.edited if row.place not in staying]
    with told(one.path.parent, FOLDER):
        stack.callback(_given_up, (temporary, note_path(one.path)), begun)
        digest = write_temporary(one.target, temporary, pieces(one.target, edited, one.added))
        if first is not None:
            note(one.path, first)
    return _NewVersion(one.path, one.target, temporary, digest)


def _given_up(left: Sequence[Path], begun: Callable[[], bool]) -> None:
    """Removes what was made beside a file, unless it may have to be put in place: the next writer looks."""
    if not begun():
        for path in left:
            _removed(path)


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
