"""Resource types of the administrator's own (RFC 7643 section 6), beside User and Group: ``[object_types.Device]``.

What of a file makes them: their names, endpoints and schemas, none of which may mean something else already.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ecmahost_core.configuration.mistakes import describe, dotted, echo, nearest, refusal
from ecmahost_core.configuration.report import Report
from ecmahost_core.configuration.scim_paths import RESOURCE_TYPES
from ecmahost_core.scim.custom_types import (
    ENDPOINT,
    RESERVED_ENDPOINTS,
    RESERVED_NAMES,
    TYPE_NAME,
    URN,
    is_reserved_endpoint,
    is_reserved_urn,
)

TABLE = "object_types"
_ENDPOINT = 'a slash and one name of letters, digits, hyphens and underscores, such as "/Devices"'
_LONGEST_URN = 255
URN_EXPECTED = 'a URN of your own for its core schema, such as "urn:example:params:scim:schemas:Device"'
_NAME = "a name of letters and digits that begins with a letter, such as [object_types.Device]"


def custom_endpoint(value: Any) -> str:
    """Where the resources are, below the base URL."""
    if not isinstance(value, str) or not ENDPOINT.fullmatch(value):
        raise refusal(describe(value), _ENDPOINT)
    if is_reserved_endpoint(value):
        raise refusal(echo(value), f"another endpoint: {', '.join(RESERVED_ENDPOINTS)} and versions (/v2) are SCIM's")
    return value


def custom_schema(value: Any) -> str:
    """The URN of the core schema."""
    if not isinstance(value, str) or len(value) > _LONGEST_URN or not URN.fullmatch(value):
        raise refusal(describe(value), URN_EXPECTED)
    if is_reserved_urn(value):
        raise refusal(echo(value), f"{URN_EXPECTED}: this one is SCIM's, or Microsoft's")
    return value


def custom_names(report: Report, object_types: Any) -> tuple[str, ...]:
    """Returns the names of the tables that are about resource types of the administrator's own.

    Tells ``report`` of the others. A table without a schema whose name is nearly that of a type which SCIM has is a
    slip of the pen.
    """
    good: list[str] = []
    for name, values in object_types.items() if isinstance(object_types, Mapping) else ():
        if name in RESOURCE_TYPES:
            continue
        place = f"{TABLE}.{dotted((name,))}"
        near = nearest(name, tuple(RESOURCE_TYPES))
        if near is not None and not (isinstance(values, Mapping) and "schema" in values):
            report.add(place, "", "an unknown table", f"[{TABLE}.{near}], or a schema for a resource type of your own")
        elif not TYPE_NAME.fullmatch(name):
            report.add(place, "", "a name that cannot be a resource type's", _NAME)
        elif name.lower() in map(str.lower, RESERVED_NAMES):
            expected = f"another name, such as {echo('My' + name)}: {', '.join(RESERVED_NAMES)} are SCIM's own"
            report.add(place, "", "a name that is taken", expected)
        elif name.lower() in map(str.lower, good):
            report.add(place, "", "a name that another type has in another case", "a name of its own")
        else:
            good.append(name)
    return tuple(good)


def refuse_collisions(report: Report, object_types: Mapping[str, Mapping[str, Any]]) -> None:
    """Tells ``report`` of endpoints and schemas that two resource types have, whatever their case.

    Args:
        report: of the file.
        object_types: what was read, by resource type.
    """
    endpoints: dict[str, str] = {}
    schemas: dict[str, str] = {}
    for name, values in object_types.items():
        if name in RESOURCE_TYPES:
            continue
        place = f"{TABLE}.{name}"
        where = values.get("endpoint") or f"/{name}s"
        other = endpoints.setdefault(where.lower(), name)
        if other != name:
            report.add(place, "endpoint", echo(where), f"an endpoint of its own: [{TABLE}.{other}] has this one")
        other = schemas.setdefault(values["schema"].lower(), name)
        if other != name:
            report.add(place, "schema", echo(values["schema"]), f"a URN of its own: [{TABLE}.{other}] has this one")


def refuse_borrowed_urns(
    report: Report, object_types: Mapping[str, Mapping[str, Any]], mapping: Mapping[str, Iterable[str]]
) -> None:
    """Tells ``report`` of paths with the core schema of another resource type: one URN cannot mean two schemas."""
    owners = {values["schema"].lower(): name for name, values in object_types.items() if "schema" in values}
    for name, paths in mapping.items():
        for path in paths:
            owner = owners.get(path.rpartition(":")[0].lower(), name)
            if owner != name:
                expected = f"another URN: this one is the core schema of [{TABLE}.{owner}]"
                report.add(f"schema_mapping.{name}", dotted((path,)), "", expected)
