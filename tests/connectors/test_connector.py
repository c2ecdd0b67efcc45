import threading
import time
from contextlib import closing, contextmanager

import pytest
from structlog.testing import capture_logs

from ecmahost_core import (
    Capabilities,
    ConnectorError,
    CSEntryChange,
    CSEntryChangeResult,
    DeprovisioningContext,
    DeprovisioningEvent,
    DeprovisioningFlow,
    FlowAction,
    ImportPage,
    ObjectModificationType,
    ObjectQuery,
    ServerDown,
    SessionPurpose,
    hookimpl,
)
from ecmahost_core.connectors.contract import checked_plugin
from ecmahost_core.connectors.failures import OTHER_EXCEPTIONS, nothing_was_sent
from ecmahost_core.errors import BrokenContract, TargetBusy

BY_NAME = ObjectQuery("Person", (("Name", ("Ann",)),))


class Sessions:
    """An ``open_session`` that keeps a record."""

    def __init__(self):
        self.opened: list[SessionPurpose] = []
        self.ended: list[tuple[SessionPurpose, BaseException | None]] = []

    def hook(self):
        @contextmanager
        def open_session(purpose):
            self.opened.append(purpose)
            try:
                yield purpose
            except BaseException as error:
                self.ended.append((purpose, error))
                raise
            self.ended.append((purpose, None))

        return open_session


@pytest.fixture
def sessions():
    return Sessions()


def pages_of(tools, count):
    def full_import(step):
        for number in range(count):
            yield ImportPage((tools.person(str(number)),))

    return full_import


# Capabilities ---------------------------------------------------------------------------------------------------------


def test_what_a_plugin_does_not_implement_it_cannot_do(build):
    capabilities = build().capabilities
    assert (capabilities.full_import, capabilities.full_object_import) == (False, False)


def test_what_a_plugin_implements_it_can_do(build, tools):
    capabilities = build(full_import=pages_of(tools, 1), full_object_import=lambda: ()).capabilities
    assert (capabilities.full_import, capabilities.full_object_import) == (True, True)


def test_a_plugin_may_decline_for_one_configuration_what_it_implements(build, tools):
    connector = build(
        capabilities=lambda parameters: Capabilities(full_import=parameters["path"] != "people", settle_seconds=5),
        full_import=pages_of(tools, 1),
        full_object_import=lambda: (),
    )
    assert connector.capabilities == Capabilities(
        full_import=False, delta_import=False, full_object_import=True, explain=False, settle_seconds=5
    )
    with pytest.raises(ConnectorError, match="connector 'hr' has no full_import: its plugin 'example' declines it"):
        next(connector.full_import(tools.STEP))


def test_a_plugin_cannot_claim_what_it_does_not_implement(build):
    assert not build(capabilities=lambda: Capabilities(full_import=True)).capabilities.full_import


def test_reading_without_the_hook_says_so(build, tools):
    with pytest.raises(ConnectorError, match="has no full_object_import: its plugin 'example' does not implement it"):
        build().read(tools.STEP, BY_NAME)


# What is passed -------------------------------------------------------------------------------------------------------


def test_hooks_get_the_arguments_that_they_name(build, tools):
    seen = {}

    def export(step, changes, session):
        seen.update(step=step, changes=changes, session=session)
        return [CSEntryChangeResult(change.identifier) for change in changes]

    change = tools.add("a")
    (result,) = build(export=export).export(tools.STEP, [change])
    assert seen == {"step": tools.STEP, "changes": (change,), "session": "session"}
    assert result.identifier == "a"


def test_one_connector_s_parameters_never_reach_another_one_s_plugin(build, tools):
    seen = []

    @contextmanager
    def open_session(parameters):
        seen.append(dict(parameters))
        yield parameters["path"]

    first, second = (
        build(name=name, settings={"connectivity": {"path": name}}, open_session=open_session)
        for name in ("one", "two")
    )
    first.export(tools.STEP, [tools.add("a")])
    second.export(tools.STEP, [tools.add("a")])
    assert seen == [{"path": "one"}, {"path": "two"}]


def test_two_connectors_of_one_type_share_nothing(build, tools, sessions):
    plugin = tools.make_plugin(open_session=sessions.hook())
    first, second = build(name="one", plugin=plugin), build(name="two", plugin=plugin)
    first.export(tools.STEP, [tools.add("a")])
    second.export(tools.STEP, [tools.add("a")])
    assert sessions.opened == [SessionPurpose.EXPORT] * 2


