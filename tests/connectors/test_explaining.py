"""The facade of ``explain_export``: what a connector tells of an export that it does not carry out."""

from contextlib import contextmanager

import pytest

from ecmahost_core import (
    Capabilities,
    ConnectorError,
    CSEntryChange,
    ExportError,
    ExportExplanation,
    MAExportError,
    ObjectModificationType,
    SessionPurpose,
    Statement,
    Withheld,
)
from ecmahost_core.errors import BrokenContract


def explain_export(changes):
    return [ExportExplanation(change.identifier, (Statement("PUT ?", (1, None, b"x", 2.5)),)) for change in changes]


class Opened:
    """Which sessions are opened."""

    def __init__(self) -> None:
        self.purposes: list[SessionPurpose] = []

        @contextmanager
        def open_session(purpose):
            self.purposes.append(purpose)
            yield "session"

        self.hook = open_session


@pytest.fixture
def opened() -> Opened:
    return Opened()


def test_a_connector_that_tells_is_able_to_unless_it_declines(build):
    assert not build().capabilities.explain
    assert build(explain_export=explain_export).capabilities.explain
    declining = build(explain_export=explain_export, capabilities=lambda: Capabilities(explain=False))
    assert not declining.capabilities.explain
    assert not build(capabilities=lambda: Capabilities(explain=True)).capabilities.explain


def test_a_connector_that_does_not_tell_is_not_asked(build, tools, opened):
    with pytest.raises(ConnectorError, match="no explain_export"):
        build(open_session=opened.hook).explain_export(tools.STEP, [tools.add("a")])
    assert opened.purposes == []


def test_explanations_come_in_the_order_of_the_changes_over_a_session_for_reading(build, tools, opened):
    connector = build(open_session=opened.hook, explain_export=lambda changes: explain_export(changes)[::-1])
    told = connector.explain_export(tools.STEP, [tools.add("a"), tools.add("b")])
    assert [one.identifier for one in told] == ["a", "b"]
    assert opened.purposes == [SessionPurpose.READ]


def test_a_connector_hears_which_changes_bring_a_password_and_never_the_password(build, tools):
    heard = []

    def explain(changes, with_password):
        heard.append(with_password)
        return [ExportExplanation(each.identifier, (Statement("SET ?", (Withheld.SECRET,)),)) for each in changes]

    build(explain_export=explain).explain_export(tools.STEP, [tools.add("a"), tools.add("b")], {"b"})
    assert heard == [frozenset({"b"})]


def test_a_change_whose_type_the_step_lacks_is_never_asked_about(build, tools):
    stranger = CSEntryChange("Group", ObjectModificationType.ADD, ("1",), identifier="a")
    with pytest.raises(ValueError, match="object types"):
        build(explain_export=explain_export).explain_export(tools.STEP, [stranger])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        ["a statement"],
        [ExportExplanation("b")],
        [ExportExplanation("a"), ExportExplanation("a")],
        [ExportExplanation("a", ("text",))],
        [ExportExplanation("a", [Statement("x")])],
        [ExportExplanation("a", (Statement(None),))],
        [ExportExplanation("a", (Statement("x", [1]),))],
        [ExportExplanation("a", (Statement("x", (object(),)),))],
        [ExportExplanation("a", (Statement("x", (), ((object(),),)),))],
        [ExportExplanation("a", note=None)],
        [ExportExplanation("a", error="no")],
        [ExportExplanation("a", error=ExportError("no", "x"))],
    ],
)
def test_explanations_that_break_the_contract_are_refused(build, tools, answer):
    with pytest.raises(BrokenContract):
        build(explain_export=lambda: answer).explain_export(tools.STEP, [tools.add("a")])


def test_a_value_that_should_not_be_there_is_not_repeated(build, tools):
    class Odd:
        def __repr__(self):
            return "hunter2"

    answer = [ExportExplanation("a", (Statement("x", (Odd(),)),))]
    with pytest.raises(BrokenContract) as caught:
        build(explain_export=lambda: answer).explain_export(tools.STEP, [tools.add("a")])
    assert "hunter2" not in str(caught.value)


def test_extensions_wrap_it_as_any_other_hook(build, tools):
    def wrapper(changes):
        told = yield
        return [
            ExportExplanation(one.identifier, error=ExportError(MAExportError.PERMISSION_ISSUE, "no")) for one in told
        ]

    extension = tools.make_extension(explain_export=wrapper)
    (told,) = build(explain_export=explain_export, extensions=[extension]).explain_export(tools.STEP, [tools.add("a")])
    assert told.error is not None


def test_a_statement_has_a_json_form():
    told = Statement("x ?", (1, None, "a", b"\x00"), ((Withheld.MADE_BY_TARGET,),), writes=False)
    assert told.to_json() == {
        "text": "x ?",
        "parameters": [1, None, "a", {"base64": "AA=="}],
        "more": [[{"withheld": "made by the target"}]],
        "writes": False,
    }
    assert "more" not in Statement("x").to_json()
