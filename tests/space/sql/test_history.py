from datetime import UTC, datetime, timedelta
from typing import Any

from ecmahost_core.space.history import EventRecord


def test_the_newest_events_of_a_connector_come_first(desk: Any) -> None:
    for number in range(5):
        desk.store.record("hr", EventRecord("check", "ok", request_id=str(number), detail={"count": number}))
    desk.store.record("payroll", EventRecord("check", "failed", actor="cli", error="ServerDown"))
    events = desk.store.events("hr", 3)
    assert [event.record.request_id for event in events] == ["4", "3", "2"]
    assert [event.record.detail for event in events] == [{"count": 4}, {"count": 3}, {"count": 2}]
    assert events[0].seq > events[1].seq
    assert datetime.now(UTC) - events[0].time < timedelta(minutes=1)
    (other,) = desk.store.events("payroll", 3)
    assert other.record == EventRecord("check", "failed", actor="cli", error="ServerDown")
    assert other.connector == "payroll"
    assert desk.store.events("nobody", 3) == []


def test_old_events_go_and_young_ones_stay(desk: Any) -> None:
    for number in range(1205):
        desk.store.record("hr", EventRecord("check", "ok", request_id=str(number)))
    day = 86_400_000_000
    with desk.store._database.write() as transaction:
        transaction.connection.execute("UPDATE event SET time = time - ? WHERE seq <= 1201", (10 * day,))
    desk.store.prune(11)
    assert len(desk.store.events("hr", 2000)) == 1205
    desk.store.prune(9)
    assert [event.record.request_id for event in desk.store.events("hr", 10)] == ["1204", "1203", "1202", "1201"]
