"""Which filters are look-ups, and what the others may cost: told by what is asked of the store."""

import pytest

from ecmahost_core import Reference
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.scim import urns
from ecmahost_core.scim.sorting import parse_sort
from ecmahost_core.sync.importing import imports
from ecmahost_core.sync.reading.queries import search

WORK = 'emails[type eq "work"].value'
GROUPS = {"displayName": "Name", "members": "Members"}
MANAGER = f"{urns.ENTERPRISE_USER}:manager"


@pytest.fixture
def office(desk, memory):
    """Three people, bob their manager, and two groups; nothing may be looked at one by one."""
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login, Mail=f"{login}@x", Boss=Reference("bob"))
    for name, members in (("staff", ("ann", "bob")), ("board", ("bob",))):
        desk.target.groups[name,] = {"Name": (name,), "Members": tuple(map(Reference, members))}
    return desk.ready(groups=GROUPS, mapping={**memory.MAPPING, MANAGER: "Boss"})


@pytest.fixture
def no_scan(office, monkeypatch):
    def fail(*_arguments, **_more):
        raise AssertionError("everybody was looked at")

    for name in ("scan", "links"):
        monkeypatch.setattr(office.store, name, fail)
    return office


def logins(found):
    return [one.anchor[0] for one in found]


def the(desk, login):
    return desk.named(login)[0].id


def group(desk, name):
    return desk.groups.match(f'displayName eq "{name}"')[0].id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "ann" or userName eq "CEM"', ["ann", "cem"]),
        ('userName eq "cem" or userName eq "ann" or userName eq "ann "', ["ann", "cem"]),
        (f'userName eq "ann" or {WORK} eq "bob@x"', ["ann", "bob"]),
        ('emails[type eq "work" and value eq "bob@x"]', ["bob"]),
        ('emails[value eq "bob@x" or value eq "cem@X"]', ["bob", "cem"]),
        ('emails[value eq "bob@x" and not (type eq "work")]', []),
        ('emails eq "ann@x"', ["ann"]),
        ('(userName eq "ann" or userName eq "bob") and emails[value co "b"]', ["bob"]),
        ('userName eq "ann" or nickName eq "x"', ["ann"]),
        ('title co "x" and nickName eq "x"', []),
        ('emails[colour eq "red"]', []),
        ('meta.resourceType eq "Group" and userName pr', []),
        ('userName eq "' + "x" * 3000 + '"', []),
        ('userName eq "a\\u0000b"', []),
    ],
)
def test_equalities_with_query_attributes_are_look_ups_however_they_are_joined(no_scan, text, expected):
    assert logins(no_scan.match(text)) == expected


def test_ids_are_look_ups(no_scan):
    ann, cem = the(no_scan, "ann"), the(no_scan, "cem")
    assert logins(no_scan.match(f'id eq "{cem}" or id eq "{ann}" or id eq "nobody"')) == ["ann", "cem"]
    assert logins(no_scan.match(f'id eq "{ann.upper()}"')) == ["ann"]
    assert logins(no_scan.match(f'not (id ne "{ann}") and id eq "{ann}"')) == ["ann"]


@pytest.mark.parametrize("text", ['{} eq "{}"', '{}.value eq "{}"', '{}[value eq "{}"]'])
def test_references_are_look_ups_in_both_directions(no_scan, text):
    bob, board = the(no_scan, "bob"), group(no_scan, "board")
    groups = no_scan.groups
    assert logins(groups.match(text.format("members", bob))) == ["staff", "board"]
    assert logins(groups.match(text.format("members", the(no_scan, "cem")))) == []
    assert logins(groups.match(text.format("members", "nobody"))) == []
    assert logins(groups.match(text.format("members", board))) == []  # the id of a group, and members are people
    assert logins(no_scan.match(text.format("groups", board))) == ["bob"]
    assert logins(no_scan.match(text.format("groups", bob))) == []
    if "[" not in text:
        assert logins(no_scan.match(text.format(MANAGER, bob))) == ["ann", "bob", "cem"]