def test_an_export_of_nothing_opens_no_session(build, tools, sessions):
    assert build(open_session=sessions.hook()).export(tools.STEP, []) == ()
    assert sessions.opened == []


def test_two_changes_with_one_identifier_are_never_sent(build, tools, sessions):
    with pytest.raises(ValueError, match="identifiers"):
        build(open_session=sessions.hook()).export(tools.STEP, [tools.add("a", "1"), tools.add("a", "2")])
    assert sessions.opened == []


def test_a_change_whose_type_the_step_lacks_is_never_sent(build, tools, sessions):
    stranger = CSEntryChange("Group", ObjectModificationType.ADD, ("1",), identifier="a")
    with pytest.raises(ValueError, match="object types"):
        build(open_session=sessions.hook()).export(tools.STEP, [tools.add("b"), stranger])
    assert sessions.opened == []


# Defaults -------------------------------------------------------------------------------------------------------------


def test_a_plugin_s_own_deprovisioning_is_asked_and_the_default_is_not(build, tools):
    connector = build(deprovision=lambda entry: [])
    flow = DeprovisioningFlow(FlowAction.DELETE)
    assert connector.deprovision(tools.person("1"), flow, DeprovisioningContext(DeprovisioningEvent.DELETE)) == ()


def test_none_from_a_plugin_s_own_deprovisioning_is_not_answered_by_the_default(build, tools):
    connector = build(deprovision=lambda: None)
    flow = DeprovisioningFlow(FlowAction.DELETE)
    with pytest.raises(BrokenContract, match="Never return None"):
        connector.deprovision(tools.person("1"), flow, DeprovisioningContext(DeprovisioningEvent.DELETE))


def test_a_check_without_the_hook_is_empty_and_connects_to_nothing(build, tools, sessions):
    assert build(open_session=sessions.hook()).check(tools.STEP) == ()
    assert sessions.opened == []


# Exceptions -----------------------------------------------------------------------------------------------------------


def test_a_connector_error_leaves_as_it_is(build, tools):
    error = ServerDown("the database is away", nothing_sent=True)

    def export():
        raise error

    with pytest.raises(ServerDown) as caught:
        build(export=export).export(tools.STEP, [tools.add("a")])
    assert caught.value is error


@pytest.mark.parametrize(
    "kind", [ValueError, KeyError, SystemExit, MemoryError, StopIteration, type("Odd", (BaseException,), {})]
)
def test_any_other_exception_is_a_broken_contract_with_its_type_and_place_but_not_its_text(build, tools, kind):
    def export():
        raise kind("Server=hr;Pwd=hunter2")

    with pytest.raises(BrokenContract) as caught:
        build(export=export).export(tools.STEP, [tools.add("a")])
    failure = caught.value
    assert (failure.plugin, failure.hook) == ("example", "export")
    assert OTHER_EXCEPTIONS in failure.sentence
    assert kind.__name__ in failure.sentence
    assert "test_connector.py" in failure.sentence
    assert "in export" in failure.sentence
    assert "hunter2" not in str(failure)
    assert failure.__context__ is None
    assert failure.__cause__ is None
    assert not nothing_was_sent(failure)


def test_an_answer_that_raises_when_it_is_looked_at_is_a_broken_contract(build, tools):
    class Rows(list):
        def __iter__(self):
            raise ValueError("hunter2")

    connector = build(full_object_import=lambda: Rows())  # noqa: PLW0108 - a class has no arguments for pluggy to name
    with pytest.raises(BrokenContract, match="ValueError was raised") as caught:
        connector.read(tools.STEP, BY_NAME)
    assert "hunter2" not in str(caught.value)


def test_an_object_type_that_is_no_name_is_a_broken_contract(build, tools):
    def full_import():
        yield ImportPage((CSEntryChange(["Person"], ObjectModificationType.ADD, ("1",)),))

    with pytest.raises(BrokenContract) as caught:
        list(build(full_import=full_import).full_import(tools.STEP))
    assert caught.value.hook == "full_import"


def test_a_plugin_s_own_kind_of_error_needs_no_constructor(build, tools):
    class Odd(ConnectorError):
        def __init__(self):
            pass

    def export():
        raise Odd

    with pytest.raises(Odd) as caught:
        build(export=export).export(tools.STEP, [tools.add("a")])
    assert not nothing_was_sent(caught.value)


