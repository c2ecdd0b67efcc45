"""Delta imports over a target in memory that keeps a log of its changes, and the real store."""

import random
from contextlib import suppress
from dataclasses import replace

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    Capabilities,
    CSEntryChange,
    ImportPage,
    MAExportType,
    ObjectModificationType,
    Reference,
    ServerDown,
    WatermarkExpired,
)
from ecmahost_core.configuration.model import RunProfile
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.importing import deltas
from ecmahost_core.sync.importing.imports import ImportFailed, delta_import, full_import

MEMBERS = {"displayName": "Name", "members": "Members"}
BY_CHANGES = Capabilities(export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE)


class Feed:
    """A log of changes, and the hooks that read it. A watermark is a position in the log."""

    def __init__(self, desk):
        self.desk = desk
        self.log = []
        self.asked = []
        self.expired = False
        self.on_page = self.on_full = lambda: None
        self.hooks = {"full_import": self.full(), "delta_import": self.delta()}

    def full(self):
        def full_import(session, step):
            watermark = str(len(self.log))
            session.imports += 1
            entries = session.entries(step.types[0])
            self.on_full()
            for start in range(0, len(entries), step.page_size):
                yield ImportPage(tuple(entries[start : start + step.page_size]))
            yield ImportPage((), watermark)

        return full_import

    def delta(self):
        def delta_import(session, step, watermark):
            if session.down:
                raise ServerDown("the directory is down")
            if self.expired:
                raise WatermarkExpired("the log was cut")
            self.asked.append(watermark)
            end = len(self.log)
            found = [one for one in self.log[int(watermark) : end] if one.object_type == step.types[0].name]
            for start in range(0, len(found), step.page_size):
                yield ImportPage(tuple(found[start : start + step.page_size]))
                self.on_page()
            yield ImportPage((), str(end))

        return delta_import

    def tells(self, kind, login, object_type="Employees", **more):
        self.log.append(CSEntryChange(object_type, ObjectModificationType[kind], (login,), **more))

    def added(self, login, **values):
        self.desk.target.put(login, Login=login, **values)
        self.whole("ADD", login)

    def whole(self, kind, login, anchor=None):
        row = self.desk.target.rows[anchor or login,]
        entry = self.desk.target.entry((login,), row, self.desk.binding.target)
        self.log.append(
            CSEntryChange("Employees", ObjectModificationType[kind], (login,), attributes=dict(entry.attributes))
        )

    def changed(self, login, **values):
        row = self.desk.target.rows[login,]
        parts = []
        for name, value in values.items():
            row[name] = () if value is None else (value,)
            kind = AttributeModificationType.DELETE if value is None else AttributeModificationType.REPLACE
            parts.append(AttributeChange(name, kind, added=row[name]))
        self.tells("UPDATE", login, attribute_changes=tuple(parts))

    def deleted(self, login):
        del self.desk.target.rows[login,]
        self.tells("DELETE", login)

    def renamed(self, login, to):
        row = self.desk.target.rows.pop((login,))
        self.desk.target.rows[to,] = {**row, "Login": (to,)}
        change = AttributeChange("Login", AttributeModificationType.REPLACE, added=(to,))
        self.tells("UPDATE", login, attribute_changes=(change,))


@pytest.fixture
def feed(desk):
    """Three people who were imported, and a log that begins after that."""
    found = Feed(desk)
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login, First=login.title())
    desk.ready(hooks=found.hooks)
    return found


def logins(desk):
    return [one.anchor[0] for one in desk.match(None, count=1000)]


def first(desk, login):
    return desk.named(login)[0].attributes["First"]


def watermark(desk):
    return desk.store.status("hr").watermarks.get("User")


# What a delta brings --------------------------------------------------------------------------------------------------


def test_a_delta_adds_changes_and_removes_what_it_tells_and_reads_nothing_else(desk, feed):
    imports = desk.target.imports
    feed.added("dan", First="Dan")
    feed.changed("ann", First="Anna", Last="Berg")
    feed.changed("bob", First=None)
    feed.deleted("cem")
    done = delta_import(desk.endpoint)
    assert (done.counts.added, done.counts.changed, done.counts.removed, done.counts.seen) == (1, 2, 1, 4)
    assert (done.held, done.whole, done.read_all) == (None, {}, False)
    assert logins(desk) == ["ann", "bob", "dan"]
    ann = desk.named("ann")[0]
    assert (ann.attributes["First"], ann.attributes["Last"], ann.attributes["Login"]) == (
        ("Anna",),
        ("Berg",),
        ("ann",),
    )
    assert first(desk, "bob") == ()
    assert desk.target.imports == imports
    counts, _ = full_import(desk.endpoint)
    assert (counts.unchanged, counts.changed, counts.added, counts.removed) == (3, 0, 0, 0)


