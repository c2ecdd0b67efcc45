"""What a writer that was killed between its renames has left to be done, noted before the first of them.

Where an anchor changes, memberships stand under both names until the file that has it is in place, and a last rename
takes the old ones away. A writer that is killed before that leaves rows of a name that nobody has any more, and nobody
sends that change again, because what is read back says that it was made. The next writer does the rest.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ecmahost_csv.rewriting import second_path, sync_folder, temporary_path


def note_path(path: Path) -> Path:
    """Returns where it is noted what must be in place before the last version of a file is, too."""
    return path.with_name(f".{path.name}.ecmahost-next")


def note(path: Path, first: Mapping[Path, Path]) -> None:
    """Notes, durably, that the last version of ``path`` is due once these files are at these names; raises OSError.

    Args:
        path: of the file that is replaced twice.
        first: where the versions wait that are put in place before, by the names that they get.
    """
    text = json.dumps({str(name): _identity(waiting) for name, waiting in first.items()})
    with note_path(path).open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def finish(paths: Iterable[Path]) -> None:
    """Does the last rename of a writer that was killed, and removes what else it left; nobody else writes now.

    The rename is due when all the files are still what that writer has put in place. Where one is not, because it did
    not come so far or somebody has written since, nothing is done. Raises OSError.
    """
    paths = list(paths)
    for path in paths:
        if second_path(path).exists() and _is_due(path):
            second_path(path).replace(path)
            sync_folder(path.parent)
        note_path(path).unlink(missing_ok=True)
    for path in paths:
        for left in (temporary_path(path), second_path(path)):
            left.unlink(missing_ok=True)


def _is_due(path: Path) -> bool:
    with suppress(OSError, ValueError, AttributeError):
        noted = json.loads(note_path(path).read_text(encoding="utf-8"))
        return bool(noted) and all(_identity(Path(name)) == one for name, one in noted.items())
    return False


def _identity(path: Path) -> list[int]:
    """Returns what tells a version from any other, and is the same under another name."""
    status = path.stat()
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]
