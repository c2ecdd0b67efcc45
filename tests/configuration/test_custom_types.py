"""Resource types of one's own in a connector's file: what is taken, and every mistake with the way out."""

from collections.abc import Callable

import pytest

URN = "urn:example:params:scim:schemas:Device"
USER = '[object_types.User]\ntarget = "People"\nanchor = "Id"\n'
KEYS = 'target = "Things"\nanchor = "Id"\n'
DEVICE = f'[object_types.Device]\nschema = "{URN}"\n{KEYS}'
MAPPED = '[schema_mapping.Device]\nserial = "Serial"\n'
URN_EXPECTED = f'a URN of your own for its core schema, such as "{URN}"'
RESERVED = "User, Group, Schema, ResourceType, ServiceProviderConfig, Bulk, Me are SCIM's own"
ENDPOINTS = (
    "/Users, /Groups, /Schemas, /ResourceTypes, /ServiceProviderConfig, /Bulk, /Me, /cache"
    " and versions (/v2) are SCIM's"
)


def named(name: str, urn: str = "urn:example:Other", more: str = "") -> str:
    return f'[object_types.{name}]\nschema = "{urn}"\n{more}{KEYS}'


def mapped(*names: str) -> str:
    return MAPPED + "".join(f'[schema_mapping.{name}]\nname = "Name"\n' for name in names)


NAMES = [
    (named("Me"), "object_types.Me: found a name that is taken", f'another name, such as "MyMe": {RESERVED}'),
    (named("group"), "object_types.group: found a name that is taken", f'another name, such as "Mygroup": {RESERVED}'),
    (
        named("'My device'"),
        'object_types."My device": found a name that cannot be a resource type\'s',
        "a name of letters and digits that begins with a letter, such as [object_types.Device]",
    ),
    (
        named("DEVICE"),
        "object_types.DEVICE: found a name that another type has in another case",
        "a name of its own",
    ),
]
KEYS_OF_OTHERS = [
    (named("Thing", URN.upper()), f'object_types.Thing.schema: found "{URN.upper()[:40]}', "has this one"),
    (
        named("Thing", more='endpoint = "/DEVICES"\n'),
        'object_types.Thing.endpoint: found "/DEVICES"',
        "an endpoint of its own: [object_types.Device] has this one",
    ),
    (
        named("Thing", more='endpoint = "/users"\n'),
        'object_types.Thing.endpoint: found "/users"',
        f"another endpoint: {ENDPOINTS}",
    ),
    (
        named("Thing", more='endpoint = "/v2"\n'),
        'object_types.Thing.endpoint: found "/v2"',
        f"another endpoint: {ENDPOINTS}",
    ),
    (
        named("Thing", more='endpoint = "/a/b"\n'),
        "object_types.Thing.endpoint: found a text of 4 characters",
        'a slash and one name of letters, digits, hyphens and underscores, such as "/Devices"',
    ),
    (
        named("Thing", "urn:ietf:params:scim:schemas:core:2.0:user"),
        'object_types.Thing.schema: found "urn:ietf:params:scim:schemas:core:2.0:us..."',
        f"{URN_EXPECTED}: this one is SCIM's, or Microsoft's",
    ),
    (
        named("Thing", "urn:ietf:params:scim:api:messages:2.0:Own"),
        'object_types.Thing.schema: found "urn:ietf:params:scim:api:messages:2.0:Ow..."',
        f"{URN_EXPECTED}: this one is SCIM's, or Microsoft's",
    ),
    (named("Thing", "Thing"), "object_types.Thing.schema: found a text of 5 characters", URN_EXPECTED),
    (f"[object_types.Thing]\n{KEYS}", "object_types.Thing.schema", URN_EXPECTED),
]
PATHS = [
    ("'a b' = 'B'\n", '"a b": found a key that is no SCIM path', "a SCIM path: name, name.part"),
    ("'a.b.c' = 'B'\n", '"a.b.c": found a key that is no SCIM path', "a SCIM path: name, name.part"),
    (f"'{URN}:9' = 'B'\n", "found a key that is no SCIM path", "a SCIM path: name, name.part"),
    ("'urn:other: ' = 'B'\n", "found a key that is no SCIM path", "an attribute name after the last colon"),
    (
        "'serial.part' = 'B'\n",
        '"serial.part": found a part of serial, which is mapped as a whole',
        "the one or the other",
    ),
    ("SERIAL = 'B'\n", "SERIAL: found a path that is mapped already, in another spelling", "each path once"),
]


@pytest.mark.parametrize(("text", "found", "expected"), NAMES)
def test_a_name_that_means_something_else_is_refused(
    text: str, found: str, expected: str, problems: Callable[..., list[str]]
) -> None:
    (line,) = problems(object_types=USER + DEVICE + text, schema_mapping=MAPPED)
    assert line.startswith(found)
    assert line.endswith(f"expected {expected}")


@pytest.mark.parametrize(("text", "found", "expected"), KEYS_OF_OTHERS)
def test_an_endpoint_or_a_schema_that_means_something_else_is_refused(
    text: str, found: str, expected: str, problems: Callable[..., list[str]]
) -> None:
    (line,) = problems(object_types=USER + DEVICE + text, schema_mapping=mapped("Thing"))
    assert line.startswith(found)
    assert line.endswith(expected)


@pytest.mark.parametrize(("text", "found", "expected"), PATHS)
def test_a_path_that_no_attribute_can_be_made_of_is_refused(
    text: str, found: str, expected: str, problems: Callable[..., list[str]]
) -> None:
    (line,) = problems(object_types=DEVICE, schema_mapping=MAPPED + text)
    assert line.startswith("schema_mapping.Device.")
    assert found in line
    assert expected in line


def test_a_type_of_ones_own_needs_a_mapping_and_is_never_disabled(problems: Callable[..., list[str]]) -> None:
    lines = problems(
        object_types=DEVICE, schema_mapping="", deprovisioning='[deprovisioning.Device]\ndisable = "none"\n'
    )
    assert lines == [
        "schema_mapping.Device: expected this table, with a line for each attribute of the type",
        "deprovisioning.Device.disable: found an unknown key, expected only the keys delete",
    ]


def test_a_path_with_the_schema_of_another_type_is_refused(problems: Callable[..., list[str]]) -> None:
    mapping = f"{MAPPED}[schema_mapping.User]\n'{URN}:serial' = 'Serial'\n"
    (line,) = problems(object_types=USER + DEVICE, schema_mapping=mapping)
    assert line.startswith("schema_mapping.User.")
    assert line.endswith("expected another URN: this one is the core schema of [object_types.Device]")


def test_only_types_of_ones_own_have_an_endpoint_and_a_schema(problems: Callable[..., list[str]]) -> None:
    lines = problems(object_types=f'{USER}endpoint = "/People"\nschema = "{URN}"\n')
    assert [line.partition(":")[0] for line in lines] == ["object_types.User.endpoint", "object_types.User.schema"]
