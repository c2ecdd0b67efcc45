"""Requests that are repeated until they are answered, and what a client remembers of them."""

import http.client
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ecmahost_crash_kit.ledgers import Ledger
from ecmahost_host_kit.clients import PATCH_OP, Answer, Client

LOST = (OSError, http.client.HTTPException)
SCHEMAS = f"'schemas': ['{PATCH_OP}'], "
PATIENCE = 150.0
"""Seconds after which a host that does not answer is broken: a killed one is back in a few."""
PAUSE = 0.05
REMEMBERED = 60
"""How many of its requests a client tells of when something is wrong."""


class Wrong(AssertionError):
    """The host has said what cannot be."""


def check(holds: bool, found: object) -> None:
    """Raises Wrong, with what was found, unless this holds."""
    if not holds:
        raise Wrong(str(found))


class Asker:
    """A connection to any host that lives, made anew whenever it breaks.

    Args:
        connect: opens a connection; raises one of LOST while no host lives.
        ledger: for the names of those whom requests are about.
    """

    def __init__(self, connect: Callable[[], Client], ledger: Ledger) -> None:
        self.seen: Counter[str] = Counter()
        self._connect, self._ledger = connect, ledger
        self._client: Client | None = None
        self._done: deque[str] = deque(maxlen=REMEMBERED)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def story(self) -> str:
        """The last writes and their answers, with names in place of ids."""
        return "\n  ".join(self._done)

    def once(self, method: str, path: str, body: Any = None) -> Answer | None:
        """Sends a request once; None when the answer was lost, or was that there is none now."""
        try:
            if self._client is None:
                self._client = self._connect()
            answer = self._client.request(method, path, body)
        except LOST:
            self.close()
            if method != "GET":
                self._note(f"{method} {path} {body} -> lost")
            self.seen["lost"] += 1
            time.sleep(PAUSE)
            return None
        if method != "GET":
            self._note(f"{method} {path} {body} -> {answer.status}")
        if answer.status == 503:
            self.seen["no answer"] += 1
            time.sleep(PAUSE)
            return None
        return answer

    def surely(self, method: str, path: str, body: Any = None) -> Answer:
        """Repeats a request until it is answered."""
        return self.until(lambda: self.once(method, path, body))

    def until(self, attempt: Callable[[], Any]) -> Any:
        """Repeats what answers None; Wrong when that takes longer than any recovery."""
        limit = time.monotonic() + PATIENCE
        while (found := attempt()) is None:
            if time.monotonic() > limit:
                raise Wrong(f"no answer for {PATIENCE:.0f} s")
        return found

    def match(self, endpoint: str, attribute: str, value: str) -> dict[str, Any] | None:
        """Looks for somebody, as often as it takes to be told."""
        spelled = quote(f"{attribute} eq {json.dumps(value)}", safe="")
        answer = self.surely("GET", f"{endpoint}?filter={spelled}")
        check(answer.status == 200, answer)
        check(answer.json["totalResults"] == len(answer.resources) <= 1, answer)
        return answer.resources[0] if answer.resources else None

    def get(self, endpoint: str, object_id: str) -> dict[str, Any]:
        """Reads what must be there."""
        answer = self.surely("GET", f"{endpoint}/{object_id}")
        check(answer.status == 200, answer)
        found: dict[str, Any] = answer.json
        return found

    def _note(self, what: str) -> None:
        for names in (self._ledger.people, self._ledger.groups):
            for name, one in names.items():
                what = what.replace(one.id, f"<{name}>")
        self._done.append(f"{datetime.now(UTC):%T.%f} {what.replace(SCHEMAS, '')}")
