"""Calls through extensions: who is called when, who sees what, and who is named when something goes wrong."""

import threading
from contextlib import closing, contextmanager
from itertools import islice
from types import MappingProxyType

import pytest

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
    Schema,
    ServerDown,
    TargetBusy,
    map_pages,
)
from ecmahost_core.connectors.failures import OTHER_EXCEPTIONS, nothing_was_sent
from ecmahost_core.connectors.pages import ALL_PAGES
from ecmahost_core.connectors.returns import NEVER_NONE
from ecmahost_core.connectors.wrapping import FAILURE_STAYS, ONE_YIELD
from ecmahost_core.errors import BrokenContract, ExtensionName


def results_of(changes):
    return [CSEntryChangeResult(change.identifier) for change in changes]


def failing(function):
    with pytest.raises((ConnectorError, BrokenContract)) as caught:
        function()
    return caught.value


def whose(error):
    assert error.part == ("extension" if type(error.plugin) is ExtensionName else "plugin")
    return type(error.plugin) is ExtensionName, error.plugin


# Order and scope ------------------------------------------------------------------------------------------------------


def test_the_first_that_is_named_is_the_outermost(build, tools):
    seen = []

    def make(name):
        def export():
            seen.append(f"{name} before")
            results = yield
            seen.append(f"{name} after")
            return results

        return tools.make_extension(name, export=export)

    def export(changes):
        seen.append("target")
        return results_of(changes)

    connector = build(export=export, extensions=[make("first"), make("second")])
    connector.export(tools.STEP, [tools.add("a")])
    assert seen == ["first before", "second before", "target", "second after", "first after"]


def test_a_connector_without_the_extension_never_reaches_it(build, tools):
    seen = []

    def export(connector, settings):
        seen.append((connector, dict(settings)))
        return (yield)

    audit = tools.make_extension(export=export)
    plugin = tools.make_plugin()
    watched = build(name="hr", plugin=plugin, extensions=[audit])
    other = build(name="crm", plugin=plugin)
    other.export(tools.STEP, [tools.add("a")])
    assert seen == []
    watched.export(tools.STEP, [tools.add("a")])
    assert seen == [("hr", {"of": "audit"})]


def test_a_connector_is_not_built_without_the_extensions_that_its_configuration_names(tools):
    from ecmahost_core.configuration.model import Extension
    from ecmahost_core.connectors.connector import Connector

    configuration = tools.make_configuration(extensions=(Extension("audit"),))
    with pytest.raises(ValueError, match="not the extensions that its configuration names"):
        Connector(configuration, tools.make_plugin())


def test_a_wrapper_gets_the_arguments_that_it_names_in_any_order(build, tools):
    seen = {}

    def export(settings, changes, /, connector, step=None):
        seen.update(settings=settings, changes=changes, connector=connector, step=step)
        return (yield)

    change = tools.add("a")
    build(extensions=[tools.make_extension(export=export)]).export(tools.STEP, [change])
    settings = MappingProxyType({"of": "audit"})
    assert seen == {"settings": settings, "changes": (change,), "connector": "hr", "step": tools.STEP}


def test_a_session_is_a_stand_in_for_wrappers(build, tools):
    seen = {}

    def export(session):
        seen["wrapper"] = session
        return (yield)

    def write(session, changes):
        seen["target"] = session
        return results_of(changes)

    @contextmanager
    def open_session():
        yield {"password": "canary"}

    connector = build(export=write, open_session=open_session, extensions=[tools.make_extension(export=export)])
    connector.export(tools.STEP, [tools.add("a")])
    assert seen["target"] == {"password": "canary"}
    assert "canary" not in repr(seen["wrapper"])
    assert dir(seen["wrapper"]) == dir(type(seen["wrapper"]))


