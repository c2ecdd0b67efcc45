"""An explanation as lines: everything that is short, the beginning of what is long."""

import re

from ecmahost_core.cli.explained import (
    SHOWN_LINES,
    SHOWN_PARAMETERS,
    SHOWN_RUNS,
    SHOWN_STATEMENTS,
    SHOWN_VALUES,
    explanation_lines,
)
from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType
from ecmahost_core.ecma.explanations import Statement, Withheld
from ecmahost_core.ecma.values import Reference
from ecmahost_core.secret import Secret
from ecmahost_core.sync.explaining.explanation import Difference, ExplainedStep, Explanation, Foreseen

CHANGE = CSEntryChange("People", ObjectModificationType.UPDATE, (1,), identifier="x")


def lines(**parts):
    told = Explanation("PATCH", "/Users/1", **parts)
    return [re.sub(r"\x1b\[\d+m", "", line) for line in explanation_lines(told, None)]


def step(*statements, differences=(), told=True, **more):
    return [ExplainedStep(CHANGE, tuple(differences), tuple(statements), told=told, **more)]


def test_parameters_stand_below_their_statement_and_what_is_withheld_has_a_name():
    values = ('a"\n\x07', None, 7, 1.5, b"\x01\xff", Withheld.SECRET, Withheld.MADE_BY_TARGET)
    found = lines(steps=step(Statement("INSERT ?", values), Statement("SELECT 1", writes=False)))
    place = found.index("  sends     INSERT ?")
    assert found[place + 1].strip() == 'with "a\\"\\n\\u0007", null, 7, 1.5, 0x01ff, <a secret>, <made by the target>'
    assert found[place + 2] == "  reads     SELECT 1"


def test_a_statement_of_several_lines_is_indented_and_shows_no_control_characters():
    found = lines(steps=step(Statement("people.csv\n- a\x1b[2J\n+ b")))
    assert [line for line in found if line.strip() in ("- a?[2J", "+ b")] == ["            - a?[2J", "            + b"]


def test_differences_are_told_old_and_new():
    found = lines(
        steps=step(
            differences=[
                Difference("title", "Title", (), ("x", "y")),
                Difference("Active", "Active", (True,), ()),
                Difference("password", "export_password", new=None),
                Difference("members", "members", new=None, added=(Reference("1"),), removed=(Reference("2"),)),
            ]
        )
    )
    assert [line.split(maxsplit=1)[1] for line in found if line.startswith("  changes")] == [
        'title (Title): nothing -> "x", "y"',
        "Active: True -> nothing",
        "password (export_password): a secret",
        'members: + "1" - "2"',
    ]


def test_what_is_long_is_printed_in_part():
    many = tuple(str(number) for number in range(1000))
    statement = Statement("\n".join(many), tuple(range(1000)), tuple((one,) for one in many))
    difference = Difference("members", "members", new=None, added=many)
    operation = {"op": "add", "path": "members", "value": [{"value": one} for one in many]}
    found = lines(
        operations=[operation, {"members": list(many)}], steps=step(*[statement] * 60, differences=[difference])
    )
    assert any(f"and {1000 - SHOWN_VALUES} more" in line for line in found if line.startswith("  asks"))
    assert sum("more lines" in line for line in found) == SHOWN_STATEMENTS
    assert any(line.endswith(f"and {60 - SHOWN_STATEMENTS} more statements") for line in found)
    assert any(line.endswith(f"and {1001 - SHOWN_RUNS:,} more times") for line in found)
    assert any(line.endswith(f"and {1000 - SHOWN_PARAMETERS} more") for line in found)
    assert any(line.endswith(f"and {1000 - SHOWN_LINES} more lines") for line in found)
    assert max(map(len, found)) < 1000


def test_a_secret_of_the_request_is_a_word():
    def reveal():
        raise AssertionError("nobody looks at it")

    secret = Secret(reveal)
    found = lines(operations=[{"op": "add", "path": "password", "value": secret}, {"password": secret, "a": [secret]}])
    assert '  asks      add password {"withheld":"a secret"}' in found


def test_what_a_connector_does_not_tell_is_the_change_itself():
    found = lines(steps=step(told=False, note="It does not tell."), answer=Foreseen(503, None, "down"))
    assert any(line.startswith('  change    {"object_type":"People"') for line in found)
    assert "  note      It does not tell." in found
    assert found[-1] == "  answer    503 down"
