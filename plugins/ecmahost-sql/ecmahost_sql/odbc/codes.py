"""SQLSTATEs and the databases' own numbers, and which kind of failure each of them is.

SQLSTATE alone says too little: MariaDB has one state for a duplicate, a missing value and a foreign key.
"""

from collections.abc import Mapping

from ecmahost_sql.errors import FailureKind
from ecmahost_sql.odbc.drivers import MARIADB, MYSQL, POSTGRESQL, SQL_SERVER, Driver

_STATES: Mapping[str, FailureKind] = {
    "40001": FailureKind.BUSY,
    "HYT00": FailureKind.TIMEOUT,
    "HYT01": FailureKind.UNAVAILABLE,
    "HY008": FailureKind.TIMEOUT,
    "42S02": FailureKind.NOT_IN_CATALOG,
    "42S22": FailureKind.NOT_IN_CATALOG,
    "28000": FailureKind.CREDENTIALS,
    "25006": FailureKind.READ_ONLY,
}
_CLASSES: Mapping[str, FailureKind] = {"08": FailureKind.UNAVAILABLE, "22": FailureKind.INVALID_VALUE}

_POSTGRESQL_STATES: Mapping[str, FailureKind] = {
    # A database of the encoding SQL_ASCII has text that is none. Not a value of ours: the row is there.
    "22021": FailureKind.OTHER,
    "23505": FailureKind.UNIQUE,
    "23502": FailureKind.NOT_NULL,
    "23P01": FailureKind.UNIQUE,
    "40P01": FailureKind.BUSY,
    "55P03": FailureKind.BUSY,
    "57014": FailureKind.TIMEOUT,
    "42501": FailureKind.PERMISSION,
    "42P01": FailureKind.NOT_IN_CATALOG,
    "42703": FailureKind.NOT_IN_CATALOG,
    "3F000": FailureKind.NOT_IN_CATALOG,
    "28P01": FailureKind.CREDENTIALS,
    "428C9": FailureKind.CONSTRAINT,
    "44000": FailureKind.CONSTRAINT,
    "25P02": FailureKind.OTHER,
    "XX001": FailureKind.DAMAGED,
    "XX002": FailureKind.DAMAGED,
    "25P03": FailureKind.UNAVAILABLE,
}
_POSTGRESQL_CLASSES: Mapping[str, FailureKind] = {
    "23": FailureKind.CONSTRAINT,
    "53": FailureKind.UNAVAILABLE,
    "57": FailureKind.UNAVAILABLE,
    "58": FailureKind.UNAVAILABLE,
}

_MARIADB_NUMBERS: Mapping[int, FailureKind] = {
    1022: FailureKind.UNIQUE,
    1062: FailureKind.UNIQUE,
    1169: FailureKind.UNIQUE,
    1586: FailureKind.UNIQUE,
    1048: FailureKind.NOT_NULL,
    1364: FailureKind.NOT_NULL,
    1216: FailureKind.CONSTRAINT,
    1217: FailureKind.CONSTRAINT,
    1451: FailureKind.CONSTRAINT,
    1452: FailureKind.CONSTRAINT,
    3819: FailureKind.CONSTRAINT,
    4025: FailureKind.CONSTRAINT,
    1205: FailureKind.BUSY,
    1213: FailureKind.BUSY,
    1020: FailureKind.BUSY,
    1040: FailureKind.BUSY,
    1203: FailureKind.BUSY,
    1226: FailureKind.BUSY,
    1969: FailureKind.TIMEOUT,
    3024: FailureKind.TIMEOUT,
    1044: FailureKind.PERMISSION,
    1142: FailureKind.PERMISSION,
    1143: FailureKind.PERMISSION,
    1227: FailureKind.PERMISSION,
    1370: FailureKind.PERMISSION,
    1290: FailureKind.READ_ONLY,
    1792: FailureKind.READ_ONLY,
    1836: FailureKind.READ_ONLY,
    1045: FailureKind.CREDENTIALS,
    1130: FailureKind.CREDENTIALS,
    1820: FailureKind.CREDENTIALS,
    1862: FailureKind.CREDENTIALS,
    3118: FailureKind.CREDENTIALS,
    4151: FailureKind.CREDENTIALS,
    1698: FailureKind.CREDENTIALS,
    1049: FailureKind.UNAVAILABLE,
    1054: FailureKind.NOT_IN_CATALOG,
    1146: FailureKind.NOT_IN_CATALOG,
    1356: FailureKind.NOT_IN_CATALOG,
    1265: FailureKind.INVALID_VALUE,
    1267: FailureKind.INVALID_VALUE,
    1271: FailureKind.INVALID_VALUE,
    1366: FailureKind.INVALID_VALUE,
    1906: FailureKind.CONSTRAINT,
    1021: FailureKind.UNAVAILABLE,
    1047: FailureKind.UNAVAILABLE,
    1053: FailureKind.UNAVAILABLE,
    1129: FailureKind.UNAVAILABLE,
    1114: FailureKind.UNAVAILABLE,
    1194: FailureKind.DAMAGED,
    1877: FailureKind.DAMAGED,
    1927: FailureKind.UNAVAILABLE,
    2002: FailureKind.UNAVAILABLE,
    2003: FailureKind.UNAVAILABLE,
    2005: FailureKind.UNAVAILABLE,
    2006: FailureKind.UNAVAILABLE,
    2013: FailureKind.UNAVAILABLE,
    2026: FailureKind.UNAVAILABLE,
    2055: FailureKind.UNAVAILABLE,
}

