"""Values of a configuration file that stand elsewhere: ``{ env = "NAME" }``, ``{ file = "path" }``."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from ecmahost_core.configuration.documents import Document
from ecmahost_core.configuration.files import SECRET_LIMIT, Unreadable, read_bounded
from ecmahost_core.configuration.home import Home

TAKEN_ALONE = ("description", "secret_tokens", "freshness", "deletion_threshold", "incoming_brake", "strict")
"""What a running connector takes over without being built anew."""


def environment_of(document: Document) -> tuple[str, ...]:
    """Returns the environment variables that parameters take their values from, in the order of the file."""
    return tuple(dict.fromkeys(where for kind, where in _pointers(document) if kind == "env"))


def files_of(document: Document) -> tuple[str, ...]:
    """Returns the files that parameters take their values from, in the order of the file."""
    return tuple(dict.fromkeys(where for kind, where in _pointers(document) if kind == "file"))


def digest_of(document: Document, home: Home) -> bytes:
    """Returns a digest of all that a connector is built from, the content of the files that it points to included.

    Equal for two documents that mean the same connector; ``TAKEN_ALONE`` is no part of it. It is kept in memory only.
    """
    properties = document.get("properties")
    built = dict(properties) if isinstance(properties, Mapping) else properties
    if isinstance(built, dict):
        built = {key: value for key, value in built.items() if key not in TAKEN_ALONE}
    text = json.dumps({**document, "properties": built}, default=str, sort_keys=True)
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for kind, where in _pointers(document):
        if kind == "file":
            digest.update(b"\0" + _content(home, where))
    return digest.digest()


def _pointers(document: Document) -> Iterator[tuple[str, str]]:
    extensions = document.get("extensions")
    # The first is a connector's, the second the host's.
    own = (document.get("connectivity"), document.get("store"))
    tables = (*own, *(extensions.values() if isinstance(extensions, Mapping) else ()))
    for value in (value for table in tables if isinstance(table, Mapping) for value in table.values()):
        if isinstance(value, Mapping) and len(value) == 1:
            ((kind, where),) = value.items()
            if isinstance(where, str):
                yield kind, where


def _content(home: Home, where: str) -> bytes:
    try:
        return read_bounded(home.resolve(where), SECRET_LIMIT)
    except Unreadable:
        return b"\0"
