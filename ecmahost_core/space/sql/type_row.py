"""What the tables say of one object type: which of its attributes are indexed, or references, or links, and to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from ecmahost_core.space.sql.database import Connection
from ecmahost_core.space.store import SpaceReplaced

SPACE_REPLACED = "the connector's space was reset meanwhile: try again"


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One object type of one connector, as the tables have it.

    Attributes:
        id, connector: their numbers.
        indexed, references: what is maintained, which may be more than this process's configuration asks for.
        export_only: what no reading of the target tells of.
        links: the link attributes, in the order of their parts of a digest.
        unkept: whose values the past keeps of nobody, beside those whose own name says so.
        scopes: of references and links, by attribute, the number of the type whose objects it names.
    """

    id: int
    connector: int
    indexed: tuple[str, ...]
    references: tuple[str, ...]
    export_only: tuple[str, ...]
    links: tuple[str, ...] = ()
    scopes: Mapping[str, int] = field(default_factory=dict)
    unkept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Building:
    """What of a type is still to be indexed.

    Attributes:
        indexed, references: the attributes.
        after: the key of the last object that was done.
    """

    indexed: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    after: int = 0


def building_of(text: str) -> Building:
    """Returns what a type's row says; nothing for an empty text."""
    if not text:
        return Building()
    data = orjson.loads(text)
    return Building(tuple(data["indexed"]), tuple(data["references"]), data["after"])


def type_row(connection: Connection, number: int) -> TypeRow:
    """Returns a type's row as it is now; raises SpaceReplaced when it has gone with its space."""
    rows = connection.execute(
        "SELECT connector, indexed, reference_attributes, export_only, links, scopes, building, unkept FROM space_type"
        " WHERE id = ?",
        (number,),
    ).fetchall()
    if not rows:
        raise SpaceReplaced(SPACE_REPLACED)
    ((connector, indexed, reference_attributes, export_only, links, scopes, building_text, unkept),) = rows
    building = building_of(building_text)
    return TypeRow(
        number,
        connector,
        (*orjson.loads(indexed), *building.indexed),
        (*orjson.loads(reference_attributes), *building.references),
        tuple(orjson.loads(export_only)),
        tuple(orjson.loads(links)),
        orjson.loads(scopes),
        tuple(orjson.loads(unkept)),
    )
