"""The reference of the configuration files, made from what reads them, so that it cannot say anything else.

``docs/configuration.md`` is this text; a test compares the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, missing

from ecmahost_core.configuration import host_schemas, schemas
from ecmahost_core.configuration.fields import Entry, Reader, Tab, named, table
from ecmahost_core.configuration.meanings import MEANINGS, Meaning
from ecmahost_core.configuration.mistakes import Mistake
from ecmahost_core.configuration.parameters import SHOWN_ONLY
from ecmahost_core.ecma.parameters import ConfigParameterDefinition

_HEAD = """\
# Every key of the configuration

Made from the code that reads the files: what stands under *takes* is what an error message asks for. Change it with
`docs/write-reference`, never by hand.

A home directory has one `ecmahost.toml` for the host, read at its start, and one file for each connector in
`connectors.d/`, read again on SIGHUP. A connector's name is its file's: ASCII letters and digits. `ecmahost check`
reads them all and names every mistake at once; `ecmahost init` and `ecmahost init --connector NAME --type TYPE` write
them to begin with.

In `[connectivity]` and wherever else a parameter of the plugin stands, any text can be given as `{ env = "NAME" }` or
`{ file = "path" }`; a secret is one of these, or what `ecmahost encrypt` prints.
"""

_HOST = (
    ("host", host_schemas.HostTab),
    ("tls", host_schemas.TlsTab),
    ("logs", host_schemas.LogsTab),
    ("store", host_schemas.StoreTab),
    ("admin", host_schemas.AdminTab),
    ("metrics", host_schemas.MetricsTab),
)
_BEFORE = (("properties", schemas.PropertiesTab),)
_AFTER = (
    ("run_profiles", schemas.RunProfilesTab),
    ("export", schemas.ExportTab),
    ("object_types.User", schemas.ObjectTypeTab),
)
_OF_CUSTOM = (("object_types.NAME", schemas.CustomTypeTable),)
_LAST = (
    ("deprovisioning.User", schemas.DeprovisioningTab),
    ("deprovisioning.Group", schemas.GroupDeprovisioningTab),
)
_MAPPING = """
## `[schema_mapping.User]`

One line for each SCIM attribute that is kept: its path on the left (in quotes where it has a dot, a bracket or a
colon), the target attribute on the right. Without this table the connector speaks the profile `ecma`.

```toml
userName = "Login"                                # of the core schema
"name.givenName" = "FirstName"                    # a part of a complex attribute
'emails[type eq "work"].value' = "Email"          # one of several values
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "Department"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "ManagerId"    # a Reference: another person
"urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:Country" = "Country"     # a URN and a name of your own
```

## `[object_types.Group]` and `[schema_mapping.Group]`

Groups, where the target has them: the keys of `[object_types.User]`, with a mapping in any case. `members` takes an
attribute of type Reference with several values. In the target it names people by their anchor (`references`) or by
their distinguished name; clients see SCIM ids in both cases.

```toml
[object_types.Group]
target = "Groups"
anchor = ["Id"]
query_attributes = ["Name"]
attributes.Members = { type = "Reference", references = "Employees" }   # where the target's catalog does not say it

[schema_mapping.Group]
displayName = "Name"
members = "Members"
# or, where the target keeps them apart:  'members[type eq "Group"]' = "MemberGroups"
```
"""

_CUSTOM = """
Any other name is a resource type of your own (RFC 7643 section 6), such as `Device` or `Entitlement`: letters and
digits, the first a letter. It has the keys of `[object_types.User]`, a mapping in any case, and these keys. Its core
schema has the attributes that the mapping names, of the target's types: `name`, `name.part` for a part of a complex
attribute, and for references `name`, or `name[type eq "..."]` where the target keeps them apart by type. Of what SCIM
has for people there is nothing: no `active`, no `groups`. A URN of your own before a name makes an extension, as for
people. Whoever is named by a Reference may be of any type, `references = "Device"` included.

```toml
[object_types.Device]
schema = "urn:example:params:scim:schemas:Device"
endpoint = "/Devices"
target = "Devices"
anchor = ["Id"]
query_attributes = ["Serial"]
attributes.OwnerId = { type = "Reference", references = "User" }    # where the target's catalog does not say it

[schema_mapping.Device]
serialNumber = "Serial"
"model.vendor" = "Vendor"
"model.name" = "Model"
owner = "OwnerId"                 # {"value": the SCIM id of a user, "$ref": ...}
```
"""

_EXTENSIONS = """
## `[extensions.NAME]`