def test_a_delta_goes_on_from_where_the_last_import_was_and_keeps_ids(desk, feed):
    before = {one.anchor: one.id for one in desk.match(None)}
    feed.changed("ann", First="Anna")
    delta_import(desk.endpoint)
    feed.changed("ann", First="Anne")
    delta_import(desk.endpoint)
    delta_import(desk.endpoint)
    assert feed.asked == ["0", "1", "2"]
    assert {one.anchor: one.id for one in desk.match(None)} == before
    full_import(desk.endpoint)
    assert watermark(desk) == "2"


def test_a_whole_object_replaces_what_was_there(desk, feed):
    desk.target.put("ann", Login="ann", Last="Berg")
    feed.whole("REPLACE", "ann")
    delta_import(desk.endpoint)
    assert (first(desk, "ann"), desk.named("ann")[0].attributes["Last"]) == ((), ("Berg",))


def test_what_is_told_twice_or_known_already_changes_nothing(desk, feed):
    feed.changed("ann", First="Anna")
    delta_import(desk.endpoint)
    seq = desk.named("ann")[0].change_seq
    feed.log += feed.log
    feed.changed("bob", First="Bob")
    done = delta_import(desk.endpoint)
    assert (done.counts.changed, done.counts.unchanged) == (0, 2)
    assert desk.named("ann")[0].change_seq == seq


def test_of_several_changes_of_one_object_the_last_counts_and_no_reader_sees_the_others(desk, feed):
    bob = desk.named("bob")[0].id
    feed.deleted("bob")
    feed.added("bob", First="Robert")
    feed.changed("bob", First="Rob")
    feed.changed("bob", Last="Low")
    done = delta_import(desk.endpoint)
    assert done.counts.removed == 0
    found = desk.named("bob")[0]
    assert (found.id, found.attributes["First"], found.attributes["Last"]) == (bob, ("Rob",), ("Low",))


def test_many_changes_of_one_object_in_many_portions_are_all_brought_in(desk, feed, monkeypatch):
    monkeypatch.setattr(deltas, "TOGETHER", 1)
    capabilities = Capabilities(full_object_import=False)
    desk.restart(hooks=feed.hooks, capabilities=capabilities)
    for number in range(5):
        feed.changed("ann", First=f"Anna{number}")
        feed.changed("bob", First=f"Bob{number}")
    done = delta_import(desk.endpoint)
    assert (first(desk, "ann"), first(desk, "bob")) == (("Anna4",), ("Bob4",))
    assert done.counts.passed_over == 0
    assert watermark(desk) == "10"


def test_an_object_that_cannot_be_read_is_counted_and_stays(desk, feed, memory):
    garbled = memory.garbled(("ann",))
    feed.log.append(garbled)
    done = delta_import(desk.endpoint)
    assert (done.counts.failed, watermark(desk)) == (1, "1")
    assert first(desk, "ann") == ("Ann",)


def test_attributes_that_nobody_selected_do_not_come_in(desk, feed):
    unselected = AttributeChange("Photo", AttributeModificationType.REPLACE, added=(b"x",))
    feed.tells("UPDATE", "ann", attribute_changes=(unselected,))
    done = delta_import(desk.endpoint)
    assert (done.counts.changed, "Photo" in desk.named("ann")[0].attributes) == (0, False)


# Renames --------------------------------------------------------------------------------------------------------------


def test_who_is_renamed_keeps_the_id(desk, feed):
    ann = desk.named("ann")[0].id
    feed.renamed("ann", "anna")
    feed.changed("anna", First="Anna")
    done = delta_import(desk.endpoint)
    assert done.counts.removed == 0
    assert (desk.named("anna")[0].id, first(desk, "anna"), desk.named("ann")) == (ann, ("Anna",), [])
    counts, _ = full_import(desk.endpoint)
    assert (counts.unchanged, counts.removed) == (3, 0)


