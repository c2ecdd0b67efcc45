"""Values that do not say their type, and values that a mapping has no place for."""

from typing import Any

import pytest

from ecmahost_core import SchemaAttribute, SchemaType
from ecmahost_core.sync.mapping.places import with_places, with_primary_kept, without_room
from ecmahost_core.sync.mapping.resource_schema import full_resource_type, mapped_paths
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, SchemaMapping

PATHS = {
    "userName": "Login",
    'emails[type eq "work"].value': "Mail",
    'emails[type eq "home"].value': "HomeMail",
    'phoneNumbers[primary eq "True"].value': "Phone",
    "roles": "Roles",
}
PEOPLE = SchemaType(
    "People", tuple(SchemaAttribute(name, multi_valued=name == "Roles") for name in PATHS.values()), ("Login",)
)


def _mapping() -> SchemaMapping:
    full = full_resource_type("User", PATHS, PEOPLE)
    rows = [mapped_paths(text, attribute, full) for text, attribute in zip(PATHS, PEOPLE.attributes, strict=True)]
    return SchemaMapping(tuple(row for row in rows if isinstance(row, MappedPath)))


MAPPING = _mapping()


@pytest.mark.parametrize(
    ("sent", "placed", "left"),
    [
        ({"emails": [{"value": "a"}]}, {"emails": [{"value": "a", "type": "work"}]}, ()),
        ({"emails": [{"value": "a"}, {"value": "b"}]}, None, ("emails", "emails")),
        (
            {"emails": [{"value": "a"}, {"value": "b", "type": "home"}]},
            {"emails": [{"value": "a", "type": "work"}, {"value": "b", "type": "home"}]},
            (),
        ),
        ({"emails": [{"value": "a"}, {"value": "b", "type": "WORK"}]}, None, ("emails",)),
        ({"emails": [{"value": "a", "type": "other"}]}, None, ("emails",)),
        ({"phoneNumbers": [{"value": "1"}]}, {"phoneNumbers": [{"value": "1", "primary": True}]}, ()),
        ({"phoneNumbers": [{"value": "1", "primary": False}]}, None, ("phoneNumbers",)),
        ({"phoneNumbers": [{"value": "1"}, {"value": "2", "primary": False}]}, None, ("phoneNumbers", "phoneNumbers")),
        ({"roles": [{"value": "a"}]}, None, ()),
        ({"userName": "a", "name": {"givenName": "b"}}, None, ()),
    ],
)
def test_a_value_that_does_not_say_its_type_has_the_first_place_if_that_is_free(
    sent: dict[str, Any], placed: dict[str, Any] | None, left: tuple[str, ...]
) -> None:
    before = repr(sent)
    found = with_places(MAPPING, sent)
    assert found == (sent if placed is None else placed)
    assert repr(sent) == before
    assert without_room(MAPPING, found) == left
    assert with_places(MAPPING, found) == found


WORK = {"type": "work", "value": "w"}
HOME = {"type": "home", "value": "h"}
OTHER = {"type": "other", "value": "o"}


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ([WORK | {"primary": False}, HOME, OTHER | {"primary": True}], [WORK | {"primary": True}, HOME]),
        ([WORK | {"primary": False}, HOME | {"primary": True}], [WORK | {"primary": False}, HOME | {"primary": True}]),
        ([HOME, OTHER | {"primary": True}], [HOME]),
        ([WORK | {"primary": False}, OTHER], [WORK | {"primary": False}]),
    ],
)
def test_no_value_loses_primary_to_one_that_has_no_room(
    wanted: list[dict[str, Any]], kept: list[dict[str, Any]]
) -> None:
    before = {"emails": [WORK | {"primary": True}, HOME]}
    found = with_primary_kept(MAPPING, before, {"emails": wanted})
    assert [one for one in found["emails"] if one["type"] != "other"] == kept