def test_whether_somebody_is_in_a_group_is_a_look_up_that_reads_no_other_member(no_scan, monkeypatch):
    staff, ann, cem = group(no_scan, "staff"), the(no_scan, "ann"), the(no_scan, "cem")
    monkeypatch.setattr(no_scan.store, "each_owner", None)
    monkeypatch.setattr(no_scan.store, "targets", None)
    groups = no_scan.groups
    for text in ('id eq "{}" and members eq "{}"', 'members[value eq "{1}" and type eq "User"] and id eq "{0}"'):
        assert logins(groups.match(text.format(staff, ann))) == ["staff"]
        assert groups.match(text.format(staff, cem)) == []
    assert logins(groups.match(f'id eq "{staff}" and not (members eq "{cem}")')) == ["staff"]
    assert groups.match(f'id eq "{staff}" and members ne "{ann}"') == []
    assert logins(no_scan.match(f'id eq "{ann}" and groups[value eq "{staff}" and display eq "STAFF"]')) == ["ann"]
    assert logins(no_scan.match(f'id eq "{ann}" and manager eq "{the(no_scan, "bob")}"')) == ["ann"]


def test_what_is_no_look_up_is_true_all_the_same(office):
    ann, bob = the(office, "ann"), the(office, "bob")
    groups = office.groups
    empty = {"Name": ("empty",), "Members": ()}
    office.target.groups["empty",] = empty
    office.target.put("dee", Login="dee")
    imports.full_import(office.endpoint)
    assert logins(groups.match(f'not (members eq "{ann}")')) == ["board", "empty"]
    assert logins(groups.match(f'members ne "{bob}"')) == ["empty"]
    assert logins(groups.match("members pr")) == ["staff", "board"]
    assert logins(groups.match("members eq null")) == ["empty"]
    assert logins(groups.match('members.type eq "User" and displayName sw "s"')) == ["staff"]
    assert logins(groups.match(f'members.$ref ew "/Users/{ann}"')) == ["staff"]
    assert logins(office.match("not (groups pr)")) == ["cem", "dee"]
    assert logins(office.match('groups.display eq "Board"')) == ["bob"]
    assert logins(office.match("not (manager pr)")) == ["dee"]


def test_a_dn_is_a_look_up(desk, monkeypatch):
    desk.ready(ecma=True, dn=True)
    desk.target.put("bob", Login="bob")
    imports.full_import(desk.endpoint)
    monkeypatch.setattr(desk.store, "scan", None)
    dn = f"{urns.ECMA2HOST_USER}:-dn-"
    assert logins(desk.match(f'{dn} eq "cn=BOB,object=employees"')) == ["bob"]
    assert desk.match(f'{dn} eq "CN=nobody"') == []


def test_each_of_several_values_is_asked_of_the_target_before_it_is_said_to_be_nobodys(desk):
    desk.ready()
    made = desk.create(userName="bob")
    desk.target.put("ann", Login="ann")
    assert logins(desk.match('userName eq "bob" or userName eq "ann"')) == ["bob", "ann"]
    reads = desk.target.reads
    assert desk.match('userName eq "bob" or userName eq "bob "') == [made]
    assert desk.target.reads == reads


def test_a_match_that_very_many_share_ends_with_the_time_of_its_request(desk, memory, refused):
    country = f"{memory.CUSTOM}:Country"
    desk.ready(query=("Login", ("Country", False)), freshness=Freshness.CACHE)
    for number in range(3):
        desk.create(**{"userName": f"u{number}", country: "CH"})
    assert len(desk.match(f'{country} eq "ch"')) == 3
    assert refused(400, desk.match, f'{country} eq "ch"', seconds=0).scim_type == "tooMany"
    assert logins(desk.match('userName eq "u1"', seconds=0)) == ["u1"]


def test_those_who_share_a_value_are_read_a_few_at_a_time(desk, memory, monkeypatch):
    country = f"{memory.CUSTOM}:Country"
    desk.target.rows = {(f"u{number:03}",): {"Login": (f"u{number:03}",), "Country": ("CH",)} for number in range(250)}
    desk.ready(query=("Login", ("Country", False)), freshness=Freshness.CACHE)
    find, sizes = desk.store.find, []

    def counted(*arguments):
        found = find(*arguments)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(desk.store, "find", counted)
    found = search(desk.endpoint, desk.binding, f'{country} eq "ch"', 201, 2, desk.call())
    assert (found.total, logins(found.objects)) == (250, ["u200", "u201"])
    assert max(sizes) == 100


