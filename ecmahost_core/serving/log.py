"""What goes wrong, and gunicorn's own messages, as log events."""

import logging

import structlog
from gunicorn import glogging  # type: ignore[import-untyped]  # gunicorn has no type information

from ecmahost_core.errors import EcmahostError
from ecmahost_core.logs import origin

log = structlog.get_logger()


def failure(error: BaseException) -> dict[str, str]:
    """Returns the keys that describe ``error`` in a log event: its type and place, and its message if it is ours.

    The message of an error that nobody here has written may quote anything.
    """
    keys = {"error": type(error).__name__, "where": origin(error)}
    if isinstance(error, EcmahostError):
        keys["message"] = str(error)
    elif isinstance(error, OSError) and error.strerror:
        keys["reason"] = error.strerror
    return keys


class ServerLog(glogging.Logger):  # type: ignore[misc]  # gunicorn has no type information
    """gunicorn's logger class (its ``logger_class`` setting): everything becomes the event ``server_message``."""

    def setup(self, cfg: object) -> None:
        """gunicorn: called once in the arbiter, with the configuration."""
        super().setup(cfg)
        for logger in (self.error_log, logging.getLogger("gunicorn.http")):
            logger.propagate = False
            logger.handlers = [EventHandler()]


class EventHandler(logging.Handler):
    """Hands a record of gunicorn's to structlog; its lifecycle chatter at debug level, no traceback ever."""

    def emit(self, record: logging.LogRecord) -> None:
        """logging: called with each record of gunicorn's loggers."""
        level = logging.DEBUG if record.levelno == logging.INFO else record.levelno
        keys = {"message": record.getMessage()}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            keys = failure(error) | keys
        if isinstance(error, ConnectionError | TimeoutError):
            level = logging.DEBUG  # a client that went away
        log.log(level, "server_message", **keys)