def test_names_that_change_hands_stay_with_their_people(desk, feed):
    ids = {one.anchor[0]: one.id for one in desk.match(None)}
    feed.renamed("ann", "x")
    feed.renamed("bob", "ann")
    feed.renamed("x", "bob")
    delta_import(desk.endpoint)
    assert {one.anchor[0]: one.id for one in desk.match(None)} == {
        "ann": ids["bob"],
        "bob": ids["ann"],
        "cem": ids["cem"],
    }


def test_a_name_that_was_freed_in_the_same_delta_goes_to_whoever_has_it_now(desk, feed):
    ann = desk.named("ann")[0].id
    feed.deleted("bob")
    feed.renamed("ann", "bob")
    done = delta_import(desk.endpoint)
    assert (logins(desk), desk.named("bob")[0].id, done.held) == (["bob", "cem"], ann, None)


def test_a_rename_that_the_host_made_itself_is_known_already(desk, feed):
    ann = desk.named("ann")[0]
    desk.set(ann.id, "userName", "anna")
    feed.log.append(
        CSEntryChange(
            "Employees",
            ObjectModificationType.UPDATE,
            ("ann",),
            attribute_changes=(AttributeChange("Login", AttributeModificationType.REPLACE, added=("anna",)),),
        )
    )
    done = delta_import(desk.endpoint)
    assert (desk.named("anna")[0].id, done.counts.unchanged, done.counts.added) == (ann.id, 1, 0)


@pytest.mark.parametrize("single", [True, False])
def test_what_was_told_of_somebody_whom_the_host_renames_meanwhile_is_not_lost(desk, feed, single):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=single))
    bob = desk.named("bob")[0].id
    feed.changed("bob", Mail="bob@example.com")

    def rename():
        desk.set(bob, "userName", "rob")
        change = AttributeChange("Login", AttributeModificationType.REPLACE, added=("rob",))
        feed.tells("UPDATE", "bob", attribute_changes=(change,))

    feed.on_page = once(rename)
    for _ in range(2):
        delta_import(desk.endpoint)
    (found,) = desk.named("rob")
    assert (found.id, found.attributes["Mail"], watermark(desk)) == (bob, ("bob@example.com",), "2")


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("again", [False, True])
def test_a_name_that_the_host_has_given_to_somebody_else_since_is_not_taken_from_them(desk, feed, single, again):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=single))
    bob = desk.named("bob")[0].id
    rename = AttributeChange("Login", AttributeModificationType.REPLACE, added=("rob",))
    if again:  # an import that was told of the rename, and has to be told again
        feed.renamed("bob", "rob")
        feed.changed("ann", Last="Berg")
        ann = desk.named("ann")[0].id
        feed.on_page = once(lambda: desk.set(ann, "active", False))
        desk.target.on_read = lambda: (_ for _ in ()).throw(ServerDown("down"))
        with suppress(ImportFailed):
            delta_import(desk.endpoint)
        desk.target.on_read = lambda: None
        assert watermark(desk) == "0"
    else:
        desk.set(bob, "userName", "rob")
        feed.tells("UPDATE", "bob", attribute_changes=(rename,))
    other = desk.create(userName="bob").id
    feed.whole("ADD", "bob")
    delta_import(desk.endpoint)
    assert (desk.named("rob")[0].id, desk.named("bob")[0].id) == (bob, other)
    assert watermark(desk) == str(len(feed.log))


@pytest.mark.parametrize("single", [True, False])
def test_whom_the_host_has_changed_and_somebody_else_renamed_since_the_last_import_is_found_under_the_new_name(
    desk, feed, single
):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=single))
    bob = desk.named("bob")[0].id
    desk.set(bob, "name.familyName", "Low")
    feed.renamed("bob", "rob")
    delta_import(desk.endpoint)
    assert (logins(desk), desk.named("rob")[0].id == bob) == (
        ["ann", "rob", "cem"] if single else ["ann", "cem", "rob"],
        single,
    )


