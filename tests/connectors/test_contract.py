import asyncio
import contextlib
import functools
import re
from inspect import cleandoc, getdoc
from pathlib import Path
from types import ModuleType

import pytest

from ecmahost_core import hookimpl, hookspecs
from ecmahost_core.connectors import contract, entries, extensions, failures, pages, returns, wrapping
from ecmahost_core.connectors.contract import REQUIRED, BrokenPlugin, checked_plugin, specifications


def only_problem(module, name="example"):
    with pytest.raises(BrokenPlugin) as caught:
        checked_plugin(name, module)
    (problem,) = caught.value.problems
    assert problem.plugin == caught.value.plugin == name
    assert (problem.hook, problem.sentence) == (caught.value.hook, caught.value.sentence)
    assert repr(name) in str(caught.value)
    return problem


def test_a_module_with_the_required_hooks_is_a_plugin(tools):
    plugin = checked_plugin("example", tools.make_module(), "ecmahost-example", "1.0")
    assert set(plugin.hooks) == REQUIRED
    assert plugin.implements("export")
    assert not plugin.implements("check")


@pytest.mark.parametrize("hook", sorted(REQUIRED))
def test_a_missing_required_hook_is_named_with_the_sentence(tools, hook):
    problem = only_problem(tools.make_module(**{hook: None}))
    assert problem.hook == hook
    assert contract.REQUIRED_HOOKS in problem.sentence
    assert f"the module 'ecmahost_example' has no function '{hook}'" in problem.sentence


def test_a_submodule_that_hides_a_required_hook_is_told(tools):
    problem = only_problem(tools.make_module(schema=ModuleType("ecmahost_example.schema")))
    assert problem.hook == "schema"
    assert "'schema' in the module 'ecmahost_example' is a module" in problem.sentence


def test_a_submodule_imported_later_does_not_take_a_hook_away(tools):
    module = tools.make_module()
    plugin = checked_plugin("example", module)
    module.schema = ModuleType("ecmahost_example.schema")
    assert callable(plugin.hooks["schema"])


@pytest.mark.parametrize("hook", ["export", "check", "full_import"])
def test_a_function_named_like_a_hook_but_not_marked_is_refused(tools, hook):
    problem = only_problem(tools.make_module(**{hook: lambda: ()}))
    assert problem.hook == hook
    assert contract.NAMES in problem.sentence
    assert f"the function {hook!r} is not marked with @hookimpl" in problem.sentence


def test_names_that_are_no_functions_may_resemble_hooks(tools):
    checked_plugin("example", tools.make_module(check=ModuleType("ecmahost_example.check"), capabilities=3))


def test_a_marked_function_that_is_no_hook_is_refused_with_the_nearest_name(tools):
    problem = only_problem(tools.make_module(full_objekt_import=hookimpl(lambda session: ())))
    assert problem.hook == "full_objekt_import"
    assert contract.NAMES in problem.sentence
    assert "there is no hook 'full_objekt_import'; did you mean 'full_object_import'?" in problem.sentence


def test_an_optional_mark_does_not_make_an_unknown_hook_acceptable(tools):
    mark = hookimpl(optionalhook=True)
    assert "there is no hook 'frobnicate'" in only_problem(tools.make_module(frobnicate=mark(lambda: ()))).sentence


def test_a_misspelt_argument_is_refused_with_the_nearest_one(tools):
    problem = only_problem(tools.make_module(export=hookimpl(lambda session, chagnes: ())))
    assert problem.hook == "export"
    assert contract.NAMES in problem.sentence
    found = "'export' has no argument 'chagnes'; did you mean 'changes'? (arguments: session, step, changes, secrets)"
    assert found in problem.sentence


def test_a_misspelt_argument_with_a_default_is_refused_as_well(tools):
    problem = only_problem(tools.make_module(export=hookimpl(lambda session, chagnes=(): ())))
    assert "'export' has no argument 'chagnes'" in problem.sentence


@pytest.mark.parametrize(
    "function", [lambda *session: (), lambda *, session: (), lambda session, **rest: ()], ids=["args", "only", "kwargs"]
)
def test_an_argument_that_nobody_would_fill_in_is_refused(tools, function):
    problem = only_problem(tools.make_module(schema=hookimpl(function)))
    assert contract.ARGUMENTS in problem.sentence
    assert "which nothing fills" in problem.sentence


