from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ecmahost_core import ImportPage, ServerDown
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.connectors.breaker import OPENS_AT, BreakerState
from ecmahost_core.errors import BrokenContract, ConfigurationError
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.space.store import ImportRunning, StoreUnavailable
from ecmahost_core.sync.importing.imports import ImportFailed, full_import, in_order


def fill(desk, count, **more):
    for number in range(count):
        desk.target.put(f"user{number}", Login=f"user{number}", **more)


def anchors(desk):
    return [one.anchor[0] for one in desk.match(None, count=1000)]


def test_an_import_brings_what_the_target_has_and_takes_away_what_it_has_not(desk):
    desk.build()
    fill(desk, 3)
    counts, held = full_import(desk.endpoint)
    assert (counts.seen, counts.added, held) == (3, 3, None)
    assert anchors(desk) == ["user0", "user1", "user2"]
    del desk.target.rows[("user1",)]
    desk.target.put("user2", Login="user2", First="Two")
    desk.target.put("user3", Login="user3")
    counts, held = full_import(desk.endpoint)
    assert (counts.added, counts.changed, counts.unchanged, counts.removed, held) == (1, 1, 1, 1, None)
    assert anchors(desk) == ["user0", "user2", "user3"]
    assert desk.store.status("hr").first_import_done


def test_an_import_that_meets_nothing_new_changes_nothing(desk):
    desk.build(dn=True)
    fill(desk, 3, Mail="x@y", Hired=datetime(2026, 1, 1, tzinfo=UTC), Photo=b"\xff", Tags=("a", "b"))
    desk.endpoint.configuration.object_types["User"]
    full_import(desk.endpoint)
    before = desk.match(None)
    counts, _ = full_import(desk.endpoint)
    assert (counts.unchanged, counts.changed) == (3, 0)
    assert desk.match(None) == before


def test_people_are_imported_before_the_groups_that_name_them_however_they_are_configured(desk, monkeypatch):
    read = []

    def full_import_of(session, step):
        read.append(step.types[0].name)
        yield ImportPage(())

    desk.build(groups={"displayName": "Name", "members": "Members"}, hooks={"full_import": full_import_of})
    bindings = desk.endpoint.bindings()
    for order in (bindings, dict(reversed(bindings.items()))):
        monkeypatch.setattr(desk.endpoint, "bindings", lambda order=order: order)
        full_import(desk.endpoint)
    assert read == ["Employees", "Groups"] * 2


def test_types_that_name_each_other_are_imported_in_some_order_and_the_one_that_names_fewer_first(desk):
    desk.build(groups={"displayName": "Name", "members": "Members"})
    users, groups = desk.endpoint.bindings().values()

    def naming(binding, *, links=(), references=(), scopes=()):
        kept = replace(binding.space_type, links=links, references=references, scopes=scopes)
        return replace(binding, space_type=kept)

    def order(*bindings):
        return [one.space_type.resource_type for one in in_order(bindings)]

    parent = naming(users, links=("memberOf",), scopes=(("memberOf", "Group"),))
    assert order(naming(groups, links=("members",)), parent) == ["Group", "User"]
    by_dn = naming(users, references=("manager",))
    assert order(naming(groups, links=("members",)), by_dn) == ["User", "Group"]
    nested = naming(groups, links=("parts",), scopes=(("parts", "Group"),))
    assert order(nested, naming(users)) == ["Group", "User"]
    assert order(naming(users), nested) == ["User", "Group"]
    assert order() == []


def test_pages_are_as_large_as_configured_and_never_larger_than_the_connector_takes(desk, memory):
    pages = []

    def progress(counts):
        pages.append(counts.seen)

    desk.build(page_size=4)
    fill(desk, 10)
    full_import(desk.endpoint, progress=progress)
    assert pages == [4, 8, 10]
    desk.restart(page_size=4, capabilities=memory.Capabilities(page_size_maximum=3))
    pages.clear()
    full_import(desk.endpoint, progress=progress)
    assert pages == [3, 6, 9, 10]


