"""Anchors that the target makes: what it says counts, and a number that it gives out twice is two people."""

import itertools

import pytest

from ecmahost_core import CSEntryChangeResult
from ecmahost_core.sync.importing.imports import full_import


@pytest.mark.parametrize("immutable", [True, False])
def test_a_new_person_never_comes_under_the_id_of_a_lost_one_whose_number_was_given_again(desk, refused, immutable):
    desk.ready(anchor=("Id",), immutable=immutable)
    ann = desk.create(userName="ann")
    del desk.target.rows[ann.anchor]  # deleted by hand: no import has told yet
    desk.target._numbers = itertools.count(ann.anchor[0])
    bob = desk.create(userName="bob")
    assert bob.anchor == ann.anchor
    assert bob.id != ann.id
    refused(404, desk.get, ann.id)
    assert desk.named("ann") == []
    full_import(desk.endpoint)
    assert [one.id for one in desk.named("bob")] == [bob.id]


def test_the_number_that_the_target_made_is_among_the_attributes_at_once(desk):
    mapping = {"userName": "Login", "externalId": "Id"}
    desk.ready(anchor=("Id",), query=("Login", "Id"), mapping=mapping)
    made = desk.create(userName="bob")
    assert made.attributes["Id"] == made.anchor
    assert [one.id for one in desk.match('externalId eq "1"')] == [made.id]


def test_a_generated_dn_follows_the_anchor_that_the_target_really_gave(desk):
    desk.ready(dn=True)

    def respelt(change, _names):
        anchor = (change.anchor[0].upper(),)
        desk.target.rows[anchor] = {**change.attributes, "Login": anchor}
        return CSEntryChangeResult(change.identifier, anchor=anchor)

    desk.target._add = respelt
    made = desk.create(userName="bob")
    assert (made.anchor, made.dn, made.attributes["Login"]) == (("BOB",), "CN=BOB,OBJECT=Employees", ("BOB",))
