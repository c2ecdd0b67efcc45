"""What an ODBC error tells: its kind, the column that it is about, and a sentence for people.

Messages of databases hold values, so none is passed on; only names that we know from the catalog, or that stand where
the database itself puts the name of a constraint or a table, and what a trigger of the customer's raises, are.
"""

import re

from ecmahost_sql.catalog import Table
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.odbc.codes import kind_of
from ecmahost_sql.odbc.drivers import SQL_SERVER, Driver

_LONGEST_DETAIL = 300
_STATE = re.compile(r"[0-9A-Za-z]{5}")
_FURTHER = re.compile(r"(?<=\)); \[[0-9A-Z]{5}\] \[")
"""Where pyodbc goes on with what else was said: "The statement has been terminated", with a number of its own."""

_NATIVE = re.compile(r"\((-?\d+)\)(?: \(SQL\w+\))?\W*$")

_WORDS = {
    FailureKind.BUSY: "the database is locked by another program, or ended a deadlock this way; try again later",
    FailureKind.TIMEOUT: "the statement took longer than command_timeout allows and was stopped; it may lack an index",
    FailureKind.PERMISSION: "the database account may not do this",
    FailureKind.READ_ONLY: "the database takes no changes: it is read-only (a replica, maintenance, or a setting of "
    "the database, the account or the data source)",
    FailureKind.CREDENTIALS: "the database refuses the login: the user or the password, this machine's address, or a "
    "connection without TLS",
    FailureKind.UNAVAILABLE: "the database cannot be reached, or the connection to it was lost",
    FailureKind.NOT_IN_CATALOG: "a table or column is missing, here or in what a view or trigger uses",
    FailureKind.INVALID_VALUE: "a value does not fit the type or the length of its column",
}

_OWN_WORDS = {("PostgreSQL", "P0001"), ("MariaDB", "45000"), ("MySQL", "45000")}
"""What a trigger of the customer's raises in its own words."""

_RAISED = 50_000
"""From here on, numbers of SQL Server's are what RAISERROR and THROW gave them."""

_OPENS, _CLOSES = '["„“«»]\\s?', '\\s?["”“»«]'
"""PostgreSQL speaks the server's language, and quotes names as that does."""

_NAMED = f"{_OPENS}(.+?){_CLOSES}"
_MISSING = (
    re.compile(r'null value in column "(.+?)" of relation "(.+?)"'),
    re.compile(r"^(?:Column|Field) '(.+?)'"),
    re.compile(r"^Cannot insert the value NULL into column '(.+?)', table '(?:[^']*\.)?(.+?)'"),
    re.compile(f"{_NAMED}.*?{_NAMED}"),
)
_DENIED = (
    re.compile(
        r"denied for ((?:materialized |foreign )?(?:table|view|relation|schema|sequence|column|function)) (.+)$"
    ),
    re.compile(r"permission was denied on the (object|column) '([^']+)'"),
    re.compile(r"row-level (security policy for table) (.+)$"),
    re.compile(r" command denied to user .* for (table|column) (?:`[^`]*`\.)?([`'][^`']+[`'](?: in table '[^']+')?)$"),
)
"""What may not be touched: the names of objects of the database."""

_TOO_LONG = re.compile(
    r"for column (?:`[^`]*`\.`[^`]*`\.)?[`'](?P<own>.+?)[`'] at row \d+$"
    r"|^String or binary data would be truncated in table '[^']*', column '(?P<sql_server>[^']+)'"
)
_SQL_SERVER_KEY = re.compile(r"(?:Violation of [A-Z ]+ constraint|Cannot insert .*? with unique index) '(.+?)'")
_RULE = (re.compile(f"constraint {_NAMED}", re.IGNORECASE), re.compile(r"CONSTRAINT `(.+?)`"))


