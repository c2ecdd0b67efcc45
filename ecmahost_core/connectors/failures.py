"""What a plugin's failure becomes before it leaves the facade: a ConnectorError or a BrokenContract, never more.

The message of an unexpected exception is not kept: a driver's message may quote a connection string. Its type and the
place where it was raised are.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.logs import origin

T = TypeVar("T")

OTHER_EXCEPTIONS: Final = "Any other exception is a broken contract, reported with your plugin's name."


class NothingSent(BrokenContract):
    """A broken contract before anything was sent: while a session was being opened, or in an extension before that.

    Attributes:
        nothing_sent: always True; see :func:`nothing_was_sent`.
    """

    nothing_sent: Final = True


def quoted(sentence: str, found: str) -> str:
    """Returns what a BrokenContract says: a sentence of ``hookspecs.py``, word by word, and what was found instead."""
    return f'the contract says "{sentence}", but {found}'


def translated(error: BaseException, plugin: str, hook: str) -> ConnectorError | BrokenContract:
    """Returns what an exception that came out of a hook is for the host.

    Errors of the contract stay what they are. Anything else is a broken contract, SystemExit among it: a library that
    calls ``sys.exit`` must not end the host. Signal handlers therefore set a flag and never raise.
    """
    if isinstance(error, ConnectorError | BrokenContract):
        return error
    place = origin(error)
    found = f"{type(error).__name__} was raised" + (f" ({place})" if place else "")
    return BrokenContract(plugin, hook, quoted(OTHER_EXCEPTIONS, found))


def guarded(plugin: str, hook: str, function: Callable[[], T]) -> T:
    """Returns what a plugin's or an extension's code returns; raises what :func:`translated` makes of exceptions."""
    try:
        return function()
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, and must not stop the host
        failure = translated(error, plugin, hook)
    # Out of the block, so that the plugin's exception, whose text may hold a secret, is not the new one's context.
    raise failure


def never_opened(error: BaseException, plugin: str) -> ConnectorError | BrokenContract:
    """Returns what an exception while opening a session is for the host: nothing was sent, whatever else it says."""
    failure = translated(error, plugin, "open_session")
    if isinstance(failure, ConnectorError):
        failure.nothing_sent = True
        return failure
    return NothingSent(failure.plugin, failure.hook, failure.sentence)


def nothing_was_sent(failure: ConnectorError | BrokenContract) -> bool:
    """Returns whether the target is certainly untouched by the call that failed."""
    # A plugin's own kind of ConnectorError may have forgotten to call ConnectorError's constructor.
    return getattr(failure, "nothing_sent", False) is True
