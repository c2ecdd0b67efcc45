"""What a request asks of values that are not read, against what the same operations do to a list."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.links import Links, Wanted
from ecmahost_core.scim.operations import Operation
from ecmahost_core.scim.patch import apply_patch
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource import canonical, without_read_only
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema


def _linked(attribute: Attribute) -> Attribute:
    return Attribute(
        attribute.name,
        type="complex",
        multi_valued=True,
        sub_attributes=attribute.sub_attributes,
        linked=True,
    )


TYPE = ResourceType(
    "Group",
    "/Groups",
    Schema(GROUP.id, "Group", "", tuple(_linked(a) if a.name == "members" else a for a in GROUP.attributes)),
)
PLAIN = ResourceType("Group", "/Groups", GROUP)


def never() -> list[dict[str, Any]]:
    raise AssertionError("the members were read")


def asked(*operations: Operation, read: Any = never) -> Wanted | None:
    links: Links = apply_patch({"members": Links(read)}, operations, TYPE).resource["members"]
    return links.wanted()


def values(*ids: str) -> list[dict[str, str | None]]:
    return [{"$ref": None, "value": one} for one in ids]


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([], None),
        ([Operation("add", "members", values("a", "b", "a"))], Wanted(False, ("a", "b"), ())),
        ([Operation("add", "members", "a")], Wanted(False, ("a",), ())),
        ([Operation("add", "members", values("A1", "a1"))], Wanted(False, ("a1",), ())),
        ([Operation("remove", "members", values("A1"))], Wanted(False, (), ("a1",))),
        ([Operation("remove", 'members[value eq "A1"]')], Wanted(False, (), ("a1",))),
        ([Operation("add", None, {"members": values("a"), "displayName": "x"})], Wanted(False, ("a",), ())),
        ([Operation("add", "members", [])], None),
        ([Operation("add", "members", None)], None),
        ([Operation("remove", "members", values("a"))], Wanted(False, (), ("a",))),
        ([Operation("remove", "members", [], has_value=True)], None),
        ([Operation("remove", 'members[value eq "a"]', has_value=False)], Wanted(False, (), ("a",))),
        (
            [Operation("remove", 'members[value eq "a" or value eq "b"]', has_value=False)],
            Wanted(False, (), ("a", "b")),
        ),
        ([Operation("remove", 'members[value eq "a"]', values("b"))], Wanted(False, (), ("a",))),
        ([Operation("remove", "members", has_value=False)], Wanted(True, (), ())),
        ([Operation("replace", "members", values("a"))], Wanted(True, ("a",), ())),
        ([Operation("replace", "members", [])], Wanted(True, (), ())),
        ([Operation("replace", None, {"members": []})], Wanted(True, (), ())),
        (
            [Operation("add", "members", values("a", "b")), Operation("remove", "members", values("a"))],
            Wanted(False, ("b",), ("a",)),
        ),
        (
            [Operation("remove", "members", values("a")), Operation("add", "members", values("a"))],
            Wanted(False, ("a",), ()),
        ),
        (
            [Operation("add", "members", values("a")), Operation("replace", "members", values("b", "c"))],
            Wanted(True, ("b", "c"), ()),
        ),
        (
            [Operation("remove", "members", has_value=False), Operation("add", "members", values("b"))],
            Wanted(True, ("b",), ()),
        ),
        (
            [Operation("replace", "members", values("a", "b")), Operation("remove", 'members[value eq "b"]')],
            Wanted(True, ("a",), ()),
        ),
    ],
)
def test_operations_come_to_ids_without_the_members_being_read(
    operations: list[Operation], wanted: Wanted | None
) -> None:
    assert asked(*operations) == wanted


def test_only_a_filter_on_something_else_than_the_id_has_the_members_read() -> None:
    present = [{"value": "a", "type": "User"}, {"value": "g", "type": "Group"}]
    operations = [
        Operation("add", "members", values("b")),
        Operation("remove", 'members[type eq "Group"]', has_value=False),
        Operation("remove", "members", values("a")),
        Operation("add", "members", values("c")),
    ]
    assert asked(*operations, read=lambda: present) == Wanted(False, ("b", "c"), ("g", "a"))
    nobody = Operation("remove", 'members[value eq "a" and type eq "Group"]', has_value=False)
    assert asked(nobody, read=lambda: present) is None


@pytest.mark.parametrize("value", [[{"display": "Ann"}], [{"value": ""}], [{"$ref": "https://host/scim/Users/1"}]])
def test_a_member_without_an_id_is_refused(value: Any) -> None:
    with pytest.raises(ScimError) as caught:
        asked(Operation("add", "members", value))
    assert (caught.value.scim_type, "by its id" in caught.value.detail) == ("invalidValue", True)


def test_members_that_cannot_be_written_are_read_only() -> None:
    members = Attribute("members", type="complex", multi_valued=True, mutability="readOnly", linked=True)
    fixed = ResourceType("Group", "/Groups", Schema(GROUP.id, "Group", "", (members,)))
    with pytest.raises(ScimError) as caught:
        apply_patch({"members": Links(never)}, [Operation("remove", "members", has_value=False)], fixed)
    assert caught.value.scim_type == "mutability"


def test_too_much_work_on_members_that_have_to_be_read_is_refused_before_it_is_done() -> None:
    present = [{"value": str(number), "type": "User"} for number in range(10_000)]
    with pytest.raises(ScimError) as caught:
        asked(*[Operation("remove", 'members[type eq "Device"]')] * 1000, read=lambda: present)
    assert caught.value.status == 413


def test_many_operations_of_one_member_each_are_not_slow() -> None:
    wanted = asked(*(Operation("add", "members", values(str(number))) for number in range(15_000)))
    assert wanted is not None
    assert len(wanted.added) == 15_000


def put(body: dict[str, Any]) -> Wanted | None:
    before = {"displayName": "Staff", "members": Links(never)}
    read = without_read_only(canonical({"displayName": "Staff", **body}, TYPE).resource, TYPE)
    links: Links = replaced(before, read, TYPE)["members"]
    return links.wanted()


def test_a_put_leaves_members_alone_unless_it_names_them() -> None:
    assert put({}) is None
    assert put({"members": None}) is None
    assert put({"members": []}) == Wanted(True, (), ())
    assert put({"members": values("b", "a")}) == Wanted(True, ("b", "a"), ())


IDS = st.sampled_from("abcdefg")
MEMBERS = st.lists(IDS, max_size=4).map(lambda ids: values(*ids))
FILTERS = st.one_of(
    IDS.map(lambda one: f'members[value eq "{one}"]'),
    st.tuples(IDS, IDS).map(lambda pair: f'members[value eq "{pair[0]}" or value eq "{pair[1]}"]'),
    st.sampled_from(['members[type eq "Group"]', 'members[type eq "User"]', 'members[not (value eq "a")]']),
)
OPERATIONS = st.one_of(
    st.builds(Operation, st.just("add"), st.just("members"), MEMBERS),
    st.builds(Operation, st.just("replace"), st.just("members"), MEMBERS),
    st.builds(Operation, st.just("remove"), st.just("members"), MEMBERS),
    st.builds(Operation, st.just("remove"), st.just("members"), st.none(), st.just(False)),
    st.builds(Operation, st.just("remove"), FILTERS, st.none(), st.just(False)),
)


@given(st.lists(IDS, unique=True), st.lists(OPERATIONS, max_size=6))
def test_the_outcome_is_that_of_the_same_operations_on_a_list(present: list[str], operations: list[Operation]) -> None:
    elements = [{"value": one, "type": "Group" if one in "fg" else "User"} for one in present]
    known = {one["value"]: one for one in elements}
    typed = [  # a request need not say of what type somebody is who was there before
        replace(one, value=[known.get(element["value"], element) for element in one.value or ()]) for one in operations
    ]
    listed = apply_patch({"members": elements}, typed, PLAIN).resource.get("members", [])
    links: Links = apply_patch({"members": Links(lambda: elements)}, operations, TYPE).resource["members"]
    assert {one["value"] for one in links.elements()} == {one["value"] for one in listed}
    wanted = links.wanted()
    if wanted is not None and not wanted.whole:
        assert {one["value"] for one in listed} == (set(present) - {*wanted.removed}) | {*wanted.added}


def test_an_empty_list_for_one_member_says_nothing() -> None:
    read = [{"value": "a"}]
    assert asked(Operation("add", 'members[value eq "a"]', []), read=lambda: read) in (None, Wanted(True, ("a",), ()))


@pytest.mark.parametrize("inner", ['$ref eq "https://host/Users/a"', 'value eq "a" or not ($ref co "Users")'])
def test_a_filter_on_the_url_of_a_member_is_refused_and_not_silently_without_effect(inner: str) -> None:
    with pytest.raises(ScimError) as caught:
        asked(Operation("remove", f"members[{inner}]"), read=list)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidPath")
