import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import ecmahost_sql
import pytest
from ecmahost_sql.session import Session

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    AttributeOperation,
    AttributeType,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    Finding,
    ObjectModificationType,
    ObjectQuery,
    RunStep,
    SchemaType,
    Secret,
    SessionPurpose,
    Value,
)


class Target:
    """A database file with tables, and the connector's hooks on it."""

    def __init__(self, path: Path, stack: ExitStack, timeout: str) -> None:
        self.path = path
        self._stack = stack
        self.parameters = {"url": f"sqlite:///{path}", "command_timeout": timeout}
        self._sessions: dict[SessionPurpose, Session] = {}

    kind = "sqlite"

    def sql(self, script: str, *parameters: object) -> list[tuple]:
        """Runs SQL as another program would: with a connection of its own."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            if parameters:
                return connection.execute(script, parameters).fetchall()
            if script.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                return connection.execute(script).fetchall()
            connection.executescript(script)
            return []

    def session(self, purpose: SessionPurpose = SessionPurpose.EXPORT) -> Session:
        if purpose not in self._sessions:
            self._sessions[purpose] = self.open(purpose)
        return self._sessions[purpose]

    def open(self, purpose: SessionPurpose = SessionPurpose.EXPORT, **parameters: str) -> Session:
        return self._stack.enter_context(ecmahost_sql.open_session({**self.parameters, **parameters}, purpose))

    def type(
        self,
        name: str,
        *anchor: str,
        only: Sequence[str] = (),
        types: dict[str, AttributeType] | None = None,
        operations: dict[str, AttributeOperation] | None = None,
    ) -> SchemaType:
        found = ecmahost_sql.schema(self.session(SessionPurpose.SCHEMA)).type(name)
        assert found is not None
        anchor = anchor or found.anchor
        attributes = tuple(
            replace(
                attribute,
                type=(types or {}).get(attribute.name, attribute.type),
                operation=(operations or {}).get(attribute.name, attribute.operation),
            )
            for attribute in found.attributes
            if not only or attribute.name in only or attribute.name in anchor
        )
        return replace(found, attributes=attributes, anchor=anchor)

    def step(self, schema_type: SchemaType | str, page_size: int = 100) -> RunStep:
        return RunStep((self.type(schema_type) if isinstance(schema_type, str) else schema_type,), page_size)

    def pages(self, schema_type: SchemaType | str, page_size: int = 100) -> Iterator[tuple[CSEntryChange, ...]]:
        step = self.step(schema_type, page_size)
        with closing(ecmahost_sql.full_import(self.session(SessionPurpose.IMPORT), step)) as pages:
            for page in pages:
                yield page.entries

    def entries(self, schema_type: SchemaType | str, page_size: int = 100) -> list[CSEntryChange]:
        return [entry for page in self.pages(schema_type, page_size) for entry in page]

    def find(self, schema_type: SchemaType | str, *, limit: int = 2, **wanted: Value) -> Sequence[CSEntryChange]:
        step = self.step(schema_type)
        values = tuple((name, () if value is None else (value,)) for name, value in wanted.items())
        query = ObjectQuery(step.types[0].name, values, limit)
        return ecmahost_sql.full_object_import(self.session(SessionPurpose.READ), step, query)

    def export(
        self, schema_type: SchemaType | str, *changes: CSEntryChange, **passwords: str
    ) -> Sequence[CSEntryChangeResult]:
        """``passwords`` are named ``of`` and the identifier of their change."""
        secrets = {name.removeprefix("of"): Secret(lambda text=text: text) for name, text in passwords.items()}
        results = ecmahost_sql.export(self.session(), self.step(schema_type), changes, secrets)
        assert [result.identifier for result in results] == [change.identifier for change in changes]
        return results

    def one(self, schema_type: SchemaType | str, change: CSEntryChange, **passwords: str) -> CSEntryChangeResult:
        (result,) = self.export(schema_type, change, **passwords)
        return result

    def done(self, schema_type: SchemaType | str, change: CSEntryChange, **passwords: str) -> CSEntryChangeResult:
        result = self.one(schema_type, change, **passwords)
        assert result.error is None, result.error
        return result

    def refused(self, schema_type: SchemaType | str, change: CSEntryChange, **passwords: str) -> ExportError:
        before = self.dump()
        result = self.one(schema_type, change, **passwords)
        assert result.error is not None
        assert self.dump() == before
        return result.error

    def check(self, *types: SchemaType, query_attributes: tuple[str, ...] = ()) -> Sequence[Finding]:
        return ecmahost_sql.check(
            self.session(SessionPurpose.READ), RunStep(types, 100, {types[0].name: query_attributes})
        )

    def dump(self) -> list[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return list(connection.iterdump())


class ServerTarget(Target):
    """A database of a server with tables, and the connector's hooks on it; SQL is written as for SQLite."""

    def __init__(self, server: Any, stack: ExitStack, timeout: str, script: str) -> None:
        self.server, self.kind = server, server.kind
        self.database = server.fresh_database()
        super().__init__(Path(), stack, timeout)
        text = server.connection_string(self.database)
        self.parameters = {"connection_string": Secret(lambda: text), "command_timeout": timeout}
        if self.kind == "postgresql":
            self.sql("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        self.sql(script)

    def sql(self, script: str, *parameters: object) -> list[tuple]:
        with closing(self.server.connect(self.database)) as connection:
            found = []
            for statement in statements_of(spoken(script, self.kind)):
                cursor = connection.execute(statement, parameters)
                found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            return found

    def raw(self, statement: str) -> None:
        """Runs one statement as it stands."""
        with closing(self.server.connect(self.database)) as connection:
            connection.execute(statement)

    def spoken(self, statement: str) -> str:
        return spoken(statement, self.kind)

    def dump(self) -> list[str]:
        """Every row of every table."""
        names = [table.name for table in self.session(SessionPurpose.SCHEMA).database.tables() if not table.view]
        mark = '"' if self.kind == "postgresql" else "`"
        return sorted(f"{name}: {row}" for name in names for row in self.sql(f"SELECT * FROM {mark}{name}{mark}"))


_SPELLINGS = {
    "postgresql": (
        (r"\bINTEGER PRIMARY KEY\b(?: AUTOINCREMENT)?", "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
        (r"\bBLOB\b", "bytea"),
        (r"\bCOLLATE NOCASE\b", "COLLATE nocase"),
        (r"\bBOOLEAN DEFAULT 1\b", "boolean DEFAULT true"),
        (r"\) WITHOUT ROWID\b", ")"),
        (r"\bTEXT AS \(([^)]*\))\)", r"text GENERATED ALWAYS AS (\1) STORED"),
        (r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea"),
    ),
    "mariadb": (
        (r"\bINTEGER PRIMARY KEY\b(?: AUTOINCREMENT)?", "integer AUTO_INCREMENT PRIMARY KEY"),
        (r"\bTEXT COLLATE NOCASE\b", "VARCHAR(100) COLLATE utf8mb4_general_ci"),
        (r"\bTEXT((?: NOT NULL)? (?:UNIQUE|PRIMARY KEY))\b", r"VARCHAR(100) COLLATE utf8mb4_bin\1"),
        (r"\bTEXT AS\b", "VARCHAR(100) AS"),
        (r"\bTEXT\b", "VARCHAR(200) COLLATE utf8mb4_bin"),
        (r"\) WITHOUT ROWID\b", ")"),
        (r"\bNUMERIC\b", "decimal(20, 4)"),
    ),
}
_NAME = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`)|\b([A-Z]|[A-Z]\w*[a-z]\w*)\b")


def spoken(script: str, kind: str) -> str:
    """Returns SQL as a server's dialect spells it. Names are what begins with a capital and has a small letter, or is
    one capital; they are quoted, because their case matters."""
    for pattern, spelling in _SPELLINGS[kind]:
        script = re.sub(pattern, spelling, script)
    mark = '"' if kind == "postgresql" else "`"
    return _NAME.sub(lambda found: found[1] or f"{mark}{found[2]}{mark}", script)


def statements_of(script: str) -> list[str]:
    """The statements of a script; a semicolon within one is written ``\\;``."""
    found = re.findall(r"(?:'(?:[^']|'')*'|\\;|[^;'\\]|\\(?!;))+", script)
    return [statement.replace("\\;", ";") for statement in found if statement.strip()]


class Changes:
    """Short spellings of CSEntryChanges."""

    @staticmethod
    def values(attributes: dict[str, Value | None]) -> dict[str, tuple[Value, ...]]:
        return {name: () if value is None else (value,) for name, value in attributes.items()}

    def add(self, object_type: str, identifier: str = "1", **attributes: Value | None) -> CSEntryChange:
        return CSEntryChange(
            object_type, ObjectModificationType.ADD, attributes=self.values(attributes), identifier=identifier
        )

    def replace(self, object_type: str, *anchor: Value, **attributes: Value | None) -> CSEntryChange:
        return CSEntryChange(
            object_type,
            ObjectModificationType.REPLACE,
            anchor=anchor,
            attributes=self.values(attributes),
            identifier="1",
        )

    def update(
        self, object_type: str, *anchor: Value, identifier: str = "1", **attributes: Value | None
    ) -> CSEntryChange:
        changes = tuple(
            AttributeChange(name, AttributeModificationType.DELETE)
            if value is None
            else AttributeChange(name, AttributeModificationType.REPLACE, (value,))
            for name, value in attributes.items()
        )
        return CSEntryChange(
            object_type,
            ObjectModificationType.UPDATE,
            anchor=anchor,
            attribute_changes=changes,
            identifier=identifier,
        )

    def delete(self, object_type: str, *anchor: Value) -> CSEntryChange:
        return CSEntryChange(object_type, ObjectModificationType.DELETE, anchor=anchor, identifier="1")


@pytest.fixture
def changes() -> Changes:
    return Changes()


KINDS = ("sqlite", "postgresql", "mariadb")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_database: holds for, and is run with, each kind of database")
    config.addinivalue_line("markers", "servers: holds for, and is run with, each kind of server")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("every_database"):
        metafunc.parametrize("kind", KINDS, indirect=True)
    elif metafunc.definition.get_closest_marker("servers"):
        metafunc.parametrize("kind", KINDS[1:], indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "sqlite")


@pytest.fixture
def make_target(tmp_path: Path, kind: str, server_of: Callable[[str], Any]) -> Iterator[Callable[..., Target]]:
    with ExitStack() as stack:

        def make(script: str, *, timeout: str = "30", name: str = "people.db") -> Target:
            if kind != "sqlite":
                return ServerTarget(server_of(kind), stack, timeout, script)
            path = tmp_path / name
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(script)
            return Target(path, stack, timeout)

        make.kind = kind  # for scripts that differ
        yield make