def test_an_object_can_be_named_and_renamed_by_its_dn(desk, feed):
    desk.target.dns = True
    full_import(desk.endpoint)
    rename = CSEntryChange("Employees", ObjectModificationType.UPDATE, dn="CN=ann", new_dn="cn=anna")
    feed.log.append(rename)
    feed.log.append(CSEntryChange("Employees", ObjectModificationType.DELETE, dn="cn=bob"))
    feed.log.append(CSEntryChange("Employees", ObjectModificationType.DELETE, dn="cn=nobody"))
    del desk.target.rows["bob",]
    delta_import(desk.endpoint)
    assert logins(desk) == ["ann", "cem"]
    assert desk.named("ann")[0].dn == "cn=anna"


# Whoever is newer wins ------------------------------------------------------------------------------------------------


def test_a_write_during_a_delta_is_not_undone_and_what_the_delta_tells_is_not_lost(desk, feed):
    ann = desk.named("ann")[0].id
    feed.changed("ann", Last="Berg")

    def write():
        desk.set(ann, "name.givenName", "Annette")

    feed.on_page = write
    done = delta_import(desk.endpoint)
    found = desk.named("ann")[0].attributes
    assert (found["First"], found["Last"]) == (("Annette",), ("Berg",))
    assert watermark(desk) == "1"
    assert done.counts.removed == 0


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_full_import_passes_over_is_read_singly_or_else_told_again(desk, feed, fails):
    ann = desk.named("ann")[0].id
    feed.changed("ann", Last="Berg")

    def write():
        desk.set(ann, "name.givenName", "Annette")
        desk.target.down = fails

    feed.on_full = write
    counts, _ = full_import(desk.endpoint)
    desk.target.down = False
    assert counts.passed_over == 1
    assert watermark(desk) == ("0" if fails else "1")
    assert delta_import(desk.endpoint).counts.seen == (1 if fails else 0)
    found = desk.store.by_anchor(desk.space_type, ("ann",)).attributes
    assert (found["First"], found["Last"]) == (("Annette",), ("Berg",))


def test_an_older_change_in_the_log_does_not_undo_a_write_since_the_last_import(desk, feed):
    ann = desk.named("ann")[0].id
    feed.changed("ann", First="Anna")
    desk.set(ann, "name.givenName", "Annette")
    delta_import(desk.endpoint)
    assert first(desk, "ann") == ("Annette",)


@pytest.mark.parametrize("imported", [delta_import, full_import])
def test_a_write_during_an_import_is_not_undone_by_an_older_change_of_which_the_next_delta_tells(desk, feed, imported):
    ann = desk.named("ann")[0].id
    feed.changed("bob", Last="Low")

    def write():
        feed.changed("ann", First="Anna")
        desk.set(ann, "name.givenName", "Annette")  # of which the log does not tell yet

    feed.on_page = feed.on_full = once(write)
    imported(desk.endpoint)
    delta_import(desk.endpoint)
    assert first(desk, "ann") == ("Annette",)


def test_somebody_whom_the_host_creates_anew_during_a_delta_is_not_removed_by_an_older_deletion(desk, feed):
    feed.changed("bob", Last="Low")
    created = []

    def write():
        feed.deleted("ann")
        desk.remove(desk.named("ann")[0].id)
        created.append(desk.create(userName="ann").id)

    feed.on_page = once(write)
    delta_import(desk.endpoint)
    delta_import(desk.endpoint)
    assert [one.id for one in desk.named("ann")] == created


def test_what_an_import_has_written_itself_is_no_write_of_the_host(desk, feed):
    def refuse():
        raise ServerDown("nobody is read singly")

    desk.target.on_read = refuse
    feed.added("dan", First="Dan")
    feed.changed("ann", First="Anna")
    delta_import(desk.endpoint)
    for login in ("ann", "bob", "dan"):
        feed.changed(login, First="Somebody")
    feed.deleted("dan")
    delta_import(desk.endpoint)
    assert [(one.anchor, one.attributes["First"]) for one in desk.match(None)] == [
        (("ann",), ("Somebody",)),
        (("bob",), ("Somebody",)),
        (("cem",), ("Cem",)),
    ]


def test_a_deleted_user_is_not_brought_back_by_what_the_log_tells_of_them(desk, feed):
    feed.changed("ann", First="Anna")
    desk.remove(desk.named("ann")[0].id)
    delta_import(desk.endpoint)
    assert desk.named("ann") == []


def test_somebody_whom_the_host_created_anew_is_not_removed_by_an_older_deletion(desk, feed):
    feed.deleted("ann")
    old = desk.named("ann")[0].id
    desk.remove(old)
    new = desk.create(userName="ann").id
    delta_import(desk.endpoint)
    assert desk.named("ann")[0].id == new