def test_a_wrapper_cannot_change_in_place_what_is_sent(build, tools):
    def export(changes):
        changes[0].attributes["Name"] = ("Eve",)
        return (yield)

    sent = []

    def write(changes):
        sent.extend(changes)
        return results_of(changes)

    connector = build(export=write, extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a", attributes={"Name": ("Ann",)})]))
    assert "TypeError was raised" in str(error)
    assert sent == []


def test_a_plan_s_entry_cannot_be_changed_in_place_either(build, tools):
    def deprovision(entry):
        entry.attributes["Name"] = ("Eve",)
        return (yield)

    connector = build(extensions=[tools.make_extension(deprovision=deprovision)])
    entry = CSEntryChange("Person", ObjectModificationType.REPLACE, anchor=("a",), attributes={"Name": ("Ann",)})
    context = DeprovisioningContext(DeprovisioningEvent.DELETE)
    error = failing(lambda: connector.deprovision(entry, DeprovisioningFlow(FlowAction.DELETE), context))
    assert whose(error) == (True, "audit")
    assert entry.attributes == {"Name": ("Ann",)}


# Capabilities ---------------------------------------------------------------------------------------------------------


def test_a_wrapper_does_not_make_a_capability(build, tools):
    def pages():
        return (yield)

    def said():
        yield
        return Capabilities(full_import=True, full_object_import=True)

    watching = tools.make_extension(full_import=pages, full_object_import=pages, check=pages, capabilities=said)
    connector = build(extensions=[watching])
    assert not connector.capabilities.full_import
    assert not connector.capabilities.full_object_import
    assert connector.check(tools.STEP) == ()
    with pytest.raises(ConnectorError, match="its plugin 'example' does not implement it"):
        connector.read(tools.STEP, ObjectQuery("Person", (("Name", ("Ann",)),)))


def test_a_wrapper_may_decline_a_capability(build, tools):
    def capabilities():
        yield
        return Capabilities(full_object_import=False)

    declining = tools.make_extension(capabilities=capabilities)
    connector = build(full_object_import=lambda: (), extensions=[declining])
    assert not connector.capabilities.full_object_import


def test_a_default_of_the_host_is_wrapped_too_and_only_where_the_plugin_has_none(build, tools):
    seen = []

    def deprovision(flow):
        plan = yield
        seen.append((flow.action, len(plan)))
        return plan

    watching = tools.make_extension(deprovision=deprovision)
    entry = CSEntryChange("Person", ObjectModificationType.REPLACE, anchor=("a",))
    flow = DeprovisioningFlow(FlowAction.DELETE)
    context = DeprovisioningContext(DeprovisioningEvent.DELETE)
    assert len(build(extensions=[watching]).deprovision(entry, flow, context)) == 1
    assert build(deprovision=lambda: (), extensions=[watching]).deprovision(entry, flow, context) == ()
    assert seen == [(FlowAction.DELETE, 1), (FlowAction.DELETE, 0)]


def test_none_of_a_plugin_does_not_fall_through_to_the_default_behind_a_wrapper(build, tools):
    def deprovision():
        return (yield)

    connector = build(deprovision=lambda: None, extensions=[tools.make_extension(deprovision=deprovision)])
    entry = CSEntryChange("Person", ObjectModificationType.REPLACE, anchor=("a",))
    context = DeprovisioningContext(DeprovisioningEvent.DELETE)
    error = failing(lambda: connector.deprovision(entry, DeprovisioningFlow(FlowAction.DELETE), context))
    assert whose(error) == (False, "example")
    assert NEVER_NONE in str(error)


# Answers --------------------------------------------------------------------------------------------------------------


def test_what_a_wrapper_returns_takes_the_place_of_the_answer(build, tools):
    def schema():
        whole = yield
        (person,) = whole.types
        return Schema((type(person)(person.name, person.attributes[:1], anchor=person.anchor),))

    (person,) = build(extensions=[tools.make_extension(schema=schema)]).schema().types
    assert [attribute.name for attribute in person.attributes] == ["Id"]


def test_a_wrapper_sees_an_answer_that_has_been_checked(build, tools):
    seen = []

    def export():
        results = yield
        seen.append(results)
        return results

    connector = build(export=lambda changes: changes[:0], extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert whose(error) == (False, "example")
    assert "0 results came for 1 changes" in str(error)
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "found"),
    [(None, "the wrapper returned None"), ((), "0 results came for 1 changes"), (7, "int was returned")],
)
def test_a_wrong_answer_of_a_wrapper_is_told_with_the_extension(build, tools, answer, found):
    def export():
        yield
        return answer

    def passing():
        return (yield)

    wrong, fine = tools.make_extension("mask", export=export), tools.make_extension("audit", export=passing)
    for extensions in ([wrong, fine], [fine, wrong]):
        error = failing(lambda named=extensions: build(extensions=named).export(tools.STEP, [tools.add("a")]))
        assert whose(error) == (True, "mask")
        assert str(error).startswith("extension 'mask', hook 'export': the contract says")
        assert found in str(error)
        assert not nothing_was_sent(error)


def test_a_wrapper_that_yields_twice_is_told(build, tools):
    def export():
        yield
        yield

    error = failing(
        lambda: build(extensions=[tools.make_extension(export=export)]).export(tools.STEP, [tools.add("a")])
    )
    assert whose(error) == (True, "audit")
    assert ONE_YIELD in str(error)
    assert "yielded again" in str(error)


