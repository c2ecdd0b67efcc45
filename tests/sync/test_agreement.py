"""A connector whose configuration names other people than its space holds answers for nobody until somebody decides."""

import pytest
import structlog

from ecmahost_core import ImportPage
from ecmahost_core.configuration.model import Freshness, SelectedAttribute
from ecmahost_core.ecma.capabilities import Capabilities, MAExportType
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import (
    ID,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.store import SpaceReplaced
from ecmahost_core.sync import agreement
from ecmahost_core.sync.agreement import SpaceMismatch
from ecmahost_core.sync.importing import imports as importing
from ecmahost_core.sync.importing.imports import ImportFailed
from ecmahost_core.sync.writing.recovery import Recovery, settle_by_hand

EVENT = EventRecord("accept", "ok", actor="cli")


def at(place):
    return {"target_identity": lambda: place}


def nothing_new(session, step, watermark):
    yield ImportPage((), watermark)


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch):
    monkeypatch.setattr(agreement, "FRESH_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"anchor": ("Id",)}, "object_types.User.anchor"),
        ({"hooks": at("db2")}, "connectivity"),
    ],
)
def test_another_anchor_or_target_is_503_for_clients_and_names_the_way_out_for_people(desk, refused, change, place):
    desk.target.put("bob", Login="bob")
    desk.ready(hooks=at("db1"))
    (bob,) = desk.named("bob")
    desk.restart(**{"hooks": at("db1"), **change})
    error = refused(503, desk.endpoint.binding, "User")
    assert "ecmahost check hr" in error.detail
    assert "db1" not in error.detail
    with pytest.raises(SpaceMismatch, match="ecmahost reset hr") as caught:
        desk.endpoint.bindings()
    (problem,) = caught.value.problems
    assert f"{problem.table}.{problem.key}".strip(".") == place
    assert "ecmahost accept hr" in str(caught.value)

    desk.restart(hooks=at("db1"))  # the configuration is put back
    assert desk.named("bob") == [bob]


def test_what_does_not_fit_is_neither_imported_nor_recovered(desk, refused):
    desk.ready(hooks=at("db1"), anchor=("Id",))

    def fail(_changes):
        raise RuntimeError

    desk.target.after_export = fail
    refused(503, desk.create, userName="bob")
    desk.target.after_export = lambda _changes: None
    assert len(desk.store.entries("hr")) == 1
    imported, reads = desk.target.imports, desk.target.reads

    desk.restart(hooks=at("db2"), anchor=("Id",))
    with pytest.raises(ImportFailed, match="db2"):
        importing.full_import(desk.endpoint)
    assert Recovery(desk.endpoint).round() == 0
    assert (desk.target.imports, desk.target.reads) == (imported, reads)
    assert ("import", "failed") not in desk.events()

    (entry,) = desk.store.entries("hr")
    with pytest.raises(ConfigurationError):
        settle_by_hand(desk.endpoint, entry.number, applied_there=True)
    settle_by_hand(desk.endpoint, entry.number, applied_there=False)
    assert desk.store.entries("hr") == []


def test_a_target_that_cannot_be_named_is_no_other_one_and_is_noted_as_soon_as_it_can(desk):
    desk.ready(hooks=at(""))
    desk.restart(hooks=at("db1"))
    assert desk.endpoint.bindings()
    desk.restart(hooks=at(""))
    assert desk.endpoint.bindings()
    desk.restart(hooks=at("db2"))
    with pytest.raises(SpaceMismatch):
        desk.endpoint.bindings()


def test_a_process_with_the_older_configuration_stops_when_another_was_accepted(desk, refused):
    desk.ready(hooks=at("db1"))
    bob = desk.create(userName="bob")
    older = desk.endpoint
    desk.build(hooks=at("db2"))
    refused(503, desk.endpoint.binding, "User")
    desk.store.accept("hr", desk.endpoint.agreement.fingerprint, EVENT)
    assert desk.named("bob") == [bob]
    with pytest.raises(SpaceMismatch):
        older.bindings()


def test_an_import_that_meets_a_space_of_another_target_ends_without_a_result(desk, monkeypatch):
    desk.target.put("ann", Login="ann")
    desk.target.put("bob", Login="bob")
    desk.ready(hooks=at("db1"), page_size=1)
    before = desk.store.status("hr").last_import
    other = desk.endpoint
    desk.build(hooks=at("db2"))
    desk.target.on_page = lambda: desk.store.accept("hr", desk.endpoint.agreement.fingerprint, EVENT)
    with pytest.raises(ImportFailed):
        importing.full_import(other)
    assert desk.store.status("hr").last_import == before


def test_an_import_behind_whose_last_page_another_target_is_accepted_keeps_no_watermark_and_removes_nobody(
    desk, monkeypatch
):
    monkeypatch.setattr(agreement, "FRESH_SECONDS", 60.0)
    desk.target.put("ann", Login="ann")
    desk.target.put("bob", Login="bob")
    accepted = []

    def full_import(session, step):
        yield ImportPage(tuple(session.entries(step.types[0])), "of db1")
        for one in accepted:
            desk.store.accept("hr", one, EVENT)

    desk.ready(hooks={**at("db1"), "full_import": full_import, "delta_import": nothing_new})
    other = desk.endpoint
    desk.build(hooks=at("db2"))
    accepted.append(desk.endpoint.agreement.fingerprint)
    del desk.target.rows["bob",]
    with pytest.raises(ImportFailed):
        importing.full_import(other)
    assert desk.store.status("hr").watermarks == {}
    assert desk.store.count(desk.space_type) == 2


