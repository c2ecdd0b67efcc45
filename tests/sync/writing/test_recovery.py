import pytest

from ecmahost_core import Capabilities, ExportError, MAExportError, ServerDown, UnexpectedData
from ecmahost_core.ecma.capabilities import MAExportType
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.space.journal import (
    ID,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.sync.reading.presentation import resource_of
from ecmahost_core.sync.writing.changes import addition, keys_of, unique_among, update
from ecmahost_core.sync.writing.recovery import NotSettled, Recovery, settle_by_hand

HOW = {
    "asks": {},
    "imports": {"hooks": {"full_object_import": None}},
}


def cut(_changes):
    raise UnexpectedData("the line was cut")


def opened_addition(desk, **attributes):
    """A process has written the journal, and then it stands still."""
    values = {name: (value,) for name, value in attributes.items()}
    change = addition(desk.binding, values)
    keys = keys_of(desk.binding, change.anchor, change.dn, values)
    unique = unique_among(desk.binding, keys)
    intent = WriteIntent(desk.space_type, Operation.ADD, change_to_json(change), keys, unique)
    return desk.store.open_entry(intent)


def opened_change(desk, found, operation=Operation.UPDATE, unlink=False, kept=None, **changed):
    values = {name: (value,) for name, value in changed.items()}
    change = change_to_json(update(desk.binding, MAExportType.ATTRIBUTE_REPLACE, found, values)) if changed else {}
    return desk.store.open_entry(
        WriteIntent(
            desk.space_type,
            operation,
            change,
            (LockKey(ID, found.id),),
            object_id=found.id,
            kept=kept or {},
            expected_seq=found.change_seq,
            unlink=unlink,
        )
    )


@pytest.fixture(params=sorted(HOW))
def how(request):
    """How the connector reads: single objects, or only everything."""
    return HOW[request.param]


@pytest.mark.parametrize("anchor", [("Login",), ("Id",)])
@pytest.mark.parametrize("applied", [True, False])
def test_a_creation_of_a_dead_process_becomes_what_the_target_holds(desk, refused, how, anchor, applied):
    desk.ready(anchor=anchor, **how)
    opened_addition(desk, Login="bob")
    desk.restart(anchor=anchor, **how)
    refused(503, desk.named, "bob", seconds=0.1)
    refused(503, desk.create, userName="bob", seconds=0.1)
    if applied:
        desk.target.put("bob" if anchor == ("Login",) else 7, Login="bob", Id=7)
    assert Recovery(desk.endpoint).round() == 1
    assert desk.store.entries() == []
    assert desk.events()[-1] == ("recover", "ok" if applied else "not_applied")
    found = desk.named("bob")
    assert len(found) == applied
    if not applied:
        assert desk.create(userName="bob")
    assert len(desk.target.rows) == 1


def test_a_creation_that_is_tried_again_after_a_crash_never_makes_two(desk, refused, how):
    desk.ready(anchor=("Id",), **how)
    desk.target.after_export = cut
    refused(503, desk.create, userName="bob")
    desk.target.after_export = lambda changes: None
    desk.restart(anchor=("Id",), **how)
    refused(503, desk.create, userName="bob", seconds=0.1)
    Recovery(desk.endpoint).round()
    refused(409, desk.create, userName="bob")
    assert len(desk.named("bob")) == len(desk.target.rows) == 1


def test_what_the_host_was_to_keep_is_kept_with_a_recovered_creation(desk, refused, how):
    desk.ready(**how)
    desk.target.after_export = cut
    refused(503, desk.create, userName="bob", active=False)
    Recovery(desk.endpoint).round()
    (found,) = desk.named("bob")
    assert resource_of(desk.binding, found)["active"] is False


def test_an_update_that_was_applied_is_stored(desk, refused, how):
    desk.ready(**how)
    made = desk.create(userName="bob")
    desk.target.after_export = cut
    refused(503, desk.set, made.id, "name.givenName", "Bob")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.get(made.id).attributes["First"] == ("Bob",)
    assert desk.events()[-1] == ("recover", "ok")


def test_an_update_that_was_not_applied_is_forgotten(desk, refused, how):
    desk.ready(**how)
    made = desk.create(userName="bob")
    desk.target.before_export = cut
    refused(503, desk.set, made.id, "name.givenName", "Bob")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.get(made.id).attributes.get("First", ()) == ()
    assert desk.events()[-1] == ("recover", "not_applied")


def test_of_an_update_that_was_half_applied_the_space_learns_what_is_there(desk, refused, how):
    desk.ready(**how)
    made = desk.create(userName="bob", name={"givenName": "A", "familyName": "B"})

    def half(_changes):
        desk.target.rows[("bob",)]["First"] = ("Bob",)
        cut(_changes)

    desk.target.before_export = half
    operation = {"op": "replace", "value": {"name.givenName": "Bob", "name.familyName": "Ross", "active": False}}
    refused(503, desk.patch, made.id, operation)
    assert Recovery(desk.endpoint).round() == 1
    found = desk.get(made.id)
    assert (found.attributes["First"], found.attributes["Last"]) == (("Bob",), ("B",))
    assert found.kept == {}  # the change as a whole did not happen
    assert desk.events()[-1] == ("recover", "not_applied")


@pytest.mark.parametrize("applied", [True, False])
def test_a_deletion_is_settled_either_way(desk, refused, how, applied):
    desk.ready(**how)
    made = desk.create(userName="bob")
    setattr(desk.target, "after_export" if applied else "before_export", cut)
    refused(503, desk.remove, made.id)
    refused(503, desk.get, made.id)
    assert Recovery(desk.endpoint).round() == 1
    assert desk.store.entries() == []
    if applied:
        refused(404, desk.get, made.id)
    else:
        assert desk.get(made.id).state is ObjectState.LIVE


@pytest.mark.parametrize("applied", [True, False])
def test_a_delete_flow_that_sets_an_attribute_unlinks_only_when_it_was_applied(desk, refused, how, applied):
    desk.ready(delete=("Country", "gone"), **how)
    made = desk.create(userName="bob")
    setattr(desk.target, "after_export" if applied else "before_export", cut)
    refused(503, desk.remove, made.id)
    assert Recovery(desk.endpoint).round() == 1
    state = desk.store.get(desk.space_type, made.id).state
    assert state is (ObjectState.UNLINKED if applied else ObjectState.LIVE)


def test_an_entry_that_sends_nothing_is_simply_done(desk, refused, how):
    desk.ready(delete="none", **how)
    ann, bob = desk.create(userName="ann"), desk.create(userName="bob")
    opened_change(desk, ann, Operation.DELETE, unlink=True)
    opened_change(desk, bob, kept={"active": False})
    desk.restart(delete="none", **how)
    desk.target.down = True  # nobody needs to be asked
    refused(503, desk.get, ann.id)
    assert Recovery(desk.endpoint).round() == 2
    assert desk.store.get(desk.space_type, ann.id).state is ObjectState.UNLINKED
    assert desk.get(bob.id).kept == {"active": False}


@pytest.mark.parametrize("applied", [True, False])
def test_a_rename_is_found_under_either_name(desk, refused, how, applied):
    desk.ready(**how)
    made = desk.create(userName="bob")
    setattr(desk.target, "after_export" if applied else "before_export", cut)
    refused(503, desk.set, made.id, "userName", "rob")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.get(made.id).anchor == ("rob" if applied else "bob",)


def test_somebody_else_under_the_new_name_is_not_taken_for_the_renamed_object(desk, refused, how):
    desk.ready(**how)
    made = desk.create(userName="bob")
    desk.target.put("rob", Login="rob", Mail="other@x")  # nobody has told the host
    desk.target.before_export = cut
    refused(503, desk.set, made.id, "userName", "rob")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.get(made.id).anchor == ("bob",)
    assert desk.events()[-1] == ("recover", "not_applied")


def test_an_answer_that_fits_several_objects_settles_nothing(desk, refused, how):
    desk.ready(anchor=("Id",), **how)
    opened_addition(desk, Login="bob")
    desk.restart(anchor=("Id",), **how)
    desk.target.put(7, Id=7, Login="bob")
    desk.target.put(8, Id=8, Login="BOB")
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert len(desk.store.entries()) == 1
    del desk.target.rows[(8,)]
    assert recovery.round() == 1


def test_an_object_that_cannot_be_read_does_not_keep_others_waiting(desk):
    desk.ready()
    opened_addition(desk, Login="ann")
    opened_addition(desk, Login="bob")
    desk.restart()
    desk.target.put("ann", Login="ann")
    desk.target.put("bob", Login="bob")
    desk.target.unreadable.add(("ann",))
    assert Recovery(desk.endpoint).round() == 1
    assert [entry.change["attributes"]["Login"] for entry in desk.store.entries()] == [["ann"]]


def test_a_target_that_is_down_is_asked_again_later(desk):
    desk.ready()
    opened_addition(desk, Login="bob")
    desk.restart()
    desk.target.down = True
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert len(desk.store.entries()) == 1
    desk.target.down = False
    assert recovery.round() == 1


def test_an_import_that_breaks_off_settles_nothing(desk):
    desk.ready(**HOW["imports"])
    opened_addition(desk, Login="bob")
    desk.restart(**HOW["imports"])
    desk.target.put("ann", Login="ann")
    desk.target.on_page = lambda: (_ for _ in ()).throw(ServerDown("down"))
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert len(desk.store.entries()) == 1
    desk.target.on_page = lambda: None
    assert recovery.round() == 1


def test_many_entries_cost_one_import(desk):
    desk.ready(**HOW["imports"])
    for number in range(20):
        opened_addition(desk, Login=f"user{number}")
    desk.restart(**HOW["imports"])
    for number in range(0, 20, 2):
        desk.target.put(f"user{number}", Login=f"user{number}")
    imports = desk.target.imports
    assert Recovery(desk.endpoint).round() == 20
    assert desk.target.imports == imports + 1
    assert desk.store.count(desk.space_type) == 10


def test_nothing_is_read_when_there_is_nothing_to_recover(desk, how):
    desk.ready(**how)
    reads = desk.target.imports, desk.target.reads
    assert Recovery(desk.endpoint).round() == 0
    assert (desk.target.imports, desk.target.reads) == reads


def test_the_target_has_its_time_to_settle_before_it_is_asked(desk, memory):
    capabilities = Capabilities(settle_seconds=0.2)
    desk.ready(capabilities=capabilities)
    opened_addition(desk, Login="bob")
    desk.restart(capabilities=capabilities)
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    assert desk.target.reads == 0
    desk.target.put("bob", Login="bob")  # the old call is committed only now
    memory.wait_until(lambda: recovery.round() == 1)
    assert desk.named("bob")


def test_entries_of_a_living_process_are_left_alone(desk):
    desk.ready()
    opened_addition(desk, Login="bob")
    assert Recovery(desk.endpoint).round() == 0
    desk.build()  # another process beside it
    assert Recovery(desk.endpoint).round() == 0
    assert len(desk.store.entries()) == 1


def test_an_entry_of_a_resource_type_that_is_not_configured_any_more_waits(desk, memory):
    desk.ready()
    opened_addition(desk, Login="bob")
    desk.restart()
    desk.endpoint._bindings = {"Robot": desk.binding}
    assert Recovery(desk.endpoint).round() == 0
    with pytest.raises(NotSettled, match="no resource type User"):
        settle_by_hand(desk.endpoint, desk.store.entries()[0].number, applied_there=True)
    assert len(desk.store.entries()) == 1


# By hand

BLIND = {"hooks": {"full_object_import": None, "full_import": None}, "imports": False}


def blind(desk, **settings):
    """A connector that cannot read at all."""
    return desk.ready(**BLIND, **settings)


def test_a_connector_that_cannot_read_leaves_it_to_a_person(desk, refused):
    blind(desk)
    desk.target.after_export = cut
    refused(503, desk.create, userName="bob")
    assert Recovery(desk.endpoint).round() == 0
    (entry,) = desk.store.entries()
    settle_by_hand(desk.endpoint, entry.number, applied_there=True)
    (found,) = desk.named("bob")
    assert found.anchor == ("bob",)
    assert desk.store.entries() == []
    assert desk.events()[-1] == ("settle", "ok")


def test_what_a_person_says_was_not_applied_never_happened(desk, refused):
    blind(desk)
    desk.target.before_export = cut
    refused(503, desk.create, userName="bob")
    (entry,) = desk.store.entries()
    settle_by_hand(desk.endpoint, entry.number, applied_there=False)
    assert desk.named("bob") == []
    assert desk.store.entries() == []
    desk.target.before_export = lambda changes: None
    assert desk.create(userName="bob")
    assert ("settle", "not_applied") in desk.events()


@pytest.mark.parametrize("applied", [True, False])
def test_changes_renames_and_removals_are_settled_by_hand_too(desk, refused, applied):
    blind(desk)
    made = [desk.create(userName=f"user{number}") for number in range(3)]
    desk.target.after_export = cut
    refused(503, desk.set, made[0].id, "name.givenName", "New")
    refused(503, desk.set, made[1].id, "userName", "renamed")
    refused(503, desk.remove, made[2].id)
    for entry in desk.store.entries():
        settle_by_hand(desk.endpoint, entry.number, applied_there=applied)
    assert desk.get(made[0].id).attributes.get("First", ()) == (("New",) if applied else ())
    assert desk.get(made[1].id).anchor == (("renamed",) if applied else ("user1",))
    if applied:
        refused(404, desk.get, made[2].id)
    else:
        assert desk.get(made[2].id)


def test_an_entry_without_a_change_is_settled_by_hand(desk):
    blind(desk, delete="none")
    made = desk.create(userName="bob")
    entry = opened_change(desk, made, Operation.DELETE, unlink=True)
    desk.restart(**BLIND, delete="none")
    settle_by_hand(desk.endpoint, entry.number, applied_there=True)
    assert desk.store.get(desk.space_type, made.id).state is ObjectState.UNLINKED


def test_an_anchor_that_the_target_made_cannot_be_said_by_hand(desk, refused):
    blind(desk, anchor=("Id",))
    desk.target.after_export = cut
    refused(503, desk.create, userName="bob")
    (entry,) = desk.store.entries()
    with pytest.raises(NotSettled, match="made the anchor"):
        settle_by_hand(desk.endpoint, entry.number, applied_there=True)
    assert len(desk.store.entries()) == 1


def test_what_is_being_worked_on_or_is_not_there_cannot_be_settled_by_hand(desk):
    desk.ready()
    entry = opened_addition(desk, Login="bob")
    with pytest.raises(NotSettled, match="being worked on"):
        settle_by_hand(desk.endpoint, entry.number, applied_there=True)
    with pytest.raises(NotSettled, match="no open entry 77"):
        settle_by_hand(desk.endpoint, 77, applied_there=True)


def test_a_change_that_the_target_answered_is_not_uncertain(desk, refused):
    desk.ready()
    desk.target.refuse = lambda change: ExportError(MAExportError.CONNECTED_DIRECTORY_ERROR, "failed")
    refused(503, desk.create, userName="bob")
    assert desk.store.entries() == []