def test_an_import_that_would_remove_too_much_holds_its_removals(desk):
    desk.build(objects=2)
    fill(desk, 10)
    full_import(desk.endpoint)
    for number in range(4):
        del desk.target.rows[(f"user{number}",)]
    desk.target.put("user9", Login="user9", First="Nine")
    counts, held = full_import(desk.endpoint)
    assert (held.count, held.live, counts.removed, counts.changed) == (4, 10, 0, 1)
    assert len(anchors(desk)) == 10
    assert desk.store.status("hr").held == held
    _, again = full_import(desk.endpoint)
    assert again.since == held.since
    counts, held = full_import(desk.endpoint, confirm=True)
    assert (held, counts.removed) == (None, 4)
    assert desk.store.status("hr").held is None
    assert len(anchors(desk)) == 6


@pytest.mark.parametrize("count", [1, 3, 200])
def test_an_empty_source_never_empties_the_space_by_itself(desk, count):
    desk.build(objects=1_000_000)
    fill(desk, count)
    full_import(desk.endpoint)
    rows, desk.target.rows = desk.target.rows, {}
    _, held = full_import(desk.endpoint)
    assert held.count == count
    assert len(desk.match(None, count=1000)) == count
    desk.target.rows = rows
    _, held = full_import(desk.endpoint)
    assert held is None
    assert desk.store.status("hr").held is None  # whole again: the alarm clears by itself


def test_an_object_that_cannot_be_read_is_counted_and_stays(desk):
    desk.build()
    fill(desk, 3)
    full_import(desk.endpoint)
    before = desk.match('userName eq "user1"')
    desk.target.unreadable.add(("user1",))
    del desk.target.rows[("user2",)]
    counts, held = full_import(desk.endpoint)
    assert (counts.failed, counts.removed, held) == (1, 1, None)
    assert desk.match('userName eq "user1"') == before
    assert anchors(desk) == ["user0", "user1"]


def test_an_object_that_can_neither_be_read_nor_named_holds_the_removals(desk, memory):
    desk.build()
    fill(desk, 3)
    full_import(desk.endpoint)
    desk.target.extra.append(memory.garbled())
    counts, held = full_import(desk.endpoint)
    assert (counts.failed, held) == (1, None)  # nothing is missing
    del desk.target.rows[("user2",)]  # or is it this one that is garbled?
    counts, held = full_import(desk.endpoint)
    assert (counts.removed, held.count) == (0, 1)
    assert len(anchors(desk)) == 3
    counts, held = full_import(desk.endpoint, confirm=True)
    assert (counts.removed, held) == (1, None)


def test_an_import_that_breaks_off_removes_nothing_and_says_why(desk):
    desk.build(page_size=2)
    fill(desk, 6)
    full_import(desk.endpoint)
    desk.target.put("user0", Login="user0", First="New")
    del desk.target.rows[("user5",)]

    def break_off():
        raise ServerDown("the line was cut")

    desk.target.on_page = break_off
    with pytest.raises(ImportFailed, match="the line was cut"):
        full_import(desk.endpoint)
    assert len(anchors(desk)) == 6
    status = desk.store.status("hr")
    assert "ServerDown" in status.last_failure
    assert not status.importing
    desk.target.on_page = lambda: None
    full_import(desk.endpoint)
    assert len(anchors(desk)) == 5
    assert desk.store.status("hr").last_failure == ""


@pytest.mark.parametrize("error", [RuntimeError("dsn=secret"), SystemExit(3)])
def test_a_plugin_that_breaks_the_contract_ends_the_import_without_its_words(desk, error):
    desk.build()
    fill(desk, 1)

    def break_off():
        raise error

    desk.target.on_page = break_off
    with pytest.raises(ImportFailed) as caught:
        full_import(desk.endpoint)
    assert isinstance(caught.value.__cause__, BrokenContract)
    assert "secret" not in str(caught.value)
    assert "secret" not in desk.store.status("hr").last_failure


def test_a_target_that_is_down_or_does_not_fit_fails_the_import(desk, memory):
    desk.build()
    desk.target.down = True
    with pytest.raises(ImportFailed):
        full_import(desk.endpoint)
    desk.target.down = False
    desk.restart(anchor=("Nowhere",))
    with pytest.raises(ImportFailed) as caught:
        full_import(desk.endpoint)
    assert isinstance(caught.value.__cause__, ConfigurationError)
    assert not desk.store.status("hr").first_import_done
    desk.restart()
    full_import(desk.endpoint)


def test_an_import_does_not_wait_for_the_breaker_and_the_targets_answer_closes_it(desk):
    desk.ready()
    fill(desk, 1)
    for _ in range(OPENS_AT):
        desk.endpoint.breaker.admit().ended(ServerDown("nobody listened"))
    assert desk.endpoint.breaker.state is BreakerState.OPEN
    counts, _ = full_import(desk.endpoint)
    assert counts.added == 1
    assert desk.endpoint.breaker.state is BreakerState.CLOSED