def test_a_wrapper_that_returns_before_it_yields_is_told_and_nothing_is_sent(build, tools):
    sent = []

    def export(changes):
        if not changes:
            yield

    def write(changes):
        sent.append(changes)

    connector = build(export=write, extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert "returned before it yielded" in str(error)
    assert sent == []
    assert nothing_was_sent(error)


# Failures -------------------------------------------------------------------------------------------------------------


def test_an_exception_before_the_yield_names_the_extension_and_nothing_was_sent(build, tools):
    sent = []

    def export(changes):
        raise OSError("password=canary")
        yield

    def write(changes):
        sent.append(changes)

    connector = build(export=write, extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert whose(error) == (True, "audit")
    assert OTHER_EXCEPTIONS in str(error)
    assert "OSError was raised (" in str(error)
    assert "test_wrapping.py" in str(error)
    assert "canary" not in str(error)
    assert error.__context__ is None
    assert sent == []
    assert nothing_was_sent(error)


@pytest.mark.parametrize(
    "kind", [OSError, TargetBusy, lambda text: ConnectorError(text, nothing_sent=True), SystemExit]
)
def test_an_exception_after_a_write_leaves_its_outcome_open_whatever_it_says(build, tools, kind):
    def export():
        yield
        raise kind("the trail cannot be written")

    connector = build(extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert not nothing_was_sent(error)
    assert "extension 'audit'" in str(error)


def test_a_connector_error_of_an_extension_keeps_its_kind_and_names_it(build, tools):
    def export():
        raise ServerDown("the trail's server is down")
        yield

    error = failing(
        lambda: build(extensions=[tools.make_extension(export=export)]).export(tools.STEP, [tools.add("a")])
    )
    assert type(error) is ServerDown
    assert str(error) == "extension 'audit': the trail's server is down"
    assert nothing_was_sent(error)


def test_an_error_of_the_connector_passes_every_wrapper_as_it_is(build, tools):
    raised, seen = ServerDown("gone"), []

    def export():
        try:
            return (yield)
        except ConnectorError as error:
            seen.append(error)
            raise

    def write(changes):
        raise raised

    extensions = [tools.make_extension(name, export=export) for name in ("one", "two")]
    assert failing(lambda: build(export=write, extensions=extensions).export(tools.STEP, [tools.add("a")])) is raised
    assert seen == [raised, raised]
    assert str(raised) == "gone"


def test_a_crash_of_the_connector_is_its_own_and_reaches_wrappers_without_its_words(build, tools):
    seen = []

    def export():
        try:
            return (yield)
        except BrokenContract as error:
            seen.append(str(error))
            raise

    def write(changes):
        raise RuntimeError("password=canary")

    connector = build(export=write, extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert whose(error) == (False, "example")
    assert seen == [str(error)]
    assert "canary" not in str(error)


@pytest.mark.parametrize("unsent", [True, False])
def test_a_failure_is_not_turned_into_an_answer(build, tools, unsent):
    def export(changes):
        try:
            return (yield)
        except ConnectorError:
            return results_of(changes)

    def write(changes):
        raise ConnectorError("gone", nothing_sent=unsent)

    connector = build(export=write, extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert whose(error) == (True, "audit")
    assert FAILURE_STAYS in str(error)
    assert nothing_was_sent(error) is unsent


@pytest.mark.parametrize("unsent", [True, False])
def test_another_error_in_the_place_of_one_says_the_same_about_what_was_sent(build, tools, unsent):
    def export():
        try:
            return (yield)
        except ConnectorError as error:
            raise ConnectorError("masked", nothing_sent=not unsent) from error

    def write(changes):
        raise ConnectorError("gone", nothing_sent=unsent)

    connector = build(export=write, extensions=[tools.make_extension(export=export)])
    error = failing(lambda: connector.export(tools.STEP, [tools.add("a")]))
    assert str(error) == "extension 'audit': masked"
    assert nothing_was_sent(error) is unsent


def test_a_failure_ends_the_session_as_without_extensions(build, tools):
    opened = []

    @contextmanager
    def open_session():
        opened.append(1)
        yield len(opened)

    def export():
        yield
        raise OSError

    def passing():
        return (yield)

    broken = build(open_session=open_session, extensions=[tools.make_extension(export=export)])
    for _ in range(2):
        failing(lambda: broken.export(tools.STEP, [tools.add("a")]))
    assert len(opened) == 2
    fine = build(open_session=open_session, extensions=[tools.make_extension(export=passing)])
    for _ in range(2):
        fine.export(tools.STEP, [tools.add("a")])
    assert len(opened) == 3


def test_wrappers_of_calls_at_once_do_not_meet(build, tools):
    together = threading.Barrier(4)

    def export(changes):
        together.wait(10)
        (result,) = yield
        together.wait(10)
        assert result.identifier == changes[0].identifier
        return [result]

    capabilities = Capabilities(concurrent_sessions=4)
    connector = build(capabilities=lambda: capabilities, extensions=[tools.make_extension(export=export)])
    answers = {}

    def call(name):
        answers[name] = connector.export(tools.STEP, [tools.add(name)])

    threads = [threading.Thread(target=call, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: [each.identifier for each in results] for name, results in answers.items()} == {
        str(number): [str(number)] for number in range(4)
    }


# Imports --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def people(tools):
    """A plugin's import of three pages, and a record of what happened to it."""
    record = []

    def full_import():
        record.append("begun")
        try:
            for number in range(3):
                yield ImportPage((tools.person(str(number)),))
            record.append("ended")
        finally:
            record.append("closed")

    full_import.record = record
    return full_import


def importing(function):
    """A wrapper whose pages are ``function`` of the connector's."""

    def full_import():
        pages = yield
        return function(pages)

    return full_import


def rename(page):
    return ImportPage(tuple(type(each)(**fields(each) | {"attributes": {"Name": ("X",)}}) for each in page.entries))


def fields(change):
    return {name: getattr(change, name) for name in type(change).__slots__}


def test_pages_are_mapped_lazily_and_to_their_end(build, tools, people):
    watching = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, rename)))
    connector = build(full_import=people, extensions=[watching])
    with closing(connector.full_import(tools.STEP)) as pages:
        first = next(pages)
        assert people.record == ["begun"]
        rest = list(pages)
    assert [each.entries[0].attributes["Name"] for each in (first, *rest)] == [("X",)] * 3
    assert people.record == ["begun", "ended", "closed"]


def test_whoever_stops_early_closes_the_connector_s_pages_through_the_wrapper(build, tools, people):
    watching = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, rename)))
    with closing(build(full_import=people, extensions=[watching]).full_import(tools.STEP)) as pages:
        next(pages)
    assert people.record == ["begun", "closed"]