def test_the_administrator_s_interrupt_is_not_swallowed(build, tools):
    def export():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(export=export).export(tools.STEP, [tools.add("a")])


def test_an_error_while_opening_a_session_means_that_nothing_was_sent(build, tools):
    @contextmanager
    def open_session():
        raise ServerDown("nobody is there")
        yield

    with pytest.raises(ServerDown) as caught:
        build(open_session=open_session).export(tools.STEP, [tools.add("a")])
    assert caught.value.nothing_sent
    assert nothing_was_sent(caught.value)


@pytest.mark.parametrize("where", ["call", "enter"])
def test_any_other_exception_while_opening_a_session_is_a_broken_contract_and_nothing_was_sent(build, tools, where):
    @contextmanager
    def entering():
        raise ValueError("hunter2")
        yield

    def calling():
        raise ValueError("hunter2")

    with pytest.raises(BrokenContract) as caught:
        build(open_session=calling if where == "call" else entering).export(tools.STEP, [tools.add("a")])
    assert (caught.value.plugin, caught.value.hook) == ("example", "open_session")
    assert "ValueError" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert nothing_was_sent(caught.value)


@pytest.mark.parametrize("answer", [None, "session", object()])
def test_a_session_that_is_no_context_manager_is_a_broken_contract_and_nothing_was_sent(build, tools, answer):
    with pytest.raises(BrokenContract) as caught:
        build(open_session=lambda: answer).export(tools.STEP, [tools.add("a")])
    assert caught.value.hook == "open_session"
    assert nothing_was_sent(caught.value)


# Sessions -------------------------------------------------------------------------------------------------------------


def test_exports_and_reads_reuse_their_sessions_and_never_each_other_s(build, tools, sessions):
    connector = build(open_session=sessions.hook(), full_object_import=lambda session: ())
    for _ in range(3):
        connector.export(tools.STEP, [tools.add("a")])
        connector.read(tools.STEP, BY_NAME)
    assert sessions.opened == [SessionPurpose.EXPORT, SessionPurpose.READ]
    assert sessions.ended == []


def test_a_session_is_not_used_again_after_a_broken_contract(build, tools, sessions):
    connector = build(open_session=sessions.hook(), full_object_import=lambda session: None)
    for _ in range(2):
        with pytest.raises(BrokenContract):
            connector.read(tools.STEP, BY_NAME)
    assert sessions.opened == [SessionPurpose.READ] * 2
    assert [type(error) for _, error in sessions.ended] == [BrokenContract] * 2


def test_results_that_break_the_contract_end_the_session(build, tools, sessions):
    connector = build(open_session=sessions.hook(), export=lambda changes: [])
    with pytest.raises(BrokenContract):
        connector.export(tools.STEP, [tools.add("a")])
    assert [(purpose, type(error)) for purpose, error in sessions.ended] == [(SessionPurpose.EXPORT, BrokenContract)]


@pytest.mark.parametrize("answer", [False, None, "yes"])
def test_an_idle_session_that_is_not_alive_is_replaced(build, tools, sessions, answer):
    now = [0.0]
    connector = build(open_session=sessions.hook(), session_alive=lambda: answer, clock=lambda: now[0])
    connector.export(tools.STEP, [tools.add("a")])
    now[0] += 2
    with capture_logs() as logs:
        connector.export(tools.STEP, [tools.add("b")])
    assert sessions.opened == [SessionPurpose.EXPORT] * 2
    assert [log["event"] for log in logs] == ([] if answer is False else ["session_alive_failed"])


def test_an_idle_session_whose_check_raises_is_replaced_and_the_call_succeeds(build, tools, sessions):
    def session_alive():
        raise ValueError("hunter2")

    now = [0.0]
    connector = build(open_session=sessions.hook(), session_alive=session_alive, clock=lambda: now[0])
    connector.export(tools.STEP, [tools.add("a")])
    now[0] += 2
    with capture_logs() as logs:
        assert connector.export(tools.STEP, [tools.add("b")])
    assert sessions.opened == [SessionPurpose.EXPORT] * 2
    assert "hunter2" not in repr(logs)


def test_a_schema_is_read_over_a_session_of_its_own(build, sessions):
    connector = build(open_session=sessions.hook())
    connector.schema()
    assert sessions.opened == [SessionPurpose.SCHEMA]
    assert sessions.ended == [(SessionPurpose.SCHEMA, None)]


