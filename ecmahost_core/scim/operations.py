"""PATCH operations, and the single changes that they come to (RFC 7644 section 3.5.2)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ecmahost_core.scim import entra, errors
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.nodes import AttributePath, paths_in
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute
from ecmahost_core.scim.values import note_ignored, sealed

Op = Literal["add", "replace", "remove"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a PatchOp message, as ``messages.parse_patch`` reads it.

    ``path`` is None where the client gave none. ``value`` is JSON as sent; ``has_value`` tells null from absent.
    """

    op: Op
    path: str | None = None
    value: Any = field(default=None, repr=False)
    has_value: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one attribute: ``attribute`` is that of ``path``.

    ``explicit`` is False for what came as a key of a path-less value: such an object is often a whole resource, sent
    back with the attributes that only the server sets. ``value`` None clears, unless ``op`` is ``add`` and the
    attribute has several values.
    """

    op: Op
    path: AttributePath
    attribute: Attribute
    value: Any = field(repr=False)
    has_value: bool
    explicit: bool

    @property
    def owner(self) -> str:
        """What stands before the attribute's name in messages."""
        return "" if self.path.urn is None else f"{self.path.urn}:"


def with_sealed_values(operations: Iterable[Operation], resource_type: ResourceType) -> tuple[Operation, ...]:
    """The operations with a Secret for each value that is never shown; called as soon as they are read.

    What is wrong with an operation otherwise is left for ``changes`` to tell.

    Raises:
        ScimError: 400 ``invalidValue`` for a password that is no text.
    """
    if not resource_type.has_secrets:
        return tuple(operations)
    return tuple(replace(one, value=_sealed(one.value, one.path, resource_type)) for one in operations)


def _sealed(value: Any, key: str | None, resource_type: ResourceType) -> Any:
    """What stands under ``key``: a path; None before an object whose keys are paths."""
    prefix = ""
    if key and not key.isspace():
        path = _path_of_key(key, resource_type)
        if path is not None and path.attribute is not None and path.attribute.returned == "never":
            owner = "" if path.urn is None else f"{path.urn}:"
            return sealed(path.attribute, entra.unwrapped(value), owner)
        if path is None or path.name:
            return value
        prefix = f"{path.urn or resource_type.schema.id}:"
    if not isinstance(value, Mapping):
        return value
    return {name: _sealed(item, prefix + name, resource_type) if name else item for name, item in value.items()}


def changes(operation: Operation, resource_type: ResourceType, ignored: list[str]) -> Iterator[Change]:
    """The changes that an operation asks for, in the order in which they are to be made.

    ``ignored`` receives the paths of unknown attributes.

    Raises:
        ScimError: 400 ``invalidPath``, ``noTarget`` or ``invalidValue``.
    """
    op = operation.op
    if op != "remove" and not operation.has_value:
        raise errors.invalid_value(f"A PATCH operation {op} needs a value.")
    value = operation.value if op == "remove" else entra.without_blanks(operation.value)
    if not operation.path or operation.path.isspace():
        if op == "remove":
            raise errors.no_target("A PATCH operation remove needs a path.")
        yield from _of_object(op, value, "", resource_type, ignored)
        return
    path = parse_path(operation.path, resource_type)
    if path.attribute is not None:
        _note_unknown_in_filter(path, ignored)
        yield Change(op, path, path.attribute, value, operation.has_value, explicit=True)
    elif path.name:
        owner = resource_type.lookup(path.text.rpartition(".")[0]) if path.value_filter is not None else None
        note_ignored(ignored, operation.path if owner is None else path.text)
    elif op == "remove" or value is None:
        yield from _of_whole_schema(path, resource_type)
    else:
        yield from _of_object(op, value, f"{path.urn or resource_type.schema.id}:", resource_type, ignored)


def _note_unknown_in_filter(path: AttributePath, ignored: list[str]) -> None:
    """A filter on what values do not have selects none of them, and the client is not told unless it is noted."""
    if path.value_filter is None or entra.means_the_only_one(path.value_filter):
        return
    for inner in paths_in(path.value_filter):
        if inner.attribute is None:
            note_ignored(ignored, f"{replace(path, sub_attribute=None).text}.{inner.name}")


def _of_whole_schema(path: AttributePath, resource_type: ResourceType) -> Iterator[Change]:
    schema = resource_type.extension(path.urn) if path.urn else None
    if schema is None:
        raise errors.no_target("A PATCH operation cannot remove the core schema of a resource.")
    for attribute in schema.attributes:
        if attribute.returned == "never":
            continue  # not part of what the client can see, and wants to be rid of
        target = AttributePath(schema.id, attribute, attribute.name)
        yield Change("remove", target, attribute, None, has_value=False, explicit=True)


def _of_object(op: Op, value: Any, prefix: str, resource_type: ResourceType, ignored: list[str]) -> Iterator[Change]:
    """Each key of a path-less value is a path of its own; ``prefix`` is the URN that the keys belong under."""
    if not isinstance(value, Mapping):
        raise errors.invalid_value(f"A PATCH operation {op} without the path of an attribute needs an object as value.")
    for key, item in value.items():
        path = _path_of_key(prefix + key, resource_type)
        if path is None or (path.attribute is None and path.name):
            if item is not None and item != []:
                note_ignored(ignored, prefix + key)
        elif path.attribute is not None:
            yield Change(op, path, path.attribute, item, has_value=True, explicit=False)
        elif item is None:
            yield from _of_whole_schema(path, resource_type)
        else:
            yield from _of_object(op, item, f"{path.urn or resource_type.schema.id}:", resource_type, ignored)


def _path_of_key(key: str, resource_type: ResourceType) -> AttributePath | None:
    """A key that is no path at all names an attribute that nobody has, which is ignored like any other unknown one."""
    try:
        return parse_path(key, resource_type)
    except ScimError:
        return None
