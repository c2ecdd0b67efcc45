"""The last content of each connector's file that a host could use.

A host that restarts by itself must not lose a connector that worked, only because somebody has saved half an edit. Not
being able to keep a copy is only worth a warning.
"""

from collections.abc import Collection
from pathlib import Path

import structlog

from ecmahost_core.configuration.files import (
    CONFIGURATION_LIMIT,
    Unreadable,
    make_directory,
    read_bounded,
    write_atomically,
)
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX

log = structlog.get_logger()


class LastGood:
    """The copies, in a directory of their own; several processes may keep the same at the same time."""

    def __init__(self, directory: Path) -> None:
        """Makes nothing yet."""
        self._directory = directory

    def keep(self, name: str, content: bytes) -> None:
        """Remembers what this connector was built from."""
        if self.content(name) == content:
            return
        try:
            make_directory(self._directory)
            write_atomically(self._file(name), content, mode=0o600)
        except OSError as error:
            log.warning("last_good_not_kept", connector=name, detail=str(error))

    def content(self, name: str) -> bytes | None:
        """Returns what was kept of this connector, None when nothing was."""
        try:
            return read_bounded(self._file(name), CONFIGURATION_LIMIT)
        except Unreadable:
            return None

    def keep_only(self, names: Collection[str]) -> None:
        """Forgets the connectors whose file is gone: that was on purpose."""
        try:
            for path in self._directory.glob(f"*{CONNECTOR_SUFFIX}"):
                if path.name.removesuffix(CONNECTOR_SUFFIX) not in names:
                    path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("last_good_not_forgotten", detail=str(error))

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}{CONNECTOR_SUFFIX}"
