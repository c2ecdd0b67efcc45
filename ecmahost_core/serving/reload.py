"""Asking a process to reload: from a signal handler, done in a thread of its own."""

import queue
import threading
from collections.abc import Callable

import structlog

from ecmahost_core.serving.log import failure

log = structlog.get_logger()


class Reloads:
    """Runs ``reload`` after each request for it; requests made while it runs lead to one more run, not to many.

    A reload that raises is logged, and the process goes on with what it has.
    """

    def __init__(self, reload: Callable[[], None]) -> None:
        self._reload = reload
        self._requests: queue.SimpleQueue[None] = queue.SimpleQueue()

    def request(self) -> None:
        """Asks for a reload and returns at once. May be called in a signal handler (SimpleQueue is reentrant)."""
        self._requests.put(None)

    def start(self) -> None:
        """Begins to serve requests, those made before included. The thread lives as long as the process."""
        threading.Thread(target=self._serve, name="reload", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._requests.get()
            while not self._requests.empty():
                self._requests.get()
            try:
                self._reload()
            except Exception as error:  # noqa: BLE001 - whatever it is, the process goes on with what it has
                log.error("reload_failed", **failure(error))
