"""What a request would do: the same as it does, and nothing of it done."""

import json
from contextlib import contextmanager

import pytest

from ecmahost_core import ExportError, ExportExplanation, MAExportError, Statement, Withheld
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.sqlite import open_store
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.explaining.explain import explain
from ecmahost_core.sync.explaining.scim_request import read_requests, scim_request


def explain_export(session, changes, with_password):
    """The target in memory tells a statement for each change, and refuses as it would."""
    told = []
    for change in changes:
        refused = session.refuse(change)
        if refused is None and change.modification_type.value != "Add" and change.anchor not in session.rows:
            refused = ExportError(MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "no such row")
        secret = (Withheld.SECRET,) if change.identifier in with_password else ()
        statement = Statement(change.modification_type.value, (*map(str, change.anchor), *secret))
        told.append(ExportExplanation(change.identifier, (statement,), refused))
    return told


@pytest.fixture
def told(desk):
    """Explains a request, and makes sure that nothing was written anywhere."""

    def ask(method, path, body=None, seconds=10.0, endpoint=None):
        served = endpoint or desk.endpoint
        before = _state(desk)
        found = explain(served, scim_request(method, path, body, "hr"), desk.call(seconds))
        assert _state(desk) == before
        json.dumps(found.to_json())
        return found

    return ask


def _state(desk):
    entries = [(one.number, one.state) for one in desk.store.entries()]
    objects = [(one.id, one.state, one.change_seq, one.kept) for one in desk.store.scan(desk.space_type)]
    rows = json.dumps(sorted(map(repr, desk.target.rows.items())))
    return rows, list(map(change_to_json, desk.target.sent)), entries, objects, desk.events(), desk.store.change_seq()


def patch(*operations):
    return {"Operations": list(operations)}


def replace(path, value):
    return {"op": "Replace", "path": path, "value": value}


def ready(desk, **settings):
    desk.target.put("ada", Login="ada", Mail="a@x", First="Ada", Last="Byron", Enabled=True)
    hooks = {"explain_export": explain_export, **settings.pop("hooks", {})}
    desk.ready(hooks=hooks, **settings)
    return desk.named("ada")[0].id


def differences(found):
    return {
        one.attribute: (one.old, one.new) for step in found.steps for one in step.differences if one.new is not None
    }


def test_a_patch_is_told_with_its_meaning_the_object_the_differences_and_the_statements(desk, told):
    ada = ready(desk, disable="Enabled", dn=True)
    operations = patch(replace("name.familyName", "King"), replace("active", "False"), replace("nickName", 1))
    found = told("PATCH", f"/Users/{ada}", operations)
    assert found.answer.status == 200
    assert found.operations == [
        {"op": "replace", "path": "name.familyName", "value": "King"},
        {"op": "replace", "path": "active", "value": False},
    ]
    assert found.ignored == ("nickName",)
    assert (found.object["id"], found.object["anchor"]) == (ada, "ada")
    assert found.object["dn"] == "CN=ada,OBJECT=Employees"
    assert differences(found) == {"Last": (("Byron",), ("King",)), "Enabled": ((True,), (False,))}
    assert found.flow == "disable: set Enabled"
    assert found.steps[0].statements == (Statement("Update", ("ada",)),)
    assert found.nothing_because == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/Users/{id}", patch(replace("name.familyName", "King"))),
        ("PATCH", "/Users/{id}", patch(replace("active", False))),
        ("PUT", "/Users/{id}", {"userName": "ada", "name": {"givenName": "A"}}),
        ("POST", "/Users", {"userName": "bob", "emails": [{"type": "work", "value": "b@x"}]}),
        ("DELETE", "/Users/{id}", None),
    ],
)
def test_the_change_that_is_told_is_the_one_that_the_target_gets_when_it_is_done(desk, told, method, path, body):
    ada = ready(desk, disable="Enabled")
    found = told(method, path.format(id=ada), body)
    assert found.answer.status < 300
    sent = len(desk.target.sent)
    {
        "PATCH": lambda: desk.patch(ada, *body["Operations"]),
        "PUT": lambda: desk.put(ada, **body),
        "POST": lambda: desk.create(**body),
        "DELETE": lambda: desk.remove(ada),
    }[method]()
    done = [change_to_json(one) | {"identifier": ""} for one in desk.target.sent[sent:]]
    assert [change_to_json(step.change) | {"identifier": ""} for step in found.steps] == done


