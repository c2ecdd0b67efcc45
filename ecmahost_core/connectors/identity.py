"""What names a target where its plugin declares it by parameters."""

import re
from collections.abc import Sequence
from pathlib import Path

from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType, Parameters, ParameterValue

_LOGIN = re.compile(r"(?<=//)[^/?#@]*@")
"""RFC 3986 section 3.2.1: the userinfo of a URL, which may hold a password and does not name the target."""


def declared_identity(definitions: Sequence[ConfigParameterDefinition], parameters: Parameters) -> str:
    """Returns ``name=value`` of the parameters that identify the target; empty where there are none.

    Files below the home directory, which is the current one, are named from there: a home may be moved as a whole.
    """
    parts = []
    for definition in definitions:
        value = parameters.get(definition.name)
        if definition.names_target and isinstance(value, str | bool) and value != "":
            parts.append(f"{definition.name}={_shown(definition, value)}")
    return "; ".join(parts)


def _shown(definition: ConfigParameterDefinition, value: ParameterValue) -> str:
    text = _LOGIN.sub("", str(value))
    if definition.kind is not ConfigParameterType.FILE:
        return text
    file, home = Path(text), Path.cwd()
    return str(file.relative_to(home)) if file.is_relative_to(home) else text
