"""Passwords as a column keeps them: hashed in one of the textual formats that frameworks read, or plain.

A hash is made for the change that brings the password, before its transaction begins: it takes tens of milliseconds by
design, and no lock is held meanwhile.
"""

import base64
import hashlib
import importlib.util
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ecmahost_core import AttributeType, MAExportError, Secret
from ecmahost_sql.catalog import Column, Kind
from ecmahost_sql.database import SqlValue
from ecmahost_sql.errors import DatabaseFailure, Refused
from ecmahost_sql.values import InvalidValue, bind

CHANGES_AT_ONCE: Final = 10
"""How many changes one call takes where passwords are hashed: nobody is to wait for the hashes of a hundred others."""

BCRYPT_BYTES: Final = 72
"""bcrypt does not look at what follows."""

_ARGON2_ITERATIONS, _ARGON2_KIB, _ARGON2_LANES = 2, 19 * 1024, 1
_BCRYPT_ROUNDS = 10
_PBKDF2_ITERATIONS = 600_000
"""The costs are what OWASP's Password Storage Cheat Sheet asks for at least. A hash names its own, so they can grow."""


class PasswordHash(StrEnum):
    """What a column keeps of a password."""

    ARGON2 = "argon2"
    """``$argon2id$v=19$m=19456,t=2,p=1$salt$hash`` (the PHC string format)."""
    BCRYPT = "bcrypt"
    """``$2b$10$salthash`` (crypt)."""
    PBKDF2 = "pbkdf2"
    """``pbkdf2_sha256$600000$salt$hash`` (as Django writes it)."""
    PLAIN = "plain"
    """The password itself."""

    @property
    def length(self) -> int:
        """In characters; 0 where it is the password's own."""
        return {"argon2": 97, "bcrypt": 60, "pbkdf2": 88, "plain": 0}[self.value]

    @property
    def missing(self) -> str:
        """What has to be installed first; empty when nothing."""
        needs_bcrypt = self is PasswordHash.BCRYPT and importlib.util.find_spec("bcrypt") is None
        return "ecmahost-sql[bcrypt]" if needs_bcrypt else ""


@dataclass(frozen=True, slots=True)
class PasswordColumn:
    """Where passwords go.

    Attributes:
        name: of the column, in every table that has one of this name.
        hash: what it keeps.
    """

    name: str
    hash: PasswordHash


def stored(way: PasswordHash, password: Secret) -> str:
    """Returns what to store for a password; Refused for one that this way would not keep whole."""
    text = password.reveal()
    if not text or "\0" in text:
        raise _refused("an empty password, or one with a NUL character, is not taken")
    match way:
        case PasswordHash.ARGON2:
            return _argon2(text)
        case PasswordHash.BCRYPT:
            return _bcrypt(text)
        case PasswordHash.PBKDF2:
            return _pbkdf2(text)
        case PasswordHash.PLAIN:
            return text


def assigned(way: PasswordColumn, table: str, column: Column | None, password: Secret) -> Mapping[str, SqlValue]:
    """Returns what to write into a table's password column; Refused where it cannot be kept there as it is."""
    column = taking(way, table, column)
    try:
        return {column.name: bind(column, AttributeType.STRING, stored(way.hash, password))}
    except InvalidValue as problem:
        detail = f"column {way.name} of table {table} {problem}"
    raise Refused(MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, detail)


def taking(way: PasswordColumn, table: str, column: Column | None) -> Column:
    """Returns a table's password column; Refused where it can take none."""
    if column is None or column.computed or column.kind is not Kind.TEXT:
        what = "is not there" if column is None else "cannot be written" if column.computed else "holds no text"
        detail = f"column {way.name} of table {table} {what}, and is to take passwords"
        raise Refused(MAExportError.SCHEMA_VIOLATION, detail)
    return column


def without(failure: DatabaseFailure, values: Iterable[SqlValue]) -> DatabaseFailure:
    """Returns the failure, its words withheld where one of these values stands in them: a trigger may quote it."""
    if not any(str(value) in failure.detail for value in values):
        return failure
    detail = "the database forbids it, and its words are not repeated, because they quote the password column"
    return DatabaseFailure(failure.kind, detail, failure.column)


def _argon2(text: str) -> str:
    import argon2  # only where it is used

    hasher = argon2.PasswordHasher(_ARGON2_ITERATIONS, _ARGON2_KIB, _ARGON2_LANES, hash_len=32, salt_len=16)
    try:
        return hasher.hash(text)
    except argon2.exceptions.HashingError:  # no memory for it
        detail = "the host could not hash the password now"
        raise Refused(MAExportError.LOCKING_ERROR_NEEDS_RETRY, detail) from None


def _bcrypt(text: str) -> str:
    import bcrypt  # an extra of this distribution

    data = text.encode()
    if len(data) > BCRYPT_BYTES:
        raise _refused(f"a password of {len(data)} bytes is too long: bcrypt takes at most {BCRYPT_BYTES}")
    return bcrypt.hashpw(data, bcrypt.gensalt(_BCRYPT_ROUNDS)).decode()


def _pbkdf2(text: str) -> str:
    salt = secrets.token_urlsafe(16)
    key = hashlib.pbkdf2_hmac("sha256", text.encode(), salt.encode(), _PBKDF2_ITERATIONS)
    return f"pbkdf2_sha256${_PBKDF2_ITERATIONS}${salt}${base64.b64encode(key).decode()}"


def _refused(detail: str) -> Refused:
    return Refused(MAExportError.PASSWORD_POLICY_VIOLATION, detail)
