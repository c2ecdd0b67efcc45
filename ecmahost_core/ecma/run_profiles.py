"""What a run is asked to do: run steps and queries.

ECMA2: OpenImportConnectionRunStep, OpenExportConnectionRunStep, GetImportEntriesRunStep.FullObjectEntries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ecmahost_core.ecma.schema import SchemaType
from ecmahost_core.ecma.values import Values


class SessionPurpose(StrEnum):
    """Why a session is opened; a connector may open a cheaper or a read-only one for some purposes."""

    SCHEMA = "schema"
    IMPORT = "import"
    READ = "read"
    EXPORT = "export"
    PASSWORD = "password"  # noqa: S105 - a name, no password


@dataclass(frozen=True, slots=True)
class RunStep:
    """What a hook is asked to work on.

    Attributes:
        types: the object types concerned, each with the configured anchor and the selected attributes only; never
            empty.
        page_size: objects in a page of an import, or changes in an export.
        query_attributes: by object type, the names of attributes that its single objects are asked for by, beside the
            anchor: ``check`` may say what that costs. Types without any may be left out.
    """

    types: tuple[SchemaType, ...]
    page_size: int
    query_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def type(self, name: str) -> SchemaType:
        """Returns the selected type of this name; KeyError when it is not part of the step."""
        for schema_type in self.types:
            if schema_type.name == name:
                return schema_type
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class ObjectQuery:
    """Asks for the objects of one type whose attributes have the given values, by the target's own equality.

    Attributes:
        object_type: the target's object type.
        attributes: names and values, all of which must hold. The anchor's attributes for a read by anchor; a query
            attribute for a match. Never empty; at most one value per name.
        limit: how many objects the caller can use; a connector may stop there.
    """

    object_type: str
    attributes: tuple[tuple[str, Values], ...]
    limit: int = 2
