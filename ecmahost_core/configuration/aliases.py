"""Other names for target attributes whose own cannot stand after a URN: ``attributes."a.b" = { alias = "a_b" }``."""

from collections.abc import Collection
from typing import Any

from tomlkit import item, key

from ecmahost_core.configuration.fields import name
from ecmahost_core.configuration.mistakes import echo, refusal
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD
from ecmahost_core.scim.attribute_names import fault_of, suitable
from ecmahost_core.text import fold


def alias(value: Any) -> str:
    """Reads an alias; raises ValidationError for one that could not stand after a URN either."""
    read = name(value)
    fault = fault_of(read)
    if fault:
        raise refusal(echo(read), f"a name {fault}")
    if fold(read) == fold(EXPORT_PASSWORD):
        raise refusal(echo(read), "another one: passwords go by it")
    return read


def alias_line(attribute: str, taken: Collection[str]) -> str:
    """Returns the line that gives an attribute a name which no other has, as it is to be written in the file.

    Args:
        attribute: the target's own name.
        taken: the folded names that are not free.
    """
    wanted = suitable(attribute)
    candidates = (wanted, *(f"{wanted}_{number}" for number in range(2, len(taken) + 3)))
    free = next(one for one in candidates if fold(one) not in taken)
    return f"attributes.{key(attribute).as_string()} = {{ alias = {item(free).as_string()} }}"
