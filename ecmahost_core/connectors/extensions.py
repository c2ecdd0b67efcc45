"""Whether a module keeps the contract of extensions, as far as that can be seen without calling it."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Final

from ecmahost_core.connectors.contract import (
    NAMES,
    BrokenPlugin,
    hook_options,
    nearest,
    specifications,
    wrong_arguments,
)
from ecmahost_core.connectors.failures import guarded, quoted
from ecmahost_core.connectors.returns import definitions
from ecmahost_core.ecma.parameters import ConfigParameterDefinition
from ecmahost_core.errors import BrokenContract, ExtensionName

WRAPPERS: Final = "Every other function that is marked wraps the hook whose name it has:"
ORDER: Final = "The first that a configuration names is the outermost"
FORBIDDEN_ARGUMENTS: Final = "never ``parameters``, ``values``, ``password`` or ``secrets``"
CONNECTIONS: Final = (
    "``connectivity_parameters``, ``target_identity``, ``change_stamp``, ``open_session`` and ``session_alive`` are "
    "not wrapped"
)
SETTINGS: Final = "Returns what the table ``[extensions.<name>]`` takes"

FORBIDDEN: Final = frozenset({"parameters", "values", "password", "secrets"})
"""What no extension is handed, whatever hook it wraps."""
UNWRAPPED: Final = frozenset(
    {"change_stamp", "connectivity_parameters", "open_session", "session_alive", "target_identity"}
)
ADDED: Final = ("settings", "connector")
"""What a wrapper may name beside the arguments of its hook."""

_PARAMETERS: Final = "extension_parameters"


@dataclass(frozen=True, slots=True)
class LoadedExtension:
    """An extension whose module was imported and looked through.

    Attributes:
        name: as its entry point names it.
        wrappers: its generator functions by the hook that each wraps.
        parameters: its ``extension_parameters``; None where it has no settings.
        distribution, version: of the package that it came from; empty when unknown.
    """

    name: ExtensionName
    wrappers: Mapping[str, Callable[..., object]]
    parameters: Callable[[], object] | None = None
    distribution: str = ""
    version: str = ""


def checked_extension(name: str, module: ModuleType, distribution: str = "", version: str = "") -> LoadedExtension:
    """Returns the extension that a module is; BrokenPlugin with every mistake when it is none."""
    author = ExtensionName(name)
    contract = specifications()
    wrappers: dict[str, Callable[..., object]] = {}
    parameters: Callable[[], object] | None = None
    problems: list[BrokenContract] = []
    for attribute, value in list(vars(module).items()):
        found = list(_mistakes(attribute, value, contract))
        problems += (BrokenContract(author, attribute, sentence) for sentence in found)
        if found or hook_options(value) is None:
            continue
        if attribute == _PARAMETERS:
            parameters = value
        else:
            wrappers[attribute] = value
    if not wrappers and not problems:
        found_none = f"the module {module.__name__!r} wraps no hook"
        problems.append(BrokenContract(author, "", quoted(WRAPPERS, found_none)))
    if problems:
        raise BrokenPlugin(author, tuple(problems))
    return LoadedExtension(author, MappingProxyType(wrappers), parameters, distribution, version)


def settings_definitions(extension: LoadedExtension) -> tuple[ConfigParameterDefinition, ...]:
    """Returns what the table of an extension takes; BrokenContract when it does not say."""
    if extension.parameters is None:
        return ()
    answer = guarded(extension.name, _PARAMETERS, extension.parameters)

    def check() -> tuple[ConfigParameterDefinition, ...]:
        return definitions(extension.name, answer, _PARAMETERS, SETTINGS)

    return guarded(extension.name, _PARAMETERS, check)  # looking may run code of the extension's


def _mistakes(attribute: str, value: object, hooks: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yields what is wrong with one name of an extension's module; nothing for a name that is its own matter."""
    options = hook_options(value)
    if options is None:
        if (attribute in hooks or attribute == _PARAMETERS) and inspect.isroutine(value):
            yield quoted(NAMES, f"the function {attribute!r} is not marked with @hookimpl")
    elif options.get("specname") not in (None, attribute):
        yield quoted(WRAPPERS, f"the function {attribute!r} asks for another name with specname; rename the function")
    elif attribute == _PARAMETERS:
        yield from _wrong_declaration(value, options)
    elif attribute not in hooks:
        near = nearest(attribute, (hooks.keys() - UNWRAPPED) | {_PARAMETERS})
        yield quoted(NAMES, f"there is no hook {attribute!r}{near}")
    elif attribute in UNWRAPPED:
        yield quoted(CONNECTIONS, f"there is a function {attribute!r}")
    else:
        yield from _wrong_wrapper(attribute, value, options, hooks[attribute])


def _wrong_wrapper(
    hook: str, value: object, options: Mapping[str, object], arguments: tuple[str, ...]
) -> Iterator[str]:
    if not options.get("wrapper"):
        yield quoted(WRAPPERS, f"{hook!r} is not marked with @hookimpl(wrapper=True)")
    elif options.get("tryfirst") or options.get("trylast"):
        yield quoted(ORDER, f"{hook!r} is marked with tryfirst or trylast")
    elif not inspect.isfunction(value):
        yield quoted(WRAPPERS, f"{hook!r} is marked but is no function: {type(value).__name__}")
    elif not inspect.isgeneratorfunction(value):
        yield quoted(WRAPPERS, f"{hook!r} has no yield")
    else:
        yield from _wrong_names(hook, value, arguments)


def _wrong_declaration(value: object, options: Mapping[str, object]) -> Iterator[str]:
    if not inspect.isfunction(value) or options.get("wrapper") or options.get("hookwrapper"):
        yield quoted(SETTINGS, f"{_PARAMETERS!r} is not a plain function marked with @hookimpl")
    else:
        yield from wrong_arguments(_PARAMETERS, value, ())


def _wrong_names(hook: str, function: Callable[..., object], arguments: tuple[str, ...]) -> Iterator[str]:
    named = set(inspect.signature(function).parameters)
    for name in sorted(named & FORBIDDEN):
        yield quoted(FORBIDDEN_ARGUMENTS, f"the wrapper of {hook!r} names {name!r}; take it out of its arguments")
    if not named & FORBIDDEN:
        allowed = tuple(name for name in arguments if name not in FORBIDDEN)
        yield from wrong_arguments(hook, function, (*allowed, *ADDED))