def test_an_object_with_an_open_entry_is_left_alone_and_told_again(desk, feed):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=False))
    ann = desk.match('userName eq "ann"')[0]
    entry = desk.store.open_entry(
        WriteIntent(desk.space_type, Operation.UPDATE, {}, (LockKey(ID, ann.id),), object_id=ann.id)
    )
    feed.changed("ann", First="Anna")
    feed.deleted("bob")
    done = delta_import(desk.endpoint)
    assert (done.counts.passed_over, watermark(desk)) == (1, "0")
    assert first(desk, "ann") == ("Ann",)
    desk.store.abandon(entry, EventRecord("update", "failed"))
    delta_import(desk.endpoint)
    assert (first(desk, "ann"), watermark(desk), logins(desk)) == (("Anna",), "2", ["ann", "cem"])


# What the space does not know -----------------------------------------------------------------------------------------


def test_a_change_of_somebody_who_is_not_known_is_read_from_the_target(desk, feed):
    desk.target.put("dan", Login="dan", First="Dan", Last="Dull")
    feed.changed("dan", First="Daniel")
    imports = desk.target.imports
    delta_import(desk.endpoint)
    assert desk.named("dan")[0].attributes["Last"] == ("Dull",)
    assert desk.target.imports == imports


def test_where_no_single_object_can_be_read_everything_is(desk, feed):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=False))
    desk.target.put("dan", Login="dan", First="Dan", Last="Dull")
    feed.changed("dan", First="Daniel")
    feed.changed("ann", First="Anna")
    done = delta_import(desk.endpoint)
    assert "User" in done.whole
    assert done.read_all
    assert logins(desk) == ["ann", "bob", "cem", "dan"]
    assert (done.counts.seen, watermark(desk)) == (4, "2")


def test_a_change_of_somebody_who_has_gone_meanwhile_brings_nobody(desk, feed):
    desk.target.put("dan", Login="dan")
    feed.changed("dan", First="Daniel")
    del desk.target.rows["dan",]
    delta_import(desk.endpoint)
    assert logins(desk) == ["ann", "bob", "cem"]


# The watermark --------------------------------------------------------------------------------------------------------


def test_a_watermark_that_has_expired_leads_to_a_full_import(desk, feed):
    desk.target.put("dan", Login="dan")
    feed.expired = True
    done = delta_import(desk.endpoint)
    assert done.whole == {"User": "the log was cut"}
    assert logins(desk) == ["ann", "bob", "cem", "dan"]


def test_a_delta_that_fails_leaves_the_watermark_and_what_it_brought(desk, feed, monkeypatch):
    monkeypatch.setattr(deltas, "TOGETHER", 1)
    desk.restart(hooks=feed.hooks, page_size=1)
    feed.changed("ann", First="Anna")
    feed.changed("bob", First="Robert")

    def fail():
        raise ServerDown("the directory went down")

    feed.on_page = fail
    with pytest.raises(ImportFailed, match="went down"):
        delta_import(desk.endpoint)
    assert watermark(desk) == "0"
    assert desk.store.status("hr").last_failure == "ServerDown: the directory went down"
    feed.on_page = lambda: None
    delta_import(desk.endpoint)
    assert (first(desk, "bob"), watermark(desk)) == (("Robert",), "2")


def test_a_process_that_dies_in_a_delta_leaves_the_watermark(desk, feed):
    feed.changed("ann", First="Anna")

    def die(_counts):
        desk.store.close()  # what it had open is nobody's now

    with pytest.raises(StoreUnavailable):
        delta_import(desk.endpoint, progress=die)
    desk.restart(hooks=feed.hooks)
    assert watermark(desk) == "0"
    delta_import(desk.endpoint)
    assert first(desk, "ann") == ("Anna",)


def test_without_a_watermark_everything_is_read_and_the_next_delta_knows_where_to_begin(desk, feed):
    desk.store.accept("hr", desk.endpoint.agreement.fingerprint, EventRecord("accept", "ok"))
    assert watermark(desk) is None
    done = delta_import(desk.endpoint)
    assert done.whole == {"User": "there is no watermark"}
    assert delta_import(desk.endpoint).whole == {}


