from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ecmahost_core import Schema, SchemaAttribute, ServerDown, UnexpectedData
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.schema import ValueFormat
from ecmahost_core.space.objects import ObjectState

WORK = 'emails[type eq "work"].value'


def test_a_match_is_answered_from_the_index_without_asking_the_target(desk):
    desk.ready()
    made = desk.create(userName="bob", emails=[{"type": "work", "value": "bob@x"}])
    reads = desk.target.reads
    for text in ('userName eq "bob"', 'userName eq "BOB "', f'{WORK} eq "Bob@X"', 'USERNAME EQ "bob"'):
        assert desk.match(text) == [made]
    assert desk.match('userName eq "bob" and active eq true') == [made]
    assert desk.target.reads == reads


def test_a_match_that_finds_nothing_asks_the_target_before_it_says_none(desk):
    desk.ready()
    assert desk.named("bob") == []
    assert desk.target.reads == 1
    desk.target.put("bob", Login="bob")
    (found,) = desk.named("BOB")
    assert found.anchor == ("bob",)
    reads = desk.target.reads
    assert desk.named("bob") == [found]
    assert desk.target.reads == reads


def test_the_rest_of_the_filter_holds_for_what_the_target_says(desk):
    desk.ready()
    desk.target.put("bob", Login="bob", First="Bob")
    assert desk.match('userName eq "bob" and name.givenName eq "Ann"') == []
    assert len(desk.match('name.givenName eq "bob" and userName eq "bob"')) == 1


def test_what_the_target_thinks_equal_and_the_host_does_not_is_not_found(desk):
    found = [desk.target.entry(("bo-b",), {"Login": ("bo-b",)}, desk.target.schema.types[0])]
    desk.ready(hooks={"full_object_import": lambda: found})
    assert desk.named("bob") == []
    assert desk.store.count(desk.space_type) == 0


