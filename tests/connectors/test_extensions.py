"""What an extension's module may be."""

import functools
from types import ModuleType

import pytest

from ecmahost_core import ConfigParameterDefinition, hookimpl
from ecmahost_core.connectors import extensions
from ecmahost_core.connectors.contract import NAMES, BrokenPlugin, specifications
from ecmahost_core.connectors.extensions import ADDED, FORBIDDEN, checked_extension, settings_definitions
from ecmahost_core.errors import BrokenContract

wrapper = hookimpl(wrapper=True)


def make_export():
    def export(changes):
        return (yield)

    return export


def module_of(**functions):
    module = ModuleType("ecmahost_audit")
    for name, function in ({"export": wrapper(make_export())} | functions).items():
        setattr(module, name, function)
    return module


def only_problem(**functions):
    with pytest.raises(BrokenPlugin) as caught:
        checked_extension("audit", module_of(**functions))
    (problem,) = caught.value.problems
    assert problem.plugin == "audit"
    assert str(caught.value).startswith("extension 'audit'")
    return problem


def test_a_module_of_wrappers_is_an_extension():
    extension = checked_extension("audit", module_of(), "ecmahost-audit", "1.0")
    assert set(extension.wrappers) == {"export"}
    assert (extension.name, extension.distribution, extension.version) == ("audit", "ecmahost-audit", "1.0")


@pytest.mark.parametrize("argument", sorted(FORBIDDEN))
@pytest.mark.parametrize("hook", ["capabilities", "export"])
def test_a_wrapper_never_names_parameters_or_secrets(hook, argument):
    namespace = {}
    exec(f"def {hook}({argument}):\n    return (yield)", namespace)
    problem = only_problem(**{hook: wrapper(namespace[hook])})
    assert problem.hook == hook
    assert extensions.FORBIDDEN_ARGUMENTS in problem.sentence
    assert f"the wrapper of {hook!r} names {argument!r}; take it out" in problem.sentence


@pytest.mark.parametrize("hook", ["connectivity_parameters", "open_session", "session_alive"])
def test_what_concerns_the_connection_is_not_wrapped(hook):
    def wrap():
        return (yield)

    assert extensions.CONNECTIONS in only_problem(**{hook: wrapper(wrap)}).sentence


def test_a_misspelt_argument_is_refused_with_the_nearest_one():
    def misspelt(chagnes):
        return (yield)

    problem = only_problem(export=wrapper(misspelt))
    assert NAMES in problem.sentence
    assert "'export' has no argument 'chagnes'; did you mean 'changes'?" in problem.sentence
    assert "settings, connector)" in problem.sentence


def test_an_unknown_hook_is_refused_with_the_nearest_one():
    sentence = only_problem(full_objekt_import=wrapper(make_export())).sentence
    assert "there is no hook 'full_objekt_import'; did you mean 'full_object_import'?" in sentence


def test_a_function_that_answers_by_itself_is_no_wrapper():
    problem = only_problem(check=hookimpl(lambda session: ()))
    assert extensions.WRAPPERS in problem.sentence
    assert "'check' is not marked with @hookimpl(wrapper=True)" in problem.sentence


def test_a_wrapper_of_the_old_kind_is_refused():
    problem = only_problem(export=hookimpl(hookwrapper=True)(make_export()))
    assert "is not marked with @hookimpl(wrapper=True)" in problem.sentence


@pytest.mark.parametrize("option", ["tryfirst", "trylast"])
def test_the_configuration_alone_decides_the_order(option):
    problem = only_problem(export=hookimpl(wrapper=True, **{option: True})(make_export()))
    assert extensions.ORDER in problem.sentence


def test_a_wrapper_is_a_generator_function():
    assert "'export' has no yield" in only_problem(export=wrapper(lambda changes: changes)).sentence


def test_a_marked_object_that_is_no_function_is_refused_because_pluggy_would_ignore_it():
    problem = only_problem(export=wrapper(functools.partial(make_export(), ())))
    assert "'export' is marked but is no function: partial" in problem.sentence


def test_a_function_named_like_a_hook_but_not_marked_is_refused():
    assert "the function 'check' is not marked with @hookimpl" in only_problem(check=lambda: ()).sentence


def test_a_hook_under_another_name_is_refused():
    mark = hookimpl(wrapper=True, specname="export")
    assert "rename the function" in only_problem(write_people=mark(make_export())).sentence


def test_a_module_that_wraps_nothing_is_no_extension():
    with pytest.raises(BrokenPlugin, match="the module 'ecmahost_audit' wraps no hook"):
        checked_extension("audit", ModuleType("ecmahost_audit"))


def test_all_mistakes_are_told_at_once():
    wrong = {"check": lambda: (), "frobnicate": wrapper(make_export()), "open_session": wrapper(make_export())}
    with pytest.raises(BrokenPlugin) as caught:
        checked_extension("audit", module_of(**wrong))
    assert {problem.hook for problem in caught.value.problems} == wrong.keys()


def test_settings_are_declared_like_a_connector_s_parameters():
    declared = module_of(extension_parameters=hookimpl(lambda: [ConfigParameterDefinition("file", "File")]))
    assert [each.name for each in settings_definitions(checked_extension("audit", declared))] == ["file"]
    assert settings_definitions(checked_extension("audit", module_of())) == ()


@pytest.mark.parametrize(
    ("declaration", "found"),
    [
        (lambda: None, "NoneType was returned"),
        (lambda: [ConfigParameterDefinition("", "File")], "a parameter has no name"),
        (lambda: 1 / 0, "ZeroDivisionError was raised"),
    ],
)
def test_a_wrong_declaration_is_told_with_the_extension(declaration, found):
    extension = checked_extension("audit", module_of(extension_parameters=hookimpl(declaration)))
    with pytest.raises(BrokenContract, match=found) as caught:
        settings_definitions(extension)
    assert str(caught.value).startswith("extension 'audit', hook 'extension_parameters': ")


@pytest.mark.parametrize(
    "declaration",
    [lambda: (), wrapper(make_export()), hookimpl(lambda session: ())],
    ids=["unmarked", "wrapper", "argument"],
)
def test_a_declaration_is_a_plain_marked_function_without_arguments(declaration):
    assert only_problem(extension_parameters=declaration).hook == "extension_parameters"


def test_no_hook_has_an_argument_that_extensions_know_as_something_else():
    assert [name for name, arguments in specifications().items() if set(arguments) & set(ADDED)] == []
