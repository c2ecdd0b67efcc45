"""Values on their way to PostgreSQL and back.

A text of PostgreSQL cannot hold U+0000, which a text of a target can. It is written as U+0001 U+0001, and U+0001 itself
as U+0001 U+0002: what comes back is what was stored, two texts are equal when they were, and they sort as they did.

Integers always go as ``bigint``: psycopg would take the smallest type that fits, and prepare a statement anew for each
combination of them.
"""

import re

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrDumper

_PLAIN = re.compile("[\x00\x01]")
_WRITTEN = re.compile("\x01([\x01\x02])")
_MARK = "\x01"
_ESCAPES = {"\x00": "\x01\x01", "\x01": "\x01\x02"}
_MEANINGS = {"\x01": "\x00", "\x02": "\x01"}


def escaped(text: str) -> str:
    """Returns a text as PostgreSQL holds it."""
    return _PLAIN.sub(lambda found: _ESCAPES[found[0]], text)


def unescaped(text: str) -> str:
    """Returns the text that ``escaped`` was given."""
    return _WRITTEN.sub(lambda found: _MEANINGS[found[1]], text) if _MARK in text else text


class _Text(StrDumper):
    def dump(self, obj: str) -> Buffer | None:
        return escaped(obj).encode()


class _Read(Loader):
    def load(self, data: Buffer) -> str:
        return unescaped(bytes(data).decode())


def adapt(connection: psycopg.Connection) -> None:
    """Has a connection read and write as this module says."""
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.adapters.register_loader("text", _Read)
