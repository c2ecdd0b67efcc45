"""A host around a tiny WSGI application: started by the tests as a process of its own, with JSON as its argument.

It prints one JSON line with its address once it listens, and logs JSON lines to standard error.
"""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog

from ecmahost_core.errors import EcmahostError
from ecmahost_core.logs import configure_logs
from ecmahost_core.serving.arbiter import serve
from ecmahost_core.serving.body import END_AT_STOP, BodyError, BodyTooLarge, read_body
from ecmahost_core.serving.settings import ServingSettings
from ecmahost_core.serving.worker import plain_refusal

log = structlog.get_logger()

LIMIT = 1_000_000


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    action, _, argument = environ["PATH_INFO"].strip("/").partition("/")
    if action == "pid":
        answer, status = str(os.getpid()).encode(), "200 OK"
    elif action == "body":
        answer, status = body(environ)
    elif action == "sleep":
        log.info("sleeping")
        time.sleep(float(argument))
        answer, status = b"slept", "200 OK"
    elif action == "body-then-sleep":
        answer, status = body(environ)
        time.sleep(float(argument))
    elif action == "large":
        answer, status = b"x" * int(argument), "200 OK"
    elif action in ("raise", "exit"):
        fail(action, argument)
    elif action in ("break-off", "endless"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts_that_end_early() if action == "break-off" else parts_without_end(environ)
    elif action == "scheme":
        answer, status = environ["wsgi.url_scheme"].encode(), "200 OK"
    elif action == "bind":
        structlog.contextvars.bind_contextvars(request_id=argument)
        answer, status = b"bound", "200 OK"
    else:
        answer, status = b"nothing here", "404 Not Found"
    start_response(status, [("Content-Length", str(len(answer))), ("Content-Type", "text/plain")])
    return [answer]


def fail(action: str, argument: str) -> NoReturn:
    if action == "exit":
        sys.exit(argument)
    raise ValueError("password=hunter2")


def parts_that_end_early() -> Iterator[bytes]:
    yield b"a part"
    raise ValueError("password=hunter2")


def parts_without_end(environ: WSGIEnvironment) -> Iterator[bytes]:
    environ[END_AT_STOP]()
    log.info("streaming")
    while True:
        yield b"x" * 65_536
        time.sleep(0.001)


def body(environ: WSGIEnvironment) -> tuple[bytes, str]:
    try:
        content = read_body(environ, LIMIT)
    except BodyTooLarge:
        return b"too large", "413 Content Too Large"
    except BodyError as error:
        log.info("body_refused", error=type(error).__name__)
        return type(error).__name__.encode(), "400 Bad Request"
    return f"{len(content)} {hashlib.sha256(content).hexdigest()}".encode(), "200 OK"


class Program:
    """What the processes do besides; each leaves files named after its pid."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._directory = Path(options["directory"])
        self._options = options

    def load(self) -> WSGIApplication:
        if self._options.get("load") == "fails":
            raise EcmahostError("connectors.d/hr.toml: properties.type: expected csv")
        if self._options.get("load") == "exits":
            sys.exit(1)
        (self._directory / f"web.{os.getpid()}").touch()
        return application

    def background(self, stop: threading.Event) -> None:
        (self._directory / f"background.{os.getpid()}").touch()
        if self._options.get("background") == "fails":
            raise ValueError("password=hunter2")
        if self._options.get("background") == "hangs":
            threading.Event().wait()
        stop.wait()
        (self._directory / f"background-stopped.{os.getpid()}").touch()

    def reload(self) -> None:
        if self._options.get("reload") == "fails":
            raise ValueError("password=hunter2")
        with (self._directory / f"reloaded.{os.getpid()}").open("a") as file:
            file.write("reloaded\n")


def pause_after_fork(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log processor that holds a web worker before it has signal handlers, at the first thing that it logs."""
    if event.get("message", "").startswith("Booting worker"):
        time.sleep(1)
    return event


def own_refusal(status: HTTPStatus) -> tuple[str, bytes]:
    return "text/x-refusal", b"refused, %d" % status


def main() -> int:
    options = json.loads(sys.argv[1])
    configure_logs("debug", json=True)
    if options.get("fork") == "slow":
        structlog.configure(processors=[pause_after_fork, *structlog.get_config()["processors"]])
    settings = options["settings"]
    for name in ("certificate", "key"):
        if name in settings:
            settings[name] = Path(settings[name])
    program = Program(options)
    if options.get("clock") == "jumps":
        real, jumped = time.time, Path(options["directory"]) / "jumped"
        time.time = lambda: real() + 3600 * jumped.exists()
    return serve(
        ServingSettings(**settings),
        program.load,
        background=program.background,
        on_reload=program.reload,
        refusal=own_refusal if options.get("refusal") == "own" else plain_refusal,
        on_ready=lambda host, port: print(json.dumps({"host": host, "port": port}), flush=True),  # noqa: T201
    )


if __name__ == "__main__":
    sys.exit(main())
