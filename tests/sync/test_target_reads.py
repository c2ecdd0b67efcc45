import pytest

from ecmahost_core import ServerDown
from ecmahost_core.sync.target_reads import ObjectUnreadable, read_by_anchor, read_by_value, target_objects


def test_objects_are_read_by_the_hosts_one_fold(desk):
    desk.ready()
    desk.target.put("bob", Login="Bob ")
    desk.target.put("ann", Login="ann")
    (found,) = read_by_value(desk.endpoint, desk.binding, "Login", ("BOB",), desk.call())
    assert (found.anchor, found.attributes["Login"]) == (("bob",), ("Bob ",))
    assert read_by_value(desk.endpoint, desk.binding, "Login", ("rob",), desk.call()) == []


def test_an_anchor_is_read_by_all_its_values(desk):
    desk.ready(anchor=("Login", "Level"), mapping={"userName": "Login", "title": "Level"})
    desk.target.put(("bob", 1), Login="bob", Level=1)
    desk.target.put(("bob", 2), Login="bob", Level=2)
    (found,) = read_by_anchor(desk.endpoint, desk.binding, ("BOB", 2), desk.call())
    assert found.anchor == ("bob", 2)
    assert read_by_anchor(desk.endpoint, desk.binding, ("bob", 3), desk.call()) == []


def test_objects_of_a_flat_target_get_a_name(desk):
    desk.ready(dn=True)
    desk.target.put("bob", Login="bob")
    entries = desk.target.entries(desk.binding.target)
    assert [one.dn for one in target_objects(desk.binding, entries)] == ["CN=bob,OBJECT=Employees"]


def test_an_object_that_cannot_be_read_is_neither_found_nor_none(desk, memory):
    desk.ready(hooks={"full_object_import": lambda: [memory.garbled(("bob",))]})
    with pytest.raises(ObjectUnreadable) as caught:
        read_by_value(desk.endpoint, desk.binding, "Login", ("bob",), desk.call())
    assert caught.value.status == 503
    assert caught.value.headers["Retry-After"]


@pytest.mark.parametrize("error", [ServerDown("down"), RuntimeError("dsn=secret")])
def test_a_target_that_cannot_be_asked_is_503(desk, refused, error):
    desk.ready()

    def fail():
        raise error

    desk.target.on_read = fail
    caught = refused(503, read_by_value, desk.endpoint, desk.binding, "Login", ("bob",), desk.call())
    assert "secret" not in caught.detail
