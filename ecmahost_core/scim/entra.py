"""What Microsoft Entra ID's provisioning service does differently from the RFCs, all in one place.

Each function or table is one deviation, and says who calls it; everything else in this package is the RFC. Several
of them are undocumented and known from traffic and from other servers' bug reports only.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from ecmahost_core.scim import urns
from ecmahost_core.scim.nodes import And, Comparison, Filter
from ecmahost_core.scim.schemas import Attribute
from ecmahost_core.text import fold

URN_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User": urns.ENTERPRISE_USER,
        urns.ECMA_USER_PREVIEW: urns.ECMA2HOST_USER,
    }
)
"""Other URNs that clients send, and what they mean (``resource_types``): one that Microsoft misspelt in samples and in
its older validator, and the name of the ECMA host's extension in apps that were set up during its preview. Only where
the connector has no extension of that name itself."""

DN_ATTRIBUTE: Final = "-dn-"
"""What Microsoft's ECMA app calls an object's DN, as an attribute of the ECMA host's extension."""

PLACEHOLDER: Final = "PLACEHOLDER"
"""The target attribute of the ECMA app's attribute mapping until an administrator chooses a real one."""

_FLAG_BEFORE_PATH = re.compile(r"(?:aadOptscim062020|AzureAdScimPatch2017)=?(/[^?&]*)?(?:[?&](.*))?", re.IGNORECASE)


def request_target(path: str, query: str) -> tuple[str, str]:
    """The path and query string that were meant when the tenant URL carries a feature flag (called by ``web``).

    An administrator writes ``https://host/scim?aadOptscim062020`` as the tenant URL, and resource paths may be put
    behind it: ``/scim?aadOptscim062020/Users?filter=...`` means ``/scim/Users?filter=...``. ``path`` is decoded (WSGI's
    PATH_INFO), ``query`` is not.
    """
    flagged = _FLAG_BEFORE_PATH.fullmatch(query)
    if flagged is None:
        return path, query
    # WSGI spells the bytes of a path as Latin-1 (PEP 3333).
    resource = unquote_to_bytes(flagged[1] or "").decode("latin-1").rstrip("/")
    return (path.rstrip("/") + resource if resource else path), flagged[2] or ""


def other_order(urn: str, name: str, resource_type: str) -> str | None:
    """An extension's attribute with the other order of its last two parts (called by ``resource_types``).

    The guide to the ECMA host's preview writes ``...:Name:2.0:Attribute:User`` where everything else has
    ``...:Name:2.0:User:Attribute``; an administrator may have copied either into the app or into the mapping. None
    where there is no other order.
    """
    stem, _, last = urn.rpartition(":")
    return f"{stem}:{name}:{last}" if fold(resource_type) in (fold(last), fold(name)) else None


def boolean(text: str) -> bool | None:
    """``"True"`` and ``"False"`` in any case, which stand for JSON booleans; None for any other text.

    Called wherever a value meets a boolean attribute: ``{"path": "active", "value": "False"}`` is how an account is
    disabled without the flag, and ``roles[primary eq "True"]`` is a filter of the default attribute mapping.
    """
    return _BOOLEANS.get(text.lower())


_BOOLEANS: Final[Mapping[str, bool]] = MappingProxyType({"true": True, "false": False})


def tolerates_nonsense(name: str) -> bool:
    """Whether a wrong value of this boolean sub-attribute is left out rather than refused (called by ``values``).

    The SCIM Validator generates telephone numbers for ``phoneNumbers[...].primary``. Refusing the user for the sake
    of which number comes first helps nobody.
    """
    return name == "primary"


def without_blanks(value: Any, depth: int = 4) -> Any:
    """A PATCH value with every ``""`` turned into None, which clears (called by ``operations``).

    Attribute values are cleared with either. No SCIM value is deeper than ``depth`` levels of arrays and objects;
    what is deeper stays as it is, and is refused by its type.
    """
    if value == "":
        return None
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {key: without_blanks(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [without_blanks(item, depth - 1) for item in value]
    return value


def carries_placeholder(names: Iterable[str]) -> bool:
    """Whether one of the unknown names of a request is ``PLACEHOLDER``, with or without a URN (called by ``web``)."""
    return any(name.rpartition(":")[2].lower() == PLACEHOLDER.lower() for name in names)


def passed_over_when_read_only(name: str) -> bool:
    """Whether a PATCH of this attribute, where it is read-only, is ignored rather than refused (called by ``patch``).

    RFC 7644 section 3.5.2 has ``mutability``. Microsoft's template maps ``-dn-`` and expects it to be sent with the
    creation alone; where an administrator has not said so, it comes with every change, and refusing it would refuse
    whatever else was to change, in every cycle. ``groups`` of a user comes back with the resource that it was read in.
    """
    return name in (DN_ATTRIBUTE, "groups")


def stays_when_blank(attribute: Attribute) -> bool:
    """Whether null or ``""`` in a PATCH leaves this attribute as it is and is not refused (called by ``patch``).

    RFC 7644 section 3.5.2.3 has ``mutability`` for what cannot be removed. Entra's tests clear every attribute that is
    mapped, ``active`` among them, and refusing that one would refuse the others. Nobody is enabled by it.
    """
    return attribute.defaulted


def unwrapped(value: Any) -> Any:
    """The value of ``[{"$ref": null, "value": x}]``, the older PATCH form of a plain ``x`` (called by ``patch``)."""
    element = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(element, dict) and "value" in element and element.keys() <= {"value", "$ref"}:
        return element["value"]
    return value


def means_the_only_one(value_filter: Filter) -> bool:
    """Whether a filter wants the primary one of values that do not say which is (called by ``elements``).

    ``roles[primary eq "True"].value`` is Microsoft's mapping for the one role of a user. Where a connector keeps roles
    as plain texts, the only one is meant, or the one to be made; ``noTarget`` would refuse what else is in the PATCH.
    """
    if not isinstance(value_filter, Comparison) or value_filter.operator != "eq":
        return False
    path = value_filter.path
    asks = path.attribute is None and path.name.lower() == "primary"
    return asks and boolean(str(value_filter.value)) is True


def element_meant_by(value_filter: Filter) -> dict[str, Any] | None:
    """The element that a PATCH of ``emails[type eq "work"].value`` creates when there is none (called by ``elements``).

    RFC 7644 section 3.5.2.3 has ``noTarget`` here; Entra never sends the element itself and depends on its creation.
    Returns the attributes that the filter asks for, or None when it is not a conjunction of equalities, so that it
    does not say what to create.
    """
    element: dict[str, Any] = {}
    for operand in value_filter.operands if isinstance(value_filter, And) else (value_filter,):
        if not isinstance(operand, Comparison) or operand.operator != "eq" or operand.value is None:
            return None
        if operand.path.attribute is None or element.setdefault(operand.path.name, operand.value) != operand.value:
            return None
    return element
