"""Whether a module keeps the contract, as far as that can be seen without calling it.

pluggy ignores in silence what this module refuses: a function named like a hook but not marked, a marked function that
is no hook, a keyword-only argument that nobody fills in.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Final

from ecmahost_core import hookspecs
from ecmahost_core.connectors.failures import quoted
from ecmahost_core.connectors.returns import CONTEXT_MANAGER
from ecmahost_core.errors import BrokenContract

IMPORTS: Final = ("full_import", "delta_import")
"""The hooks that yield pages."""

REQUIRED: Final = frozenset({"connectivity_parameters", "open_session", "schema", "export"})

REQUIRED_HOOKS: Final = "Required: ``connectivity_parameters``, ``open_session``, ``schema``, ``export``."
NAMES: Final = (
    "A misspelt argument, an unknown hook, or a function with a hook's name but without the marker is refused when the "
    "host starts, with its name."
)
ARGUMENTS: Final = "Name only the arguments that you need, spelled as here."
MODULE: Final = "A connector is a Python module whose functions are marked with ``@hookimpl`` and named as below."

_MARK = f"{hookspecs.PROJECT}_impl"
_SPECIFICATION = f"{hookspecs.PROJECT}_spec"


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin whose module was imported and looked through.

    The functions are kept as they were found: importing a submodule named like a hook (``schema.py``) later replaces
    the attribute of the package, not the hook.

    Attributes:
        name: the connector type, as its entry point names it.
        hooks: the implementations by hook name; every required one is there.
        distribution, version: of the package that it came from; empty when unknown.
    """

    name: str
    hooks: Mapping[str, Callable[..., object]]
    distribution: str = ""
    version: str = ""

    def implements(self, hook: str) -> bool:
        """Returns whether the plugin has this hook."""
        return hook in self.hooks

    def names(self, hook: str, argument: str) -> bool:
        """Returns whether the plugin's hook is passed this argument; pluggy passes none that has a default."""
        found = inspect.signature(self.hooks[hook]).parameters.get(argument) if self.implements(hook) else None
        return found is not None and found.default is inspect.Parameter.empty


class BrokenPlugin(BrokenContract):
    """A plugin that cannot be used as it is.

    Attributes:
        problems: everything that was found, in the order of the module; never empty. ``hook`` and ``sentence`` tell
            the only one, or all of them.
    """

    def __init__(self, plugin: str, problems: tuple[BrokenContract, ...]) -> None:
        """Tells all the problems at once, so that an author need not start the host once for each."""
        if len(problems) == 1:
            super().__init__(plugin, problems[0].hook, problems[0].sentence)
        else:
            lines = (f"hook {each.hook!r}: {each.sentence}" if each.hook else each.sentence for each in problems)
            super().__init__(plugin, "", f"{len(problems)} problems: " + "; ".join(lines))
        self.problems = problems


def checked_plugin(name: str, module: ModuleType, distribution: str = "", version: str = "") -> LoadedPlugin:
    """Returns the plugin that a module is; BrokenPlugin with every mistake when it is none."""
    contract = specifications()
    hooks: dict[str, Callable[..., object]] = {}
    problems: list[BrokenContract] = []
    for attribute, value in list(vars(module).items()):
        found = list(_mistakes(attribute, value, contract))
        problems += (BrokenContract(name, attribute, sentence) for sentence in found)
        if not found and hook_options(value) is not None:
            hooks[attribute] = value
    named = {problem.hook for problem in problems}
    for hook in sorted(REQUIRED - hooks.keys() - named):
        problems.append(BrokenContract(name, hook, quoted(REQUIRED_HOOKS, _absence(module, hook))))
    if problems:
        raise BrokenPlugin(name, tuple(problems))
    return LoadedPlugin(name, MappingProxyType(hooks), distribution, version)


def specifications() -> Mapping[str, tuple[str, ...]]:
    """Returns the arguments of every hook of the contract, by its name."""
    return {
        name: tuple(inspect.signature(value).parameters)
        for name, value in vars(hookspecs).items()
        if inspect.isfunction(value) and hasattr(value, _SPECIFICATION)
    }


def nearest(name: str, valid: Iterable[str]) -> str:
    """Returns ``"; did you mean 'x'?"`` for the valid name that resembles this one most, or an empty string."""
    matches = difflib.get_close_matches(name, sorted(valid), n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def hook_options(value: object) -> Mapping[str, object] | None:
    """Returns what ``@hookimpl`` was given; None where it is not marked. Runs no code of the value (no getattr)."""
    options = inspect.getattr_static(value, _MARK, None)
    return options if isinstance(options, dict) else None


def _mistakes(attribute: str, value: object, hooks: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yields what is wrong with one name of a plugin's module; nothing for a name that is not the contract's matter."""
    options = hook_options(value)
    if options is None:
        if attribute in hooks and inspect.isroutine(value):
            yield quoted(NAMES, f"the function {attribute!r} is not marked with @hookimpl")
    elif options.get("specname") not in (None, attribute):
        yield quoted(MODULE, f"the function {attribute!r} asks for another name with specname; rename the function")
    elif attribute not in hooks:
        yield quoted(NAMES, f"there is no hook {attribute!r}{nearest(attribute, hooks)}")
    elif options.get("wrapper") or options.get("hookwrapper"):
        yield quoted(MODULE, f"{attribute!r} is a wrapper; a connector implements hooks and wraps none")
    elif not inspect.isfunction(value):
        yield quoted(MODULE, f"{attribute!r} is marked but is no function: {type(value).__name__}")
    else:
        yield from _wrong_kind(attribute, value)
        yield from wrong_arguments(attribute, value, hooks[attribute])


def _wrong_kind(hook: str, function: Callable[..., object]) -> Iterator[str]:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield quoted(MODULE, f"{hook!r} is an async function; the host calls plain functions in threads")
    elif hook not in IMPORTS and inspect.isgeneratorfunction(function):
        if hook == "open_session":
            yield quoted(CONTEXT_MANAGER, "'open_session' is a generator; decorate it with @contextlib.contextmanager")
        else:
            what = f"{hook!r} is a generator function; only {' and '.join(IMPORTS)} yield, {hook!r} returns"
            yield quoted(MODULE, what)


def wrong_arguments(hook: str, function: Callable[..., object], valid: tuple[str, ...]) -> Iterator[str]:
    """Yields what is wrong with the arguments that an implementation or a wrapper names; ``valid`` are the hook's."""
    offered = ", ".join(valid) or "none"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.KEYWORD_ONLY):
            found = f"the argument {parameter.name!r} of {hook!r} is {parameter.kind.description}, which nothing fills"
            yield quoted(ARGUMENTS, f"{found} (arguments: {offered})")
        elif parameter.name not in valid:
            near = nearest(parameter.name, valid)
            yield quoted(NAMES, f"{hook!r} has no argument {parameter.name!r}{near} (arguments: {offered})")


def _absence(module: ModuleType, hook: str) -> str:
    """Says why a required hook is not there; a submodule of the same name hides a function."""
    value = vars(module).get(hook)
    if value is None:
        return f"the module {module.__name__!r} has no function {hook!r}"
    return f"{hook!r} in the module {module.__name__!r} is a {type(value).__name__}, not a function marked @hookimpl"