def test_after_a_reset_there_is_no_watermark(desk, feed):
    desk.store.reset("hr", desk.endpoint.agreement.fingerprint, EventRecord("reset", "ok"))
    assert desk.store.status("hr").watermarks == {}
    desk.restart(hooks=feed.hooks)
    assert delta_import(desk.endpoint).whole == {"User": "nothing was imported before"}


def test_attributes_that_were_selected_since_are_brought_by_a_full_import(desk, feed):
    desk.restart(hooks=feed.hooks, mapping={"userName": "Login", "name.givenName": "First", "nickName": "Level"})
    desk.target.put("ann", Login="ann", Level=3)
    done = delta_import(desk.endpoint)
    assert done.whole == {"User": "attributes were selected that no import has brought"}
    assert desk.named("ann")[0].attributes["Level"] == (3,)


def test_an_attribute_that_deltas_left_out_meanwhile_is_brought_by_a_full_import(desk, feed):
    narrow = {"userName": "Login", "name.givenName": "First"}
    desk.restart(hooks=feed.hooks, mapping=narrow)
    feed.changed("ann", Last="Berg", First="Anna")
    assert delta_import(desk.endpoint).whole == {}
    desk.restart(hooks=feed.hooks)
    assert "User" in delta_import(desk.endpoint).whole
    assert desk.named("ann")[0].attributes["Last"] == ("Berg",)


def test_a_connector_that_cannot_tell_changes_is_compared(desk):
    desk.ready()
    desk.target.put("ann", Login="ann")
    done = delta_import(desk.endpoint)
    assert (done.whole, done.read_all) == ({"User": "the connector cannot tell what has changed"}, True)
    assert logins(desk) == ["ann"]
    assert desk.store.status("hr").last_full == desk.store.status("hr").last_import


# The brake ------------------------------------------------------------------------------------------------------------


def test_too_many_removals_are_held_with_the_watermark_until_they_are_confirmed(desk):
    feed = Feed(desk)
    for number in range(20):
        desk.target.put(f"user{number}", Login=f"user{number}")
    desk.ready(hooks=feed.hooks, objects=2)
    for number in range(5):
        feed.deleted(f"user{number}")
    feed.added("new", First="New")
    done = delta_import(desk.endpoint)
    assert (done.held.count, done.held.live, done.counts.removed, done.counts.added) == (5, 21, 0, 1)
    assert (len(logins(desk)), watermark(desk)) == (21, "0")
    assert desk.store.status("hr").held == done.held
    again = delta_import(desk.endpoint)
    assert (again.held.since, again.counts.added) == (done.held.since, 0)
    done = delta_import(desk.endpoint, confirm=True)
    assert (done.held, done.counts.removed, len(logins(desk)), watermark(desk)) == (None, 5, 16, "6")


def test_a_delta_does_not_clear_the_alarm_of_a_full_import(desk):
    feed = Feed(desk)
    for number in range(20):
        desk.target.put(f"user{number}", Login=f"user{number}")
    desk.ready(hooks=feed.hooks, objects=2)
    for number in range(5):
        del desk.target.rows[f"user{number}",]
    _, held = full_import(desk.endpoint)
    feed.changed("user9", First="Nine")
    delta_import(desk.endpoint)
    assert desk.store.status("hr").held == held
    full_import(desk.endpoint, confirm=True)
    assert desk.store.status("hr").held is None


# References -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(desk):
    """A group of two of three people."""
    feed = Feed(desk)
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"), Reference("bob"))}
    desk.ready(hooks=feed.hooks, groups=MEMBERS, capabilities=BY_CHANGES)
    return feed


def members(desk):
    staff = desk.groups.match('displayName eq "staff"')[0]
    return sorted(one.value for one in desk.store.links(desk.groups.space_type, staff, "Members"))


def membership(kind, added=(), removed=()):
    values = [tuple(map(Reference, some)) for some in (added, removed)]
    return AttributeChange("Members", AttributeModificationType[kind], *values)


