import pytest

from ecmahost_core import ExportError, MAExportError, ServerDown, UnexpectedData
from ecmahost_core.configuration.model import Freshness, SelectedAttribute
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.reading.presentation import resource_of
from ecmahost_core.sync.writing.recovery import Recovery

WORK = [{"type": "work", "value": "bob@example.com"}]


def test_a_created_object_is_in_the_target_and_in_the_space(desk):
    desk.ready()
    made = desk.create(userName="bob", emails=WORK, name={"givenName": "Bob"})
    assert desk.target.rows == {("bob",): {"Login": ("bob",), "Mail": ("bob@example.com",), "First": ("Bob",)}}
    assert desk.get(made.id) == made
    assert made.anchor == ("bob",)
    assert made.state is ObjectState.LIVE
    assert desk.store.entries() == []
    assert ("create", "ok") in desk.events()


def test_an_anchor_that_the_target_makes_is_taken_over(desk):
    desk.ready(anchor=("Id",), dn=True)
    made = desk.create(userName="bob")
    assert made.anchor == (1,)
    assert made.dn == "CN=1,OBJECT=Employees"
    assert desk.named("bob") == [made]


def test_a_second_object_with_a_unique_value_is_refused_by_the_name_of_its_scim_path(desk, refused):
    desk.ready()
    desk.create(userName="bob", emails=WORK)
    error = refused(409, desk.create, userName="rob", emails=[{"type": "work", "value": "BOB@example.com "}])
    assert error.scim_type == "uniqueness"
    assert 'emails[type eq "work"].value' in error.detail
    assert "userName" in refused(409, desk.create, userName="BOB").detail
    assert len(desk.target.rows) == 1
    assert desk.store.entries() == []


def test_a_query_attribute_that_need_not_be_unique_is_shared(desk):
    desk.ready(query=("Login", ("Mail", False)))
    desk.create(userName="bob", emails=WORK)
    desk.create(userName="rob", emails=WORK)
    assert len(desk.match('emails[type eq "work"].value eq "bob@example.com"')) == 2


def test_many_creations_of_the_same_name_at_once_make_one_object(desk, memory):
    desk.ready(anchor=("Id",))  # the target itself would take any number of them
    names = [("bob", "BOB", "bob ", "Bob")[number % 4] for number in range(24)]
    answers = memory.together(*[lambda name=name: desk.create(userName=name) for name in names])
    made = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(made) == 1
    assert [answer.status for answer in answers if isinstance(answer, ScimError)] == [409] * 23
    assert len(desk.target.rows) == 1
    assert desk.store.entries() == []


def test_creations_of_different_objects_at_once_all_come_through(desk, memory):
    desk.ready(anchor=("Id",))
    answers = memory.together(*[lambda number=number: desk.create(userName=f"user{number}") for number in range(16)])
    assert {answer.attributes["Login"] for answer in answers} == {(f"user{number}",) for number in range(16)}
    assert len(desk.target.rows) == 16


@pytest.mark.parametrize("freshness", [None, Freshness.VERIFY, Freshness.LIVE])
def test_before_creating_the_target_is_asked_for_somebody_it_already_has(desk, refused, freshness):
    desk.ready(anchor=("Id",), freshness=freshness)
    desk.target.put(77, Id=77, Login="Bob", Mail="other@x")
    error = refused(409, desk.create, userName="bob")
    assert "userName" in error.detail
    assert desk.target.sent == []
    # What was found is in the space, so that the next match links it.
    assert [one.anchor for one in desk.named("bob")] == [(77,)]
    assert desk.store.entries() == []


def test_with_freshness_cache_the_target_is_not_asked(desk):
    desk.ready(anchor=("Id",), freshness=Freshness.CACHE)
    desk.create(userName="bob")
    assert desk.target.reads == 0


def test_when_the_target_cannot_be_asked_nothing_is_created_and_the_name_is_free_again(desk, refused):
    desk.ready(anchor=("Id",))
    desk.target.on_read = lambda: (_ for _ in ()).throw(ServerDown("the directory went away"))
    error = refused(503, desk.create, userName="bob")
    assert error.headers["Retry-After"]
    assert desk.target.sent == []
    assert desk.store.entries() == []
    desk.target.on_read = lambda: None
    assert desk.create(userName="bob")


