"""A target without transactions that refuses a change half-way: the answer and the space tell what was applied."""

import pytest

from ecmahost_core import (
    AttributeModificationType,
    CSEntryChangeResult,
    ExportError,
    MAExportError,
    ObjectModificationType,
)

CUSTOM = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
CHANGE = (
    {"op": "replace", "path": "name.givenName", "value": "Robert"},
    {"op": "replace", "path": f"{CUSTOM}:Country", "value": "XX"},
)


def export_one_by_one(session, step, changes):
    """Applies one attribute after the other, takes no country XX, and reads the object back when it has to stop."""
    results = []
    for change in changes:
        if change.modification_type is not ObjectModificationType.UPDATE:
            results.append(session.apply(change, step.types[0].anchor))
            continue
        row = session.rows[change.anchor]
        error = None
        for part in sorted(change.attribute_changes, key=lambda part: part.name, reverse=True):
            assert part.modification_type is AttributeModificationType.REPLACE
            if part.added == ("XX",):
                error = ExportError(MAExportError.CONSTRAINT_VIOLATION, "there is no such country")
                break
            row[part.name] = part.added
            session.parts.append(part.name)
        now = session.entry(change.anchor, row, step.types[0]).attributes if error else None
        results.append(CSEntryChangeResult(change.identifier, error, attributes=now))
    return results


@pytest.fixture
def bob(desk):
    desk.target.parts = []
    desk.ready(hooks={"export": export_one_by_one})
    return desk.create(userName="bob", name={"givenName": "Bob"}, **{CUSTOM: {"Country": "DE"}})


def test_the_error_names_what_was_applied_and_the_space_holds_it(desk, bob, refused):
    error = refused(400, desk.patch, bob.id, *CHANGE)

    assert "there is no such country" in error.detail
    assert "applied all the same: name.givenName." in error.detail
    assert desk.target.rows[("bob",)]["First"] == ("Robert",)
    after = desk.get(bob.id)
    assert (after.attributes["First"], after.attributes["Country"]) == (("Robert",), ("DE",))
    assert after.change_seq > bob.change_seq
    assert desk.store.entries("hr") == []


def test_the_next_import_finds_nothing_to_change(desk, bob, refused, memory):
    refused(400, desk.patch, bob.id, *CHANGE)
    before = desk.get(bob.id)
    memory.imports.full_import(desk.endpoint)
    assert desk.get(bob.id) == before


def test_what_is_sent_again_is_only_what_is_missing(desk, bob, refused):
    refused(400, desk.patch, bob.id, *CHANGE)
    changed = desk.patch(bob.id, CHANGE[0], {**CHANGE[1], "value": "FR"})
    assert changed.attributes["Country"] == ("FR",)
    assert desk.target.rows[("bob",)]["Country"] == ("FR",)
    assert desk.target.parts == ["First", "Country"], "what was applied is not sent again"


def test_a_refusal_that_applied_nothing_says_nothing_of_it_and_leaves_the_object_as_it_was(desk, bob, refused):
    error = refused(400, desk.patch, bob.id, CHANGE[1])
    assert "applied" not in error.detail
    assert desk.get(bob.id) == bob
