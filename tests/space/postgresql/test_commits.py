"""A connection breaks while a transaction is committed: what became of it is looked up, and nothing is done twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from ecmahost_core.space.postgresql import database, failures
from ecmahost_core.space.store import StoreUnavailable


@contextmanager
def broken_commit(desk: Any, monkeypatch: pytest.MonkeyPatch, *, arrives: bool) -> Iterator[None]:
    """The next commit gets no answer; it has reached the server, or has not."""
    last_words = database.Transaction.last_words
    done = threading.Event()

    def broken(transaction: Any) -> bytes:
        words = last_words(transaction)
        if not done.is_set():
            done.set()
            if arrives:
                transaction.connection.raw.execute(words)
            transaction.connection.raw.close()
        return words

    with monkeypatch.context() as patch:
        patch.setattr(database.Transaction, "last_words", broken)
        yield
        assert done.is_set()


@pytest.mark.parametrize("arrives", [True, False])
def test_an_entry_is_opened_once_whatever_became_of_the_commit(desk: Any, monkeypatch: Any, arrives: bool) -> None:
    desk.store.record("hr", desk.ok)
    intent = desk.adding(desk.user("bob"))
    desk.store.count(desk.users)
    with broken_commit(desk, monkeypatch, arrives=arrives):
        entry = desk.store.open_entry(intent)
    assert desk.store.entries() == [entry]
    assert desk.store.complete(entry, desk.user("bob"), desk.ok) is not None


@pytest.mark.parametrize("arrives", [True, False])
def test_a_write_is_completed_once_whatever_became_of_the_commit(desk: Any, monkeypatch: Any, arrives: bool) -> None:
    entry = desk.store.open_entry(desk.adding(desk.user("bob")))
    with broken_commit(desk, monkeypatch, arrives=arrives):
        try:
            found = desk.store.complete(entry, desk.user("bob"), desk.ok)
        except failures.Interrupted:
            assert not arrives
            found = desk.store.complete(entry, desk.user("bob"), desk.ok)
    assert found == desk.named("bob")
    assert len(desk.store.events("hr", 9)) == 1
    assert desk.store.entries() == []


@pytest.mark.parametrize("arrives", [True, False])
def test_an_entry_of_which_nobody_could_say_whether_it_is_there_is_taken_back(
    desk: Any, monkeypatch: Any, arrives: bool, eventually: Any
) -> None:
    desk.store.count(desk.users)

    def nobody(*_: Any) -> Any:
        raise failures.CommitUnknown("nobody knows")

    with monkeypatch.context() as patch:
        patch.setattr(database.Database, "_look_again", nobody)
        with broken_commit(desk, monkeypatch, arrives=arrives), pytest.raises(failures.CommitUnknown):
            desk.store.open_entry(desk.adding(desk.user("bob")))
    assert eventually(lambda: desk.store.entries() == [])
    desk.add(desk.user("bob"))


def test_a_server_that_cannot_be_asked_leaves_the_commit_unknown(desk: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0)
    desk.store.record("hr", desk.ok)

    def refused(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("connection refused")

    with broken_commit(desk, monkeypatch, arrives=True), monkeypatch.context() as patch:
        patch.setattr(desk.store._database, "connect", refused)
        with pytest.raises(failures.CommitUnknown):
            desk.store._database._commit(_begun(desk))
    desk.store.record("hr", desk.ok)


def _begun(desk: Any) -> Any:
    return database.Transaction(desk.store._database._writer, (0, 1, 0, 0, 0, False))


def test_a_transaction_that_the_server_undid_is_no_success(desk: Any) -> None:
    """A verb that swallows an error must not be told that its transaction was committed."""

    def swallow() -> None:
        with desk.store._database.write() as transaction, suppress(psycopg.Error):
            transaction.connection.execute("SELECT nonsense")

    with pytest.raises(StoreUnavailable, match="undone"):
        swallow()
    desk.add(desk.user("bob"))