def test_an_import_that_the_store_or_the_caller_ends_does_not_stay_running(desk):
    desk.build()
    fill(desk, 1)
    for error in (StoreUnavailable("full"), KeyboardInterrupt()):

        def progress(_counts, error=error):
            raise error

        with pytest.raises(type(error)):
            full_import(desk.endpoint, progress=progress)
        assert not desk.store.status("hr").importing
    full_import(desk.endpoint)


def test_the_first_import_is_invisible_until_it_is_complete(desk, refused):
    desk.build(page_size=1)
    fill(desk, 2)
    seen = []
    full_import(desk.endpoint, progress=lambda counts: seen.append(refused(503, desk.match, None).detail))
    assert seen == ["The ECMA host is currently importing data from the target application"] * 2
    assert len(anchors(desk)) == 2


def test_a_failed_first_import_stays_invisible(desk, refused):
    desk.build()
    fill(desk, 1)
    desk.target.on_page = lambda: (_ for _ in ()).throw(ServerDown("down"))
    with pytest.raises(ImportFailed):
        full_import(desk.endpoint)
    refused(503, desk.match, None)


def test_a_later_import_is_never_in_the_way(desk):
    desk.ready(page_size=1)
    fill(desk, 3)
    full_import(desk.endpoint)
    full_import(desk.endpoint, progress=lambda counts: anchors(desk).index("user2"))


def test_only_one_import_of_a_connector_runs(desk):
    desk.build()
    fill(desk, 1)
    refused = []

    def progress(_counts):
        with pytest.raises(ImportRunning) as caught:
            full_import(desk.endpoint)
        refused.append(str(caught.value))

    full_import(desk.endpoint, progress=progress)
    assert len(refused) == 1


def test_a_write_during_an_import_is_never_undone(desk):
    desk.ready(page_size=2)
    fill(desk, 4)
    full_import(desk.endpoint)
    ids = {one.anchor[0]: one.id for one in desk.match(None)}

    def progress(counts):
        if counts.seen == 2:  # the rows were read when the import began
            desk.set(ids["user0"], "name.givenName", "New")
            desk.set(ids["user3"], "name.givenName", "New")
            desk.remove(ids["user2"])
            desk.create(userName="created")

    counts, held = full_import(desk.endpoint, progress=progress)
    assert (counts.removed, held) == (0, None)
    assert anchors(desk) == ["user0", "user1", "user3", "created"]
    assert [one.attributes["First"] for one in desk.match('name.givenName eq "new"')] == [("New",), ("New",)]


def test_an_unlinked_object_stays_unlinked_through_imports(desk):
    desk.ready(delete="none", freshness=Freshness.CACHE)
    made = desk.create(userName="bob")
    desk.remove(made.id)
    full_import(desk.endpoint)
    assert anchors(desk) == []
    assert desk.store.get(desk.space_type, made.id).state is ObjectState.UNLINKED
    assert [one.id for one in desk.named("bob")] == [made.id]


def test_what_the_host_keeps_survives_an_import(desk, memory):
    desk.ready()
    made = desk.create(userName="bob", active=False)
    desk.target.put("bob", Login="bob", First="Robert")
    full_import(desk.endpoint)
    found = desk.get(made.id)
    assert (found.attributes["First"], found.kept) == (("Robert",), {"active": False})


def test_an_object_that_an_import_met_first_is_the_one_that_a_creation_returns(desk):
    desk.ready(anchor=("Id",), freshness=Freshness.CACHE)

    def meanwhile(_changes):
        full_import(desk.endpoint)

    desk.target.after_export = meanwhile
    made = desk.create(userName="bob")
    assert desk.match(None) == [made]


def test_of_two_objects_with_one_anchor_the_first_counts_and_the_other_is_a_failure(desk, memory):
    desk.build()
    fill(desk, 2)
    double = desk.target.entry(("USER1",), {"Login": ("USER1",), "First": ("Other",)}, desk.target.schema.types[0])
    desk.target.extra.append(double)
    for _ in range(2):
        counts, held = full_import(desk.endpoint)
        assert (counts.failed, held) == (1, None)
        assert anchors(desk) == ["user0", "user1"]