def sorted_by(desk, text, by, order="ascending", start=1, count=100):
    sort = parse_sort(by, order, desk.binding.resource_type)
    found = search(desk.endpoint, desk.binding, text, start, count, desk.call(), sort=sort)
    return found.total, logins(found.objects)


def test_a_sorted_listing_has_the_absent_last_and_equals_in_the_order_of_the_listing(desk):
    desk.ready()
    for login, first in (("d", "Zoe"), ("c", ""), ("b", "ann"), ("a", "ANN"), ("e", None)):
        desk.create(userName=login, **({} if first is None else {"name": {"givenName": first}}))
    assert sorted_by(desk, None, "name.givenName") == (5, ["b", "a", "d", "c", "e"])
    assert sorted_by(desk, None, "name.givenName", "descending") == (5, ["c", "e", "d", "b", "a"])
    assert sorted_by(desk, None, "USERNAME") == (5, ["a", "b", "c", "d", "e"])
    assert sorted_by(desk, 'name.givenName eq "ann"', "userName") == (2, ["a", "b"])
    assert sorted_by(desk, 'userName eq "d" or userName eq "b"', "userName") == (2, ["b", "d"])


def test_pages_of_a_sorted_listing_are_parts_of_one_order(desk):
    desk.ready()
    for number in range(7):
        desk.create(userName=f"u{number}", name={"givenName": f"G{number % 2}"})
    for order in ("ascending", "descending"):
        total, whole = sorted_by(desk, None, "name.givenName", order)
        pages = [sorted_by(desk, None, "name.givenName", order, start, 2) for start in (1, 3, 5, 7, 9)]
        assert [one for _, page in pages for one in page] == whole
        assert {found for found, _ in pages} == {total} == {7}
        assert sorted_by(desk, None, "name.givenName", order, 1, 0) == (7, [])


def test_what_was_sent_in_another_form_is_found_and_sorted_by_what_it_means(desk, memory):
    number = f"{urns.ENTERPRISE_USER}:employeeNumber"
    desk.ready(mapping={**memory.MAPPING, number: "Level"}, query=("Login", "Level"))
    for login, sent in (("ann", "007"), ("bob", "08"), ("cem", "5")):
        desk.create(**{"userName": login, number: sent})
    assert logins(desk.match(f'{number} eq "7"')) == logins(desk.match(f'{number} eq "0007"')) == ["ann"]
    assert logins(desk.match(f'{number} sw "00"')) == ["ann"]  # as it is shown
    assert logins(desk.match(f'{number} le "007" and {number} ge "07"')) == ["ann"]
    assert sorted_by(desk, None, number) == (3, ["cem", "ann", "bob"])


def test_a_sorted_listing_that_takes_longer_than_its_request_has_is_too_many(desk, refused):
    desk.ready()
    desk.create(userName="ann")
    sort = parse_sort("userName", None, desk.binding.resource_type)
    call = desk.call(0)
    assert refused(400, search, desk.endpoint, desk.binding, None, 1, 10, call, sort=sort).scim_type == "tooMany"


def test_what_the_host_itself_says_can_be_filtered(office, refused):
    ann = office.named("ann")[0]
    base = "https://host/scim"

    def found(text):
        return logins(search(office.endpoint, office.binding, text, 1, 10, office.call(), base_url=base).objects)

    assert found(f'meta.location eq "{base}/Users/{ann.id}"') == ["ann"]
    assert found(f'meta.version co "-{ann.change_seq}\\""') == ["ann"]
    assert found(f'schemas eq "{urns.USER}" and userName sw "a"') == ["ann"]
    assert found(f'schemas eq "{urns.ENTERPRISE_USER}" and not (userName sw "a")') == ["bob", "cem"]
    assert found(f'schemas eq "{urns.GROUP}"') == []
    assert found('title ne "x" and title eq null and not (title pr) and userName eq "bob"') == ["bob"]