@pytest.mark.parametrize(
    ("operations", "why"),
    [
        ([replace("name.familyName", "Byron")], 'name.familyName: Last has "Byron" already.'),
        ([replace("active", "True")], "active is true already."),
        ([replace("nickName", "x")], "nickName is not mapped, and ignored."),
        (
            [{"op": "remove", "path": 'emails[type eq "work"].value'}, replace('emails[type eq "work"].value', "a@x")],
            'emails[type eq "work"].value: Mail has "a@x" already.',
        ),
        ([], "The request has no operations."),
    ],
)
def test_why_nothing_would_be_written_is_told(desk, told, operations, why):
    ada = ready(desk, disable="Enabled")
    found = told("PATCH", f"/Users/{ada}", patch(*operations))
    assert found.steps == []
    assert why in found.nothing_because
    assert found.answer.status == 200


def test_what_means_the_same_in_another_form_is_told_as_such(desk, told):
    desk.target.put("ada", Login="ada", Level=7)
    mapping = {"userName": "Login", "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:Level": "Level"}
    desk.ready(hooks={"explain_export": explain_export}, mapping=mapping, query=("Login",))
    path = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:Level"
    found = told("PATCH", f"/Users/{desk.named('ada')[0].id}", patch(replace(path, "007")))
    assert found.steps == []
    assert found.answer.status == 200
    assert found.nothing_because


def test_what_only_the_host_keeps_is_told(desk, told):
    ada = ready(desk)
    found = told("PATCH", f"/Users/{ada}", patch(replace("active", False)))
    assert found.steps == []
    assert found.host_keeps == ("active = False",)
    assert "Only what the host itself keeps" in found.nothing_because[0]
    desk.remove(ada)


def test_a_delete_flow_that_leaves_the_target_alone_is_told(desk, told):
    ada = ready(desk, delete="none")
    found = told("DELETE", f"/Users/{ada}")
    assert (found.answer.status, found.steps, found.flow) == (204, [], "delete: none")
    assert "hides the object" in found.nothing_because[0]


def test_a_delete_flow_that_sets_an_attribute_is_told(desk, told):
    ada = ready(desk, delete=("Country", "gone"))
    found = told("DELETE", f"/Users/{ada}")
    assert found.flow == 'delete: set Country to "gone"'
    assert differences(found) == {"Country": ((), ("gone",))}
    assert "until a match finds it" in found.notes[0]


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "scim_type"),
    [
        ("GET", "/Users/nobody", None, 404, None),
        ("DELETE", "/Users/nobody", None, 404, None),
        ("PATCH", "/Users/nobody", patch(), 404, None),
        ("PATCH", "/Users/{id}", {"Operations": 1}, 400, "invalidSyntax"),
        ("PATCH", "/Users/{id}", patch({"op": "remove"}), 400, "noTarget"),
        ("PATCH", "/Users/{id}", patch(replace("active", "perhaps")), 400, "invalidValue"),
        ("POST", "/Users", {"userName": {"a": 1}}, 400, "invalidValue"),
        ("POST", "/Users", {"userName": "ada"}, 409, "uniqueness"),
        ("POST", "/Users", [], 400, "invalidSyntax"),
        ("GET", "/Users?filter=x+y+z", None, 400, "invalidFilter"),
        ("GET", "/Users?count=x", None, 400, "invalidValue"),
        ("GET", "/Groups", None, 404, None),
        ("POST", "/Users/{id}", {}, 405, None),
        ("DELETE", "/Users", None, 405, None),
    ],
)
def test_the_error_that_a_request_would_get_is_the_answer(desk, told, method, path, body, status, scim_type):
    ada = ready(desk)
    found = told(method, path.format(id=ada), body)
    assert (found.answer.status, found.answer.scim_type) == (status, scim_type)
    assert found.answer.detail