def test_an_unforeseen_failure_before_sending_leaves_no_entry_behind(desk, monkeypatch):
    desk.ready(anchor=("Id",))
    desk.target.put(7, Id=7, Login="bob")

    def broken(*_arguments, **_more):
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(desk.store, "adopt", broken)
    with pytest.raises(StoreUnavailable):
        desk.create(userName="bob")
    assert desk.store.entries() == []


def test_somebody_in_the_target_who_cannot_be_read_is_neither_there_nor_not(desk, refused):
    desk.ready(anchor=("Id",))
    desk.target.put(7, Id=7, Login="bob")
    desk.target.unreadable.add((7,))
    refused(503, desk.create, userName="bob")
    assert refused(503, desk.named, "bob").headers["Retry-After"]
    assert desk.target.sent == []
    assert desk.store.entries() == []


@pytest.mark.parametrize(
    ("code", "status"), [(MAExportError.CONSTRAINT_VIOLATION, 400), (MAExportError.PERMISSION_ISSUE, 403)]
)
def test_what_the_target_refuses_is_nowhere_and_may_be_tried_again(desk, refused, code, status):
    desk.ready()
    desk.target.refuse = lambda change: ExportError(code, "the rule says no")
    error = refused(status, desk.create, userName="bob")
    assert error.detail == f"{code.value}. the rule says no"
    assert desk.store.count(desk.space_type) == 0
    assert desk.store.entries() == []
    assert desk.events()[-1] == ("create", "refused")
    desk.target.refuse = lambda change: None
    assert desk.create(userName="bob")


def test_somebody_in_the_target_under_the_anchor_is_a_conflict_and_found_by_the_next_match(desk, refused):
    desk.ready(query=("Login",))
    desk.target.put("bob", Login="bob")
    assert refused(409, desk.create, userName="bob").scim_type == "uniqueness"
    assert [one.anchor for one in desk.named("bob")] == [("bob",)]


def test_a_failure_after_sending_is_503_until_recovery_has_read_the_object_back(desk, refused):
    desk.ready(anchor=("Id",))

    def vanish(_changes):
        raise UnexpectedData("the line was cut")

    desk.target.after_export = vanish
    error = refused(503, desk.create, userName="bob")
    assert error.headers["Retry-After"]
    assert [entry.state.value for entry in desk.store.entries()] == ["uncertain"]
    refused(503, desk.named, "bob", seconds=0.1)  # never "none"
    refused(503, desk.create, userName="bob", seconds=0.1)
    desk.target.after_export = lambda changes: None
    assert Recovery(desk.endpoint).round() == 1
    (found,) = desk.named("bob")
    assert found.state is ObjectState.LIVE
    assert list(desk.target.rows) == [(1,)]
    assert refused(409, desk.create, userName="bob")


def test_a_failure_that_says_nothing_was_sent_closes_the_entry(desk, refused):
    desk.ready()

    def unsent(_changes):
        raise ServerDown("no route", nothing_sent=True)

    desk.target.before_export = unsent
    assert "no route" in refused(503, desk.create, userName="bob").detail
    assert desk.store.entries() == []
    assert desk.named("bob") == []


def test_a_plugin_that_breaks_the_contract_is_503_without_its_words(desk, refused):
    desk.ready()

    def broken(_changes):
        raise RuntimeError("dsn=secret")

    desk.target.before_export = broken
    error = refused(503, desk.create, userName="bob")
    assert "secret" not in error.detail
    assert [entry.state.value for entry in desk.store.entries()] == ["uncertain"]


def test_a_change_that_waited_beyond_its_deadline_was_never_sent(desk, gate, refused, memory):
    desk.ready(anchor=("Id",))
    desk.target.before_export = gate
    other = []
    first = memory.threading.Thread(target=lambda: other.append(desk.create(userName="ann")), daemon=True)
    first.start()
    gate.wait_for()
    error = refused(503, desk.create, userName="bob", seconds=0.1)
    assert "nothing was sent" in error.detail
    assert [entry.change["attributes"]["Login"] for entry in desk.store.entries()] == [["ann"]]
    gate.open()
    first.join(10)
    assert [row["Login"] for row in desk.target.rows.values()] == [("ann",)]


