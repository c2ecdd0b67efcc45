"""Keeps a password out of what a target says about it: drivers quote what they refuse."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from ecmahost_core import errors
from ecmahost_core.connectors.failures import nothing_was_sent
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.secret import Secret

T = TypeVar("T")

WITHHELD: Final = "what the target says is not repeated, because the password stands in it"

_KINDS: Final = (
    errors.ServerDown,
    errors.BadServerCredentials,
    errors.AccessDenied,
    errors.ObjectTypeNotSupported,
    errors.UnexpectedData,
    errors.TargetBusy,
    errors.DeadlineExceeded,
    ConnectorError,
)


def withholding(arguments: Mapping[str, object], call: Callable[[], T]) -> T:
    """Returns what a call of a hook returns; what it raises has no password in its message that it was given.

    Args:
        arguments: of the hook.
        call: raises a ConnectorError or BrokenContract.
    """
    try:
        return call()
    except (ConnectorError, BrokenContract) as error:
        failure = _without(error, tuple(_given(arguments)))
    raise failure  # out of the block, so that the original is not its context


def without_secrets(result: CSEntryChangeResult, secrets: Iterable[Secret]) -> CSEntryChangeResult:
    """Returns the result, its error without any of these secrets."""
    error = result.error
    if error is None or not _holds(f"{error.detail}\0{error.name}", secrets):
        return result
    return replace(result, error=replace(error, detail=WITHHELD, name=""))


def _given(arguments: Mapping[str, object]) -> Iterator[Secret]:
    """The passwords among the arguments. Of the connector's own secrets its plugin's author has to take care."""
    secrets, password = arguments.get("secrets"), arguments.get("password")
    if isinstance(secrets, Mapping):
        yield from secrets.values()
    if isinstance(password, Secret):
        yield password


def _without(error: ConnectorError | BrokenContract, secrets: Iterable[Secret]) -> ConnectorError | BrokenContract:
    if not _holds(str(error), secrets):
        return error
    if isinstance(error, BrokenContract):
        return type(error)(error.plugin, error.hook, WITHHELD)
    kind: type[ConnectorError] = next(kind for kind in _KINDS if isinstance(error, kind))
    failure = kind(WITHHELD)
    failure.nothing_sent = nothing_was_sent(error)
    return failure


def _holds(text: str, secrets: Iterable[Secret]) -> bool:
    return any(secret.reveal() in text for secret in secrets)
