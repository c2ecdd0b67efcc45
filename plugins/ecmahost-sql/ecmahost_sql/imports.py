"""Reading: all objects of a table page by page, and one object by its values.

Pages follow the anchor's own order (keyset paging), each in one short statement, so that no lock on the customer's
database outlives a page. A row that exists throughout is read exactly once, whatever is written meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ecmahost_core import CSEntryChange, ImportPage, ObjectModificationType, ObjectQuery, RunStep
from ecmahost_sql import statements
from ecmahost_sql.database import Database, Row, SqlValue
from ecmahost_sql.delta_reads import taken
from ecmahost_sql.errors import DatabaseFailure, FailureKind, as_connector_errors
from ecmahost_sql.rows import Selection, ambiguous_entries, comparable, entries_of, entry_of, failure, require_column
from ecmahost_sql.session import Session
from ecmahost_sql.value_reads import pages_of, with_values
from ecmahost_sql.values import InvalidValue, bind_for_query

ROWS_OF_A_SORT = 20_000
"""Rows read at once where the anchor has no index, so that every page would sort the whole table again."""

ROWS_WITH_MARKED = 1000
"""How many rows are read for one object where some of them may be marked as deleted."""

LISTED_WITHOUT_ANCHOR = 100
"""Rows without an anchor that are told one by one; the rest is counted."""


def read_all(session: Session, step: RunStep) -> Iterator[ImportPage]:
    """Yields the objects of every type of the step; see the hook ``full_import``.

    Ends normally only if the database is still the one that was opened.
    """
    with as_connector_errors():
        watermark = taken(session, step)
        for schema_type in step.types:
            selection = session.selection(schema_type)
            entries = _entries(session, selection, step.page_size)
            if selection.several:
                yield from pages_of(
                    with_values(session.database, selection, selection.several, entries), step.page_size
                )
                continue
            while page := tuple(islice(entries, step.page_size)):
                yield ImportPage(page)
        session.require_database()
        if watermark:
            yield ImportPage((), watermark)


def read_one(session: Session, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    """Returns the objects that match; a value that the column cannot hold matches nothing."""
    with as_connector_errors():
        session.require_database()
        selection = session.selection(step.type(query.object_type))
        expressions: list[str] = []
        values: list[SqlValue] = []
        for name, wanted in query.attributes:
            column = require_column(selection.table, name)
            attribute_type = selection.attribute_type(column)
            expressions.append(comparable(session.database, column, attribute_type))
            try:
                values.append(bind_for_query(column, attribute_type, wanted[0]) if wanted else None)
            except InvalidValue:
                return ()
        place = statements.place_of(session.database, expressions, tuple(values))
        # Marked rows are not there, and must not take the places of others.
        limit = query.limit if selection.mark is None else max(query.limit, ROWS_WITH_MARKED)
        sql = statements.select(session.database, selection.expressions, selection.table, place, limit)
        try:
            rows = session.database.query(sql, place.parameters)
        except DatabaseFailure as failed:
            if failed.kind is FailureKind.INVALID_VALUE:
                return ()
            raise
        found = [entry_of(selection, row) for row in rows if not selection.marked(row)][: query.limit]
        return tuple(with_values(session.database, selection, selection.several, found))


def _entries(session: Session, selection: Selection, page_size: int) -> Iterator[CSEntryChange]:
    yield from _without_anchor(session, selection)
    yield from _by_anchor(session, selection, page_size)


def _without_anchor(session: Session, selection: Selection) -> Iterator[CSEntryChange]:
    """Yields the rows that no anchor identifies, as failures."""
    database, table = session.database, selection.table
    place = statements.without_key(database, selection.key)
    sql = statements.select(database, selection.expressions, table, place, LISTED_WITHOUT_ANCHOR)
    rows = database.query(sql)
    yield from (entry_of(selection, row) for row in rows)
    if len(rows) == LISTED_WITHOUT_ANCHOR:
        ((total,),) = database.query(statements.count(table, place))
        if isinstance(total, int) and total > len(rows):
            problem = f"{total - len(rows)} more rows have no value in the anchor ({', '.join(selection.key_names)})"
            yield CSEntryChange(
                selection.schema_type.name, ObjectModificationType.ADD, failure=failure(table, [problem])
            )


class _Page(NamedTuple):
    """Some rows as objects, and the key from which to go on; None at the end."""

    entries: Iterable[CSEntryChange]
    last: Row | None


def _by_anchor(session: Session, selection: Selection, page_size: int) -> Iterator[CSEntryChange]:
    """Yields the rows in the order of their anchors; rows that share an anchor are a failure together."""
    database = session.database
    start, _ = statements.ordered(database, selection, None, 1)
    size = max(page_size, ROWS_OF_A_SORT) if database.sorts(start, ()) else page_size
    distinct = selection.distinct
    after: Row | None = None
    while True:
        session.require_database()
        page = _distinct(database, selection, after, size) if distinct else None
        if page is None:
            distinct = False
            page = _numbered(database, selection, after, size)
        yield from page.entries
        if page.last is None:
            return
        after = page.last


def _distinct(database: Database, selection: Selection, after: Row | None, size: int) -> _Page | None:
    """Reads rows whose keys the database keeps distinct.

    None where it does not keep its word: in PostgreSQL, each of the tables that inherit from another has a key of its
    own. One row more than needed is read, so that two equal keys are always met side by side.
    """
    rows = database.query(*statements.distinct_page(database, selection, after, size + 1))
    width = len(selection.columns)
    keys = [row[width:] for row in rows]
    if len(set(keys)) < len(keys):
        return None
    if after is not None and keys and keys[0] == after:
        raise _unordered(selection)
    complete = len(rows) <= size
    there = rows[:size] if selection.mark is None else [row for row in rows[:size] if not selection.marked(row)]
    return _Page(entries_of(selection, there), None if complete else keys[size - 1])


def _numbered(database: Database, selection: Selection, after: Row | None, size: int) -> _Page:
    """Reads rows of which several may have the same key, equal keys numbered alike.

    One row more than needed is read. When it comes, the last anchor may have more rows behind it, so that anchor is
    left for the next page; when it is the only one, whatever more rows it has are skipped.
    """
    width = len(selection.columns)
    last = width + len(selection.key)
    ordered, parameters = statements.ordered(database, selection, after, size + 1)
    rows = database.query(statements.page(selection, ordered), parameters)
    if after is not None and rows and rows[0][width:last] == after:
        raise _unordered(selection)
    groups = list(_groups(rows, last))
    complete = len(rows) <= size
    cut = not complete and len(groups) == 1
    if not complete and not cut:
        groups.pop()
    return _Page(_grouped(selection, groups, cut=cut), None if complete else groups[-1][-1][width:last])


def _grouped(selection: Selection, groups: Sequence[list[Row]], *, cut: bool) -> Iterator[CSEntryChange]:
    """Yields the objects of rows that are grouped by their keys; ``cut``: the one group has more rows."""
    for rows in groups:
        group = [row for row in rows if not selection.marked(row)]
        if len(group) == 1 and not cut:
            yield entry_of(selection, group[0])
        elif group:
            yield from ambiguous_entries(selection, group, f"at least {len(rows)}" if cut else str(len(group)))


def _unordered(selection: Selection) -> DatabaseFailure:
    """A number that is printed with fewer digits than it has is greater than itself; going on would never end."""
    return DatabaseFailure(
        FailureKind.OTHER,
        f"table {selection.table.name}: the database does not find the anchor ({', '.join(selection.key_names)}) again "
        "by the value that it gives; choose another anchor",
    )


def _groups(rows: Sequence[Row], number: int) -> Iterator[list[Row]]:
    """Yields the rows of each anchor: those that follow each other with the same number in this position."""
    group: list[Row] = []
    for row in rows:
        if group and group[-1][number] != row[number]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
