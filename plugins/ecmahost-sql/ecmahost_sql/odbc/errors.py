"""What an ODBC error means, by database, SQLSTATE, the database's own number, and the words of its message.

SQLSTATE alone says too little: MariaDB has one state for a duplicate, a missing value and a foreign key. Messages of
databases hold values, so none is passed on; only names that we know from the catalog, or that stand where the database
itself puts a constraint's name, and what a trigger of the customer's raises, are.
"""

import re
from collections.abc import Mapping

from ecmahost_sql.catalog import Table
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.odbc.drivers import MARIADB, MYSQL, POSTGRESQL, SQL_SERVER, Driver

_LONGEST_DETAIL = 300
_STATE = re.compile(r"[0-9A-Za-z]{5}")
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

_STATES: Mapping[str, FailureKind] = {
    "40001": FailureKind.BUSY,
    "HYT00": FailureKind.TIMEOUT,
    "HYT01": FailureKind.UNAVAILABLE,
    "HY008": FailureKind.TIMEOUT,
    "42S02": FailureKind.NOT_IN_CATALOG,
    "42S22": FailureKind.NOT_IN_CATALOG,
    "28000": FailureKind.CREDENTIALS,
    "25006": FailureKind.READ_ONLY,
}
_CLASSES: Mapping[str, FailureKind] = {"08": FailureKind.UNAVAILABLE, "22": FailureKind.INVALID_VALUE}

_POSTGRESQL_STATES: Mapping[str, FailureKind] = {
    # A database of the encoding SQL_ASCII has text that is none. Not a value of ours: the row is there.
    "22021": FailureKind.OTHER,
    "23505": FailureKind.UNIQUE,
    "23502": FailureKind.NOT_NULL,
    "23P01": FailureKind.UNIQUE,
    "40P01": FailureKind.BUSY,
    "55P03": FailureKind.BUSY,
    "57014": FailureKind.TIMEOUT,
    "42501": FailureKind.PERMISSION,
    "42P01": FailureKind.NOT_IN_CATALOG,
    "42703": FailureKind.NOT_IN_CATALOG,
    "3F000": FailureKind.NOT_IN_CATALOG,
    "28P01": FailureKind.CREDENTIALS,
    "428C9": FailureKind.CONSTRAINT,
    "44000": FailureKind.CONSTRAINT,
    "25P02": FailureKind.OTHER,
    "XX001": FailureKind.DAMAGED,
    "XX002": FailureKind.DAMAGED,
    "25P03": FailureKind.UNAVAILABLE,
}
_POSTGRESQL_CLASSES: Mapping[str, FailureKind] = {
    "23": FailureKind.CONSTRAINT,
    "53": FailureKind.UNAVAILABLE,
    "57": FailureKind.UNAVAILABLE,
    "58": FailureKind.UNAVAILABLE,
}