def test_an_async_hook_is_refused(tools):
    async def schema(session):
        await asyncio.sleep(0)

    problem = only_problem(tools.make_module(schema=hookimpl(schema)))
    assert contract.MODULE in problem.sentence
    assert "'schema' is an async function" in problem.sentence


def test_an_async_generator_is_refused_for_an_import(tools):
    async def full_import(session):
        yield ()

    assert "is an async function" in only_problem(tools.make_module(full_import=hookimpl(full_import))).sentence


def test_a_generator_where_a_plain_return_is_expected_is_refused(tools):
    def export(session):
        yield ()

    problem = only_problem(tools.make_module(export=hookimpl(export)))
    assert "'export' is a generator function; only full_import and delta_import yield" in problem.sentence


def test_a_generator_is_what_an_import_is(tools):
    def full_import(session):
        yield ()

    assert checked_plugin("example", tools.make_module(full_import=hookimpl(full_import))).implements("full_import")


def test_a_session_without_the_context_manager_decorator_is_refused_with_the_way_out(tools):
    def open_session(parameters):
        yield parameters

    problem = only_problem(tools.make_module(open_session=hookimpl(open_session)))
    assert contract.CONTEXT_MANAGER in problem.sentence
    assert "decorate it with @contextlib.contextmanager" in problem.sentence


@pytest.mark.parametrize("order", [lambda f: hookimpl(contextlib.contextmanager(f)), hookimpl])
def test_decorators_may_stand_in_either_order(tools, order):
    def open_session(parameters):
        yield parameters

    marked = order(open_session)
    checked_plugin(
        "example",
        tools.make_module(open_session=marked if order is not hookimpl else contextlib.contextmanager(marked)),
    )


@pytest.mark.parametrize("mark", [hookimpl(wrapper=True), hookimpl(hookwrapper=True)], ids=["new", "old"])
def test_a_wrapper_is_refused(tools, mark):
    def export(session):
        return (yield)

    problem = only_problem(tools.make_module(export=mark(export)))
    assert contract.MODULE in problem.sentence
    assert "'export' is a wrapper" in problem.sentence


def test_a_hook_under_another_name_is_refused(tools):
    mark = hookimpl(specname="export")
    problem = only_problem(tools.make_module(write_people=mark(lambda session: ())))
    assert "asks for another name with specname; rename the function" in problem.sentence


def test_a_marked_object_that_is_no_function_is_refused_because_pluggy_would_ignore_it(tools):
    problem = only_problem(tools.make_module(export=hookimpl(functools.partial(lambda session: ()))))
    assert "'export' is marked but is no function: partial" in problem.sentence


def test_all_mistakes_of_a_plugin_are_told_at_once(tools):
    module = tools.make_module(
        connectivity_parameters=None,
        schema=lambda session: (),
        export=hookimpl(lambda sesion, chagnes: ()),
        full_imports=hookimpl(lambda: ()),
    )
    with pytest.raises(BrokenPlugin) as caught:
        checked_plugin("example", module)
    assert sorted(problem.hook for problem in caught.value.problems) == [
        "connectivity_parameters",
        "export",
        "export",
        "full_imports",
        "schema",
    ]
    for problem in caught.value.problems:
        assert problem.sentence in str(caught.value)


def test_looking_at_a_module_runs_none_of_its_objects_code(tools):
    class Proxy:
        def __getattr__(self, name):
            raise RuntimeError("looked at")

        __call__ = __getattr__

    checked_plugin("example", tools.make_module(current_app=Proxy(), check=Proxy()))


def test_the_required_hooks_are_those_whose_documentation_says_so():
    documented = {name for name in specifications() if getdoc(vars(hookspecs)[name]).startswith("Required.")}
    assert documented == REQUIRED


def test_every_hook_of_the_contract_returns_the_first_result():
    for name in specifications():
        assert vars(hookspecs)[name].ecmahost_spec["firstresult"], name


QUOTED = [
    (f"{module.__name__}.{name}", value)
    for module in (contract, entries, extensions, failures, pages, returns, wrapping)
    for name, value in vars(module).items()
    if name.isupper() and name[0] != "_" and isinstance(value, str)
]


@pytest.mark.parametrize("quotation", [value for _, value in QUOTED], ids=[name for name, _ in QUOTED])
def test_every_sentence_that_is_held_against_a_plugin_stands_in_the_contract(quotation):
    text = re.sub(r"\s+", " ", cleandoc(Path(hookspecs.__file__).read_text()))
    assert quotation in text