def test_a_change_that_runs_beyond_its_deadline_is_completed_when_the_target_answers(desk, gate, refused, memory):
    desk.ready(anchor=("Id",))
    desk.target.before_export = gate
    error = refused(503, desk.create, userName="bob", seconds=0.1)
    assert "not known" in error.detail
    gate.wait_for()
    refused(503, desk.named, "bob", seconds=0.1)
    gate.open()
    memory.wait_until(lambda: not desk.store.entries())
    (found,) = desk.named("bob")
    assert found.anchor == (1,)
    assert desk.events()[-1] == ("create", "ok")


def test_when_the_store_cannot_be_written_the_outcome_is_kept_as_soon_as_it_can(desk, refused, memory, monkeypatch):
    desk.ready()
    complete = desk.store.complete
    failures = iter([StoreUnavailable("the disk is full")] * 2)

    def patchy(*arguments):
        for failure in failures:
            raise failure
        return complete(*arguments)

    monkeypatch.setattr(desk.store, "complete", patchy)
    assert refused(503, desk.create, userName="bob").headers["Retry-After"]
    assert desk.target.named("bob")
    memory.wait_until(lambda: not desk.store.entries())
    assert [one.anchor for one in desk.named("bob")] == [("bob",)]


def test_an_outcome_that_cannot_be_kept_is_left_to_recovery_and_not_called_gone(desk, refused, monkeypatch):
    desk.ready()
    complete = desk.store.complete

    def broken(*_arguments):
        raise ValueError("bob@example.com cannot be stored")

    monkeypatch.setattr(desk.store, "complete", broken)
    error = refused(503, desk.create, userName="bob")
    assert "bob@example.com" not in error.detail
    assert [entry.state.value for entry in desk.store.entries()] == ["uncertain"]
    assert Recovery(desk.endpoint).round() == 0
    monkeypatch.setattr(desk.store, "complete", complete)
    assert Recovery(desk.endpoint).round() == 1
    assert desk.named("bob")


def test_what_identifies_nobody_is_refused_with_the_attributes_that_would(desk, refused):
    desk.ready(anchor=("Id",))
    error = refused(400, desk.create, name={"givenName": "Bob"})
    assert error.scim_type == "invalidValue"
    assert "userName" in error.detail
    assert desk.target.sent == []


def test_a_required_attribute_of_the_target_is_named_by_its_scim_path(desk, memory, refused):
    required = memory.replace(memory.EMPLOYEES.attributes[4], required=True)
    attributes = (*memory.EMPLOYEES.attributes[:4], required, *memory.EMPLOYEES.attributes[5:])
    desk.target.schema = memory.Schema((memory.replace(memory.EMPLOYEES, attributes=attributes),))
    desk.ready()
    assert "name.familyName" in refused(400, desk.create, userName="bob").detail
    assert desk.create(userName="bob", name={"familyName": "Ross"})


@pytest.mark.parametrize(
    ("disable", "sent", "stored"),
    [
        ("Enabled", True, {"Enabled": (True,)}),
        ("Enabled", False, {"Enabled": (False,)}),
        ("Flag", False, {"Flag": (0,)}),
        ("Country", False, {"Country": ("False",)}),
        ("none", False, {}),
        ("delete", False, {}),
    ],
)
def test_active_is_created_where_the_disable_flow_keeps_it(desk, disable, sent, stored):
    desk.ready(disable=disable)
    made = desk.create(userName="bob", active=sent)
    assert desk.target.rows[("bob",)] == {"Login": ("bob",), **stored}
    assert resource_of(desk.binding, made)["active"] is sent


def test_a_mapped_active_that_the_target_only_shows_is_not_written(desk, memory):
    attributes = {"Enabled": SelectedAttribute(direction=AttributeOperation.IMPORT_ONLY)}
    desk.ready(mapping={**memory.MAPPING, "active": "Enabled"}, attributes=attributes)
    desk.create(userName="bob", active=False)
    assert desk.target.rows[("bob",)] == {"Login": ("bob",)}