_MARIADB_NUMBERS: Mapping[int, FailureKind] = {
    1022: FailureKind.UNIQUE,
    1062: FailureKind.UNIQUE,
    1169: FailureKind.UNIQUE,
    1586: FailureKind.UNIQUE,
    1048: FailureKind.NOT_NULL,
    1364: FailureKind.NOT_NULL,
    1216: FailureKind.CONSTRAINT,
    1217: FailureKind.CONSTRAINT,
    1451: FailureKind.CONSTRAINT,
    1452: FailureKind.CONSTRAINT,
    3819: FailureKind.CONSTRAINT,
    4025: FailureKind.CONSTRAINT,
    1205: FailureKind.BUSY,
    1213: FailureKind.BUSY,
    1020: FailureKind.BUSY,
    1040: FailureKind.BUSY,
    1203: FailureKind.BUSY,
    1226: FailureKind.BUSY,
    1969: FailureKind.TIMEOUT,
    3024: FailureKind.TIMEOUT,
    1044: FailureKind.PERMISSION,
    1142: FailureKind.PERMISSION,
    1143: FailureKind.PERMISSION,
    1227: FailureKind.PERMISSION,
    1370: FailureKind.PERMISSION,
    1290: FailureKind.READ_ONLY,
    1792: FailureKind.READ_ONLY,
    1836: FailureKind.READ_ONLY,
    1045: FailureKind.CREDENTIALS,
    1130: FailureKind.CREDENTIALS,
    1820: FailureKind.CREDENTIALS,
    1862: FailureKind.CREDENTIALS,
    3118: FailureKind.CREDENTIALS,
    4151: FailureKind.CREDENTIALS,
    1698: FailureKind.CREDENTIALS,
    1049: FailureKind.UNAVAILABLE,
    1054: FailureKind.NOT_IN_CATALOG,
    1146: FailureKind.NOT_IN_CATALOG,
    1356: FailureKind.NOT_IN_CATALOG,
    1265: FailureKind.INVALID_VALUE,
    1267: FailureKind.INVALID_VALUE,
    1271: FailureKind.INVALID_VALUE,
    1366: FailureKind.INVALID_VALUE,
    1906: FailureKind.CONSTRAINT,
    1021: FailureKind.UNAVAILABLE,
    1047: FailureKind.UNAVAILABLE,
    1053: FailureKind.UNAVAILABLE,
    1129: FailureKind.UNAVAILABLE,
    1114: FailureKind.UNAVAILABLE,
    1194: FailureKind.DAMAGED,
    1877: FailureKind.DAMAGED,
    1927: FailureKind.UNAVAILABLE,
    2002: FailureKind.UNAVAILABLE,
    2003: FailureKind.UNAVAILABLE,
    2005: FailureKind.UNAVAILABLE,
    2006: FailureKind.UNAVAILABLE,
    2013: FailureKind.UNAVAILABLE,
    2026: FailureKind.UNAVAILABLE,
    2055: FailureKind.UNAVAILABLE,
}

_SQL_SERVER_NUMBERS: Mapping[int, FailureKind] = {
    2601: FailureKind.UNIQUE,
    2627: FailureKind.UNIQUE,
    515: FailureKind.NOT_NULL,
    547: FailureKind.CONSTRAINT,
    1205: FailureKind.BUSY,
    1222: FailureKind.BUSY,
    3906: FailureKind.READ_ONLY,
    978: FailureKind.READ_ONLY,
    229: FailureKind.PERMISSION,
    230: FailureKind.PERMISSION,
    18456: FailureKind.CREDENTIALS,
    8152: FailureKind.INVALID_VALUE,
    2628: FailureKind.INVALID_VALUE,
}

_NUMBERS = {MARIADB.name: _MARIADB_NUMBERS, MYSQL.name: _MARIADB_NUMBERS, SQL_SERVER.name: _SQL_SERVER_NUMBERS}

_OWN_WORDS = {("PostgreSQL", "P0001"), ("MariaDB", "45000"), ("MySQL", "45000")}
"""What a trigger of the customer's raises in its own words."""

_REFUSED_LOGIN = ("password authentication failed", "no password supplied", 'role "', "no pg_hba.conf entry")

_OPENS, _CLOSES = '["„“«»]\\s?', '\\s?["”“»«]'
"""PostgreSQL speaks the server's language, and quotes names as that does."""

_NAMED = f"{_OPENS}(.+?){_CLOSES}"
_MISSING = (
    re.compile(r'null value in column "(.+?)" of relation "(.+?)"'),
    re.compile(r"^(?:Column|Field) '(.+?)'"),
    re.compile(f"{_NAMED}.*?{_NAMED}"),
)
_DENIED = (
    re.compile(
        r"denied for ((?:materialized |foreign )?(?:table|view|relation|schema|sequence|column|function)) (.+)$"
    ),
    re.compile(r"row-level (security policy for table) (.+)$"),
    re.compile(r" command denied to user .* for (table|column) (?:`[^`]*`\.)?([`'][^`']+[`'](?: in table '[^']+')?)$"),
)
"""What may not be touched: the names of objects of the database."""

