"""What a target was shown and has refused: no login is tried again and again with a password that is wrong.

Secrets are read anew whenever a session is opened, so a password that was changed in its file counts at once. What the
target has refused is not shown to it again before a pause is over, which grows: directories lock accounts that fail too
often, and a host under load would fail a thousand times a minute.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from types import MappingProxyType

from ecmahost_core.ecma.parameters import Parameters, Secret
from ecmahost_core.errors import BadServerCredentials, ConnectorError

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class Credentials:
    """The secrets of one connector in one process."""

    def __init__(self, parameters: Parameters, clock: Callable[[], float] = time.monotonic) -> None:
        """Reads nothing yet."""
        self._parameters = parameters
        self._secrets = {name: value for name, value in parameters.items() if isinstance(value, Secret)}
        self._clock = clock
        self._lock = threading.Lock()
        self._refused: tuple[bytes, str] | None = None
        self._pause = FIRST_PAUSE
        self._again_at = 0.0

    def presented(self) -> "Presented":
        """Returns the parameters for one attempt to open a session.

        Raises BadServerCredentials where the target has just refused these same secrets.
        """
        with self._lock:
            refused, waiting = self._refused, self._clock() < self._again_at
        if refused is not None and waiting and self.digest() == refused[0]:
            raise BadServerCredentials(refused[1], nothing_sent=True)
        return Presented(self._parameters, self._secrets)

    def digest(self) -> bytes:
        """Returns a digest of the secrets as they are now; of none, too. It is kept in memory only."""
        return _together({name: _digest(_text(secret)) for name, secret in self._secrets.items()})

    def refused(self, presented: "Presented", error: BadServerCredentials) -> bool:
        """Notes that the target refused an attempt; returns whether the secrets have changed since it was made."""
        now = self.digest()
        if presented.digest() != now:
            return True
        with self._lock:
            self._pause = min(self._pause * 2, LONGEST_PAUSE) if self._refused else FIRST_PAUSE
            self._refused = now, str(error)
            self._again_at = self._clock() + self._pause
        return False

    def accepted(self) -> None:
        """Notes that a session was opened."""
        if self._refused is not None:
            with self._lock:
                self._refused = None


class Presented:
    """The parameters of one attempt, which remember by a digest what was revealed: a session may keep them for long."""

    def __init__(self, parameters: Parameters, secrets: dict[str, Secret]) -> None:
        """Reveals nothing yet."""
        self._secrets = secrets
        self._shown: dict[str, bytes] = {}
        watched = {name: self._watched(name, secret) for name, secret in secrets.items()}
        self.parameters: Parameters = MappingProxyType({**parameters, **watched})

    def digest(self) -> bytes:
        """Returns a digest of the secrets as they were shown; of those that were not, as they are now."""
        return _together(
            {name: self._shown.get(name) or _digest(_text(secret)) for name, secret in self._secrets.items()}
        )

    def _watched(self, name: str, secret: Secret) -> Secret:
        def reveal() -> str:
            text = secret.reveal()
            self._shown[name] = _digest(text)
            return text

        return Secret(reveal)


def _text(secret: Secret) -> str:
    try:
        return secret.reveal()
    except ConnectorError:
        return ""


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _together(digests: dict[str, bytes]) -> bytes:
    return hashlib.blake2b(b"".join(digests[name] for name in sorted(digests)), digest_size=16).digest()
