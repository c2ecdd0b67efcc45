"""Imports that people and programs ask the host's worker process for, as one request: the strongest of those that wait.

Each that waits is noted by itself, because one may be made already while the next one comes, and what it confirms is
not confirmed once more then. Of a kind the newest is enough.
"""

from collections.abc import Sequence

import orjson

from ecmahost_core.space.history import ImportRequest
from ecmahost_core.space.sql.database import Transaction
from ecmahost_core.space.sql.rows import compact, microseconds, moment


def merged(text: str | None) -> ImportRequest | None:
    """Returns what a connector's row asks for, None for nothing; under the id of the newest, since the confirmation."""
    waiting = _waiting(text)
    if not waiting:
        return None
    newest = waiting[-1]
    confirming = [one for one in waiting if one.confirm]
    since = confirming[-1].since if confirming else newest.since
    return ImportRequest(newest.id, all(one.delta for one in waiting), bool(confirming), since)


def note(transaction: Transaction, connector: int, request: ImportRequest) -> None:
    """Notes what somebody asks for."""
    waiting = _waiting(_text(transaction, connector))
    kind = (request.delta, request.confirm)
    _write(transaction, connector, [*(one for one in waiting if (one.delta, one.confirm) != kind), request])


def forget(transaction: Transaction, connector: int, request: ImportRequest) -> None:
    """Forgets a request that was made, with those that it stood for, and no newer one."""
    waiting = _waiting(_text(transaction, connector))
    made = next((place for place, one in enumerate(waiting) if one.id == request.id), None)
    if made is not None:
        _write(transaction, connector, waiting[made + 1 :])


def _text(transaction: Transaction, connector: int) -> str | None:
    rows = transaction.connection.execute("SELECT import_request FROM connector WHERE id = ?", (connector,)).fetchall()
    text: str | None = rows[0][0]
    return text


def _waiting(text: str | None) -> list[ImportRequest]:
    """Returns those that wait, the newest last."""
    if text is None:
        return []
    data = orjson.loads(text)
    found = data if isinstance(data, list) else [data]  # an older version noted the newest alone
    return [ImportRequest(one["id"], one["delta"], one["confirm"], moment(one["since"])) for one in found]


def _write(transaction: Transaction, connector: int, waiting: Sequence[ImportRequest]) -> None:
    data = [
        {"id": one.id, "delta": one.delta, "confirm": one.confirm, "since": microseconds(one.since)} for one in waiting
    ]
    text = compact(data) if data else None
    transaction.connection.execute("UPDATE connector SET import_request = ? WHERE id = ?", (text, connector))
