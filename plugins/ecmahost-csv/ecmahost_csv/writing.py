"""Exporting: a batch of changes in one rewrite of the file."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ecmahost_core import ConnectorError, CSEntryChange, CSEntryChangeResult, RunStep, TargetBusy
from ecmahost_csv.draft import Draft
from ecmahost_csv.lock import write_lock
from ecmahost_csv.rewriting import pieces, put_in_place, sync_folder, temporary_path, write_temporary
from ecmahost_csv.session import CsvSession
from ecmahost_csv.target import open_target, told

ATTEMPTS = 5
FOLDER = "the host's account must be able to make files in this folder"


def export(opened: CsvSession, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    """Applies the changes in order and returns their results, in order; one rewrite for all, none when nothing changes.

    When it returns, the new version is durable. A link is followed: the file that it points to is replaced.

    Raises TargetBusy while another writer holds the lock, or when another program has changed the file under each of
    several attempts; ServerDown, AccessDenied and UnexpectedData as reading does, with ``nothing_sent``. Only an error
    after the new version was put in place leaves the outcome open.
    """
    path = Path(os.path.realpath(opened.settings.path))
    with _nothing_sent():
        results, written = _applied(opened, path, step, changes)
    if written:
        with told(path.parent, FOLDER):
            sync_folder(path.parent)
    return results


def _applied(
    opened: CsvSession, path: Path, step: RunStep, changes: Sequence[CSEntryChange]
) -> tuple[Sequence[CSEntryChangeResult], bool]:
    with told(path):
        mode = path.stat().st_mode
    with told(path.parent, FOLDER), write_lock(path, mode):
        # Left by a writer that was killed: nobody else is writing now.
        temporary_path(path).unlink(missing_ok=True)
        for _attempt in range(ATTEMPTS):
            done = _attempt_once(opened, path, step, changes)
            if done is not None:
                return done
    raise TargetBusy(f"{path}: another program keeps changing it; let it take {path.name}.lock (flock)")


def _attempt_once(
    opened: CsvSession, path: Path, step: RunStep, changes: Sequence[CSEntryChange]
) -> tuple[Sequence[CSEntryChangeResult], bool] | None:
    """Returns the results and whether the file was replaced; None when the file changed underneath."""
    temporary = temporary_path(path)
    with open_target(path, opened.settings.dialect) as target:
        draft = Draft(target, opened.binding(target, step), opened.index)
        results = [draft.apply(change) for change in changes]
        if not draft.edited and not draft.added:
            return (results, False) if target.unchanged() else None
        with told(path.parent, FOLDER):
            try:
                digest = write_temporary(target, temporary, pieces(target, draft.edited, draft.added))
                return (results, True) if put_in_place(target, path, temporary, digest) else None
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)


@contextmanager
def _nothing_sent() -> Iterator[None]:
    """Marks every error inside the ``with``: the file is still the old one."""
    try:
        yield
    except ConnectorError as error:
        error.nothing_sent = True
        raise