def test_a_closed_connector_ends_its_sessions_and_takes_no_calls(build, tools, sessions):
    connector = build(open_session=sessions.hook())
    connector.export(tools.STEP, [tools.add("a")])
    connector.close()
    assert sessions.ended == [(SessionPurpose.EXPORT, None)]
    with pytest.raises(TargetBusy, match="closed or reloaded") as caught:
        connector.export(tools.STEP, [tools.add("b")])
    assert caught.value.nothing_sent


# Imports --------------------------------------------------------------------------------------------------------------


def test_an_import_yields_the_pages_and_ends_its_session(build, tools, sessions):
    connector = build(open_session=sessions.hook(), full_import=pages_of(tools, 3))
    with closing(connector.full_import(tools.STEP)) as pages:
        assert sessions.opened == []
        assert [page.entries[0].anchor for page in pages] == [("0",), ("1",), ("2",)]
    assert sessions.opened == [SessionPurpose.IMPORT]
    assert sessions.ended == [(SessionPurpose.IMPORT, None)]


def test_whoever_stops_an_import_early_ends_the_generator_and_then_the_session_in_order(build, tools, sessions):
    order = []

    def full_import(session):
        try:
            while True:
                yield ImportPage(())
        finally:
            order.append(("generator", list(sessions.ended)))

    connector = build(open_session=sessions.hook(), full_import=full_import)
    with closing(connector.full_import(tools.STEP)) as pages:
        for _ in pages:
            break
    assert order == [("generator", [])]
    assert sessions.ended == [(SessionPurpose.IMPORT, None)]


def test_an_import_that_raises_half_way_yields_what_came_before_and_ends_its_session(build, tools, sessions):
    def full_import():
        yield ImportPage((tools.person("0"),))
        raise ServerDown("it went away")

    connector = build(open_session=sessions.hook(), full_import=full_import)
    seen = []
    with pytest.raises(ServerDown), closing(connector.full_import(tools.STEP)) as pages:
        seen += pages
    assert len(seen) == 1
    assert [type(error) for _, error in sessions.ended] == [ServerDown]


@pytest.mark.parametrize("when", ["call", "first", "later"])
def test_any_other_exception_of_an_import_is_a_broken_contract_at_whatever_page(build, tools, when):
    def generator():
        if when == "later":
            yield ImportPage(())
        raise ValueError("hunter2")

    def function():
        raise ValueError("hunter2")

    connector = build(full_import=function if when == "call" else generator)
    with pytest.raises(BrokenContract) as caught:
        list(connector.full_import(tools.STEP))
    assert caught.value.hook == "full_import"
    assert "ValueError" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_generator_that_raises_when_it_is_closed_is_logged(build, tools):
    def full_import():
        try:
            yield ImportPage(())
        finally:
            raise ValueError("hunter2")

    connector = build(full_import=full_import)
    with capture_logs() as logs, closing(connector.full_import(tools.STEP)) as pages:
        next(pages)
    assert [log["event"] for log in logs] == ["import_close_failed"]
    assert "hunter2" not in repr(logs)


def test_an_import_and_exports_run_at_the_same_time(build, tools):
    connector = build(full_import=pages_of(tools, 2))
    with closing(connector.full_import(tools.STEP)) as pages:
        next(pages)
        assert connector.export(tools.STEP, [tools.add("a")])


def test_checking_a_page_costs_less_than_a_microsecond_an_object(build, tools):
    page = ImportPage(tuple(tools.person(str(number)) for number in range(100)))

    def full_import():
        for _ in range(1000):
            yield page

    connector = build(full_import=full_import)
    costs = []
    for _ in range(5):
        started = time.thread_time()
        assert sum(len(each.entries) for each in connector.full_import(tools.STEP)) == 100_000
        costs.append((time.thread_time() - started) / 100_000)
    assert min(costs) < 1e-6


def test_threads_share_a_connector(build, tools):
    connector = build(full_object_import=lambda session: [tools.person("1")])
    found = []

    def read():
        found.extend(connector.read(tools.STEP, BY_NAME) for _ in range(50))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400


def test_a_submodule_imported_after_loading_does_not_take_a_hook_away(build, tools):
    module = tools.make_module(full_object_import=hookimpl(lambda: [tools.person("1")]))
    plugin = checked_plugin("example", module)
    del module.full_object_import
    assert len(build(plugin=plugin).read(tools.STEP, BY_NAME)) == 1


def test_the_parameters_of_a_connector_are_its_plugin_s(build):
    assert [each.name for each in build().parameter_definitions] == ["path"]