The settings of an extension that `properties.extensions` names: its own parameters, as `ecmahost extensions NAME` lists
them, given like those of `[connectivity]`.
"""


def reference(definitions: Mapping[str, Sequence[ConfigParameterDefinition]]) -> str:
    """Returns the reference as Markdown.

    Args:
        definitions: the connectivity parameters of each connector type to describe, by type.
    """
    parts = [_HEAD, "\n# `ecmahost.toml`\n"]
    parts += [_section(name, tab) for name, tab in _HOST]
    parts.append("\n# `connectors.d/NAME.toml`\n")
    parts += [_section(name, tab) for name, tab in _BEFORE]
    parts += [_parameters(name, declared) for name, declared in definitions.items()]
    parts += [_section(name, tab) for name, tab in _AFTER]
    parts.append(_MAPPING)
    parts += [_section(name, tab) for name, tab in _OF_CUSTOM]
    parts.append(_CUSTOM)
    parts += [_section(name, tab) for name, tab in _LAST]
    parts.append(_EXTENSIONS)
    return "".join(parts)


def keys() -> list[str]:
    """Returns every key that has a value of its own, as ``table.key``; a test wants a meaning for each."""
    tabs = (*_HOST, *_BEFORE, *_AFTER, *_OF_CUSTOM, *_LAST)
    return [f"{name}.{key}" for name, tab in tabs for key, _ in _values(tab)]


def _section(name: str, tab: type[Tab]) -> str:
    return _heading(f"`[{name}]`") + "".join(_key(f"{name}.{key}", key, entry) for key, entry in _values(tab))


def _key(place: str, key: str, entry: Entry) -> str:
    meaning = MEANINGS.get(place, Meaning(""))
    without = "a mistake" if entry.required else meaning.otherwise or _default_of(entry)
    return _row(key, meaning.takes or _expected(entry.reader), without, meaning.text)


def _values(tab: type[Tab]) -> Iterator[tuple[str, Entry]]:
    """Yields the keys that have a value of their own; a table inside the table is described by its keys."""
    return ((key, entry) for key, entry in _entries(tab) if not isinstance(entry.reader, table | named))


def _entries(tab: type[Tab], before: str = "") -> Iterator[tuple[str, Entry]]:
    """Yields every key of a table in the order of its class, those of tables inside it with a dotted name."""
    for key, entry in tab().fields.items():
        if not isinstance(entry, Entry):
            continue
        path = f"{before}{key}"
        yield path, entry
        inner = entry.reader
        if isinstance(inner, named):
            path, inner = f"{path}.NAME", inner.reader
        if isinstance(inner, table):
            yield from _entries(inner.tab, f"{path}.")


def _parameters(name: str, definitions: Sequence[ConfigParameterDefinition]) -> str:
    rows = (
        _row(one.name, _kind(one), _without(one), f"{one.label}. {one.help}".strip())
        for one in definitions
        if one.kind not in SHOWN_ONLY
    )
    return _heading(f'`[connectivity]` where `type = "{name}"`') + "".join(rows)


def _heading(title: str) -> str:
    return f"\n## {title}\n\n| key | takes | without it | what it is for |\n|---|---|---|---|\n"


def _kind(one: ConfigParameterDefinition) -> str:
    return "one of " + ", ".join(f'"{choice}"' for choice in one.choices) if one.choices else one.kind.value


def _without(one: ConfigParameterDefinition) -> str:
    if one.depends_on is not None:
        return f"only where `{one.depends_on[0]} = {_toml(one.depends_on[1])}`"
    return "a mistake" if one.required else "" if one.default is None else f"`{_toml(one.default)}`"


def _expected(reader: Reader[Any]) -> str:
    """No reader takes an object of this kind, and each says what it wants instead."""
    try:
        reader(object())
    except ValidationError as error:
        found = error.messages
        while isinstance(found, Mapping):
            found = next(iter(found.values()))
        return next((one.expected for one in found if isinstance(one, Mistake)), "")
    return ""


def _default_of(entry: Entry) -> str:
    return "" if entry.load_default in (missing, None, {}) else f"`{_toml(entry.load_default)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _row(*cells: str) -> str:
    key, *others = (cell.replace("|", r"\|").replace("\n", " ") for cell in cells)
    return f"| `{key}` | " + " | ".join(others) + " |\n"
