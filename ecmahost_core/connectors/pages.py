"""The pages of an import on their way to the host: looked at one by one, their errors told with a name.

A generator's errors appear at its ``next``, outside the hook call. Where extensions wrap the import, the pages of each
are looked at like those of the connector.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from ecmahost_core.connectors import returns
from ecmahost_core.connectors.failures import guarded, quoted
from ecmahost_core.ecma.csentry import ImportPage
from ecmahost_core.errors import BrokenContract, ConnectorError

ALL_PAGES: Final = "it reads the connector's pages to their end"

_END: Final = object()


@dataclass(slots=True)
class _Reading:
    """Whether somebody's pages came to their end by themselves."""

    ended: bool = False


class PageCheck:
    """Looks at the answers to one call of an import: the connector's, then those of extensions, outwards."""

    def __init__(self, connector: str, hook: str, look: Callable[[str, object], ImportPage]) -> None:
        """Takes the connector's name, for the log, the hook's, and what looks at a page that somebody yielded."""
        self._connector = connector
        self._hook = hook
        self._look = look
        self._latest: _Reading | None = None

    def __call__(self, author: str, answer: object) -> Generator[ImportPage, None, None]:
        """Returns the pages of an answer; nothing is read before the first ``next``.

        They raise ConnectorError and BrokenContract only. Closing them closes the answer.
        """
        pages = returns.iterator(author, self._hook, answer)
        inner, self._latest = self._latest, _Reading()
        return self._read(author, pages, inner, self._latest)

    def _read(
        self, author: str, pages: Iterator[object], inner: _Reading | None, reading: _Reading
    ) -> Generator[ImportPage, None, None]:
        try:
            while (page := guarded(author, self._hook, partial(next, pages, _END))) is not _END:
                yield guarded(author, self._hook, partial(self._look, author, page))
            # The end of the pages says that there are no more objects: an extension that stops early, or that keeps an
            # error to itself, would have the rest removed.
            if inner is not None and not inner.ended:
                raise BrokenContract(author, self._hook, quoted(ALL_PAGES, "its own ended before"))
            reading.ended = True
        finally:
            self._close(author, pages)

    def _close(self, author: str, pages: Iterator[object]) -> None:
        """Closes a generator; what it raises then changes nothing about the pages that came."""
        if isinstance(pages, Generator):
            try:
                guarded(author, self._hook, pages.close)
            except (ConnectorError, BrokenContract) as failure:
                structlog.get_logger().warning("import_close_failed", connector=self._connector, reason=str(failure))
