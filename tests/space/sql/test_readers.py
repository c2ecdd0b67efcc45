"""The reading connections of a process: lent, given back, and made anew where they broke."""

from typing import Any

import pytest

from ecmahost_core.space.sql.readers import Readers
from ecmahost_core.space.store import StoreUnavailable


class Broken(Exception):
    """What a connection says that has gone."""


class Connection:
    """One that breaks when it is told to."""

    def __init__(self) -> None:
        self.in_transaction = False
        self.broken = False
        self.closed = False

    def execute(self, statement: str, /) -> Any:
        if self.broken:
            raise Broken
        self.in_transaction = statement == "BEGIN"

    def close(self) -> None:
        self.closed = True


def test_a_transaction_that_was_left_open_ends_when_its_connection_comes_back() -> None:
    readers = Readers(Connection, 1, Broken)
    connection = readers.take(1)
    connection.execute("BEGIN")
    readers.give_back(connection, sound=True)
    assert readers.take(1) is connection
    assert not connection.in_transaction


def test_a_connection_that_breaks_behind_the_last_statement_leaves_its_place_to_another() -> None:
    readers = Readers(Connection, 2, Broken)
    for _ in range(5):
        connection = readers.take(1)
        connection.execute("BEGIN")
        connection.broken = True
        readers.give_back(connection, sound=True)
        assert connection.closed
    readers.take(1)


def test_nobody_gets_more_connections_than_there_may_be() -> None:
    readers = Readers(Connection, 1, Broken)
    readers.take(1)
    with pytest.raises(StoreUnavailable, match="overloaded"):
        readers.take(0)
