"""Passwords: set with a creation or a change, or in a call of their own, and known to nobody but the target."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ecmahost_core import (
    Capabilities,
    ExportError,
    MAExportError,
    MAExportType,
    PasswordOptions,
    PasswordSupport,
    Schema,
    SchemaAttribute,
    ServerDown,
    UnexpectedData,
)
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.errors import ConfigurationError, TargetBusy
from ecmahost_core.scim.resource import canonical
from ecmahost_core.space.journal import (
    EntryState,
    Operation,
    PasswordStage,
    WriteIntent,
)
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.mapping.binder import bind
from ecmahost_core.sync.writing.changes import addition, keys_of
from ecmahost_core.sync.writing.recovery import Recovery, settle_by_hand

HUSH = "correct horse battery staple"
WAYS = ("together", "alone")
ECMA = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
CUSTOM = f"{ECMA}:export_password"


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def policy(_change, _password):
    return ExportError(MAExportError.PASSWORD_POLICY_VIOLATION, "at least 40 characters")


def down(_argument):
    raise ServerDown("gone", nothing_sent=True)


def cut(_argument):
    raise UnexpectedData("the line was cut")


def everything(desk):
    """What the files of the store hold, as one text."""
    return b"".join(path.read_bytes() for path in desk.directory.rglob("*") if path.is_file()).decode(errors="replace")


# The mapping ------------------------------------------------------------------------------------------------------


@pytest.fixture
def bound(memory):
    def binding(mapping, passwords=PasswordSupport.SEPARATE, schema=None, **settings):
        configuration = memory.configuration_of(mapping={"userName": "Login", **mapping}, **settings)
        return bind(configuration, schema or Schema((memory.EMPLOYEES,)), passwords=passwords)["User"]

    return binding


def problem(bound, *arguments, **settings):
    with pytest.raises(ConfigurationError) as caught:
        bound(*arguments, **settings)
    return str(caught.value)


@pytest.mark.parametrize("path", ["password", "PassWord", CUSTOM])
def test_what_is_mapped_to_export_password_is_write_only_and_no_attribute_of_the_target(bound, path):
    binding = bound({path: "export_password"})
    found = binding.resource_type.lookup(path).attribute
    characteristics = (found.mutability, found.returned, found.case_exact, found.required, found.uniqueness)
    assert characteristics == ("writeOnly", "never", True, False, "none")
    assert binding.target.attribute("export_password") is None
    assert "export_password" not in binding.mapping.targets
    assert binding.password_of({}) is None


def test_export_password_is_no_attribute_even_where_the_target_offers_one(bound, memory):
    attributes = (*memory.EMPLOYEES.attributes, SchemaAttribute("export_password"))
    schema = Schema((memory.replace(memory.EMPLOYEES, attributes=attributes),))
    binding = bound({"password": "export_password"}, schema=schema)
    assert binding.target.attribute("export_password") is None
    for settings in ({"anchor": ("export_password",)}, {"query": ("export_password",)}, {"disable": "export_password"}):
        assert "found 'export_password'" in problem(bound, {}, schema=schema, **settings)


def test_a_connector_that_takes_no_passwords_cannot_have_one_mapped(bound):
    told = problem(bound, {"password": "export_password"}, PasswordSupport.NONE)
    assert "schema_mapping.User.password: found 'export_password', expected no password here" in told
    assert "a connector of type 'memory' sets none" in told


@pytest.mark.parametrize("target", ["Country", "Login"])
@pytest.mark.parametrize("path", ["password", CUSTOM])
def test_a_password_is_mapped_to_nothing_that_could_be_read(bound, path, target):
    assert f'expected {path} = "export_password"' in problem(bound, {path: target})


@pytest.mark.parametrize("path", ["title", "emails", "name.givenName", 'emails[type eq "work"].value', "userName"])
def test_nothing_that_can_be_read_is_mapped_to_a_password(bound, path):
    assert "password, or a URN of your own" in problem(bound, {path: "export_password"})


def test_only_one_path_leads_to_the_password(bound):
    told = problem(bound, {"password": "export_password", CUSTOM: "export_password"})
    assert "one path only; password is another" in told


# The names of Microsoft's app ---------------------------------------------------------------------------------------


@pytest.fixture
def ecma(memory):
    def binding(passwords=PasswordSupport.SEPARATE, schema=None, **settings):
        configuration = memory.configuration_of(ecma=True, query=("Login",), **settings)
        return bind(configuration, schema or Schema((memory.EMPLOYEES,)), passwords=passwords)["User"]

    return binding


@pytest.mark.parametrize("select", [None, ("First", "export_password")])
def test_the_names_of_the_target_have_the_password_among_them_where_the_connector_takes_it(ecma, select):
    binding = ecma(select=select)
    found = binding.resource_type.lookup(CUSTOM).attribute
    assert (found.mutability, found.returned, found.case_exact) == ("writeOnly", "never", True)
    sent = canonical({ECMA: {"Login": "bob", "export_password": HUSH}}, binding.resource_type).resource
    assert binding.password_of(sent).reveal() == HUSH
    assert binding.mapping.attributes_of(sent) == {"Login": ("bob",)}
    assert binding.target.attribute("export_password") is None


@pytest.mark.parametrize(
    "settings", [{"passwords": PasswordSupport.NONE}, {"select": ("First",)}, {"select": (), "anchor": ("Login",)}]
)
def test_a_password_that_is_not_taken_or_not_selected_is_unknown_and_ignored(ecma, settings):
    binding = ecma(**settings)
    assert binding.password is None
    read = canonical({ECMA: {"Login": "bob", "export_password": HUSH}}, binding.resource_type)
    assert read.resource == {ECMA: {"Login": "bob"}}
    assert read.ignored == (CUSTOM,)


def test_a_password_that_is_selected_and_not_taken_is_a_mistake(ecma):
    told = problem(ecma, PasswordSupport.NONE, select=("export_password",))
    assert "object_types.User.select_attributes: found 'export_password', expected no password here" in told


@pytest.mark.parametrize("name", ["export_password", "Export_Password"])
@pytest.mark.parametrize("passwords", [PasswordSupport.NONE, PasswordSupport.WITH_EXPORT])
def test_an_attribute_of_that_name_in_the_target_is_never_what_a_client_writes_into(ecma, memory, name, passwords):
    attributes = (*memory.EMPLOYEES.attributes, SchemaAttribute(name))
    binding = ecma(passwords, Schema((memory.replace(memory.EMPLOYEES, attributes=attributes),)))
    sent = canonical({ECMA: {"Login": "bob", "export_password": HUSH}}, binding.resource_type).resource
    assert binding.mapping.attributes_of(sent) == {"Login": ("bob",)}


def test_a_creation_by_the_names_of_microsofts_app_sets_the_password(desk, way, memory):
    desk.build(ecma=True, query=("Login",), hooks=memory.PASSWORDS[way])
    memory.imports.full_import(desk.endpoint)
    made = desk.create(**{ECMA: {"Login": "bob", "export_password": HUSH}})
    assert desk.target.passwords == {("bob",): HUSH}
    desk.patch(made.id, {"op": "Replace", "path": CUSTOM, "value": f"{HUSH} 2"})
    assert desk.target.passwords == {("bob",): f"{HUSH} 2"}


def test_a_password_that_is_not_mapped_is_ignored(desk):
    desk.ready(hooks={})
    made = desk.create(userName="bob", password=HUSH)
    desk.set(made.id, "password", HUSH)
    assert desk.target.passwords == {}
    assert HUSH not in repr(desk.target.sent)


# Creating ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("anchor", [("Login",), ("Id",)])
def test_a_creation_sets_the_password_exactly_as_sent(desk, way, anchor):
    desk.ready(passwords=way, anchor=anchor)
    made = desk.create(userName="bob", password=f" {HUSH} ")
    assert desk.target.passwords == {made.anchor: f" {HUSH} "}
    assert desk.target.options == ([PasswordOptions(initial=True)] if way == "alone" else [])
    assert desk.store.entries() == []
    assert desk.get(made.id).attributes["Login"] == ("bob",)
    assert "password" not in desk.get(made.id).attributes
    assert desk.events()[-1] == ("create", "ok")


@pytest.mark.parametrize("more", [{}, {"password": None}, {"password": ""}])
def test_a_creation_without_a_password_sets_none(desk, way, more):
    desk.ready(passwords=way)
    desk.create(userName="bob", **more)
    assert desk.target.passwords == {}


def test_a_password_is_in_no_change_no_journal_no_store_and_no_log(desk, way):
    desk.ready(passwords=way)
    seen = []
    desk.target.before_export = lambda _changes: seen.append(desk.store.entries())
    desk.target.before_password = lambda entry: seen.append((entry, desk.store.entries()))
    with capture_logs() as logs:
        made = desk.create(userName="bob", password=HUSH)
        desk.patch(
            made.id,
            {"op": "Replace", "path": "password", "value": f"{HUSH} two"},
            {"op": "Replace", "path": "name.givenName", "value": "Bob"},
        )
        desk.target.refuse_password = lambda _change, password: ExportError(
            MAExportError.PASSWORD_POLICY_VIOLATION, f"{password} is too weak"
        )
        for call in (
            lambda: desk.create(userName="eve", password=HUSH),
            lambda: desk.set(made.id, "password", HUSH),
        ):
            with pytest.raises(Exception, match="not repeated") as caught:
                call()
            assert HUSH not in repr(caught.value)
    assert len(seen) >= 4
    assert HUSH not in repr([seen, logs, desk.target.sent, desk.store.events("hr", 100)])
    assert HUSH not in everything(desk)


def test_a_password_that_the_target_refuses_leaves_nobody_behind_and_the_client_hears_why(desk, way, refused):
    desk.ready(passwords=way)
    desk.target.refuse_password = policy
    error = refused(400, desk.create, userName="bob", password=HUSH)
    assert error.scim_type == "invalidValue"
    assert "ExportErrorPasswordPolicyViolation. at least 40 characters" in error.detail
    assert desk.target.rows == {}
    assert desk.store.entries() == []
    assert desk.events()[-1] == ("create", "refused")
    assert desk.named("bob") == []
    desk.target.refuse_password = lambda _change, _password: None
    assert desk.create(userName="bob", password=HUSH)
    assert list(desk.target.passwords.values()) == [HUSH]


@pytest.mark.parametrize("fault", [down, cut])
def test_a_password_call_that_fails_is_undone_and_may_be_sent_again(desk, refused, fault):
    desk.ready(passwords="alone")
    desk.target.before_password = fault
    error = refused(503, desk.create, userName="bob", password=HUSH)
    assert "is removed again" in error.detail
    assert desk.target.rows == {}
    assert desk.store.entries() == []
    assert desk.events()[-1] == ("create", "failed")
    desk.target.before_password = lambda _entry: None
    assert desk.named("bob") == []
    assert desk.create(userName="bob", password=HUSH)


def test_a_password_that_was_set_though_the_call_failed_is_undone_too(desk, refused):
    desk.ready(passwords="alone", anchor=("Id",))
    desk.target.after_password = cut
    refused(503, desk.create, userName="bob", password=HUSH)
    assert (desk.target.rows, desk.target.passwords) == ({}, {})


def test_a_plugin_that_breaks_the_contract_with_a_password_is_undone(desk, refused):
    desk.ready(passwords="alone", hooks={"set_password": lambda session, entry: None})
    error = refused(503, desk.create, userName="bob", password=HUSH)
    assert "The plugin of connector hr failed" in error.detail
    assert desk.target.rows == {}


def test_an_object_that_is_gone_before_its_password_was_set_is_not_said_to_be_there(desk, refused):
    desk.ready(passwords="alone")
    desk.target.before_password = lambda entry: desk.target.rows.pop(entry.anchor)
    error = refused(503, desk.create, userName="bob", password=HUSH)
    assert "disappeared" in error.detail
    assert desk.store.entries() == []


def test_what_set_password_tells_of_the_object_is_what_the_space_holds(desk, memory):
    def set_password(session, entry, password):
        session.rows[entry.anchor]["Country"] = ("AT",)
        attributes = {name: session.rows[entry.anchor].get(name, ()) for name in ("Login", "Mail", "Country")}
        return memory.CSEntryChangeResult(entry.identifier, attributes=attributes)

    desk.ready(passwords="alone", hooks={"set_password": set_password})
    made = desk.create(userName="bob", password=HUSH)
    assert made.attributes["Country"] == ("AT",)


def test_nobody_else_gets_the_name_until_the_whole_creation_is_complete(desk, gate, memory, refused):
    desk.ready(passwords="alone", anchor=("Id",))
    desk.target.before_password = gate
    refused(503, desk.create, userName="bob", password=HUSH, seconds=0.1)
    gate.wait_for()
    assert len(desk.target.rows) == 1
    refused(503, desk.named, "bob", seconds=0.05)
    refused(503, desk.create, userName="BOB", seconds=0.05)
    gate.open()
    memory.wait_until(lambda: desk.store.entries() == [])
    assert len(desk.named("bob")) == 1
    assert refused(409, desk.create, userName="bob", password="other")
    assert list(desk.target.passwords.values()) == [HUSH]


def test_an_import_meanwhile_does_not_show_somebody_who_is_undone(desk, gate, memory, refused):
    desk.ready(passwords="alone", anchor=("Id",))
    desk.target.before_password = gate
    desk.target.refuse_password = policy
    refused(503, desk.create, userName="bob", password=HUSH, seconds=0.1)
    gate.wait_for()
    begun = desk.store.begin_import("hr")
    read = [TargetObject(anchor, None, row) for anchor, row in desk.target.rows.items()]
    gate.open()
    memory.wait_until(lambda: desk.store.entries() == [])
    begun.compare(desk.space_type, read)
    begun.complete(held=None)
    assert desk.named("bob") == []


def test_a_removal_that_the_target_refuses_is_said_and_tried_again_until_it_comes_through(desk, refused):
    desk.ready(passwords="alone")
    desk.target.refuse_password = policy
    desk.target.refuse = lambda change: (
        ExportError(MAExportError.PERMISSION_ISSUE, "no deletes") if change.modification_type == "Delete" else None
    )
    error = refused(400, desk.create, userName="bob", password=HUSH)
    assert "at least 40 characters" in error.detail
    assert "could not be removed again yet" in error.detail
    (entry,) = desk.store.entries()
    assert (entry.state, entry.password) == (EntryState.UNCERTAIN, PasswordStage.DUE)
    refused(503, desk.named, "bob", seconds=0.05)
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert recovery.stuck == {entry.number}
    assert list(desk.target.rows) == [("bob",)]
    desk.target.refuse = lambda _change: None
    assert recovery.round() == 1
    assert desk.target.rows == {}
    assert desk.store.entries() == []
    assert desk.events()[-1] == ("recover", "not_applied")
    assert desk.named("bob") == []


def test_a_queue_that_takes_nothing_more_leaves_the_removal_to_recovery(desk, refused, monkeypatch):
    desk.ready(passwords="alone")

    def full(*_arguments, **_more):
        raise TargetBusy("it is being closed")

    def no_more(_changes):
        monkeypatch.setattr(desk.endpoint.exports, "submit_password", full)
        monkeypatch.setattr(desk.endpoint.exports, "submit", full)

    desk.target.after_export = no_more
    error = refused(503, desk.create, userName="bob", password=HUSH)
    assert "could not be removed again yet" in error.detail
    desk.restart(passwords="alone")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.target.rows == {}


def full_disk(desk, monkeypatch, stage):
    """The store cannot be written when a creation comes to this stage."""
    advance = desk.store.advance

    def failing(entry, reached, change):
        if reached is stage:
            raise StoreUnavailable("the disk is full")
        return advance(entry, reached, change)

    monkeypatch.setattr(desk.store, "advance", failing)


def test_a_creation_that_cannot_be_noted_is_not_begun(desk, monkeypatch):
    desk.ready(passwords="alone")
    full_disk(desk, monkeypatch, PasswordStage.FOLLOWS)
    with pytest.raises(StoreUnavailable):
        desk.create(userName="bob", password=HUSH)
    assert desk.target.sent == []
    assert desk.store.entries() == []


@pytest.mark.parametrize("taken", [True, False])
def test_an_addition_that_cannot_be_noted_gets_its_password_or_is_undone_all_the_same(
    desk, monkeypatch, refused, taken
):
    desk.ready(passwords="alone", anchor=("Id",))
    full_disk(desk, monkeypatch, PasswordStage.DUE)
    if taken:
        assert desk.create(userName="bob", password=HUSH)
        assert list(desk.target.passwords.values()) == [HUSH]
    else:
        desk.target.refuse_password = policy
        refused(400, desk.create, userName="bob", password=HUSH)
        assert desk.target.rows == {}
        assert desk.store.entries() == []


@pytest.mark.parametrize("freshness", ["cache", "verify"])
@pytest.mark.parametrize("anchor", [("Login",), ("Id",)])
def test_somebody_whom_the_target_had_before_is_found_and_never_given_the_password(desk, refused, freshness, anchor):
    desk.ready(passwords="alone", freshness=Freshness(freshness), anchor=anchor)
    desk.target.put("bob" if anchor == ("Login",) else 7, Login="bob", Id=7)
    refused(409, desk.create, userName="bob", password=HUSH)
    assert desk.target.passwords == {}
    assert len(desk.target.rows) == 1
    assert len(desk.named("bob")) == 1


# After a crash ----------------------------------------------------------------------------------------------------


def left_behind(desk, stage, anchor=("bob",), **attributes):
    """A process died after it had noted this stage of a creation."""
    values = {name: (value,) for name, value in attributes.items()}
    change = addition(desk.binding, values)
    keys = keys_of(desk.binding, change.anchor, change.dn, values)
    entry = desk.store.open_entry(WriteIntent(desk.space_type, Operation.ADD, change_to_json(change), keys))
    if stage is PasswordStage.DUE:
        change = replace(change, anchor=anchor)
    return desk.store.advance(entry, stage, change_to_json(change))


@pytest.mark.parametrize("stage", [PasswordStage.FOLLOWS, PasswordStage.DUE])
@pytest.mark.parametrize("anchor", [("Login",), ("Id",)])
def test_what_a_dead_process_added_without_its_password_is_removed(desk, stage, anchor):
    desk.ready(passwords="alone", anchor=anchor)
    made = ("bob",) if anchor == ("Login",) else (7,)
    left_behind(desk, stage, made, Login="bob", Mail="b@x")
    desk.restart(passwords="alone", anchor=anchor)
    desk.target.put(made, Login="bob", Mail="b@x", Id=7)
    desk.target.put("eve" if anchor == ("Login",) else 8, Login="eve", Mail="e@x", Id=8)
    assert Recovery(desk.endpoint).round() == 1
    assert [row["Login"] for row in desk.target.rows.values()] == [("eve",)]
    assert desk.store.entries() == []
    assert desk.named("bob") == []
    assert desk.create(userName="bob", password=HUSH)


@pytest.mark.parametrize("stage", [PasswordStage.FOLLOWS, PasswordStage.DUE])
def test_what_a_dead_process_never_added_needs_no_removal(desk, stage):
    desk.ready(passwords="alone")
    left_behind(desk, stage, Login="bob")
    desk.restart(passwords="alone")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.events()[-1] == ("recover", "not_applied")
    assert desk.named("bob") == []


def test_an_entry_whose_addition_was_not_yet_to_be_sent_removes_nobody(desk):
    desk.ready(passwords="alone")
    left_behind(desk, PasswordStage.NONE, Login="bob")
    desk.restart(passwords="alone")
    desk.target.put("bob", Login="bob")
    assert Recovery(desk.endpoint).round() == 1
    assert len(desk.target.rows) == 1
    assert len(desk.named("bob")) == 1


@pytest.mark.parametrize("stage", [PasswordStage.FOLLOWS, PasswordStage.DUE])
def test_somebody_who_is_not_what_was_added_is_never_removed(desk, refused, stage):
    desk.ready(passwords="alone")
    entry = left_behind(desk, stage, Login="bob", First="Bob")
    desk.restart(passwords="alone")
    desk.target.put("bob", Login="bob", First="Robert")
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert recovery.stuck == {entry.number}
    assert len(desk.target.rows) == 1
    refused(503, desk.named, "bob", seconds=0.05)


def test_nobody_is_removed_of_whom_it_was_not_known_whether_the_target_had_them_before(desk):
    hooks = {"full_object_import": None}
    desk.ready(passwords="alone", hooks=hooks)
    left_behind(desk, PasswordStage.FOLLOWS, Login="bob")
    desk.restart(passwords="alone", hooks=hooks)
    desk.target.put("bob", Login="bob")
    assert Recovery(desk.endpoint).round() == 0
    assert len(desk.target.rows) == 1


def test_a_connector_that_reads_only_everything_removes_what_the_target_said_it_had_made(desk):
    hooks = {"full_object_import": None}
    desk.ready(passwords="alone", hooks=hooks)
    left_behind(desk, PasswordStage.DUE, Login="bob")
    desk.restart(passwords="alone", hooks=hooks)
    desk.target.put("bob", Login="bob")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.target.rows == {}


def test_a_target_that_does_not_answer_the_removal_is_asked_again_later(desk, gate, monkeypatch, memory):
    desk.ready(passwords="alone")
    left_behind(desk, PasswordStage.DUE, Login="bob")
    desk.restart(passwords="alone")
    desk.target.put("bob", Login="bob")
    monkeypatch.setattr("ecmahost_core.sync.writing.recovery.READ_BACK_SECONDS", 0.2)
    desk.target.before_export = gate
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert recovery.round() == 0
    gate.open()
    memory.wait_until(lambda: desk.store.entries() == [])
    assert desk.target.rows == {}
    assert recovery.round() == 0
    assert recovery.stuck == frozenset()


def test_what_nobody_can_undo_is_settled_by_hand(desk):
    desk.ready(passwords="alone", anchor=("Id",))
    entry = left_behind(desk, PasswordStage.DUE, (7,), Login="bob")
    desk.restart(passwords="alone", anchor=("Id",))
    desk.target.put(7, Login="bob", Id=7)
    settle_by_hand(desk.endpoint, entry.number, applied_there=True)
    assert [one.anchor for one in desk.named("bob")] == [(7,)]


# Changing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def bob(desk, way):
    desk.ready(passwords=way)
    return desk.create(userName="bob", password="first")


@pytest.mark.parametrize("export_type", list(MAExportType))
def test_a_patch_of_nothing_but_a_password_always_reaches_the_target(desk, way, export_type):
    support = PasswordSupport.WITH_EXPORT if way == "together" else PasswordSupport.SEPARATE
    desk.ready(passwords=way, capabilities=Capabilities(export_type=export_type, password=support))
    made = desk.create(userName="bob", name={"givenName": "Bob"}, password="first")
    for password in (HUSH, HUSH, "third"):
        desk.target.passwords.clear()
        after = desk.set(made.id, "password", password)
        assert desk.target.passwords == {("bob",): password}
        assert after.attributes == made.attributes
        assert after.change_seq > made.change_seq
    assert desk.target.rows[("bob",)]["First"] == ("Bob",)
    assert desk.events()[-1] == ("update", "ok")
    assert desk.target.options[1:] == ([PasswordOptions()] * 3 if way == "alone" else [])


def test_a_put_with_a_password_sets_it_and_one_without_leaves_it(desk, bob):
    desk.put(bob.id, userName="bob", password=HUSH)
    assert desk.target.passwords == {("bob",): HUSH}
    desk.put(bob.id, userName="bob", name={"givenName": "Bob"})
    assert desk.target.passwords == {("bob",): HUSH}
    assert desk.target.rows[("bob",)]["First"] == ("Bob",)


PATCH = (
    {"op": "Replace", "path": "name.givenName", "value": "Bob"},
    {"op": "Replace", "path": "password", "value": HUSH},
)


def test_a_change_and_a_password_are_both_made(desk, bob, way):
    desk.target.sent.clear()
    after = desk.patch(bob.id, *PATCH)
    assert after.attributes["First"] == ("Bob",)
    assert desk.target.passwords == {("bob",): HUSH}
    assert len(desk.target.sent) == 1


def test_a_password_goes_to_the_new_name_of_somebody_who_is_renamed(desk, bob):
    desk.patch(bob.id, {"op": "Replace", "path": "userName", "value": "rob"}, *PATCH)
    assert desk.target.passwords[("rob",)] == HUSH


def test_a_refused_password_leaves_the_other_changes_as_the_target_has_them_and_says_so(desk, bob, way, refused):
    desk.target.refuse_password = policy
    error = refused(400, desk.patch, bob.id, *PATCH)
    assert "at least 40 characters" in error.detail
    made = way == "alone"
    assert error.detail.startswith("Everything was changed but the password: ") == made
    assert desk.target.rows[("bob",)].get("First", ()) == (("Bob",) if made else ())
    assert desk.get(bob.id).attributes.get("First", ()) == (("Bob",) if made else ())
    assert desk.target.passwords == {("bob",): "first"}
    assert desk.store.entries() == []


def test_a_refused_change_does_not_set_the_password(desk, bob, refused):
    desk.target.refuse = lambda _change: ExportError(MAExportError.CONSTRAINT_VIOLATION, "no")
    refused(400, desk.patch, bob.id, *PATCH)
    assert desk.target.passwords == {("bob",): "first"}


def test_what_failed_half_is_completed_by_sending_it_again(desk, bob, refused):
    desk.target.refuse_password = policy
    refused(400, desk.patch, bob.id, *PATCH)
    desk.target.refuse_password = lambda _change, _password: None
    assert desk.patch(bob.id, *PATCH).attributes["First"] == ("Bob",)
    assert desk.target.passwords == {("bob",): HUSH}


@pytest.mark.parametrize(("active", "first"), [(False, "change"), (True, "password")])
def test_who_is_let_in_again_has_the_new_password_first_and_who_is_kept_out_is_so_at_once(desk, active, first):
    desk.ready(passwords="alone", disable="Enabled")
    made = desk.create(userName="bob", active=not active, password="first")
    order = []
    desk.target.before_password = lambda _entry: order.append("password")
    desk.target.before_export = lambda _changes: order.append("change")
    desk.patch(
        made.id,
        {"op": "Replace", "path": "active", "value": active},
        {"op": "Replace", "path": "password", "value": HUSH},
    )
    assert order == [first, *({"change", "password"} - {first})]
    assert desk.target.passwords == {("bob",): HUSH}


def test_a_password_that_was_set_before_something_else_failed_is_said(desk, refused):
    desk.ready(passwords="alone", disable="Enabled")
    made = desk.create(userName="bob", active=False, password="first")
    desk.target.refuse = lambda _change: ExportError(MAExportError.CONSTRAINT_VIOLATION, "no")
    error = refused(
        400,
        desk.patch,
        made.id,
        {"op": "Replace", "path": "active", "value": True},
        {"op": "Replace", "path": "password", "value": HUSH},
    )
    assert error.detail.startswith("The password was set, but the rest of the change was not made: ")


def test_who_is_deleted_by_being_disabled_needs_no_password(desk, way):
    desk.ready(passwords=way, disable="delete")
    made = desk.create(userName="bob", password="first")
    desk.patch(
        made.id,
        {"op": "Replace", "path": "active", "value": False},
        {"op": "Replace", "path": "password", "value": HUSH},
    )
    assert (desk.target.rows, desk.target.passwords) == ({}, {})


def test_a_password_of_somebody_whom_the_target_has_lost_is_404(desk, bob, refused):
    desk.target.rows.clear()
    refused(404, desk.set, bob.id, "password", HUSH)


def test_a_password_call_that_is_cut_off_keeps_the_object_until_it_is_read_back(desk, refused):
    desk.ready(passwords="alone")
    made = desk.create(userName="bob", password="first")
    desk.target.before_password = cut
    refused(503, desk.set, made.id, "password", HUSH)
    (entry,) = desk.store.entries()
    assert (entry.state, entry.password) == (EntryState.UNCERTAIN, PasswordStage.SENT)
    refused(503, desk.get, made.id)
    assert Recovery(desk.endpoint).round() == 1
    assert desk.events()[-1] == ("recover", "unknown")
    assert desk.get(made.id).anchor == ("bob",)


def test_a_password_that_was_certainly_not_sent_leaves_nothing_open(desk, refused):
    desk.ready(passwords="alone")
    made = desk.create(userName="bob", password="first")
    desk.target.before_password = down
    refused(503, desk.set, made.id, "password", HUSH)
    assert desk.store.entries() == []


def test_a_password_call_that_hangs_is_completed_when_it_ends(desk, gate, memory, refused):
    desk.ready(passwords="alone")
    made = desk.create(userName="bob", password="first")
    desk.target.before_password = gate
    refused(503, desk.set, made.id, "password", HUSH, seconds=0.1)
    gate.wait_for()
    assert len(desk.store.entries()) == 1
    gate.open()
    memory.wait_until(lambda: desk.store.entries() == [])
    assert desk.target.passwords == {("bob",): HUSH}
    assert desk.get(made.id)
