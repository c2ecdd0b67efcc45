"""Structured logs: fixed snake_case events with keys, one line each, on standard error.

Nothing secret is logged at any level: callers pass names, counts and outcomes, never values of attributes, parameters,
tokens or headers. Request ids and connector names arrive through structlog's context variables.

An unexpected exception is logged by its type and by where it was raised. Neither its message nor a traceback is: a
driver's message may quote a connection string, and a traceback the line that holds it.
"""

import logging
import sys
import traceback

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
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
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
