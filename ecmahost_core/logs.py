"""Structured logs: fixed snake_case events with keys, one line each, on standard error.

Nothing secret is logged at any level: callers pass names, counts and outcomes, never values of attributes, parameters,
tokens or headers. Request ids and connector names arrive through structlog's context variables.

An unexpected exception is logged by its type and by where it was raised. Neither its message nor a traceback is: a
driver's message may quote a connection string, and a traceback the line that holds it.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from json.encoder import encode_basestring_ascii as _quoted
from types import MappingProxyType
from typing import Any, TextIO

import structlog

LEVELS = ("debug", "info", "warning", "error")


def configure_logs(level: str = "info", *, json: bool | None = None) -> None:
    """Sends structlog and the standard library's loggers to standard error.

    Args:
        level: one of LEVELS.
        json: one JSON object a line; None means JSON unless standard error is a terminal.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_words,
    ]
    renderer: structlog.typing.Processor = (
        _JsonRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=partial(_Lines, sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)


class _JsonRenderer:
    """What structlog's own renderer writes; events of simple values, as almost all are, at a fifth of its cost."""

    def __init__(self) -> None:
        self._any = structlog.processors.JSONRenderer()

    def __call__(self, logger: Any, method: str, event: structlog.typing.EventDict) -> str | bytes:
        try:
            return (
                f"{{{', '.join([f'{_quoted(name)}: {_JSON[type(value)](value)}' for name, value in event.items()])}}}"
            )
        except KeyError:
            return self._any(logger, method, event)


_JSON: Mapping[type, Callable[[Any], str]] = MappingProxyType(
    {str: _quoted, int: int.__repr__, float: float.__repr__, bool: {True: "true", False: "false"}.__getitem__}
)


class _Lines:
    """Writes each event with one call to the system, and without a lock that the threads would queue at.

    A line that cannot be written is lost: a full disk must not keep anybody's request from being answered.
    """

    def __init__(self, stream: TextIO, *_names: object) -> None:
        buffer = getattr(stream, "buffer", None)
        self._raw = getattr(buffer, "raw", None)
        self._stream = stream

    def msg(self, line: str) -> None:
        """Structlog: called with what the renderer made."""
        with suppress(OSError):
            if self._raw is None:
                self._stream.write(line + "\n")
                self._stream.flush()
                return
            rest = line.encode("utf-8", "backslashreplace") + b"\n"
            while rest:  # a pipe may take a part of a long line
                rest = rest[self._raw.write(rest) or len(rest) :]

    debug = info = warning = error = critical = msg


def _without_words(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Puts type and place where a caller, or a library, wants an exception with its message and traceback logged."""
    event.pop("stack_info", None)
    found = event.pop("exc_info", None)
    if isinstance(found, tuple):
        error = found[1]
    else:
        error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found else None
    if error is not None:
        event.setdefault("error", type(error).__name__)
        event.setdefault("where", origin(error))
    return event


def origin(error: BaseException) -> str:
    """Returns where an exception was raised, innermost call last, no source text: ``a.py:12 in f > b.py:3 in g``."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} in {frame.name}" for frame in frames)
