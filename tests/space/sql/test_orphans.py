"""What the dead leave behind is looked for all the time: that costs nobody anything while there is nothing."""

from typing import Any

from ecmahost_core.space.journal import EntryState


def test_looking_for_what_is_left_behind_waits_for_no_writer_while_nothing_is(desk: Any) -> None:
    child = desk.run("say(open_store(path, runtime, writing=True).open_entry(intent('bob')).number); time.sleep(60)")
    number = int(child.stdout.readline())
    other = desk.open()
    with other._database.write():
        assert desk.store.claim_orphans("hr") == []
    assert [(one.number, one.state) for one in desk.store.entries()] == [(number, EntryState.OPEN)]
    child.kill()
    child.wait()
    assert [one.number for one in desk.store.claim_orphans("hr")] == [number]
    desk.store.abandon(desk.store.entries()[0], desk.ok)
    desk.store.claim_orphans("hr")
    assert {name for (name,) in desk.rows("SELECT id FROM incarnation")} == {desk.store.incarnation, other.incarnation}


def test_what_is_uncertain_is_taken_over_also_from_those_who_live(desk: Any) -> None:
    other = desk.open()
    entry = other.open_entry(desk.adding(desk.user("bob")))
    assert desk.store.claim_orphans("hr") == []
    other.mark_uncertain(entry)
    assert [one.number for one in desk.store.claim_orphans("hr")] == [entry.number]
    desk.store.abandon(entry, desk.ok)
