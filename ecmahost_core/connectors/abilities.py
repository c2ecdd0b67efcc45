"""What a connector can do: what its plugin says of itself, less what it does not implement."""

from dataclasses import replace

from ecmahost_core.connectors.contract import LoadedPlugin
from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.errors import ConnectorError


def derived(said: Capabilities, plugin: LoadedPlugin) -> Capabilities:
    """Returns the capabilities of a connector.

    Args:
        said: by the plugin's ``capabilities``, or by the host's default for it.
        plugin: whose hooks count.
    """
    return replace(
        said,
        full_import=said.full_import and plugin.implements("full_import"),
        explain=said.explain and plugin.implements("explain_export"),
        full_object_import=said.full_object_import and plugin.implements("full_object_import"),
        password=_password(said.password, plugin),
    )


def missing(name: str, plugin: LoadedPlugin, hook: str, what: str = "") -> ConnectorError:
    """Returns the error of a connector that lacks the ability behind a hook; ``what`` names it better than the hook."""
    why = "declines it" if plugin.implements(hook) else "does not implement it"
    return ConnectorError(
        f"connector {name!r} has no {what or hook}: its plugin {plugin.name!r} {why}", nothing_sent=True
    )


def _password(said: PasswordSupport, plugin: LoadedPlugin) -> PasswordSupport:
    able = {
        PasswordSupport.WITH_EXPORT: plugin.names("export", "secrets"),
        PasswordSupport.SEPARATE: plugin.implements("set_password"),
    }
    if not plugin.implements("capabilities"):
        return next((way for way, can in able.items() if can), PasswordSupport.NONE)
    return said if able.get(said) else PasswordSupport.NONE