def test_what_a_strict_connector_refuses_is_refused(desk, told):
    ada = ready(desk)
    mails = [{"type": "work", "value": "a@y"}, {"type": "home", "value": "h@y"}]
    lenient = told("POST", "/Users", {"userName": "bob", "nickName": "x", "emails": mails})
    assert (lenient.answer.status, lenient.ignored) == (201, ("nickName",))
    assert any("no room for a value of" in one and "emails" in one for one in lenient.notes)
    desk.configured(strict=True)
    assert told("POST", "/Users", {"userName": "bob", "nickName": "x"}).answer.status == 400
    assert told("POST", "/Users", {"userName": "bob", "emails": mails}).answer.status == 400
    assert told("PATCH", f"/Users/{ada}", patch(replace("nickName", "x"))).answer.status == 400


def test_whose_value_it_is_is_told(desk, told):
    ada = ready(desk)
    desk.target.put("bob", Login="bob", Mail="b@x")
    desk.match('userName eq "bob"')
    found = told("PATCH", f"/Users/{ada}", patch(replace('emails[type eq "work"].value', "B@x")))
    assert (found.answer.status, found.answer.scim_type) == (409, "uniqueness")
    assert desk.named("bob")[0].id in found.notes[0]
    assert found.steps
    assert "is not written" in found.nothing_because[-1]


def test_somebody_whom_only_the_target_knows_is_found_and_not_adopted(desk, told):
    ready(desk)
    desk.target.put("bob", Login="bob", Mail="b@x")
    found = told("POST", "/Users", {"userName": "rob", "emails": [{"type": "work", "value": "b@x"}]})
    assert found.answer.status == 409
    assert "The target itself" in found.notes[0]


def test_what_the_target_refuses_is_the_answer(desk, told):
    ada = ready(desk)
    desk.target.refuse = lambda _change: ExportError(MAExportError.PERMISSION_ISSUE, "not you")
    found = told("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King")))
    assert found.answer.status == 403
    assert "not you" in found.answer.detail


def test_an_object_that_the_target_has_lost_is_404_for_a_change_and_nothing_to_delete(desk, told):
    ada = ready(desk)
    desk.target.rows.clear()
    assert told("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King"))).answer.status == 404
    gone = told("DELETE", f"/Users/{ada}")
    assert gone.answer.status == 204
    assert "does not have the object any more" in gone.notes[0]


def test_a_target_that_is_down_is_said_and_everything_else_is_told(desk, told):
    ada = ready(desk)
    desk.target.down = True
    desk.restart(hooks={"explain_export": explain_export})
    found = told("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King")))
    assert found.answer.status == 503
    assert differences(found) == {"Last": (("Byron",), ("King",))}
    assert "could not be found out" in found.steps[0].note
    new = told("POST", "/Users", {"userName": "bob", "emails": [{"type": "work", "value": "b@x"}]})
    assert new.answer.status == 503
    assert "could not be looked up" in new.notes[0]


def test_before_the_first_import_the_answer_is_503_and_the_rest_is_told(desk, told):
    desk.build(hooks={"explain_export": explain_export})
    found = told("POST", "/Users", {"userName": "bob"})
    assert found.answer.status == 503
    assert differences(found)["Login"] == ((), ("bob",))


def test_a_write_under_way_is_told_and_not_waited_for(desk, told):
    ada = ready(desk)
    intent = WriteIntent(desk.space_type, Operation.UPDATE, {}, (LockKey(ID, ada),), object_id=ada)
    entry = desk.store.open_entry(intent)
    found = told("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King")))
    assert str(entry.number) in found.notes[0]
    assert len(found.notes) == 2  # about the object itself, and about what the change would take


# Passwords and connectors that do not tell ----------------------------------------------------------------------------

CANARY = "c4n4ry-P4ssw0rd"


@pytest.mark.parametrize("way", ["together", "alone"])
def test_a_password_is_told_as_a_secret_and_its_value_nowhere(desk, told, way, capfd):
    ada = ready(desk, passwords=way)
    for method, path, body in (
        ("PATCH", f"/Users/{ada}", patch(replace("password", CANARY))),
        ("PATCH", f"/Users/{ada}", patch({"op": "add", "value": {"password": CANARY, "title": CANARY[:0]}})),
        ("POST", "/Users", {"userName": "bob", "password": CANARY}),
        ("PUT", f"/Users/{ada}", {"userName": "ada", "password": CANARY}),
    ):
        found = told(method, path, body)
        assert found.answer.status < 300
        text = json.dumps(found.to_json()) + repr(found)
        assert CANARY not in text
        assert any(one.new is None for step in found.steps for one in step.differences)
        last = found.steps[-1]
        assert last.password_apart == (way == "alone")
        if way == "together":
            assert Withheld.SECRET in last.statements[0].parameters
    assert CANARY not in "".join(capfd.readouterr())


