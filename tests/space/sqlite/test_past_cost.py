"""What reading the past costs, in steps of SQLite's machine, not in time."""

from typing import Any

ROW = (
    "INSERT INTO history (time, connector, resource_type, kind, outcome, object_id, anchor, request_id, actor, error,"
    " told, milliseconds, asked, changes) VALUES (?, 'hr', 'User', ?, 'ok', 'id', 'bob', '', '', '', '', 0, '', '{}')"
)


def test_drift_costs_what_there_is_of_it_however_much_was_written_between(desk: Any) -> None:
    with desk.store._database.write() as transaction:
        for number in range(5):
            transaction.connection.execute(ROW, (number, "import"))
            transaction.connection.executemany(ROW, [(number, "update")] * 1000)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with desk.store._database.read() as connection:
        connection.set_progress_handler(step, 1)
    try:
        assert [one.kind for one in desk.store.drift("hr")] == ["import"] * 5
    finally:
        connection.set_progress_handler(None, 1)
    assert 0 < steps < 1000