_TOO_LONG = re.compile(r"for column (?:`[^`]*`\.`[^`]*`\.)?[`'](.+?)[`'] at row \d+$")
_RULE = (re.compile(f"constraint {_NAMED}", re.IGNORECASE), re.compile(r"CONSTRAINT `(.+?)`"))


def failure_of(error: Exception, driver: Driver, table: Table | None = None) -> DatabaseFailure:
    """Returns what an exception of pyodbc means; ``table`` is the one that a statement was to change."""
    arguments = [str(part) for part in error.args]
    state = arguments[0].upper() if arguments and _STATE.fullmatch(arguments[0]) else ""
    message = arguments[1] if len(arguments) > 1 else ""
    number = _NATIVE.search(message)
    text = _text(message)
    kind = _kind(driver, state, int(number[1]) if number else 0, text)
    if (driver.name, state) in _OWN_WORDS:
        return DatabaseFailure(FailureKind.CONSTRAINT, f"the database forbids it: {text[:_LONGEST_DETAIL]}")
    match kind:
        case FailureKind.UNIQUE:
            return _duplicate(text, table)
        case FailureKind.NOT_NULL:
            return _missing(text, table)
        case FailureKind.CONSTRAINT:
            return DatabaseFailure(kind, _rule(state, text))
        case FailureKind.INVALID_VALUE:
            column = _known(_TOO_LONG.search(text), table)
            where = f"column {column}" if column else "its column"
            return DatabaseFailure(kind, f"a value does not fit the type or the length of {where}", column)
        case FailureKind.OTHER if state == "22021":
            return DatabaseFailure(
                kind, "text is stored in bytes that are no text: correct the rows, or their encoding"
            )
        case FailureKind.OTHER:
            code = f"{state} {number[1]}" if number and number[1] not in {"0", "1"} else state
            return DatabaseFailure(
                kind, f"the database refuses the statement ({driver.name} {code or 'without a code'})"
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


def _kind(driver: Driver, state: str, number: int, text: str) -> FailureKind:
    if driver is POSTGRESQL:
        if state == "08001" and any(words in text for words in _REFUSED_LOGIN):
            return FailureKind.CREDENTIALS
        if text.startswith("Connection is readonly"):  # psqlODBC's own words, for ReadOnly=1
            return FailureKind.READ_ONLY
        found = _POSTGRESQL_STATES.get(state) or _POSTGRESQL_CLASSES.get(state[:2])
    else:
        found = _NUMBERS.get(driver.name, {}).get(number)
    return found or _STATES.get(state) or _CLASSES.get(state[:2]) or _integrity(state)


def _integrity(state: str) -> FailureKind:
    return FailureKind.CONSTRAINT if state[:2] == "23" else FailureKind.OTHER


def _duplicate(text: str, table: Table | None) -> DatabaseFailure:
    """The index that both databases name is looked up in the catalog; its columns are what is told."""
    rule = _RULE[0].search(text)
    # The value stands before the name, and may hold anything.
    name = rule[1] if rule else text.rpartition(" for key '")[2].removesuffix("'")
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
    foreign = found is not None and found.re is _MISSING[2] and table is not None and found[2] != _own_name(table)
    column = "" if foreign else _known(found, table)
    what = f"column {column} must have a value" if column else "a column that must have a value has none"
    return DatabaseFailure(FailureKind.NOT_NULL, what, column)


def _own_name(table: Table) -> str:
    return table.name.rpartition(".")[2]


def _known(found: re.Match[str] | None, table: Table | None) -> str:
    """The column that was found, if it is one: what stands in its place could be a value."""
    return found[1] if found and table is not None and table.column(found[1]) is not None else ""


def _rule(state: str, text: str) -> str:
    if state == "23503" or "foreign key" in text:
        return (
            "a foreign key forbids it: a value refers to a row that does not exist, or another row refers to this one"
        )
    name = next((match[1] for match in (pattern.search(text) for pattern in _RULE) if match), "")
    return f"the database forbids it: rule {name}" if name else f"a rule of the database forbids it ({state})"