def test_of_a_connector_that_does_not_tell_the_change_is_told(desk, told):
    ada = ready(desk, hooks={"explain_export": None})
    found = told("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King")))
    (step,) = found.steps
    assert not step.told
    assert "do not tell" in step.note
    assert step.to_json()["change"]["attribute_changes"][0]["added"] == ["King"]
    assert found.answer.status == 200


def test_a_connector_that_breaks_the_contract_is_said(desk, told):
    ada = ready(desk, hooks={"explain_export": lambda: None})
    found = told("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King")))
    assert found.answer.status == 503
    assert "could not be found out" in found.steps[0].note


# Queries --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter_text", "words"),
    [
        ('userName eq "ada"', "By the index of Login (userName)"),
        ('name.familyName eq "Byron"', "By looking at all 1 objects that the host knows: Last"),
        ('userName co "a"', "By looking at all 1 objects"),
        ('id eq "x"', "By the id"),
        ('title eq "x"', "Nobody is looked at"),
        ('userName eq "a" or userName eq "b"', "By 2 look-ups"),
    ],
)
def test_how_a_filter_is_answered_is_told(desk, told, filter_text, words):
    ready(desk)
    found = told("GET", f"/Users?filter={filter_text}")
    assert found.query[0].startswith(words)
    assert found.operations[0]["filter"]


@pytest.mark.parametrize("freshness", Freshness)
def test_whether_the_target_is_asked_is_told_and_it_is_not_asked(desk, told, freshness):
    ready(desk, freshness=freshness)
    reads = desk.target.reads
    assert told("GET", '/Users?filter=userName eq "zed"').query[1]
    assert desk.target.reads == reads


def test_a_listing_and_a_get_are_told(desk, told):
    ada = ready(desk)
    assert "1 live objects" in told("GET", "/Users").query[0]
    assert "the target is not asked" in told("GET", f"/Users/{ada}").query[0]


def test_a_search_by_post_is_told_like_a_query(desk, told):
    ready(desk)
    found = told("POST", "/Users/.search", {"filter": 'userName eq "ada"', "sortBy": "title"})
    assert found.answer.status == 200
    assert any("By the index of Login" in one for one in found.query)
    assert any("to be sorted" in one for one in found.query)
    assert told("POST", "/Users/.search", []).answer.status == 400


def test_the_operations_of_a_bulk_request_are_told_one_by_one(desk):
    ada = ready(desk)
    operations = [
        {"method": "DELETE", "path": f"/Users/{ada}"},
        {"method": "post", "path": "/Users", "bulkId": "1", "data": {"userName": "bob"}},
        {"method": "GET", "path": "/Users"},
        {"method": "PATCH", "path": "/nowhere/at/all", "data": {}},
    ]
    requests = read_requests({"method": "POST", "path": "/Bulk", "body": {"Operations": operations}}, "hr")
    found = [explain(desk.endpoint, one, desk.call()) for one in requests]
    assert [one.answer.status for one in found] == [204, 201, 400, 404]
    assert found[1].notes[0].startswith("This is operation 2 of 4 of a bulk request.")
    assert desk.target.sent == []


# Nothing is written ---------------------------------------------------------------------------------------------------


def test_a_store_that_is_opened_for_reading_is_enough_beside_a_host_that_runs(desk, told):
    ada = ready(desk)
    with _reading(desk) as endpoint:
        for method, path, body in (
            ("PATCH", f"/Users/{ada}", patch(replace("name.familyName", "King"))),
            ("POST", "/Users", {"userName": "bob"}),
            ("DELETE", f"/Users/{ada}", None),
            ("GET", '/Users?filter=userName eq "ada"', None),
        ):
            assert told(method, path, body, endpoint=endpoint).answer.status < 300


@contextmanager
def _reading(desk):
    store = open_store(desk.directory / "space.db", desk.directory / "run", writing=False)
    endpoint = Endpoint(
        desk.endpoint.configuration, desk.endpoint.connector, store, desk.directory / "run" / "schemas" / "hr.json"
    )
    try:
        yield endpoint
    finally:
        endpoint.reads.close()
        endpoint.exports.close(1)
        store.close()