def test_when_the_target_is_down_hits_are_served_and_a_miss_is_503(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.restart()
    desk.target.down = True
    assert desk.named("bob") == [made]
    error = refused(503, desk.named, "ann")
    assert error.headers["Retry-After"]
    assert "the directory is down" in error.detail


def test_a_target_that_hangs_is_503_within_the_deadline(desk, gate, refused):
    desk.ready()
    desk.target.on_read = gate
    refused(503, desk.named, "bob", seconds=0.1)


def test_an_unlinked_object_is_linked_again_by_a_match_that_finds_it(desk):
    desk.ready(delete="none")
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert desk.match('userName eq "bob" and name.givenName eq "Ann"') == []
    assert desk.store.get(desk.space_type, made.id).state is ObjectState.UNLINKED
    (again,) = desk.named("bob")
    assert (again.id, again.state) == (made.id, ObjectState.LIVE)


def test_a_match_waits_for_a_creation_that_is_under_way(desk, gate, memory):
    desk.ready(anchor=("Id",))
    desk.target.before_export = gate
    made = []
    creation = memory.threading.Thread(target=lambda: made.append(desk.create(userName="bob")), daemon=True)
    creation.start()
    gate.wait_for()
    found = []
    match = memory.threading.Thread(target=lambda: found.append(desk.named("bob ")), daemon=True)
    match.start()
    match.join(0.1)
    assert match.is_alive()
    gate.open()
    match.join(10)
    creation.join(10)
    assert found == [made]


@pytest.mark.parametrize("freshness", list(Freshness))
def test_no_match_says_none_while_a_creation_has_an_unknown_outcome(desk, refused, freshness):
    desk.ready(anchor=("Id",), freshness=freshness)

    def cut(_changes):
        raise UnexpectedData("cut")

    desk.target.before_export = cut  # the target does not have it, or not yet
    refused(503, desk.create, userName="bob")
    assert refused(503, desk.named, "bob", seconds=0.1).headers["Retry-After"]
    assert desk.named("ann") == []


def test_neither_does_one_by_an_attribute_that_is_not_indexed(desk, refused, gate, memory):
    desk.ready(anchor=("Id",))
    desk.target.before_export = gate
    refused(503, desk.create, userName="bob", name={"givenName": "Bob"}, seconds=0.1)
    gate.wait_for()
    refused(503, desk.match, 'name.givenName eq "BOB"')
    assert desk.match('name.givenName eq "Ann"') == []
    gate.open()
    memory.wait_until(lambda: not desk.store.entries())
    assert len(desk.match('name.givenName eq "bob"')) == 1


def test_an_unindexed_attribute_is_looked_for_in_the_space_only(desk):
    desk.ready()
    made = [desk.create(userName=f"user{number}", name={"givenName": f"G{number % 3}"}) for number in range(9)]
    reads = desk.target.reads
    assert desk.match('name.givenName eq "g1"') == made[1::3]
    assert desk.match('name.givenName sw "g" and not (name.givenName eq "g1")', count=3) == [made[0], made[2], made[3]]
    assert desk.match('name.givenName eq "nobody"') == []
    assert desk.match('userName co "er1" or userName eq "user5"') == [made[1], made[5]]
    assert desk.target.reads == reads


@pytest.mark.parametrize(
    "text",
    ['PLACEHOLDER eq "5f7b"', 'externalId eq "5f7b"', 'title eq "x"', 'userName eq "bob" and nickName eq "x"'],
)
def test_an_attribute_that_is_not_mapped_asks_nobody(desk, monkeypatch, text):
    desk.ready()
    desk.create(userName="bob")
    reads = desk.target.reads
    looked = []
    for name in ("scan", "find"):
        monkeypatch.setattr(desk.store, name, lambda *arguments: looked.append(arguments) or [])
    assert desk.match(text) == []
    assert desk.target.reads == reads
    assert looked == []


def test_a_scan_does_not_show_who_was_unlinked(desk):
    desk.ready(delete="none")
    made = [desk.create(userName=f"user{number}", name={"givenName": "G"}) for number in range(2)]
    desk.remove(made[0].id)
    assert desk.match('name.givenName eq "g"') == [made[1]]
    assert desk.match("userName pr") == [made[1]]


def test_what_is_absent_can_be_asked_for(desk):
    desk.ready()
    made = desk.create(userName="bob")
    desk.create(userName="ann", name={"givenName": "Ann"})
    assert desk.match("name.givenName eq null") == [made]
    assert len(desk.match('externalId ne "x"')) == 2
    assert desk.match("not (name.givenName pr)") == [made]


def test_by_id_only_a_live_object_is_found(desk):
    desk.ready(delete="none")
    made = desk.create(userName="bob")
    assert desk.match(f'id eq "{made.id}"') == [made]
    assert desk.match(f'id eq "{made.id}" and userName eq "ann"') == []
    assert desk.match('id eq "nobody"') == []
    desk.remove(made.id)
    assert desk.match(f'id eq "{made.id}"') == []


@pytest.mark.parametrize("imports", [True, False])
def test_before_the_first_import_has_completed_only_a_connector_that_imports_is_503(desk, refused, imports):
    desk.build(imports=imports)
    if imports:
        error = refused(503, desk.match, None)
        assert error.detail == "The ECMA host is currently importing data from the target application"
        assert error.headers["Retry-After"]
    else:
        assert desk.match(None) == []


def test_with_freshness_cache_the_space_alone_answers(desk):
    desk.ready(freshness=Freshness.CACHE)
    desk.target.put("bob", Login="bob")
    assert desk.named("bob") == []
    assert desk.target.reads == 0


def test_with_freshness_live_the_target_alone_answers(desk, refused):
    desk.ready(freshness=Freshness.LIVE)
    made = desk.create(userName="bob")
    reads = desk.target.reads
    desk.target.rows[("bob",)]["First"] = ("Robert",)
    (found,) = desk.named("bob")
    assert desk.target.reads == reads + 1
    assert (found.id, found.attributes["First"]) == (made.id, ("Robert",))
    desk.target.rows.clear()
    assert desk.named("bob") == []
    assert desk.get(made.id)  # its removal is for an import or a write to notice
    desk.target.on_read = lambda: (_ for _ in ()).throw(ServerDown("gone"))
    refused(503, desk.named, "bob")


def test_a_connector_that_cannot_read_single_objects_answers_from_the_space(desk):
    desk.ready(hooks={"full_object_import": None}, freshness=Freshness.LIVE)
    assert desk.endpoint.freshness is Freshness.CACHE
    assert desk.named("bob") == []


def test_one_of_several_mapped_types_is_matched_through_its_index(desk, memory):
    home = 'emails[type eq "home"].value'
    desk.ready(mapping={**memory.MAPPING, home: "Last", "name.familyName": "Country"})
    made = desk.create(userName="bob", emails=[{"type": "work", "value": "w@x"}, {"type": "home", "value": "h@x"}])
    reads = desk.target.reads
    assert desk.match(f'{WORK} eq "W@x"') == [made]
    assert desk.match(f'{home} eq "h@x"') == [made]
    assert desk.match('emails.value eq "h@x"') == [made]
    assert desk.match(f'{home} eq "w@x"') == []
    assert desk.target.reads == reads
    assert desk.match(f'{WORK} eq "h@x"') == []  # the one indexed attribute, so the target was asked
    assert desk.target.reads == reads + 1


def test_a_number_is_matched_however_it_is_written(desk, memory):
    path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
    desk.ready(mapping={**memory.MAPPING, path: "Level"}, query=("Level",))
    made = desk.create(userName="bob", **{path: "007"})
    assert desk.match(f'{path} eq "7"') == [made]
    assert desk.match(f'{path} eq "007"') == [made]
    desk.target.put("ann", Login="ann", Level=8)
    assert [one.anchor for one in desk.match(f'{path} eq "0008"')] == [("ann",)]


def test_a_fraction_that_the_space_does_not_know_is_asked_of_the_target_however_it_is_written(desk, memory):
    path = f"{memory.CUSTOM}:Salary"
    salary = SchemaAttribute("Salary", format=ValueFormat.DECIMAL, precision=10, scale=2)
    employees = replace(memory.EMPLOYEES, attributes=(*memory.EMPLOYEES.attributes, salary))
    desk.target.schema = Schema((employees,))
    desk.ready(mapping={**memory.MAPPING, path: "Salary"}, query=("Login", ("Salary", False)))
    desk.target.put("ann", Login="ann", Salary="10.5")
    assert [one.anchor for one in desk.match(f'{path} eq "10.50"')] == [("ann",)]
    assert desk.match(f'{path} eq "10.51"') == []
    assert desk.target.reads == 2
    assert [one.anchor for one in desk.match(f"{path} eq 10.50")] == [("ann",)]
    assert desk.target.reads == 2


def test_texts_that_mean_numbers_and_instants_are_ordered_by_what_they_mean(desk, memory):
    salary = SchemaAttribute("Salary", format=ValueFormat.DECIMAL, precision=10, scale=2)
    seen = SchemaAttribute("Login at", format=ValueFormat.TIMESTAMP)
    employees = replace(memory.EMPLOYEES, attributes=(*memory.EMPLOYEES.attributes, salary, seen))
    desk.target.schema = Schema((employees,))
    number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
    paths = {f"{memory.CUSTOM}:Salary": "Salary", f"{memory.CUSTOM}:Seen": "Login at", number: "Level"}
    desk.ready(mapping={**memory.MAPPING, **paths}, freshness=Freshness.CACHE)
    for name, amount, level, fraction in (("a", "2.5", 9, ""), ("b", "10", 10, ".5"), ("c", "100.00", 100, ".25")):
        desk.target.put(name, Login=name, Salary=amount, Level=level, **{"Login at": f"2026-01-31T08:00:00{fraction}Z"})
    memory.imports.full_import(desk.endpoint)

    def found(text):
        return "".join(one.anchor[0] for one in desk.match(text))

    assert found(f"{memory.CUSTOM}:Salary gt 9") == "bc"
    assert found(f'{memory.CUSTOM}:Salary le "10.001"') == "ab"
    assert found(f'{memory.CUSTOM}:Salary ge "nine"') == ""
    assert found(f'{number} lt "10"') == "a"
    assert found(f'{number} ge "0010"') == "bc"
    assert found(f'{memory.CUSTOM}:Seen gt "2026-01-31T08:00:00Z"') == "bc"
    assert found(f'{memory.CUSTOM}:Seen lt "2026-01-31T10:00:00.3+02:00"') == "ac"


def test_bytes_are_matched_as_bytes_in_the_target(desk, memory):
    path = f"{memory.CUSTOM}:Photo"
    desk.ready(mapping={**memory.MAPPING, path: "Photo"}, query=("Photo",))
    desk.target.put("ann", Login="ann", Photo=b"\x00\xff\x10")
    assert [one.anchor for one in desk.match(f'{path} eq "AP8Q"')] == [("ann",)]


@pytest.mark.parametrize("stored", ["1", "true", "True", "TRUE"])
def test_a_boolean_that_is_kept_as_text_is_matched_whatever_the_text(desk, memory, stored):
    desk.ready(mapping={**memory.MAPPING, "active": "Country"}, query=("Login", "Country"))
    desk.target.put("ann", Login="ann", Country=stored)
    desk.target.put("bob", Login="bob", Country="0")
    memory.imports.full_import(desk.endpoint)
    assert [one.anchor for one in desk.match("active eq true")] == [("ann",)]
    assert [one.anchor for one in desk.match('active eq "False"')] == [("bob",)]


def test_an_instant_is_matched_in_any_zone(desk, memory):
    path = f"{memory.CUSTOM}:Hired"
    desk.ready(mapping={**memory.MAPPING, path: "Hired"}, query=("Hired",), freshness=Freshness.CACHE)
    desk.target.put("ann", Login="ann", Hired=datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=1))))
    memory.imports.full_import(desk.endpoint)
    for moment in ("2026-01-31T07:00:00Z", "2026-01-31T08:00:00+01:00", "2026-01-31T09:00:00+02:00"):
        assert [one.anchor for one in desk.match(f'{path} eq "{moment}"')] == [("ann",)]
    assert desk.match(f'{path} eq "2026-01-31T08:00:00Z"') == []


def test_pages_say_the_total_and_hold_what_was_asked_for(desk, memory):
    desk.ready()
    made = [desk.create(userName=f"user{number}", name={"givenName": "G"}) for number in range(7)]
    for text in (None, 'name.givenName eq "g"', "userName pr"):
        for start, count, expected in ((1, 3, made[:3]), (6, 3, made[5:]), (9, 3, []), (1, 0, [])):
            found = memory.search(desk.endpoint, desk.binding, text, start, count, desk.call())
            assert (found.total, found.objects) == (7, expected)
    found = memory.search(desk.endpoint, desk.binding, 'userName eq "user3"', 2, 3, desk.call())
    assert (found.total, found.objects) == (1, [])


def test_a_filter_that_does_not_parse_is_400(desk, refused):
    desk.ready()
    for text in ("userName eq", 'userName eq "\ud800"', "(" * 5000):
        assert refused(400, desk.match, text).scim_type == "invalidFilter"


def test_a_scan_that_takes_longer_than_its_request_has_is_too_many(desk, refused):
    desk.ready()
    desk.create(userName="ann")
    error = refused(400, desk.match, 'userName co "a"', seconds=0)
    assert error.scim_type == "tooMany"
