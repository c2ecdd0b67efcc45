"""The value of a comparison, brought to the type of the attribute that it is compared with.

Clients quote what the schema has as a boolean or a number, and leave the quotes off numbers that the schema has as
strings. Both are understood, because a match that silently finds nobody ends in a second account.
"""

import re
from datetime import UTC, datetime

from ecmahost_core.scim import entra
from ecmahost_core.scim.nodes import Literals
from ecmahost_core.scim.schemas import Attribute

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")


def fitted(attribute: Attribute, value: Literals, text: str) -> Literals:
    """``value`` as ``attribute`` has it, or unchanged where it does not fit: it then equals nothing.

    ``text`` is how the value was written.
    """
    if value is None:
        return None
    if attribute.type == "boolean":
        converted = entra.boolean(text)
        return text if converted is None else converted
    if attribute.type in ("integer", "decimal"):
        converted_number = number(text)
        return text if converted_number is None else converted_number
    return text


def number(text: str) -> int | float | None:
    """The number that ``text`` is in JSON's notation; None for any other text and for one past 64 bits."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return None


def instant(text: str) -> datetime | None:
    """The instant of an ``xsd:dateTime`` (RFC 7643 section 2.3.5), in UTC where it has no zone; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