def test_members_come_and_go_by_single_values(desk, office):
    staff = desk.groups.match('displayName eq "staff"')[0]
    office.tells("UPDATE", "staff", "Groups", attribute_changes=(membership("UPDATE", ["cem"], ["ann"]),))
    office.tells("UPDATE", "staff", "Groups", attribute_changes=(membership("UPDATE", ["ann"], ["bob"]),))
    delta_import(desk.endpoint)
    assert members(desk) == ["ann", "cem"]
    now = desk.groups.match('displayName eq "staff"')[0]
    assert (now.id, now.change_seq > staff.change_seq) == (staff.id, True)
    desk.target.groups["staff",]["Members"] = (Reference("ann"), Reference("cem"))
    counts, _ = full_import(desk.endpoint)
    assert counts.changed == 0


def test_members_can_be_told_as_a_whole(desk, office):
    office.tells("UPDATE", "staff", "Groups", attribute_changes=(membership("REPLACE", ["cem"]),))
    delta_import(desk.endpoint)
    assert members(desk) == ["cem"]


def test_members_who_are_there_already_change_nothing(desk, office):
    before = desk.groups.match('displayName eq "staff"')[0]
    office.tells("UPDATE", "staff", "Groups", attribute_changes=(membership("UPDATE", ["ANN"], ["cem"]),))
    done = delta_import(desk.endpoint)
    assert (done.counts.changed, done.counts.unchanged) == (0, 1)
    assert desk.groups.match('displayName eq "staff"')[0].change_seq == before.change_seq


def test_thousands_of_members_come_in_small_transactions(desk, office):
    many = [f"user{number}" for number in range(3500)]
    office.tells("UPDATE", "staff", "Groups", attribute_changes=(membership("UPDATE", many, ["ann"]),))
    delta_import(desk.endpoint)
    assert len(members(desk)) == 3501
    desk.target.groups["staff",]["Members"] = (Reference("bob"), *map(Reference, many))
    counts, _ = full_import(desk.endpoint)
    assert counts.changed == 0


def test_the_type_whose_watermark_is_missing_is_compared_and_the_other_is_not(desk, office):
    run = desk.store.begin_import("hr")
    run.complete(held=None, watermarks={"Group": "0"}, delta=True)
    del desk.target.rows["cem",]
    done = delta_import(desk.endpoint)
    assert (set(done.whole), done.read_all, office.asked) == ({"User"}, False, ["0"])
    assert logins(desk) == ["ann", "bob"]
    assert desk.store.status("hr").watermarks == {"User": "0", "Group": "0"}


# What a full import passes over ---------------------------------------------------------------------------------------


def once(function):
    """A function that does something at its first call only: a hook that writes is called by what it writes, too."""
    done = []

    def called():
        if not done:
            done.append(True)
            function()

    return called


def test_what_a_full_import_passes_over_and_cannot_read_singly_is_told_again(desk, feed):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=False))
    ann = desk.named("ann")[0].id
    feed.changed("ann", Last="Berg")
    feed.on_full = once(lambda: desk.set(ann, "name.givenName", "Anna"))
    counts, _ = full_import(desk.endpoint)
    assert (counts.passed_over, watermark(desk)) == (1, "0")
    delta_import(desk.endpoint)
    found = desk.named("ann")[0].attributes
    assert (found["First"], found["Last"], watermark(desk)) == (("Anna",), ("Berg",), "1")


def test_whom_a_full_import_misses_and_a_newer_write_keeps_is_told_again(desk, feed):
    cem = desk.named("cem")[0].id
    feed.deleted("cem")
    feed.on_full = once(lambda: desk.set(cem, "active", False))
    full_import(desk.endpoint)
    assert (logins(desk), watermark(desk)) == (["ann", "bob", "cem"], "0")
    delta_import(desk.endpoint)
    assert (logins(desk), watermark(desk)) == (["ann", "bob"], "1")


def test_what_is_told_again_of_somebody_who_is_gone_by_now_needs_no_full_import(desk, feed):
    desk.restart(hooks=feed.hooks, capabilities=Capabilities(full_object_import=False))
    ann = desk.named("ann")[0].id
    feed.changed("ann", Last="Berg")
    feed.changed("cem", Last="Dal")
    feed.deleted("cem")
    feed.on_page = once(lambda: desk.set(ann, "name.givenName", "Anna"))
    delta_import(desk.endpoint)
    assert (logins(desk), watermark(desk)) == (["ann", "bob"], "0")
    done = delta_import(desk.endpoint)
    assert (dict(done.whole), watermark(desk)) == ({}, "3")
    assert desk.named("ann")[0].attributes["Last"] == ("Berg",)


