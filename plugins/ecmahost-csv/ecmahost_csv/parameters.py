"""What an administrator says about a CSV file, and its one reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecmahost_core import ConfigParameterDefinition, ConfigParameterType, ConnectorError, Parameters
from ecmahost_csv.dialect import Dialect, dialect


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of one connector, read.

    Attributes:
        path: of the file.
        object_type: the name of the only object type.
        dialect: how the file is written.
        separator: between several values of one cell; empty when no column holds several.
        multi_valued: the columns that do.
    """

    path: Path
    object_type: str
    dialect: Dialect
    separator: str
    multi_valued: tuple[str, ...]


def definitions() -> Sequence[ConfigParameterDefinition]:
    """Returns the declarations of the ``[connectivity]`` table."""
    return (
        ConfigParameterDefinition(
            "file",
            "CSV file",
            ConfigParameterType.FILE,
            "The file of people. Its first line names the columns. The host's account needs to write its folder too, "
            "where a lock file and a temporary file are made.",
            required=True,
        ),
        ConfigParameterDefinition(
            "object_type", "Object type", help="What a row is called in this configuration.", default="User"
        ),
        ConfigParameterDefinition(
            "delimiter", "Delimiter", help="One character between two cells, or the word tab.", default=","
        ),
        ConfigParameterDefinition(
            "quote", "Quote", help="One character around a cell; doubled inside the cell.", default='"'
        ),
        ConfigParameterDefinition(
            "quoting",
            "Quoting",
            ConfigParameterType.DROP_DOWN,
            "Which cells of a written row are quoted: those that need it, or all. Reading takes both.",
            default="minimal",
            choices=("minimal", "all"),
        ),
        ConfigParameterDefinition(
            "encoding",
            "Encoding",
            help="For example utf-8, utf-16, latin-1 or cp1252. A byte order mark is noticed and kept.",
            default="utf-8",
        ),
        ConfigParameterDefinition(
            "multi_value_separator",
            "Separator of values",
            help="The text between several values in one cell, such as |. Left out, every cell is one value.",
        ),
        ConfigParameterDefinition(
            "multi_valued",
            "Columns of several values",
            help="The names, with commas between them, of the columns whose cells hold several values.",
        ),
        ConfigParameterDefinition(
            "true_and_false",
            "True and false",
            help="How columns that the configuration calls Boolean spell them, true first, such as ja,nein. Left out: "
            "True/False, 1/0, yes/no, y/n or t/f, as the column does.",
        ),
    )


def settings(parameters: Parameters) -> Settings:
    """Returns the parameters, read; ConnectorError names one that cannot be used."""
    separator = _text(parameters, "multi_value_separator")
    several = tuple(name for part in _text(parameters, "multi_valued").split(",") if (name := part.strip()))
    if several and not separator:
        raise ConnectorError("multi_valued names columns, but multi_value_separator is empty; set it, for example to |")
    if "\n" in separator or "\r" in separator:
        raise ConnectorError("multi_value_separator: a line ending cannot separate values; use for example |")
    path = _text(parameters, "file")
    if not path or "\0" in path:
        raise ConnectorError("file: expected the path of a CSV file")
    form = dialect(
        delimiter=_text(parameters, "delimiter", ","),
        quote=_text(parameters, "quote", '"'),
        quote_all=_text(parameters, "quoting", "minimal") == "all",
        encoding=_text(parameters, "encoding", "utf-8"),
        truths=_text(parameters, "true_and_false"),
    )
    return Settings(Path(path), _text(parameters, "object_type", "User"), form, separator, several)


def _text(parameters: Parameters, name: str, default: str = "") -> str:
    value = parameters.get(name, default)
    return value if isinstance(value, str) and value else default
