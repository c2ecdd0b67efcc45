"""One call of a hook through the extensions that wrap it.

What an extension gets from its ``yield`` was looked at already, and what it returns is looked at as if the connector
had returned it, so that a mistake is told with the name of whoever made it. pluggy runs the wrappers; each extension's
function runs inside a wrapper of ours.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from types import MappingProxyType, ModuleType
from typing import Any, Final

from ecmahost_core import hookspecs
from ecmahost_core.connectors.contract import specifications
from ecmahost_core.connectors.extensions import FORBIDDEN, LoadedExtension
from ecmahost_core.connectors.failures import NothingSent, guarded, nothing_was_sent, quoted, translated
from ecmahost_core.connectors.returns import NEVER_NONE
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.parameters import Parameters
from ecmahost_core.errors import BrokenContract, ConnectorError

ONE_YIELD: Final = "a generator that yields once, without a value"
FAILURE_STAYS: Final = "An exception that comes out of the ``yield`` leaves the wrapper too"

Check = Callable[[str, Any], Any]
"""Takes the name of whoever answered and the answer; returns the answer as the host uses it, or raises."""

_Wrapper = Generator[None, object, object]


class _Session:
    """What extensions see in the place of a session: nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<the connector's session>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hook answered, on its way through the extensions.

    Attributes:
        value: looked at, and never None.
        check: what looks at it.
    """

    value: Any
    check: Check


def wrapping_module(extension: LoadedExtension, connector: str, settings: Parameters) -> ModuleType:
    """Returns what is registered with pluggy for an extension of one connector."""
    module = ModuleType(extension.name)
    added = {"settings": settings, "connector": connector}
    for hook in extension.wrappers:
        setattr(module, hook, hookspecs.hookimpl(wrapper=True)(_wrapper(extension, hook, added)))
    return module


def shown(arguments: Mapping[str, object]) -> dict[str, object]:
    """Returns the arguments of a hook as extensions may see them."""
    return {name: _shown(name, value) for name, value in arguments.items()}


def _shown(name: str, value: object) -> object:
    if name in FORBIDDEN:
        return None
    if name == "session":
        return _Session()
    if isinstance(value, CSEntryChange):
        return _frozen(value)
    if isinstance(value, tuple):
        return tuple(_frozen(each) if isinstance(each, CSEntryChange) else each for each in value)
    return value


def _frozen(change: CSEntryChange) -> CSEntryChange:
    """A change whose attributes cannot be changed in place: what the connector gets is what the journal holds."""
    return replace(change, attributes=MappingProxyType(dict(change.attributes)))


def _wrapper(extension: LoadedExtension, hook: str, added: Mapping[str, object]) -> Callable[..., _Wrapper]:
    """Returns a wrapper for pluggy around one function of an extension."""
    function = extension.wrappers[hook]
    arguments = specifications()[hook]
    named = tuple(signature(function).parameters)  # none of FORBIDDEN: such an extension is not loaded

    def wrap(*values: object, **more: object) -> _Wrapper:
        offered = {**dict(zip(arguments, values, strict=False)), **more, **added}
        generator: Any = function(*(offered[name] for name in named))
        _run_to_yield(extension, hook, generator)
        failure: ConnectorError | BrokenContract | None = None
        answer: Any = None
        try:
            answer = yield
        except (ConnectorError, BrokenContract) as error:
            failure = error
        except BaseException:
            generator.close()
            raise
        if failure is not None:
            raise _replaced(extension, hook, generator, failure)
        return _returned(extension, hook, generator, answer)

    # pluggy reads the names of the arguments there: those of the hook, all of them.
    wrap.__wrapped__ = getattr(hookspecs, hook)  # type: ignore[attr-defined]  # as functools.wraps sets it
    return wrap


def _run_to_yield(extension: LoadedExtension, hook: str, generator: Any) -> None:
    """Runs what comes before the ``yield``; whatever goes wrong there, nothing was sent."""
    try:
        next(generator)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except StopIteration:
        sentence = quoted(ONE_YIELD, f"the wrapper of {hook!r} returned before it yielded")
        failure: ConnectorError | BrokenContract = NothingSent(extension.name, hook, sentence)
    except BaseException as error:  # noqa: BLE001 - an extension may raise anything, and must not stop the host
        failure = _told(extension, hook, error, unsent=True)
    else:
        return
    raise failure


def _returned(extension: LoadedExtension, hook: str, generator: Any, inner: Answer) -> Answer:
    """Hands the answer to the extension's function and returns what that makes of it, looked at."""
    try:
        generator.send(inner.value)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except StopIteration as stop:
        return _checked(extension, hook, inner, stop.value)
    except BaseException as error:  # noqa: BLE001 - as above
        failure = _told(extension, hook, error, unsent=False)
    else:
        failure = _second_yield(extension, hook, generator)
    raise failure


def _checked(extension: LoadedExtension, hook: str, inner: Answer, value: object) -> Answer:
    if value is inner.value:
        return inner
    if value is None:
        raise BrokenContract(extension.name, hook, quoted(NEVER_NONE, "the wrapper returned None"))
    return Answer(guarded(extension.name, hook, lambda: inner.check(extension.name, value)), inner.check)


def _replaced(
    extension: LoadedExtension, hook: str, generator: Any, failure: ConnectorError | BrokenContract
) -> ConnectorError | BrokenContract:
    """Shows a failure to the extension's function and returns the one that goes on from here: the same, or its own."""
    try:
        generator.throw(failure)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except StopIteration:
        sentence = quoted(FAILURE_STAYS, f"the wrapper of {hook!r} returned an answer instead")
        kind = NothingSent if nothing_was_sent(failure) else BrokenContract
        return kind(extension.name, hook, sentence)
    except BaseException as error:  # noqa: BLE001 - as above
        if error is failure:
            return failure
        return _told(extension, hook, error, unsent=nothing_was_sent(failure))
    return _second_yield(extension, hook, generator)


def _told(
    extension: LoadedExtension, hook: str, error: BaseException, *, unsent: bool
) -> ConnectorError | BrokenContract:
    """Returns what an extension's own exception is for the host.

    Whether anything was sent is known here, and no matter of what the exception says.
    """
    failure = translated(error, extension.name, hook)
    if isinstance(failure, ConnectorError):
        failure.nothing_sent = unsent
        prefix = f"extension {extension.name!r}: "
        if not str(failure).startswith(prefix):
            failure.args = (f"{prefix}{failure}",)
        return failure
    kind = NothingSent if unsent else BrokenContract
    return kind(extension.name, failure.hook, failure.sentence)


def _second_yield(extension: LoadedExtension, hook: str, generator: Any) -> BrokenContract:
    guarded(extension.name, hook, generator.close)
    return BrokenContract(extension.name, hook, quoted(ONE_YIELD, f"the wrapper of {hook!r} yielded again"))
