"""What an administrator says about a CSV file, and its one reading."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecmahost_core import ConfigParameterDefinition, ConfigParameterType, ConnectorError, Parameters
from ecmahost_csv.dialect import Dialect, dialect


@dataclass(frozen=True, slots=True)
class Groups:
    """Where groups are, and who is in them.

    Attributes:
        file: a row for each group.
        memberships: a row for each member of a group, of the same dialect.
        object_type: what a row of ``file`` is called.
        group_column: the column of ``memberships`` with the group's anchor.
        member_column: the one with the member's anchor.
    """

    file: Path
    memberships: Path
    object_type: str
    group_column: str
    member_column: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of one connector, read.

    Attributes:
        path: of the file.
        object_type: what a row of it is called.
        dialect: how the file is written.
        separator: between several values of one cell; empty when no column holds several.
        multi_valued: the columns that do.
        groups: where groups are; None where there are none.
        further: what is in a file of its own beside people and groups: what a row is called, and the file.
    """

    path: Path
    object_type: str
    dialect: Dialect
    separator: str
    multi_valued: tuple[str, ...]
    groups: Groups | None = None
    further: tuple[tuple[str, Path], ...] = ()


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
        *_GROUPS,
        ConfigParameterDefinition(
            "further_files",
            "Further files",
            ConfigParameterType.TEXT,
            "What else there is beside people and groups, written like the file of people: a line for each file, with "
            "what a row is called in this configuration, an equals sign and the path, such as Device = "
            "/srv/hr/devices.csv. A cell holds one value there.",
            identifies_target=False,
        ),
    )


_GROUPS = (
    ConfigParameterDefinition(
        "groups_file",
        "Groups file",
        ConfigParameterType.FILE,
        "The file of groups, written like the file of people; who is in them is in memberships_file. Left out: there "
        "are no groups.",
        identifies_target=False,  # people keep who they are when groups are added
    ),
    ConfigParameterDefinition(
        "memberships_file",
        "Memberships file",
        ConfigParameterType.FILE,
        "The file that says who is in which group: a row with the anchors of both for each member.",
        identifies_target=False,
    ),
    ConfigParameterDefinition(
        "group_object_type",
        "Object type of groups",
        help="What a row of the groups file is called in this configuration; its members are the attribute members.",
        default="Group",
    ),
    ConfigParameterDefinition(
        "membership_columns",
        "Columns of memberships",
        help="The two columns of the memberships file: that of the group's anchor, a comma, that of the member's.",
        default="group,member",
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
    object_type = _text(parameters, "object_type", "User")
    groups = _groups(parameters, Path(path), object_type)
    further = _further(parameters)
    _require_all_different(Path(path), object_type, groups, further)
    return Settings(Path(path), object_type, form, separator, several, groups, further)


def _further(parameters: Parameters) -> tuple[tuple[str, Path], ...]:
    found = []
    for line in _text(parameters, "further_files").splitlines():
        name, equals, path = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not (name and equals and path) or "\0" in path:
            raise ConnectorError("further_files: expected lines such as Device = /srv/hr/devices.csv")
        found.append((name, Path(path)))
    return tuple(found)


def _require_all_different(
    people: Path, object_type: str, groups: Groups | None, further: tuple[tuple[str, Path], ...]
) -> None:
    names = [object_type, *([groups.object_type] if groups else []), *(name for name, _ in further)]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise ConnectorError(f"further_files: {twice!r} is what the rows of two files are called; choose two names")
    paths = [people, *([groups.file, groups.memberships] if groups else []), *(path for _, path in further)]
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise ConnectorError("further_files: expected files that no other parameter and no other line names")


def _groups(parameters: Parameters, people: Path, object_type: str) -> Groups | None:
    paths = [_text(parameters, name) for name in ("groups_file", "memberships_file")]
    if not any(paths):
        return None
    if not all(paths):
        raise ConnectorError("groups_file and memberships_file belong together: name both files, or neither")
    if (
        any("\0" in path for path in paths)
        or len({os.path.realpath(each) for each in (str(people), *paths)}) < len(paths) + 1
    ):
        raise ConnectorError("file, groups_file and memberships_file: expected the paths of three different files")
    name = _text(parameters, "group_object_type", "Group")
    if name == object_type:
        raise ConnectorError("group_object_type and object_type are the same; choose two names")
    columns = [column.strip() for column in _text(parameters, "membership_columns", "group,member").split(",")]
    if len(columns) != len(paths) or not all(columns) or columns[0] == columns[1]:
        raise ConnectorError("membership_columns: expected the names of two columns, such as group,member")
    return Groups(Path(paths[0]), Path(paths[1]), name, *columns)


def _text(parameters: Parameters, name: str, default: str = "") -> str:
    value = parameters.get(name, default)
    return value if isinstance(value, str) and value else default
