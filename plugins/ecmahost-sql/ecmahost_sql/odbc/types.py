"""What a declared type is made for.

Names of types differ little between databases; what is not known here is text that the database prints and reads
itself.
"""

import re
from dataclasses import dataclass

from ecmahost_core import ValueFormat
from ecmahost_sql.catalog import Kind, Moment


@dataclass(frozen=True, slots=True)
class Typed:
    """A declared type, understood: see ``ecmahost_sql.catalog.Column`` for the attributes."""

    kind: Kind = Kind.TEXT
    plain: bool = False
    approximate: bool = False
    bits: int = 64
    unsigned: bool = False
    length: int | None = None
    scale: int | None = None
    precision: int | None = None
    moment: Moment = Moment.NONE
    format: ValueFormat | None = None


_BITS = {
    "tinyint": 8,
    "smallint": 16,
    "int2": 16,
    "smallserial": 16,
    "mediumint": 24,
    "int": 32,
    "integer": 32,
    "int4": 32,
    "serial": 32,
    "year": 16,
    "bigint": 64,
    "int8": 64,
    "bigserial": 64,
}
_BOOLEANS = frozenset({"boolean", "bool", "bit(1)", "tinyint(1)", "bit"})
_CHARACTERS = frozenset(
    {
        "varchar", "character varying", "nvarchar", "varchar2", "nvarchar2", "national varchar", "text", "tinytext",
        "mediumtext", "longtext", "ntext", "clob", "nclob", "citext", "name",
    }
)  # fmt: skip
_PADDED = frozenset({"char", "character", "bpchar", "nchar", "national char"})
_BYTES = frozenset(
    {"bytea", "binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob", "image", "raw", "long raw"}
)
_NUMBERS = frozenset({"numeric", "decimal", "dec", "number", "fixed", "smallmoney"})
_APPROXIMATE = frozenset(
    {"real", "float", "double", "double precision", "float4", "float8", "binary_float", "binary_double"}
)
_SINGLE = frozenset({"real", "float4", "binary_float"})
_DOUBLE_DIGITS, _SINGLE_DIGITS = 15, 6
"""What doubles and singles keep of any decimal number."""
_MOMENTS = {
    "date": Moment.DATE,
    "timestamp": Moment.WITHOUT_ZONE,
    "timestamp without time zone": Moment.WITHOUT_ZONE,
    "datetime": Moment.WITHOUT_ZONE,
    "datetime2": Moment.WITHOUT_ZONE,
    "smalldatetime": Moment.WITHOUT_ZONE,
}
_FORMATS = {
    "timestamp with time zone": ValueFormat.TIMESTAMP,
    "timestamptz": ValueFormat.TIMESTAMP,
    "datetimeoffset": ValueFormat.TIMESTAMP,
    "time": ValueFormat.TIME,
    "time without time zone": ValueFormat.TIME,
    "uuid": ValueFormat.GUID,
    "uniqueidentifier": ValueFormat.GUID,
}
_DECLARATION = re.compile(r"(?P<base>[^(]*)(?:\((?P<arguments>[^)]*)\))?(?P<rest>.*)", re.DOTALL)


def typed(declared: str) -> Typed:
    """Returns what a type is made for, such as ``character varying(8)`` or ``int(10) unsigned``."""
    text = " ".join(declared.lower().split())
    parts = _DECLARATION.fullmatch(text)
    base, arguments, rest = parts.group("base", "arguments", "rest") if parts else (text, None, "")
    # "timestamp(6) without time zone": the precision stands in the middle.
    base = f"{base.strip()} {rest.strip()}".strip()
    unsigned = " unsigned" in f" {base}"
    base = base.replace(" unsigned", "").replace(" zerofill", "").replace(" identity", "").strip()
    numbers = [int(number) for number in re.findall(r"\d+", arguments or "")]
    if text in _BOOLEANS:
        return Typed(Kind.BOOLEAN)
    if base in _BITS:
        return _whole(base, unsigned=unsigned)
    if base in _PADDED:
        # Printed by the database, which leaves the padding out.
        return Typed(plain=False, length=numbers[0] if numbers else 1, format=ValueFormat.PADDED)
    if base in _CHARACTERS:
        return Typed(plain=True, length=numbers[0] if numbers else None)
    if base in _BYTES:
        return Typed(Kind.BINARY, plain=True)
    if base in _NUMBERS:
        precision = numbers[0] if numbers else None
        return Typed(Kind.DECIMAL, scale=_scale(numbers), precision=precision, format=ValueFormat.DECIMAL)
    if base in _APPROXIMATE:
        digits = _SINGLE_DIGITS if base in _SINGLE else _DOUBLE_DIGITS
        return Typed(Kind.DECIMAL, approximate=True, precision=digits, format=ValueFormat.DECIMAL)
    return _moment(base, numbers[0] if numbers else None)


def _moment(base: str, scale: int | None) -> Typed:
    moment = _MOMENTS.get(base, Moment.NONE)
    if moment is Moment.DATE:
        return Typed(moment=moment, format=ValueFormat.DATE)
    format_ = ValueFormat.TIMESTAMP if moment is Moment.WITHOUT_ZONE else _FORMATS.get(base)
    return Typed(moment=moment, scale=scale if format_ is not None else None, format=format_)


def _whole(base: str, *, unsigned: bool) -> Typed:
    bits = _BITS[base] + unsigned
    # More than 63 bits without a sign do not fit a number of the contract, which carries it as text then.
    if bits > 64:
        return Typed(Kind.DECIMAL, scale=0, format=ValueFormat.DECIMAL)
    return Typed(Kind.INTEGER, plain=True, bits=bits, unsigned=unsigned)


def _scale(numbers: list[int]) -> int | None:
    """``numeric(18)`` keeps no fraction, ``numeric`` keeps any."""
    if not numbers:
        return None
    return numbers[1] if len(numbers) > 1 else 0
