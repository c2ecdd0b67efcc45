import time

import orjson
import pytest

from ecmahost_core import Schema, SchemaAttribute, SchemaType, ServerDown, ValueFormat
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.errors import BrokenContract, ConfigurationError, DeadlineExceeded, TargetBusy
from ecmahost_core.sync import endpoint as module
from ecmahost_core.sync.endpoint import Call


def test_a_call_has_what_is_left_of_its_deadline_and_never_less_than_nothing():
    assert 9 < Call(time.monotonic() + 10, "x").remaining() <= 10
    assert Call(time.monotonic() - 10, "x").remaining() == 0


def test_the_schema_is_asked_for_once_and_only_when_it_is_needed(desk):
    asked = []
    desk.target.on_schema = lambda: asked.append(1)
    desk.build()
    assert asked == []
    assert desk.endpoint.bindings() is desk.endpoint.bindings()
    assert len(asked) == 1


def test_a_host_whose_target_is_down_at_start_serves_by_the_schema_of_last_time(desk):
    desk.ready()
    made = desk.create(userName="bob")
    before = desk.binding
    desk.restart()
    desk.target.down = True
    assert desk.binding == before
    assert desk.get(made.id) == made


def test_a_schema_of_last_time_tells_what_texts_are_and_one_of_an_older_host_does_not_yet(desk):
    known = SchemaAttribute("Hired", format=ValueFormat.TIMESTAMP, scale=3)
    desk.target.schema = Schema((SchemaType("Employees", (SchemaAttribute("Login"), known)),))
    settings = {"mapping": {"userName": "Login", "title": "Hired"}, "query": ("Login",)}
    desk.ready(**settings)
    desk.target.down = True
    assert desk.restart(**settings).binding.target.attribute("Hired") == known
    file = desk.endpoint.schema.file
    older = orjson.loads(file.read_bytes())
    for attribute in older["types"][0]["attributes"]:
        for name in ("format", "minimum", "maximum", "precision", "scale"):
            del attribute[name]
    file.write_bytes(orjson.dumps(older))
    assert desk.restart(**settings).binding.target.attribute("Hired") == SchemaAttribute("Hired")


def test_without_a_schema_of_last_time_it_is_503_and_tried_again_a_little_later(desk, refused, monkeypatch):
    asked = []
    desk.target.on_schema = lambda: (_ for _ in ()).throw(ServerDown("down")) if asked.append(1) is None else None
    desk.build()
    for _ in range(3):
        assert refused(503, desk.endpoint.binding, "User").headers["Retry-After"]
    assert len(asked) == 1  # a target that is down is not asked by every request
    monkeypatch.setattr(module, "SCHEMA_RETRY_SECONDS", 0.0)
    refused(503, desk.endpoint.binding, "User")
    desk.target.on_schema = lambda: None
    assert desk.endpoint.binding("User")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"types": ["x"]}', b'{"types": [{"attributes": 1, "anchor": []}]}']
)
def test_a_schema_file_that_is_broken_is_as_none(desk, refused, content):
    desk.ready()
    file = desk.endpoint.schema.file
    file.write_bytes(content)
    desk.restart()
    desk.target.down = True
    refused(503, desk.endpoint.binding, "User")


def test_a_schema_that_cannot_be_kept_is_used_all_the_same(desk):
    desk.build()
    desk.endpoint.schema.file.parent.parent.mkdir(exist_ok=True)
    desk.endpoint.schema.file.parent.write_text("not a directory")
    assert desk.endpoint.binding("User")


def test_a_target_that_hangs_over_its_schema_does_not_hang_those_who_wait(desk, gate, refused, memory):
    desk.target.on_schema = gate
    desk.build()
    answers = memory.together(*[lambda: desk.endpoint.bindings(patience=0.1)] * 8)
    assert {type(answer) for answer in answers} <= {DeadlineExceeded, TargetBusy}
    refused(503, desk.endpoint.binding, "User", 0.1)


def test_a_configuration_that_does_not_fit_the_target_is_503_for_clients_and_told_in_full_to_people(desk, refused):
    desk.build(query=("Logn",))
    error = refused(503, desk.endpoint.binding, "User")
    assert "ecmahost check hr" in error.detail
    assert "Logn" not in error.detail
    with pytest.raises(ConfigurationError, match="the nearest is 'Login'"):
        desk.endpoint.bindings()


def test_a_plugin_that_breaks_the_contract_is_503_without_its_words(desk, refused):
    def broken():
        raise RuntimeError("dsn=secret")

    desk.target.on_schema = broken
    desk.build()
    with pytest.raises(BrokenContract):
        desk.endpoint.bindings()
    assert "secret" not in refused(503, desk.endpoint.binding, "User").detail


def test_an_unknown_resource_type_is_404(desk, refused):
    desk.ready()
    assert "Group" in refused(404, desk.endpoint.binding, "Group").detail


def test_freshness_is_verify_where_single_objects_can_be_read(desk):
    assert desk.build().endpoint.freshness is Freshness.VERIFY
    assert desk.build(freshness=Freshness.LIVE).endpoint.freshness is Freshness.LIVE
    assert desk.build(hooks={"full_object_import": None}).endpoint.freshness is Freshness.CACHE


def test_a_connector_imports_when_it_can_and_is_asked_to(desk):
    assert desk.build().endpoint.imports
    assert not desk.build(imports=False).endpoint.imports
    assert not desk.build(hooks={"full_import": None}).endpoint.imports


def test_closing_finishes_what_is_queued(desk, gate, memory):
    desk.ready(anchor=("Id",))
    desk.target.before_export = gate
    made = []

    def start(function):
        thread = memory.threading.Thread(target=function, daemon=True)
        thread.start()
        return thread

    first = start(lambda: made.append(desk.create(userName="ann")))
    gate.wait_for()
    second = start(lambda: made.append(desk.create(userName="bob")))
    memory.wait_until(lambda: len(desk.endpoint.exports._waiting) == 1)
    closing = start(desk.endpoint.close)
    gate.open()
    for thread in (closing, first, second):
        thread.join(10)
        assert not thread.is_alive()
    assert desk.store.entries() == []
    assert {one.attributes["Login"][0] for one in made} == {"ann", "bob"}
    assert len(desk.target.rows) == 2
