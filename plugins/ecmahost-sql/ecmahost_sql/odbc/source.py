"""Where an ODBC database is, and the connection string that leads there.

A connection string holds passwords. It is composed when a connection is opened, handed to the driver, and kept nowhere.
"""

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ecmahost_core import Secret
from ecmahost_sql.errors import DatabaseFailure, FailureKind

_KEYWORD = re.compile(r"(?P<name>[^=;]*)=\s*(?P<value>\{(?:[^}]|\}\})*\}|[^;]*)[^;]*")
_SAME = {"user": "uid", "username": "uid", "user name": "uid", "password": "pwd"}
_PLAIN = re.compile(r"[^\[\]{}(),;?*=!@%+\s]+")
"""What needs no braces; psqlODBC decodes ``%41`` and ``+`` where there are none."""

_LARGEST_FILE = 65536
_UNREADABLE: Mapping[type[OSError], str] = {
    FileNotFoundError: "does not exist",
    IsADirectoryError: "is a directory",
    PermissionError: "may not be read by the host's account",
}


@dataclass(frozen=True, slots=True)
class OdbcSource:
    """How a database is named; exactly one of the first three is given.

    Attributes:
        dsn: the name of a data source that the machine knows (odbc.ini).
        dsn_file: a file with the keywords of a connection, as an administrator's tool saves it.
        connection_string: the keywords themselves.
        user: of the database; empty when the data source says it.
        password: None when the data source says it, or none is needed.
    """

    dsn: str = ""
    dsn_file: str = ""
    connection_string: Secret | None = None
    user: str = ""
    password: Secret | None = None


Keywords: TypeAlias = Mapping[str, str]
"""A connection string: what stands for each keyword, the keyword included, by the keyword in small letters."""


def keywords(source: OdbcSource) -> Keywords:
    """Returns the connection string, without any keyword of ours. Raises DatabaseFailure for a DSN file.

    ODBC says that of a keyword that stands twice the first counts; psqlODBC takes the last. So each stands once: user
    and password of the connector go before those of the data source.
    """
    parts = []
    if source.dsn:
        # Drivers look for the name with its braces; what needs some cannot be a name (see the parameter).
        parts.append(f"DSN={source.dsn}")
    if source.user:
        parts.append(f"UID={_braced(source.user)}")
    if source.password is not None:
        parts.append(f"PWD={_braced(source.password.reveal())}")
    if source.dsn_file:
        parts.extend(f"{name}={_braced(value)}" for name, value in _from_file(Path(source.dsn_file)))
    elif source.connection_string is not None:
        parts.append(source.connection_string.reveal())
    return parsed(";".join(parts))


def parsed(text: str) -> Keywords:
    """Returns the keywords of a connection string; the first of those with the same name."""
    found: dict[str, str] = {}
    for match in _KEYWORD.finditer(text):
        name = match["name"].strip().lower()
        if name:
            found.setdefault(_SAME.get(name, name), match[0].strip())
    return found


def driver_in(found: Keywords) -> str:
    """Returns the driver that a connection string names; empty when it names none."""
    value = found.get("driver", "").partition("=")[2].strip()
    return value[1:-1] if value.startswith("{") else value


def _braced(value: str) -> str:
    """Returns a value so that it cannot be more than one value (ODBC: SQLDriverConnect, special characters)."""
    return value if _PLAIN.fullmatch(value) else "{" + value.replace("}", "}}") + "}"


def _from_file(path: Path) -> list[tuple[str, str]]:
    """Returns the keywords of a DSN file: those of its section [ODBC]."""
    file = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    file.optionxform = str  # type: ignore[assignment,method-assign] # the documented way
    try:
        with path.open(encoding="utf-8-sig") as lines:
            file.read_string(lines.read(_LARGEST_FILE))
    except OSError as error:
        why = _UNREADABLE.get(type(error), "cannot be read")
        raise DatabaseFailure(FailureKind.OTHER, f"the file of dsn_file under [connectivity] {why}") from None
    except (configparser.Error, UnicodeDecodeError):
        raise DatabaseFailure(FailureKind.OTHER, "the file of dsn_file under [connectivity] is no DSN file") from None
    section = next((name for name in file.sections() if name.upper() == "ODBC"), "")
    if not section or not file[section]:
        raise DatabaseFailure(
            FailureKind.OTHER, "the file of dsn_file under [connectivity] has no section [ODBC] with keywords"
        )
    return [(name, _unbraced(value)) for name, value in file.items(section)]


def _unbraced(value: str) -> str:
    return value[1:-1].replace("}}", "}") if value.startswith("{") and value.endswith("}") else value
