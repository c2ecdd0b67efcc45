"""Passwords: how a connector takes them, and what goes with one (ECMA2: IMAExtensible2Password, PasswordOptions)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from ecmahost_core.secret import Secret

EXPORT_PASSWORD: Final = "export_password"  # noqa: S105 - a name, no password
"""What passwords are mapped to. Not an attribute: no schema has it, no change carries it, nothing reads it back."""


class PasswordSupport(StrEnum):
    """How a connector takes a password (ECMA2: SupportPassword and ExportPasswordInFirstPass)."""

    NONE = "None"
    """Not at all."""
    WITH_EXPORT = "WithExport"
    """With the Add, Update or Replace that it belongs to, applied as one: ``secrets`` of the hook ``export``."""
    SEPARATE = "Separate"
    """By a call of its own for an object that is there: the hook ``set_password``."""


@dataclass(frozen=True, slots=True)
class PasswordOptions:
    """What goes with a password (ECMA2: PasswordOptions).

    Attributes:
        initial: True for the first password of an object that was added a moment ago.
    """

    initial: bool = False


Secrets: TypeAlias = Mapping[str, Secret]
"""Passwords by the identifier of the change that they belong to."""

NO_SECRETS: Secrets = MappingProxyType({})
