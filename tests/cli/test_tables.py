"""Tables: nothing is cut off, in a pipe and on a terminal."""

import pytest

from ecmahost_core.cli.tables import table_lines, wrapped

HEADINGS = ("id", "anchor", "modified", "Login")
ID = "01a20677-a01f-7027-828d-b2c7731bf2f1"
ROW = (ID, "4711", "2026-11-23T03:33:52Z", "m.mueller@example.com")


def test_in_a_pipe_a_record_is_one_line_with_every_value_whole() -> None:
    lines = table_lines(HEADINGS, [ROW, (ID, "1", "", "x" * 300)], None)
    assert len(lines) == 3
    assert all(value in lines[1] for value in ROW)
    assert lines[2].endswith("x" * 300)
    assert lines[0].index("Login") == lines[1].index("m.mueller") == lines[2].index("xxx")


def test_where_everything_fits_a_terminal_gets_the_same_table() -> None:
    assert table_lines(HEADINGS, [ROW], 120) == table_lines(HEADINGS, [ROW], None)


@pytest.mark.parametrize("width", [40, 80, 100])
def test_on_a_narrow_terminal_the_other_columns_follow_below_and_no_value_is_broken(width: int) -> None:
    lines = table_lines(HEADINGS, [ROW], width)
    assert all(any(value in line for line in lines) for value in ROW)
    assert all(len(line) <= width for line in lines)


def test_a_heading_goes_with_a_value_that_stands_below_and_empty_ones_are_left_out() -> None:
    lines = table_lines(("id", "error", "request"), [(ID, "", "r-1")], 40)
    assert lines == ["id", ID, "    request r-1"]


def test_an_identifier_wider_than_the_terminal_stays_whole() -> None:
    assert "x" * 60 in table_lines(("id", "name"), [("x" * 60, "n")], 40)


def test_wide_characters_keep_the_columns_in_line() -> None:
    heading, wide, narrow = table_lines(("name", "state"), [("東京", "live"), ("Bonn", "live")], None)
    assert heading.index("state") == narrow.index("live")
    assert wide == "東京  live"


def test_control_characters_and_line_ends_in_a_value_cannot_break_the_table() -> None:
    assert table_lines(("a", "b"), [("x\x1b[31m\ny", "z")], None)[1] == "x?[31m y  z"


def test_prose_is_one_line_in_a_pipe_and_wrapped_under_its_indent_on_a_terminal() -> None:
    text = "see /var/lib/ecmahost/connectors.d/a-very-long-name-of-a-file.toml and correct it"
    assert wrapped(text, "  ", "      ", None) == f"  {text}"
    lines = wrapped(text, "  ", "      ", 40).splitlines()
    assert lines[0].startswith("  see")
    assert any(line.startswith("      ") for line in lines[1:])
    assert any("/var/lib/ecmahost/connectors.d/a-very-long-name-of-a-file.toml" in line for line in lines)
