"""One connection to the server, as ``space.sql.database`` wants it."""

import select
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import conninfo, pq

from ecmahost_core.errors import EcmahostError
from ecmahost_core.secret import Secret
from ecmahost_core.space.postgresql import dialect, texts
from ecmahost_core.space.postgresql.silence import Unanswered, Watched
from ecmahost_core.space.store import StoreUnavailable

CONNECT = 5
"""Seconds for each of a server's addresses to answer a connection, and to take its settings."""
STATEMENT = 30
"""Seconds after which the server gives up a statement."""
SILENCE = 35.0
"""Seconds after which a server that has not done so is not listened to any more: it stands still (``silence``)."""

# A server that has gone is noticed within seconds by both sides; a process that was stopped in the middle of a
# transaction does not keep the others from writing for longer than a request takes.
_CLIENT: Mapping[str, str | int] = {
    "application_name": "ecmahost",
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "target_session_attrs": "read-write",
}
_SETTINGS = {
    "client_encoding": "'UTF8'",
    "statement_timeout": f"'{STATEMENT}s'",
    "lock_timeout": "'15s'",
    "idle_in_transaction_session_timeout": "'10s'",
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    # Everything is looked up by an index. Without this, tables that a first import has just filled are read from end to
    # end until the server has looked at them: it plans by what it saw last.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_READING = {"default_transaction_read_only": "on", "default_transaction_isolation": "'repeatable read'"}
_PREPARED = 400
_COPIED = 50
"""How many rows are rather copied than inserted one after the other."""

Statements = dict[str, bytes]
"""The statements that were met, as psycopg wants them; shared by the connections of a process."""


def connect(location: Secret, schema: str, *, reading: bool) -> Watched:
    """Connects; raises psycopg.Error, and StoreUnavailable for a text that is no connection string.

    The text is looked at anew each time, so that a password may change while the host runs.
    """
    try:
        revealed = location.reveal()
    except EcmahostError:
        raise StoreUnavailable("url under [store] stands in a variable or file that cannot be read any more") from None
    try:
        text = conninfo.make_conninfo(revealed, connect_timeout=CONNECT, **_CLIENT)
    except psycopg.ProgrammingError:
        raise StoreUnavailable("url under [store] is not a connection string of PostgreSQL") from None
    connection = Watched.connect(text, autocommit=True)
    connection.silence = CONNECT
    try:
        connection.prepare_threshold, connection.prepared_max = 2, _PREPARED
        settings = {"search_path": f'"{schema}"', **_SETTINGS, **(_READING if reading else {})}
        connection.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()).encode())
        texts.adapt(connection)
        connection.silence = SILENCE
    except BaseException:
        connection.close()
        raise
    return connection


class Session:
    """A connection for one thread at a time."""

    def __init__(self, connection: Watched, statements: Statements) -> None:
        """Takes over a connection."""
        self.raw = connection
        self._statements = statements

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.raw.info.transaction_status != pq.TransactionStatus.IDLE

    @property
    def is_sound(self) -> bool:
        """Whether nothing speaks against using it: a server that went away has said so, or nothing, by now."""
        if self.raw.closed:
            return False
        waiting = select.poll()
        waiting.register(self.raw.fileno(), select.POLLIN)
        return not waiting.poll(0)

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = (), /) -> psycopg.Cursor[Any]:
        """See ``sql.database.Connection``."""
        return self.raw.execute(self._translated(statement), parameters or None)

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> psycopg.Cursor[Any]:
        """See ``sql.database.Connection``."""
        rows = parameters if isinstance(parameters, Sequence) else list(parameters)
        if len(rows) == 1:
            return self.raw.execute(self._translated(statement), rows[0])
        cursor = self.raw.cursor()
        plain = dialect.PLAIN_INSERT.fullmatch(statement) if len(rows) >= _COPIED else None
        if plain:
            with cursor.copy(f"COPY {plain['table']} {plain['columns']} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
            return cursor
        cursor.executemany(self._translated(statement), rows)
        return cursor

    def close(self) -> None:
        """Closes the connection; whatever is open is undone."""
        with suppress(psycopg.Error):
            self.raw.close()

    def _translated(self, statement: str) -> bytes:
        found = self._statements.get(statement)
        if found is None:
            found = self._statements[statement] = dialect.statement(statement).encode()
        return found


class ReadingSession(Session):
    """A connection that reads, and is made anew where the server went away between two statements."""

    def __init__(self, connect: Callable[[], Watched], statements: Statements) -> None:
        """Connects."""
        super().__init__(connect(), statements)
        self._connect = connect

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = (), /) -> psycopg.Cursor[Any]:
        """See ``sql.database.Connection``. A statement on its own is asked again on another connection.

        Not where the server was silent: the statement has taken as long as any may.
        """
        began = self.in_transaction
        try:
            return super().execute(statement, parameters)
        except Unanswered:
            raise
        except psycopg.OperationalError:
            if began or not self.raw.closed:
                raise
        self.raw = self._connect()
        return super().execute(statement, parameters)

    def renew(self) -> None:
        """Connects anew; raises as ``connect``."""
        self.close()
        self.raw = self._connect()