def failure_of(error: Exception, driver: Driver, table: Table | None = None) -> DatabaseFailure:
    """Returns what an exception of pyodbc means; ``table`` is the one that a statement was to change."""
    arguments = [str(part) for part in error.args]
    state = arguments[0].upper() if arguments and _STATE.fullmatch(arguments[0]) else ""
    message = _FURTHER.split(arguments[1], maxsplit=1)[0] if len(arguments) > 1 else ""
    number = _NATIVE.search(message)
    text = _text(message)
    code = int(number[1]) if number else 0
    kind = kind_of(driver, state, code, text)
    if (driver.name, state) in _OWN_WORDS or (driver is SQL_SERVER and code >= _RAISED):
        return DatabaseFailure(FailureKind.CONSTRAINT, f"the database forbids it: {text[:_LONGEST_DETAIL]}")
    match kind:
        case FailureKind.UNIQUE:
            return _duplicate(text, table)
        case FailureKind.NOT_NULL:
            return _missing(text, table)
        case FailureKind.CONSTRAINT:
            return DatabaseFailure(kind, _rule(state, text))
        case FailureKind.INVALID_VALUE:
            column = _known(_TOO_LONG.search(text), table, "own", "sql_server")
            where = f"column {column}" if column else "its column"
            return DatabaseFailure(kind, f"a value does not fit the type or the length of {where}", column)
        case FailureKind.OTHER if state == "22021":
            return DatabaseFailure(
                kind, "text is stored in bytes that are no text: correct the rows, or their encoding"
            )
        case FailureKind.OTHER:
            told = f"{state} {code}" if code not in {0, 1} else state
            return DatabaseFailure(
                kind, f"the database refuses the statement ({driver.name} {told or 'without a code'})"
            )
        case FailureKind.PERMISSION:
            found = next((match for match in (pattern.search(text) for pattern in _DENIED) if match), None)
            return DatabaseFailure(kind, f"{_WORDS[kind]}: {found[1]} {found[2]}" if found else _WORDS[kind])
        case FailureKind.DAMAGED:
            return DatabaseFailure(kind, "the database reports damaged data; look into its own log")
        case _:
            return DatabaseFailure(kind, _WORDS[kind])


def _text(message: str) -> str:
    """The database's own sentence: the first line without the tags before it and pyodbc's additions behind it."""
    text = re.sub(r"^(?:\[[^\]]*\]\s*)+", "", message)
    text = re.sub(r"(?: \(-?\d+\))?(?: \(SQL\w+\))?$", "", text)
    return re.sub(r"^(?:ERROR|FATAL):\s*", "", text.split("\n", 1)[0]).rstrip("; ")


def _duplicate(text: str, table: Table | None) -> DatabaseFailure:
    """The index that both databases name is looked up in the catalog; its columns are what is told."""
    rule = _RULE[0].search(text) or _SQL_SERVER_KEY.match(text)
    # The value stands before the name, and may hold anything.
    name = rule.group(rule.lastindex or 0) if rule else text.rpartition(" for key '")[2].removesuffix("'")
    indexes = dict(table.indexes) if table is not None else {}
    columns = sorted(indexes.get(name) or indexes.get(name.rpartition(".")[2]) or ())
    if len(columns) == 1:
        return DatabaseFailure(
            FailureKind.UNIQUE, f"another row already has this value in column {columns[0]}", columns[0]
        )
    if table is not None and name and not columns and not table.view:
        return DatabaseFailure(
            FailureKind.UNIQUE, "another row, here or in a table of a trigger, already has this value"
        )
    where = f" ({', '.join(columns)})" if columns else ""
    return DatabaseFailure(
        FailureKind.UNIQUE, f"another row already has this value in columns that must be unique{where}"
    )


def _missing(text: str, table: Table | None) -> DatabaseFailure:
    found = next((match for match in (pattern.search(text) for pattern in _MISSING) if match), None)
    relation = found[2] if found is not None and found.re is _MISSING[0] else ""
    if relation and table is not None and not table.view and relation != _own_name(table):
        return DatabaseFailure(FailureKind.CONSTRAINT, f"a trigger failed on another table: {relation} lacks a value")
    foreign = found is not None and found.re in _MISSING[2:] and table is not None and found[2] != _own_name(table)
    column = "" if foreign else _known(found, table)
    what = f"column {column} must have a value" if column else "a column that must have a value has none"
    return DatabaseFailure(FailureKind.NOT_NULL, what, column)


def _own_name(table: Table) -> str:
    return table.name.rpartition(".")[2]


def _known(found: re.Match[str] | None, table: Table | None, *groups: str | int) -> str:
    """The column that was found, if it is one: what stands in its place could be a value."""
    names = [found[group] for group in groups or (1,)] if found else []
    return next((name for name in names if name and table is not None and table.column(name) is not None), "")


def _rule(state: str, text: str) -> str:
    if state == "23503" or "foreign key" in text.lower():
        return (
            "a foreign key forbids it: a value refers to a row that does not exist, or another row refers to this one"
        )
    name = next((match[1] for match in (pattern.search(text) for pattern in _RULE) if match), "")
    return f"the database forbids it: rule {name}" if name else f"a rule of the database forbids it ({state})"
