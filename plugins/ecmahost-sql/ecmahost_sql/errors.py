"""How a database's failures are told to the host.

A driver turns its own exceptions into :class:`DatabaseFailure`. Here the failure becomes either the value that answers
one change (``ExportError``) or the exception that ends a run (``ConnectorError``). Details are shown to clients: they
name tables and columns, never a value, an SQL statement or a path.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from ecmahost_core import (
    AccessDenied,
    BadServerCredentials,
    ConnectorError,
    DeadlineExceeded,
    ExportError,
    MAExportError,
    ObjectTypeNotSupported,
    ServerDown,
    TargetBusy,
    UnexpectedData,
)


class FailureKind(StrEnum):
    """What went wrong, independent of the kind of database."""

    UNIQUE = "unique"
    NOT_NULL = "not_null"
    CONSTRAINT = "constraint"
    INVALID_VALUE = "invalid_value"
    NOT_IN_CATALOG = "not_in_catalog"
    PERMISSION = "permission"
    CREDENTIALS = "credentials"
    BUSY = "busy"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    READ_ONLY = "read_only"
    DAMAGED = "damaged"
    OTHER = "other"


class DatabaseFailure(Exception):
    """A statement failed.

    Attributes:
        kind: what went wrong.
        detail: one sentence for people, safe for clients.
        column: the column concerned; empty when unknown.
    """

    def __init__(self, kind: FailureKind, detail: str, column: str = "") -> None:
        """Keeps the three parts; the detail is the message."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.column = column


class Refused(Exception):
    """One change cannot be applied; carries the value that answers it."""

    def __init__(self, code: MAExportError, detail: str, attribute: str = "") -> None:
        """Keeps the error that the host will see."""
        super().__init__(detail)
        self.error = ExportError(code, detail, attribute=attribute)


_EXPORT_ERRORS = {
    FailureKind.UNIQUE: MAExportError.DUPLICATE_ANCHOR,
    FailureKind.NOT_NULL: MAExportError.MISSING_PROVISIONING_ATTRIBUTE,
    FailureKind.CONSTRAINT: MAExportError.CONSTRAINT_VIOLATION,
    FailureKind.INVALID_VALUE: MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE,
    FailureKind.NOT_IN_CATALOG: MAExportError.SCHEMA_VIOLATION,
    FailureKind.PERMISSION: MAExportError.PERMISSION_ISSUE,
    FailureKind.CREDENTIALS: MAExportError.CONNECTED_DIRECTORY_ERROR,
    FailureKind.BUSY: MAExportError.LOCKING_ERROR_NEEDS_RETRY,
    FailureKind.TIMEOUT: MAExportError.CONNECTED_DIRECTORY_ERROR,
    FailureKind.UNAVAILABLE: MAExportError.CONNECTED_DIRECTORY_ERROR,
    FailureKind.READ_ONLY: MAExportError.CONNECTED_DIRECTORY_ERROR,
    FailureKind.DAMAGED: MAExportError.CONNECTED_DIRECTORY_ERROR,
    FailureKind.OTHER: MAExportError.CONNECTED_DIRECTORY_ERROR,
}

OUTAGES = frozenset({FailureKind.UNAVAILABLE, FailureKind.READ_ONLY, FailureKind.DAMAGED})
"""After one of these the connection is of no further use. A read-only server may have been replaced."""

UNCERTAIN = OUTAGES | {FailureKind.TIMEOUT, FailureKind.OTHER}
"""After one of these a commit may have happened."""


def export_error(failure: DatabaseFailure) -> ExportError:
    """Returns the answer to a change that failed and was rolled back."""
    return ExportError(_EXPORT_ERRORS[failure.kind], failure.detail, attribute=failure.column)


def connector_error(failure: DatabaseFailure, *, nothing_sent: bool = True) -> ConnectorError:
    """Returns the exception that ends a run; ``nothing_sent`` False where a change may have been committed."""
    match failure.kind:
        case FailureKind.BUSY:
            return TargetBusy(failure.detail)
        case FailureKind.TIMEOUT:
            return DeadlineExceeded(failure.detail, nothing_sent=nothing_sent)
        case FailureKind.UNAVAILABLE | FailureKind.READ_ONLY:
            return ServerDown(failure.detail, nothing_sent=nothing_sent)
        case FailureKind.DAMAGED:
            return UnexpectedData(failure.detail, nothing_sent=nothing_sent)
        case FailureKind.PERMISSION:
            return AccessDenied(failure.detail, nothing_sent=nothing_sent)
        case FailureKind.CREDENTIALS:
            return BadServerCredentials(failure.detail, nothing_sent=nothing_sent)
        case FailureKind.NOT_IN_CATALOG:
            return ObjectTypeNotSupported(failure.detail, nothing_sent=nothing_sent)
        case _:
            return ConnectorError(failure.detail, nothing_sent=nothing_sent)


@contextmanager
def as_connector_errors() -> Iterator[None]:
    """Lets a failure inside the block, which only reads, leave as a ConnectorError."""
    try:
        yield
    except DatabaseFailure as failure:
        raise connector_error(failure) from failure
