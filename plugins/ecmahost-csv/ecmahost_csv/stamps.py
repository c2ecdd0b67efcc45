"""Whether the files have changed, without reading them; what this host has written itself is no change.

A version that an export puts in place bears a note, an extended attribute of the file: who wrote it, and the stamp that
the version before it had. While nobody else writes, the stamp stays. On a file system without such attributes every
export changes it, and the host imports more often than it need.

A file that was written a moment ago may be written again within the same tick of the file system's clock, and nothing
would tell the two apart. Until that is over its stamp is another one at every look: it does not come to rest.
"""

import json
import os
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ecmahost_csv.session import CsvSession, files
from ecmahost_csv.target import Version, regular

NOTE = "user.ecmahost.written"


def stamp(opened: CsvSession) -> str:
    """Returns a text that is another one when somebody else has written a file; empty where one is missing."""
    try:
        return " ".join(_stamp_of_file(str(each.path)) for each in files(opened))
    except OSError:
        return ""


def leave_note(old: int, new: int) -> None:
    """Notes in a new version, which is written to its end, that it is ours, and the stamp of the old one.

    Args:
        old: descriptor of the version that it replaces.
        new: descriptor of the new one.
    """
    note = {"by": _host(), "as": _content(os.fstat(new)), "stamp": _stamp(old)}
    with suppress(OSError):
        os.setxattr(new, NOTE, json.dumps(note).encode())


def _stamp_of_file(path: str) -> str:
    descriptor = regular(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _stamp(descriptor)
    finally:
        os.close(descriptor)


def _stamp(descriptor: int) -> str:
    status = os.fstat(descriptor)
    note = _note(descriptor)
    if note.get("by") == _host() and note.get("as") == _content(status) and isinstance(note.get("stamp"), str):
        return str(note["stamp"])
    version = Version.of(status)
    moment = "" if version.settled else f".{time.monotonic_ns()}"
    return f"{version.device}.{version.inode}.{version.size}.{version.mtime_ns}.{version.ctime_ns}{moment}"


def _note(descriptor: int) -> dict[str, Any]:
    """Returns the note of a version; empty where it has none, or none of ours."""
    try:
        note = json.loads(os.getxattr(descriptor, NOTE))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _content(status: os.stat_result) -> str:
    """Tells a version from whatever is written into it, and from a copy of it that somebody restores."""
    return f"{status.st_dev}.{status.st_ino}.{status.st_size}.{status.st_mtime_ns}"


def _host() -> str:
    """Tells this host from another one that writes the same file: where it works, and on which machine."""
    return sha256(f"{os.uname().nodename}\0{Path.cwd()}".encode()).hexdigest()[:16]
