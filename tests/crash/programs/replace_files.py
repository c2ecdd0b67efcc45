"""Another program that makes new versions of files: ``replace_files.py WAY LOCK NEW OLD [NEW OLD]...``.

WAY is ``rename`` (each new file is put in the place of the old one), ``rewrite`` (the old file is opened and written
over from its beginning, a piece at a time, and cut where the new one ends) or ``truncate`` (the old file is emptied and
filled a piece at a time). LOCK is the lock file that the host's writers take; it is held meanwhile. Prints ``began``
when the first byte is different, and ends when all are in place.
"""

import fcntl
import shutil
import sys
from pathlib import Path

PIECE = 1 << 16


def rewrite(new: Path, old: Path, mode: str = "r+b") -> None:
    with new.open("rb") as source, old.open(mode, buffering=0) as target:
        while piece := source.read(PIECE):
            target.write(piece)
            print("began", flush=True)  # noqa: T201 - the test waits for it
        target.truncate()


def truncate(new: Path, old: Path) -> None:
    rewrite(new, old, "wb")


def rename(new: Path, old: Path) -> None:
    beside = old.with_name(f"{old.name}.new")
    shutil.copy(new, beside)
    beside.replace(old)
    print("began", flush=True)  # noqa: T201 - the test waits for it


WAYS = {"rename": rename, "rewrite": rewrite, "truncate": truncate}


def main(way: str, lock: str, *paths: str) -> None:
    with Path(lock).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for new, old in zip(paths[::2], paths[1::2], strict=True):
            WAYS[way](Path(new), Path(old))


main(*sys.argv[1:])
