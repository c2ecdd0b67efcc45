"""A space that goes on from an older state: what it no longer says, because the target has moved on."""

from datetime import UTC, datetime
from typing import Any

from ecmahost_core.space.history import HeldRemovals
from ecmahost_core.space.sqlite.succession import begin_anew


def test_what_was_held_and_who_was_let_go_is_forgotten_while_the_past_stays(desk: Any) -> None:
    found = desk.add(desk.user("bob"))
    run = desk.store.begin_import("hr")
    run.compare(desk.users, [desk.user("bob")])
    run.complete(held=HeldRemovals(1, 2, datetime.now(UTC), links=3, lost=("User.Email",)))
    desk.store.release("hr", desk.ok)
    desk.store.close()
    begin_anew(desk.path, "a test")
    with desk.open() as store:
        status = store.status("hr")
        assert (status.held, status.first_import_done) == (None, False)
        assert [one.object_id for one in store.past("hr", "bob")] == [found.id]
    assert desk.rows("SELECT released, held_links, lost FROM connector") == [(None, 0, "[]")]