def test_after_a_reset_the_endpoint_waits_for_a_first_import_and_goes_on_with_the_new_space(desk, refused):
    desk.ready(anchor=("Id",))
    before = desk.create(userName="bob")
    held = desk.binding
    desk.store.reset("hr", desk.endpoint.agreement.fingerprint, EVENT)

    assert desk.binding.space_type.space != held.space_type.space
    refused(503, desk.named, "bob")
    late = WriteIntent(held.space_type, Operation.DELETE, {}, (LockKey(ID, before.id),), object_id=before.id)
    with pytest.raises(SpaceReplaced):
        desk.store.open_entry(late)
    importing.full_import(desk.endpoint)
    (after,) = desk.named("bob")
    assert after.anchor == before.anchor
    assert after.id != before.id


def test_ids_that_derive_from_the_anchor_come_back_after_a_reset(desk):
    desk.target.put(1, Id=1, Login="bob")
    desk.ready(anchor=("Id",), immutable=True)
    (before,) = desk.named("bob")
    desk.store.reset("hr", desk.endpoint.agreement.fingerprint, EVENT)
    importing.full_import(desk.endpoint)
    assert [one.id for one in desk.named("bob")] == [before.id]


def test_an_attribute_that_was_selected_lately_is_known_to_be_missing_until_an_import_has_brought_it(desk, refused):
    desk.target.put("bob", Login="bob", Last="Lovelace", Level=3)
    desk.ready(freshness=Freshness.CACHE)
    assert desk.endpoint.incomplete("User") == frozenset()
    mapping = {"userName": "Login", "title": "Last", "nickName": "Level"}
    desk.restart(freshness=Freshness.CACHE, mapping=mapping, query=("Login", "Level"))
    assert desk.binding
    assert desk.endpoint.incomplete("User") == {"Level"}
    (bob,) = desk.named("bob")  # he is served with what is there
    assert bob.attributes["Last"] == ("Lovelace",)
    refused(503, desk.match, 'nickName eq "3"')  # "none" could not be told with certainty
    for text in (
        'nickName eq "3" and title eq "x"',
        'nickName sw "3" or title eq "x"',
        'not (nickName pr) and id eq "x"',
    ):
        refused(503, desk.match, text)
    assert desk.match('title eq "nobody"') == []
    importing.full_import(desk.endpoint)
    assert desk.endpoint.incomplete("User") == frozenset()
    assert len(desk.match('nickName eq "3"')) == 1
    assert desk.match('nickName eq "4"') == []


def test_a_match_that_the_target_itself_answers_need_not_wait_for_an_import(desk):
    desk.target.put("bob", Login="bob", Level=3)
    desk.ready()
    desk.restart(mapping={"userName": "Login", "nickName": "Level"}, query=("Login", "Level"))
    assert desk.binding
    assert len(desk.match('nickName eq "3"')) == 1
    assert desk.match('nickName eq "4"') == []


def test_whole_objects_are_not_sent_before_all_of_an_object_is_known(desk, refused):
    whole = Capabilities(export_type=MAExportType.OBJECT_REPLACE)
    desk.target.put("bob", Login="bob", Level=3)
    desk.ready(capabilities=whole)
    (bob,) = desk.named("bob")
    more = {"userName": "Login", "name.familyName": "Last", "nickName": "Level"}
    desk.restart(capabilities=whole, mapping=more)
    refused(503, desk.set, bob.id, "name.familyName", "Lovelace")
    refused(503, desk.remove, bob.id)
    assert desk.target.rows["bob",]["Level"] == (3,)
    importing.full_import(desk.endpoint)
    desk.set(bob.id, "name.familyName", "Lovelace")
    assert desk.target.rows["bob",]["Level"] == (3,)


def test_a_connector_that_never_imports_has_nothing_that_is_still_to_come(desk):
    desk.build(imports=False)
    desk.create(userName="bob")
    desk.restart(imports=False, mapping={"userName": "Login", "nickName": "Level"})
    assert desk.match('nickName eq "3"') == []
    assert desk.endpoint.incomplete("User") == frozenset()


def test_what_the_target_never_tells_survives_imports_and_is_sent_once(desk):
    secret = {"Country": SelectedAttribute(direction=AttributeOperation.EXPORT_ONLY)}
    path = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
    desk.ready(attributes=secret)
    desk.target.on_page = lambda: [row.pop("Country", None) for row in desk.target.rows.values()]
    bob = desk.create(userName="bob", **{path: {"Country": "NZ"}})
    importing.full_import(desk.endpoint)
    (once,) = desk.named("bob")
    importing.full_import(desk.endpoint)
    assert desk.named("bob") == [once]
    assert once.attributes["Country"] == ("NZ",)
    sent = len(desk.target.sent)
    desk.set(bob.id, f"{path}:Country", "NZ")
    assert len(desk.target.sent) == sent
    changed = desk.set(bob.id, "name.givenName", "Bob")
    assert changed.attributes["Country"] == ("NZ",)


def test_a_refusal_is_logged_once_and_its_end_too(desk):
    desk.ready(hooks=at("db1"))
    desk.build(hooks=at("db2"))
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(SpaceMismatch):
                desk.endpoint.bindings()
        desk.store.accept("hr", desk.endpoint.agreement.fingerprint, EVENT)
        desk.endpoint.bindings()
    names = [one["event"] for one in logged if one["event"].startswith("connector_")]
    assert names == ["connector_refuses_to_serve", "connector_serves_again"]
    assert "db1" not in str(logged)