@pytest.mark.parametrize("raised", [ServerDown("gone"), BrokenContract("example", "full_import", "was broken")])
def test_an_error_of_the_connector_s_pages_comes_through_a_map_as_it_is(build, tools, raised):
    def full_import():
        yield ImportPage((tools.person("1"),))
        raise raised

    watching = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, rename)))
    pages = build(full_import=full_import, extensions=[watching]).full_import(tools.STEP)
    next(pages)
    assert failing(lambda: next(pages)) is raised


def test_an_error_of_the_function_names_the_extension(build, tools, people):
    def crash(page):
        raise KeyError("password=canary")

    watching = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, crash)))
    error = failing(lambda: list(build(full_import=people, extensions=[watching]).full_import(tools.STEP)))
    assert whose(error) == (True, "audit")
    assert "KeyError was raised" in str(error)
    assert "canary" not in str(error)
    assert people.record == ["begun", "closed"]


def test_a_crash_of_the_connector_s_pages_is_its_own_behind_a_wrapper(build, tools):
    def full_import():
        yield ImportPage((tools.person("1"),))
        raise KeyError

    watching = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, rename)))
    error = failing(lambda: list(build(full_import=full_import, extensions=[watching]).full_import(tools.STEP)))
    assert whose(error) == (False, "example")


def swallowing(pages):
    try:
        yield from pages
    except ConnectorError:
        return


@pytest.mark.parametrize(
    "function", [lambda pages: islice(pages, 2), lambda pages: iter(()), swallowing], ids=["some", "none", "swallowed"]
)
def test_an_import_that_an_extension_ends_early_is_not_complete(build, tools, function):
    def full_import():
        for number in range(3):
            yield ImportPage((tools.person(str(number)),))
        raise ServerDown("gone")

    inner = tools.make_extension("short", full_import=importing(function))
    outer = tools.make_extension("fine", full_import=importing(lambda pages: map_pages(pages, rename)))
    error = failing(lambda: list(build(full_import=full_import, extensions=[outer, inner]).full_import(tools.STEP)))
    assert whose(error) == (True, "short")
    assert ALL_PAGES in str(error)


def test_objects_may_be_left_out_of_pages(build, tools, people):
    leaving = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, lambda page: ImportPage(()))))
    pages = list(build(full_import=people, extensions=[leaving]).full_import(tools.STEP))
    assert [page.entries for page in pages] == [(), (), ()]


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda page: None, "a page is an ImportPage, found NoneType"),
        (lambda page: ImportPage((*page.entries,) * 101), "found 101 where 100 were asked for"),
    ],
)
def test_a_wrong_page_of_a_wrapper_is_told_with_the_extension(build, tools, people, function, found):
    wrong = tools.make_extension(full_import=importing(lambda pages: map_pages(pages, function)))
    error = failing(lambda: list(build(full_import=people, extensions=[wrong]).full_import(tools.STEP)))
    assert whose(error) == (True, "audit")
    assert found in str(error)


def test_a_wrapper_of_an_import_that_returns_no_iterator_is_told(build, tools, people):
    wrong = tools.make_extension(full_import=importing(list))
    error = failing(lambda: next(build(full_import=people, extensions=[wrong]).full_import(tools.STEP)))
    assert whose(error) == (True, "audit")
    assert "Iterator was expected and list was returned" in str(error)
