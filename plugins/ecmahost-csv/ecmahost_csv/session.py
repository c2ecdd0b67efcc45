"""What a session is: the settings and an index of each file. Nothing stays open between two calls."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ecmahost_core import (
    AttributeType,
    ObjectTypeNotSupported,
    Parameters,
    Schema,
    SchemaAttribute,
    SchemaType,
)
from ecmahost_csv.columns import Binding, bind
from ecmahost_csv.index import Index
from ecmahost_csv.parameters import Settings, settings
from ecmahost_csv.records import allow_long_cells
from ecmahost_csv.target import Target, look, open_target

MEMBERS = "members"
"""The attribute of groups whose values are in the memberships file."""


@dataclass(frozen=True, slots=True)
class CsvSession:
    """A connection to one file: each call opens the version that is current then, and reads that one only.

    The host's session is that of the file of people; those of the other files hang on it.

    Attributes:
        settings: the parameters, read, as they are for this file.
        index: where rows are found; follows the file from version to version.
        groups: of the file of groups; None where there are none, and for that file itself.
        memberships: of the file that says who is in which group; None where there are none.
        further: of the files of what there is beside people and groups.
    """

    settings: Settings
    index: Index = field(default_factory=Index)
    groups: "CsvSession | None" = None
    memberships: "CsvSession | None" = None
    further: tuple["CsvSession", ...] = ()

    @property
    def path(self) -> Path:
        """The file itself, where a link leads to it."""
        return Path(os.path.realpath(self.settings.path))

    def of(self, object_type: str) -> "CsvSession":
        """Returns the session of the file that holds objects of this type; ObjectTypeNotSupported when none does."""
        parts = [self, *([self.groups] if self.groups is not None else []), *self.further]
        for part in parts:
            if object_type == part.settings.object_type:
                return part
        held = [part.settings.object_type for part in parts]
        raise ObjectTypeNotSupported(
            f"a CSV file has one object type, {' or '.join(map(repr, held))}, not {object_type!r}; "
            "set the parameter object_type or the type's target, or name its file in further_files"
        )

    @contextmanager
    def target(self) -> Iterator[Target]:
        """Opens the current version; raises as ``open_target`` does."""
        with open_target(self.settings.path, self.settings.dialect) as target:
            yield target

    def binding(self, target: Target, schema_type: SchemaType) -> Binding:
        """Returns what the file's columns mean for an object type of a step.

        Raises ObjectTypeNotSupported when it asks for columns that the file lacks.
        """
        own = replace(schema_type, attributes=self.own_attributes(schema_type))
        return bind(target.layout, own, self.settings.separator)

    def own_attributes(self, schema_type: SchemaType) -> tuple[SchemaAttribute, ...]:
        """Returns the attributes of a type that are columns of this file."""
        if self.memberships is None or self.groups is not None:
            return schema_type.attributes
        return tuple(each for each in schema_type.attributes if each.name != MEMBERS)


@contextmanager
def session(parameters: Parameters) -> Iterator[CsvSession]:
    """Yields a session.

    Raises ServerDown when a file is not there, AccessDenied without the right to read it, ConnectorError for
    parameters that cannot be used.
    """
    allow_long_cells()
    opened = _session(settings(parameters))
    for each in files(opened):
        look(each.settings.path)
    yield opened


def _session(known: Settings) -> CsvSession:
    further = tuple(
        CsvSession(replace(known, path=path, object_type=name, multi_valued=())) for name, path in known.further
    )
    if known.groups is None:
        return CsvSession(known, further=further)
    memberships = CsvSession(replace(known, path=known.groups.memberships, multi_valued=()))
    groups = replace(known, path=known.groups.file, object_type=known.groups.object_type, multi_valued=())
    return CsvSession(known, Index(), CsvSession(groups, memberships=memberships), memberships, further)


def files(opened: CsvSession) -> list[CsvSession]:
    """Returns the sessions of all files, that of people first."""
    return [each for each in (opened, opened.groups, opened.memberships, *opened.further) if each is not None]


def alive(opened: CsvSession) -> bool:
    """Returns whether the files are there; what changed in them is noticed by each call."""
    try:
        return all(each.settings.path.is_file() for each in files(opened))
    except OSError:
        return False


def schema(opened: CsvSession) -> Schema:
    """Returns the columns as attributes, all text: a CSV knows no types, no keys and nothing that is required.

    Groups have their members beside their columns. Raises ObjectTypeNotSupported when ``multi_valued`` names a column
    that the file lacks.
    """
    types = [_type_of(opened)]
    if opened.groups is not None:
        groups = _type_of(opened.groups)
        if groups.attribute(MEMBERS) is not None:
            path = opened.groups.settings.path
            raise ObjectTypeNotSupported(f"{path}: the column {MEMBERS!r} would be taken for the members; rename it")
        kind, people = AttributeType.REFERENCE, opened.settings.object_type
        links = SchemaAttribute(MEMBERS, kind, multi_valued=True, references=people)
        types.append(replace(groups, attributes=(*groups.attributes, links)))
    types += map(_type_of, opened.further)
    return Schema(tuple(types))


def _type_of(opened: CsvSession) -> SchemaType:
    with opened.target() as target:
        several = opened.settings.multi_valued
        missing = [name for name in several if name not in target.layout.names]
        if missing:
            names = ", ".join(map(repr, missing))
            raise ObjectTypeNotSupported(f"{target.path}: multi_valued names {names}, which is no column; correct it")
        attributes = tuple(SchemaAttribute(name, multi_valued=name in several) for name in target.layout.names)
    return SchemaType(opened.settings.object_type, attributes)
