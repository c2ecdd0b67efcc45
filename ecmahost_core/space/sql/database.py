"""What the verbs of this package need of a database: few words, which SQLite has and which PostgreSQL is given.

Statements are SQLite's: ``?`` and ``:name`` for values, ``INSERT OR IGNORE``, ``IS`` and ``IS NOT`` between values that
may be NULL, and hints (``INDEXED BY``, ``CROSS JOIN``); ``postgresql.dialect`` puts those into other words. Everything
else is what both understand, with both's defaults: texts compare by their bytes, and one writer writes at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

WAIT_SECONDS = 15.0
"""How long a read or write waits for its turn: well within the 45 seconds that a SCIM request has."""
NO_LIMIT = 2**63 - 1
"""For ``LIMIT``, where everything is wanted."""


class Rows(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows were written, by all of them in ``executemany``."""

    def fetchall(self) -> list[Any]:
        """Returns all rows, as tuples."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection: the one on which a transaction writes, or one that reads."""

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ..., /) -> Rows:
        """Runs one statement. On one that reads, ``BEGIN`` and ``COMMIT`` make several see the same moment."""

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Runs a statement that writes, once for each of the parameters."""


class Transaction(Protocol):
    """A write transaction that is open: what the verbs of this package take as their first argument.

    No other one is open at the store, in whatever process, so that what one has looked at stays true until it ends.
    """

    @property
    def connection(self) -> Connection:
        """The connection that writes."""

    @property
    def now(self) -> int:
        """The transaction's time, in microseconds since 1970 in UTC."""

    def next_seq(self, count: int = 1) -> int:
        """Takes ``count`` change numbers from the store's one counter; returns the first of them."""

    def newest_key(self) -> int:
        """Returns the highest key that an object ever had; 0 before the first."""

    def next_key(self, count: int) -> int:
        """Takes ``count`` keys for objects that are inserted with them in this transaction; returns the first."""

    def insert(self, statement: str, values: Sequence[Any], column: str) -> int:
        """Inserts a row and returns the number that the database gave it, in this column."""

    def require_incarnation(self) -> None:
        """Raises StoreUnavailable unless this process is certainly known to live: before anything new is owned."""


class Database(Protocol):
    """A store's database, as one process has opened it."""

    @property
    def writing(self) -> bool:
        """Whether it was opened for writing."""

    def read(self) -> AbstractContextManager[Connection]:
        """Lends a reading connection. Each statement sees the newest commit; ``BEGIN`` makes several see the same."""

    def now(self, connection: Connection) -> int:
        """Returns the time by the clock of ``Transaction.now``, for a reading on this connection."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Runs the block as one transaction: committed when it ends, undone when it raises."""

    def close(self) -> None:
        """Closes all connections, once the running write has ended."""


class Incarnation(Protocol):
    """This process's life, which others can see the end of."""

    @property
    def id(self) -> str:
        """Its name in the journal."""

    @property
    def process(self) -> int | str:
        """What a person knows the process by."""

    def renew(self) -> None:
        """Sees to it that others see the process alive: asked before anything new is owned. StoreUnavailable if not."""

    def leads(self) -> bool:
        """See ``Store.leads``."""

    def close(self, *, remove: bool) -> None:
        """Ends the incarnation. ``remove`` says that it owns nothing, so that nobody will ask about it again."""


class Processes(Protocol):
    """The incarnations of others."""

    def is_alive(self, incarnation: str) -> bool:
        """Returns whether a process lives; raises StoreUnavailable when that cannot be found out."""

    def are_well(self, incarnations: Sequence[str]) -> bool:
        """Returns whether all of these live, so that ``is_gone`` would note nothing; False means nothing.

        Raises StoreUnavailable when that cannot be found out.
        """

    def is_gone(self, transaction: Transaction, incarnation: str) -> bool:
        """Returns whether a process has certainly ended, so that what it was at may be taken over."""

    def forget(self, incarnation: str) -> None:
        """Removes what is left of a dead incarnation that owns nothing; does nothing when it lives after all."""

    def strays(self, known: frozenset[str]) -> list[str]:
        """Returns dead incarnations that have no row: killed before they had written it."""
