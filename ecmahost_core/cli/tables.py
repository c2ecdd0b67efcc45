"""Tables and findings as text: nothing is ever cut off, and an identifier is never broken over two lines.

In a pipe every record is one line, however long, so that ``grep``, ``awk`` and a mail keep it whole. On a terminal that
is too narrow the columns that fit stay a table, and the others follow below each row with their headings.
"""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

import click
from rich.cells import cell_len

from ecmahost_core.cli.group import printable

_GAP = "  "
_INDENT = "    "
_NARROWEST = 40


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints rows on standard output, for the terminal as it is now or for a pipe."""
    for line in table_lines(headings, list(rows), terminal_width()):
        click.echo(line)


def terminal_width() -> int | None:
    """Returns the columns of the terminal on standard output; None when it is a pipe or a file."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def table_lines(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Returns the lines of a table.

    Args:
        headings: of the columns.
        rows: a text for each column; may hold anything, control characters are made visible.
        width: columns of the terminal; None puts every row on one line.
    """
    cells = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
    fitting = len(widths) if width is None else _fitting(widths, width)
    lines = [_aligned(headings[:fitting], widths)]
    for row in cells:
        lines.append(_aligned(row[:fitting], widths))
        lines += _below(headings[fitting:], row[fitting:], width)
    return lines


def wrapped(text: str, indent: str, following: str, width: int | None) -> str:
    """Returns prose behind ``indent``, on a terminal wrapped to it with ``following`` before the further lines."""
    text = _one_line(text)
    if width is None:
        return indent + text
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _one_line(text: str) -> str:
    return printable(text).replace("\n", " ")


def _fitting(widths: Sequence[int], width: int) -> int:
    """Returns how many columns, at least one, fit beside each other."""
    total, count = -len(_GAP), 0
    for column in widths:
        total += len(_GAP) + column
        if total > width:
            break
        count += 1
    return max(1, count)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (size - cell_len(cell)) for cell, size in zip(cells, widths, strict=False))
    return _GAP.join(padded).rstrip()


def _below(headings: Sequence[str], cells: Sequence[str], width: int | None) -> list[str]:
    """The columns that did not fit, as ``heading value``; those without a value are left out."""
    lines: list[str] = []
    for part in (f"{heading} {cell}" for heading, cell in zip(headings, cells, strict=True) if cell):
        if lines and width is not None and cell_len(lines[-1]) + len(_GAP) + cell_len(part) <= width:
            lines[-1] += _GAP + part
        else:
            lines.append(_INDENT + part)
    return lines
