"""What the connectors' files say: read at one moment, so that all processes of a host build from the same.

The process that starts the others *publishes* what it found, at the start and whenever it is told to reload. A process
that is started later, because another one died, builds from that too, and not from what somebody is editing now.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded, write_atomically
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX, Home


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of ``connectors.d``.

    Attributes:
        path: where it is, or was.
        content: empty where it could not be read.
        trouble: why it could not be read; empty when it could.
    """

    path: Path
    content: bytes
    trouble: str = ""


def read_sources(home: Home) -> tuple[SourceFile, ...]:
    """Returns every file that is meant as a connector's, by name. Editors' and hidden files are not.

    Raises OSError when the directory cannot be read.
    """
    paths = (
        path
        for path in home.connectors.iterdir()
        if path.name.lower().endswith(CONNECTOR_SUFFIX) and not path.name.startswith(".")
    )
    return tuple(map(_read, sorted(paths)))


def publish(home: Home, file: Path) -> None:
    """Writes what the connectors' files say now to ``file``; raises OSError, and what was there stays.

    The file holds encrypted secrets and HMACs as the connectors' files do, and is readable by its owner alone.
    """
    sources = {
        one.path.name: {"content": base64.b64encode(one.content).decode("ascii"), "trouble": one.trouble}
        for one in read_sources(home)
    }
    write_atomically(file, json.dumps(sources).encode("ascii"), mode=0o600)


def published(home: Home, file: Path) -> tuple[SourceFile, ...]:
    """Returns what was published last; raises OSError where nothing was, or where it cannot be used."""
    try:
        sources = json.loads(file.read_bytes())
        return tuple(
            SourceFile(home.connectors / name, base64.b64decode(one["content"], validate=True), one["trouble"])
            for name, one in sources.items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OSError(f"{file} is damaged; remove it and restart the host") from None


def content_of(sources: Sequence[SourceFile], name: str) -> bytes:
    """Returns what the file of this connector says; empty where there is none."""
    return next((one.content for one in sources if one.path.name == f"{name}{CONNECTOR_SUFFIX}"), b"")


def _read(path: Path) -> SourceFile:
    try:
        return SourceFile(path, read_bounded(path, CONFIGURATION_LIMIT))
    except Unreadable as error:
        return SourceFile(path, b"", str(error))
