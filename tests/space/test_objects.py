import uuid

import pytest

from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    LockKey,
)
from ecmahost_core.space.objects import SpaceType

_INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"


def test_an_id_derives_from_instance_type_and_anchor_where_the_anchor_is_immutable() -> None:
    users = SpaceType("hr", "User", _INSTANCE, anchor_immutable=True)
    assert users.derived_id(("E1",)) == str(uuid.uuid5(uuid.UUID(_INSTANCE), "User:E1"))
    others = [
        users.derived_id(("E2",)),
        SpaceType("hr", "Group", _INSTANCE, anchor_immutable=True).derived_id(("E1",)),
        SpaceType("hr", "User", str(uuid.uuid4()), anchor_immutable=True).derived_id(("E1",)),
    ]
    assert users.derived_id(("E1",)) not in others
    assert SpaceType("hr", "User", _INSTANCE).derived_id(("E1",)) is None


def test_keys_are_folded_but_ids_are_not() -> None:
    assert LockKey(ANCHOR, "Bob ").text() == LockKey(ANCHOR, "bob").text()
    assert LockKey(DN, "CN=STRASSE").text() == LockKey(DN, "cn=straße").text()
    assert LockKey(ID, "Ab").text() != LockKey(ID, "ab").text()


@pytest.mark.parametrize("name", ["UserName", "anchor=x", "attribute:anchor", "id"])
def test_keys_of_different_kinds_are_different(name: str) -> None:
    texts = {LockKey(kind, "x").text() for kind in (ANCHOR, DN, ID)}
    assert name == ID or LockKey(name, "x").text() not in texts
