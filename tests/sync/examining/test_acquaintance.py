"""Whether a target holds the people whom a space knows."""

import pytest

from ecmahost_core import ServerDown
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.examining.acquaintance import LOOKED_FOR, Acquaintance, acquaintance


@pytest.fixture(params=["reads", "imports"])
def desk(request, desk):
    """A space of sixty people; compared by reading single objects, or by the first of an import."""
    for number in range(60):
        desk.target.put(number, Id=number, Login=f"p{number}", Mail=f"p{number}@x", Last="Smith")
    desk.hooks = {} if request.param == "reads" else {"full_object_import": None}
    desk.most = LOOKED_FOR if request.param == "reads" else 60
    return desk.ready(anchor=("Id",), hooks=desk.hooks)


def compare(desk):
    return acquaintance(desk.endpoint.connector, desk.binding, desk.store)


def test_the_same_people_are_found_although_some_of_them_have_changed(desk):
    for number in range(0, 60, 6):  # no sample of twenty has more than half of these
        desk.target.put(number, Id=number, Login=f"P{number} ", Mail="moved@x", Last="Jones")
    found = compare(desk)
    assert found.compared == desk.most
    assert not found.strangers


def test_others_with_the_same_numbers_are_strangers(desk):
    for number in range(60):
        desk.target.put(number, Id=number, Login=f"q{number}", Mail=f"q{number}@x", Last="Smith")
    assert compare(desk) == Acquaintance(desk.most, 0)
    assert compare(desk).strangers


def test_people_of_whom_nothing_but_the_anchor_is_known_are_told_by_it(desk):
    desk.restart(anchor=("Id",), hooks=desk.hooks, mapping={"userName": "Login"}, query=())
    desk.target.rows = {anchor: {"Id": anchor} for anchor in desk.target.rows}
    for one in desk.store.scan(desk.space_type):
        desk.store.adopt(desk.space_type, [_bare(one)], desk.store.change_seq())
    assert compare(desk).found == desk.most


def _bare(one):

    return TargetObject(one.anchor, one.dn, {"Id": one.anchor})


def test_an_empty_target_has_nobody(desk):
    desk.target.rows = {}
    assert compare(desk).strangers


def test_a_target_that_cannot_be_read_is_told(desk):
    desk.target.down = True
    with pytest.raises(ServerDown):
        compare(desk)


def test_a_connector_that_cannot_read_compares_nobody(desk):
    desk.restart(anchor=("Id",), hooks={"full_object_import": None, "full_import": None})
    assert compare(desk) == Acquaintance(0, 0)
