"""What one delivery does, apart from whole writes (``test_provisioning_*``)."""

from datetime import UTC, datetime

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    CSEntryChangeResult,
    ObjectModificationType,
    TargetBusy,
)
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.writing import exports
from ecmahost_core.sync.writing.exports import target_object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = SpaceObject(
    1,
    "id-1",
    ObjectState.LIVE,
    ("bob",),
    "CN=bob,OBJECT=Employees",
    {"Login": ("bob",), "First": ("B",)},
    {},
    5,
    NOW,
    NOW,
)


def changing(**changed):
    parts = [AttributeChange(name, AttributeModificationType.REPLACE, (value,)) for name, value in changed.items()]
    return CSEntryChange(
        "Employees", ObjectModificationType.UPDATE, anchor=("bob",), dn=BEFORE.dn, attribute_changes=tuple(parts)
    )


@pytest.fixture
def binding(desk):
    return desk.build(dn=True).binding


def test_what_the_connector_read_back_counts(binding):
    result = CSEntryChangeResult("1", anchor=("BOB  ",), attributes={"Login": ("BOB  ",), "First": ("X",)})
    found = target_object(binding, changing(First="Y"), result, BEFORE)
    assert (found.anchor, found.attributes) == (("BOB  ",), {"Login": ("BOB  ",), "First": ("X",)})


def test_otherwise_the_change_is_applied_to_what_was_known(binding):
    found = target_object(binding, changing(First="Y"), CSEntryChangeResult("1"), BEFORE)
    assert (found.anchor, found.dn) == (("bob",), BEFORE.dn)
    assert found.attributes == {"Login": ("bob",), "First": ("Y",)}


def test_a_changed_anchor_is_the_objects_anchor_even_if_the_connector_does_not_repeat_it(binding):
    found = target_object(binding, changing(Login="rob"), CSEntryChangeResult("1"), BEFORE)
    assert (found.anchor, found.dn) == (("rob",), "CN=rob,OBJECT=Employees")


def test_after_a_deletion_there_is_no_object(binding):
    change = CSEntryChange("Employees", ObjectModificationType.DELETE, anchor=("bob",))
    assert target_object(binding, change, CSEntryChangeResult("1"), BEFORE) is None


def test_a_queue_that_takes_no_more_leaves_nothing_open(desk, refused, monkeypatch):
    desk.ready()

    def full(*_arguments, **_more):
        raise TargetBusy("1000 changes wait already")

    monkeypatch.setattr(desk.endpoint.exports, "submit", full)
    error = refused(503, desk.create, userName="bob")
    assert "1000 changes wait" in error.detail
    assert desk.store.entries() == []


def test_whatever_else_keeps_a_change_from_being_submitted_leaves_nothing_open(desk, monkeypatch):
    desk.ready()

    def forked(*_arguments, **_more):
        raise RuntimeError("this process was forked")

    monkeypatch.setattr(desk.endpoint.exports, "submit", forked)
    with pytest.raises(RuntimeError):
        desk.create(userName="bob")
    assert desk.store.entries() == []


def test_a_store_that_fails_again_and_again_is_tried_until_it_takes_the_outcome(desk, refused, memory, monkeypatch):
    desk.ready()
    monkeypatch.setattr(exports, "_STORE_RETRY_SECONDS", (0.001,))
    abandon, tried = desk.store.abandon, []

    def patchy(*arguments):
        tried.append(arguments)
        if len(tried) < 20:
            raise StoreUnavailable("the disk is full")
        abandon(*arguments)

    monkeypatch.setattr(desk.store, "abandon", patchy)
    desk.target.refuse = lambda change: memory.ExportError(memory.MAExportError.PERMISSION_ISSUE, "may not")
    refused(403, desk.create, userName="bob")  # the target's answer is known, whatever the store does
    memory.wait_until(lambda: not desk.store.entries())
    assert len(tried) == 20


def test_an_outcome_that_cannot_be_kept_later_either_is_left_to_recovery(desk, refused, memory, monkeypatch):
    desk.ready()
    monkeypatch.setattr(exports, "_STORE_RETRY_SECONDS", (0.001,))
    errors = iter([StoreUnavailable("the disk is full"), ValueError("cannot be stored")])

    def broken(*_arguments):
        raise next(errors)

    monkeypatch.setattr(desk.store, "complete", broken)
    refused(503, desk.create, userName="bob")
    memory.wait_until(lambda: [entry.state.value for entry in desk.store.entries()] == ["uncertain"])


def test_what_is_logged_late_bears_the_requests_id(desk, gate, refused, memory):
    import structlog

    desk.ready()
    desk.target.before_export = gate
    with structlog.contextvars.bound_contextvars(request_id="request-7"):
        refused(503, desk.create, userName="bob", seconds=0.1)
    gate.wait_for()
    desk.target.after_export = lambda changes: (_ for _ in ()).throw(RuntimeError("cut"))
    seen = []

    def note(_logger, _method, event):
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[note])
    try:
        gate.open()
        memory.wait_until(lambda: [entry.state.value for entry in desk.store.entries()] == ["uncertain"])
    finally:
        structlog.configure(processors=before)
    assert "request-7" in seen