_SQL_SERVER_NUMBERS: Mapping[int, FailureKind] = {
    2601: FailureKind.UNIQUE,
    2627: FailureKind.UNIQUE,
    515: FailureKind.NOT_NULL,
    547: FailureKind.CONSTRAINT,
    1205: FailureKind.BUSY,
    1222: FailureKind.BUSY,
    3906: FailureKind.READ_ONLY,
    978: FailureKind.READ_ONLY,
    229: FailureKind.PERMISSION,
    230: FailureKind.PERMISSION,
    18456: FailureKind.CREDENTIALS,
    4060: FailureKind.CREDENTIALS,
    544: FailureKind.CONSTRAINT,
    207: FailureKind.NOT_IN_CATALOG,
    208: FailureKind.NOT_IN_CATALOG,
    1105: FailureKind.UNAVAILABLE,
    9002: FailureKind.UNAVAILABLE,
    40197: FailureKind.UNAVAILABLE,
    40501: FailureKind.UNAVAILABLE,
    40613: FailureKind.UNAVAILABLE,
    241: FailureKind.INVALID_VALUE,
    242: FailureKind.INVALID_VALUE,
    245: FailureKind.INVALID_VALUE,
    8114: FailureKind.INVALID_VALUE,
    8115: FailureKind.INVALID_VALUE,
    8169: FailureKind.INVALID_VALUE,
    8152: FailureKind.INVALID_VALUE,
    2628: FailureKind.INVALID_VALUE,
}

_NUMBERS = {MARIADB.name: _MARIADB_NUMBERS, MYSQL.name: _MARIADB_NUMBERS, SQL_SERVER.name: _SQL_SERVER_NUMBERS}

_REFUSED_LOGIN = ("password authentication failed", "no password supplied", 'role "', "no pg_hba.conf entry")


def kind_of(driver: Driver, state: str, number: int, text: str) -> FailureKind:
    """Returns what an error means: by SQLSTATE, the database's own number (0 without one), and its first sentence."""
    if driver is POSTGRESQL:
        if state == "08001" and any(words in text for words in _REFUSED_LOGIN):
            return FailureKind.CREDENTIALS
        if text.startswith("Connection is readonly"):  # psqlODBC's own words, for ReadOnly=1
            return FailureKind.READ_ONLY
        found = _POSTGRESQL_STATES.get(state) or _POSTGRESQL_CLASSES.get(state[:2])
    else:
        found = _NUMBERS.get(driver.name, {}).get(number)
    return found or _STATES.get(state) or _CLASSES.get(state[:2]) or _integrity(state)


def _integrity(state: str) -> FailureKind:
    return FailureKind.CONSTRAINT if state[:2] == "23" else FailureKind.OTHER
