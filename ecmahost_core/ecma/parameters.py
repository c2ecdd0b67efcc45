"""What an administrator fills in for a connector (ECMA2: ConfigParameterDefinition, ConfigParameter)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from ecmahost_core.secret import Secret

__all__ = [
    "NO_PARAMETERS",
    "ConfigParameterDefinition",
    "ConfigParameterType",
    "ParameterValue",
    "Parameters",
    "Secret",
]


class ConfigParameterType(StrEnum):
    """The eight kinds of field of a wizard page (ECMA2: ConfigParameterType)."""

    STRING = "String"
    TEXT = "Text"
    CHECK_BOX = "CheckBox"
    DROP_DOWN = "DropDown"
    ENCRYPTED_STRING = "EncryptedString"
    FILE = "File"
    LABEL = "Label"
    DIVIDER = "Divider"


ParameterValue: TypeAlias = str | bool | Secret
"""STRING, TEXT, DROP_DOWN and FILE give a string, CHECK_BOX a boolean, ENCRYPTED_STRING a Secret."""

Parameters: TypeAlias = Mapping[str, ParameterValue]
"""Validated parameters by name. Every declared parameter that has a value or a default is present; one without either
is absent. The mapping is read-only."""

NO_PARAMETERS: Parameters = MappingProxyType({})

PLACES = ("url", "uri", "server", "host", "port", "dsn", "database", "path", "directory", "base_dn", "tenant")
"""Names of parameters that identify the target unless their definition says otherwise."""


@dataclass(frozen=True, slots=True)
class ConfigParameterDefinition:
    """Declares one parameter; the same declaration validates, documents and builds forms.

    Attributes:
        name: the key in the TOML table; lower case with underscores.
        label: what a form shows. LABEL and DIVIDER have nothing but this.
        kind: the kind of field.
        help: one or two sentences: what it is for, what happens when it is left out.
        required: whether it must be filled in.
        default: used when it is not filled in; None for no default. Never a secret.
        choices: what a DROP_DOWN offers; empty for other kinds.
        depends_on: this parameter only matters (and is only required) when another has a value: its name and that
            value; None for always.
        validation: a regular expression that the whole text must match; empty for none (ECMA2: Validation).
        identifies_target: whether another value means another target, whose objects are not those that the host knows:
            a server, a database, a file; not an account, a driver, a timeout. None lets the kind and the name decide:
            FILE does, and so do the names of ``PLACES``. Never an ENCRYPTED_STRING: see the hook ``target_identity``.
    """

    name: str
    label: str
    kind: ConfigParameterType = ConfigParameterType.STRING
    help: str = ""
    required: bool = False
    default: str | bool | None = None
    choices: tuple[str, ...] = ()
    depends_on: tuple[str, str | bool] | None = None
    validation: str = ""
    identifies_target: bool | None = None

    @property
    def names_target(self) -> bool:
        """Whether the parameter is a part of the target's identity: as declared, or by its kind and name."""
        if self.kind is ConfigParameterType.ENCRYPTED_STRING:
            return False
        if self.identifies_target is not None:
            return self.identifies_target
        return self.kind is ConfigParameterType.FILE or self.name in PLACES
