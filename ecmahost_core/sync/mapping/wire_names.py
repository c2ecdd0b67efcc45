"""The names of target attributes in the profile ``ecma``: the target's own, after the URN of the ECMA host's extension.

A name that could not be read back there, or that differs from another one in case only, needs an alias. An attribute
that the administrator chose is a mistake without one. One that is only there because everything is selected is left
out, and ``ecmahost check`` says so: a column that somebody adds one day must not stop the connector. Where two names
are alike and neither was chosen, nobody can tell which of them is to be left out, so that is a mistake as well.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ecmahost_core.configuration.aliases import alias_line
from ecmahost_core.ecma.schema import SchemaAttribute
from ecmahost_core.scim.attribute_names import fault_of
from ecmahost_core.text import fold


@dataclass(frozen=True, slots=True)
class Unnameable:
    """An attribute that cannot go by its name.

    Attributes:
        attribute: the target's.
        reason: what is wrong with the name, as the end of a sentence.
        line: the line under ``[object_types.User]`` that gives it another one.
    """

    attribute: SchemaAttribute
    reason: str
    line: str


@dataclass(frozen=True, slots=True)
class WireNames:
    """The names of one object type.

    Attributes:
        names: by target attribute, in the target's order; what is left out or refused is missing.
        left_out: nobody chose these, and they do without a name.
        refused: each is a mistake in the configuration.
    """

    names: Mapping[str, str]
    left_out: tuple[Unnameable, ...]
    refused: tuple[Unnameable, ...]


def wire_names(attributes: Sequence[SchemaAttribute], chosen: Collection[str], aliases: Mapping[str, str]) -> WireNames:
    """Returns the names of the selected attributes.

    Args:
        attributes: those that are selected.
        chosen: the names of those that the configuration names.
        aliases: by target attribute name.
    """
    names = {one.name: aliases.get(one.name) or one.name for one in attributes}
    taken = {fold(name) for name in names.values()}
    holders: dict[str, SchemaAttribute] = {}
    left_out: list[Unnameable] = []
    refused: list[Unnameable] = []
    for one in sorted(attributes, key=lambda one: one.name not in chosen):
        name = names[one.name]
        fault = fault_of(name)
        holder = holders.get(fold(name))
        if not fault and holder is None:
            holders[fold(name)] = one
            continue
        mistake = one.name in chosen
        reason = f"SCIM needs a name {fault}"
        if holder is not None:
            mistake = mistake or holder.name not in chosen or holder.name in aliases
            reason = f"SCIM cannot tell it from {names[holder.name]!r}"
        found = Unnameable(one, reason, alias_line(one.name, taken))
        (refused if mistake else left_out).append(found)
    held = {one.name for one in holders.values()}
    return WireNames(
        {target: name for target, name in names.items() if target in held}, tuple(left_out), tuple(refused)
    )
