"""The contract is one file that an author reads; nothing in it is without words, without a caller or without a test."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from ecmahost_core import hookspecs
from ecmahost_core.connectors import connector, defaults
from ecmahost_core.connectors.contract import REQUIRED, specifications

HOOKS = sorted(specifications())
TESTS = Path(__file__).parent / "connectors"


def options(hook):
    return getattr(getattr(hookspecs, hook), f"{hookspecs.PROJECT}_spec")


def called():
    """The hooks that the facade calls, by the first argument of ``Hooks.call``."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(connector))) if isinstance(node, ast.Call)]
    return {
        node.args[0].value
        for node in calls
        if isinstance(node.func, ast.Attribute) and node.func.attr == "call" and isinstance(node.args[0], ast.Constant)
    }


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_explained_to_whoever_implements_it(hook):
    text = inspect.getdoc(getattr(hookspecs, hook))
    assert text
    assert re.match(r"(Required\. )?(Returns|Yields|Plans|Applies .* and returns) ", text), "says first what it gives"
    assert ("Required." in text) == (hook in REQUIRED)
    assert text.rstrip().endswith((".", ".)"))


@pytest.mark.parametrize("hook", HOOKS)
def test_no_hook_is_explained_by_what_one_connector_or_the_host_does_inside(hook):
    text = inspect.getdoc(getattr(hookspecs, hook)).lower()
    named = re.findall(r"\b(csv|sql|sqlite|ldap|odbc|ecmahost_\w+|pluggy|flask|journal|sync\.\w+|store\.\w+)\b", text)
    assert named == []


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_one_answer_and_typed_arguments(hook):
    assert options(hook)["firstresult"]
    signature = inspect.signature(getattr(hookspecs, hook))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(each.annotation is not each.empty for each in signature.parameters.values())


def test_every_hook_is_called_by_the_facade_and_nothing_else_is():
    assert called() == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_tested(hook):
    sources = [file.read_text(encoding="utf-8") for file in sorted(TESTS.glob("test_*.py"))]
    assert any(re.search(rf"\b{hook}\b", source) for source in sources)


def test_the_introduction_names_the_hooks_that_are_required():
    (line,) = [line for line in hookspecs.__doc__.splitlines() if line.startswith("Required:")]
    assert set(re.findall(r"``(\w+)``", line)) == REQUIRED


def test_the_built_in_defaults_are_optional_hooks_with_the_arguments_of_the_contract():
    implemented = [name for name, value in vars(defaults).items() if hasattr(value, f"{hookspecs.PROJECT}_impl")]
    assert implemented
    for name in implemented:
        assert name not in REQUIRED
        assert set(inspect.signature(getattr(defaults, name)).parameters) <= set(specifications()[name])