def test_a_rename_that_loses_to_a_newer_write_is_told_again_and_keeps_the_id(desk, feed):
    desk.endpoint.configuration = replace(desk.endpoint.configuration, delta_import=RunProfile(1))
    bob = desk.named("bob")[0].id
    feed.changed("ann", First="Anna")
    feed.renamed("bob", "rob")
    feed.on_page = once(lambda: desk.set(bob, "active", False))
    delta_import(desk.endpoint)
    assert (logins(desk), watermark(desk)) == (["ann", "bob", "cem"], "0")
    delta_import(desk.endpoint)
    assert (logins(desk), watermark(desk)) == (["ann", "rob", "cem"], "2")
    assert desk.named("rob")[0].id == bob


# Everything at once ---------------------------------------------------------------------------------------------------


class Story:
    """People who change in the target and through SCIM, whenever it comes, and a log that tells of both."""

    def __init__(self, desk, seed, *, single):
        self.desk, self.feed, self.chance = desk, Feed(desk), random.Random(seed)
        self.names = [f"p{number}" for number in range(10)]
        self.created = {}
        for name in self.names[:6]:
            desk.target.put(name, Login=name, First=name)
        capabilities = Capabilities(full_object_import=single)
        desk.ready(hooks=self.feed.hooks, page_size=2, objects=1000, capabilities=capabilities)
        desk.target.after_export = self._log_own

    def _log_own(self, changes):
        for change in changes:
            if change.modification_type is ObjectModificationType.ADD:
                self.feed.whole("ADD", change.anchor[0])
            else:
                self.feed.log.append(replace(change, identifier=""))

    def theirs(self):
        name = self.chance.choice(self.names)
        if (name,) not in self.desk.target.rows:
            self.feed.added(name, First=str(self.chance.random()))
        elif self.chance.random() < 0.2:
            self.created.pop(name, None)
            self.feed.deleted(name)
        elif self.chance.random() < 0.2 and (free := self.free()):
            self.created.pop(name, None)
            self.feed.renamed(name, free)
        else:
            self.feed.changed(name, **{self.chance.choice(["First", "Last", "Mail"]): str(self.chance.random())})

    def ours(self):
        name, value = self.chance.choice(self.names), str(self.chance.random())
        found, there = self.desk.named(name), (name,) in self.desk.target.rows
        if there and found and self.chance.random() < 0.2 and (free := self.free()) and not self.desk.named(free):
            self.desk.set(found[0].id, "userName", free)
            self.moved(name, free)
        elif there and found:
            self.desk.set(found[0].id, "name.givenName", value)
            assert self.desk.named(name)[0].attributes["First"] == (value,)
        elif not there and not found:
            self.created[name] = self.desk.create(userName=name, name={"givenName": value}).id

    def free(self):
        return next((name for name in self.names if (name,) not in self.desk.target.rows), "")

    def moved(self, before, after):
        self.created.pop(after, None)
        if before in self.created:
            self.created[after] = self.created.pop(before)

    def meanwhile(self):
        for _ in range(self.chance.randrange(3)):
            self.chance.choice([self.theirs, self.ours])()

    def imported(self):
        """A delta, or now and then everything, with whatever comes meanwhile; nobody gets another id."""
        self.meanwhile()
        self.feed.on_page = self.feed.on_full = self.meanwhile
        (full_import if self.chance.random() < 0.3 else delta_import)(self.desk.endpoint)
        self.feed.on_page = self.feed.on_full = lambda: None
        ids = {one.anchor[0]: one.id for one in self.desk.match(None)}
        assert all(ids[name] == object_id for name, object_id in self.created.items())


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("seed", [*range(6), 71])
def test_whoever_writes_whenever_the_space_ends_as_the_target_and_keeps_its_people(desk, monkeypatch, seed, single):
    monkeypatch.setattr(deltas, "TOGETHER", 3)
    story = Story(desk, seed, single=single)
    for _ in range(12):
        story.imported()
    delta_import(desk.endpoint)
    delta_import(desk.endpoint)
    assert {one.anchor for one in desk.match(None)} == set(desk.target.rows)
    assert watermark(desk) == str(len(story.feed.log))
    counts, _ = full_import(desk.endpoint)
    assert (counts.added, counts.changed, counts.removed) == (0, 0, 0)
