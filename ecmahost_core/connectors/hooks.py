"""The hooks of one plugin, called through the extensions that wrap it: the only file that touches pluggy's manager."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from ecmahost_core import hookspecs
from ecmahost_core.connectors import defaults, returns
from ecmahost_core.connectors.contract import LoadedPlugin, specifications
from ecmahost_core.connectors.failures import guarded, quoted
from ecmahost_core.connectors.withholding import withholding
from ecmahost_core.connectors.wrapping import Answer, shown
from ecmahost_core.errors import BrokenContract

T = TypeVar("T")


class Hooks:
    """One plugin manager: the built-in defaults, one plugin, and the extensions that wrap it."""

    def __init__(self, plugin: LoadedPlugin, extensions: Sequence[ModuleType] = ()) -> None:
        """Takes the extensions as they are registered, the outermost first."""
        self.plugin = plugin
        module = ModuleType(plugin.name)
        vars(module).update(plugin.hooks)
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        manager.register(defaults, "built-in defaults")
        manager.register(module, f"connector {plugin.name}")
        # Of wrappers, pluggy runs the one that was registered last around all the others.
        for extension in reversed(extensions):
            manager.register(extension, f"extension {extension.__name__}")
        # With firstresult, pluggy goes on to the defaults when a plugin returns None. A hook that the plugin implements
        # is therefore asked without them.
        self._callers = {
            hook: manager.subset_hook_caller(hook, [*extensions, *([defaults] if plugin.implements(hook) else [])])
            for hook in specifications()
        }
        self._wrapped = {
            hook: manager.subset_hook_caller(hook, [defaults, module])
            for hook in specifications()
            if any(hook in vars(extension) for extension in extensions)
        }

    def call(self, hook: str, check: Callable[[str, Any], T], **arguments: object) -> T:
        """Returns what the hook returns, as ``check`` finds it; raises ConnectorError or BrokenContract.

        Args:
            hook: its name.
            check: takes a name, the plugin's or an extension's, and its answer, which is not None; returns the answer
                or raises. Called for each of them whose answer it is.
            arguments: all the arguments of the hook.
        """
        if hook not in self._wrapped:
            return self._implementation(hook, check, arguments)

        def implementation() -> Answer:
            return Answer(self._implementation(hook, check, arguments), check)

        wrapped, seen = self._wrapped[hook], shown(arguments)
        answer: Answer = self.guarded(hook, lambda: wrapped.call_extra([implementation], seen))
        value: T = answer.value
        return value

    def guarded(self, hook: str, function: Callable[[], T]) -> T:
        """Returns what a plugin's code returns; raises ConnectorError or BrokenContract for what it raises."""
        return guarded(self.plugin.name, hook, function)

    def _implementation(self, hook: str, check: Callable[[str, Any], T], arguments: Mapping[str, object]) -> T:
        """Calls what the plugin implements, or the default, without the extensions.

        What it raises holds no password that it was given: an extension may write it down.
        """
        answer = withholding(arguments, lambda: self.guarded(hook, lambda: self._callers[hook](**arguments)))
        if answer is None:
            raise BrokenContract(self.plugin.name, hook, quoted(returns.NEVER_NONE, "it returned None"))
        return self.guarded(hook, lambda: check(self.plugin.name, answer))  # looking may run code of the plugin's
