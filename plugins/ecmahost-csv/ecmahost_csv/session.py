"""What a session is: the settings and an index of the file. Nothing stays open between two calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ecmahost_core import (
    ObjectTypeNotSupported,
    Parameters,
    RunStep,
    Schema,
    SchemaAttribute,
    SchemaType,
)
from ecmahost_csv.columns import Binding, bind
from ecmahost_csv.index import Index
from ecmahost_csv.parameters import Settings, settings
from ecmahost_csv.records import allow_long_cells
from ecmahost_csv.target import Target, look, open_target


@dataclass(frozen=True, slots=True)
class CsvSession:
    """A connection to the file: each call opens the version that is current then, and reads that one only.

    Attributes:
        settings: the parameters, read.
        index: where rows are found; follows the file from version to version.
    """

    settings: Settings
    index: Index = field(default_factory=Index)

    @contextmanager
    def target(self) -> Iterator[Target]:
        """Opens the current version; raises as ``open_target`` does."""
        with open_target(self.settings.path, self.settings.dialect) as target:
            yield target

    def binding(self, target: Target, step: RunStep) -> Binding:
        """Returns what the file's columns mean in this step.

        Raises ObjectTypeNotSupported when it asks for another object type or for columns that the file lacks.
        """
        for schema_type in step.types:
            if schema_type.name != self.settings.object_type:
                raise ObjectTypeNotSupported(
                    f"a CSV file has one object type, {self.settings.object_type!r}, not {schema_type.name!r}; "
                    "set the parameter object_type or the type's target"
                )
        return bind(target.layout, step.types[0], self.settings.separator)


@contextmanager
def session(parameters: Parameters) -> Iterator[CsvSession]:
    """Yields a session.

    Raises ServerDown when the file is not there, AccessDenied without the right to read it, ConnectorError for
    parameters that cannot be used.
    """
    allow_long_cells()
    opened = CsvSession(settings(parameters))
    look(opened.settings.path)
    yield opened


def alive(opened: CsvSession) -> bool:
    """Returns whether the file is there; what changed in it is noticed by each call."""
    try:
        return opened.settings.path.is_file()
    except OSError:
        return False


def schema(opened: CsvSession) -> Schema:
    """Returns the columns as attributes, all text: a CSV knows no types, no keys and nothing that is required.

    Raises ObjectTypeNotSupported when ``multi_valued`` names a column that the file lacks.
    """
    with opened.target() as target:
        several = opened.settings.multi_valued
        missing = [name for name in several if name not in target.layout.names]
        if missing:
            names = ", ".join(map(repr, missing))
            raise ObjectTypeNotSupported(f"{target.path}: multi_valued names {names}, which is no column; correct it")
        attributes = tuple(SchemaAttribute(name, multi_valued=name in several) for name in target.layout.names)
    return Schema((SchemaType(opened.settings.object_type, attributes),))
