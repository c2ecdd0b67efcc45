"""``ecmahost`` whose threads wait at named points of a write, so that a test can end their process just there.

While the file ``hold.<point>`` is in the home directory, a thread that comes to the point leaves a file
``held.<point>.<pid>.<thread>`` and waits until ``hold.<point>`` is gone. Nothing else differs from ``ecmahost``.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ecmahost_core import wsgi
from ecmahost_core.cli import main
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.space.sql import completion
from ecmahost_core.space.sql.imports import SqlImportRun
from ecmahost_core.space.sql.store import SqlStore
from ecmahost_core.sync.writing.recovery import Recovery
from ecmahost_core.web import listing

HOME = Path(sys.argv[sys.argv.index("--home") + 1])


def hold(point: str) -> None:
    marker = HOME / f"hold.{point}"
    if not marker.exists():
        return
    (HOME / f"held.{point}.{os.getpid()}.{threading.get_native_id()}").touch()
    while marker.exists():
        time.sleep(0.005)


def after(point: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def held(*arguments: Any, **options: Any) -> Any:
        answer = function(*arguments, **options)
        hold(point)
        return answer

    return held


def before(point: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def held(*arguments: Any, **options: Any) -> Any:
        hold(point)
        return function(*arguments, **options)

    return held


def faulty(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a mistake of the host's own for one value of the filter."""

    def search(endpoint: Any, binding: Any, filter_text: str | None, *others: Any, **options: Any) -> Any:
        if filter_text is not None and "provoke-a-mistake" in filter_text:
            raise LookupError(filter_text)
        return function(endpoint, binding, filter_text, *others, **options)

    return search


def answering(application: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Holds between the end of a write and its answer."""

    def build(host: Any) -> Any:
        inner = application(host)

        def outer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            answer: Iterable[bytes] = inner(environ, start_response)
            if environ["REQUEST_METHOD"] in ("POST", "PATCH", "DELETE"):
                hold("answer")
            return answer

        return outer

    return build


def putting(replace: Callable[[Path, Any], Path]) -> Callable[[Path, Any], Path]:
    """Holds between the renames of a change that touches several CSV files, now behind the first and now later."""

    def put(path: Path, target: Any) -> Path:
        put_there = replace(path, target)
        if ".ecmahost-tmp" in path.name and any(path.parent.glob(".*.ecmahost-tmp*")) and random.random() < 0.5:
            hold("files")
        return put_there

    return put


Path.replace = putting(Path.replace)  # type: ignore[method-assign]  # the same, with a pause
SqlStore.open_entry = after("journal", SqlStore.open_entry)
Connector.export = after("target", Connector.export)
completion.close_entry = after("space", completion.close_entry)
wsgi.application = answering(wsgi.application)
SqlImportRun.compare = after("import", SqlImportRun.compare)
Recovery._settle = before("recovery", Recovery._settle)
listing.search = faulty(listing.search)

main()
