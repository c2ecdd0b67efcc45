"""The schema of a connector's target: as it tells it now, and as it was last known.

What was learnt is kept in a file, so that a host whose target is down at start still serves what its space holds.
"""

import threading
from pathlib import Path

import orjson
import structlog

from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.reads import ReadLane
from ecmahost_core.ecma.schema import (
    AttributeOperation,
    AttributeType,
    Schema,
    SchemaAttribute,
    SchemaType,
    ValueFormat,
)
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError
from ecmahost_core.sync.agreement import Agreement
from ecmahost_core.sync.lost_schema import with_lost
from ecmahost_core.sync.mapping.binder import bind
from ecmahost_core.sync.mapping.binding import TypeBinding

log = structlog.get_logger()

SCHEMA_SECONDS = 60.0
"""How long the target's schema may take where nobody waits for an answer."""
KNOWN_SCHEMA_SECONDS = 5.0
"""How long it may take where an earlier one is remembered, and how long others wait for whoever asks."""


class TargetSchema:
    """The schema of one connector's target, in one process. Methods may be called by any thread."""

    def __init__(
        self,
        configuration: ConnectorConfiguration,
        connector: Connector,
        reads: ReadLane,
        agreement: Agreement,
        file: Path,
    ) -> None:
        """Asks nothing yet; ``file`` is where it is kept."""
        self.name = configuration.name
        self.file = file
        self._configuration = configuration
        self._connector = connector
        self._reads = reads
        self._agreement = agreement

    def known(self) -> Schema | None:
        """Returns it as it was last kept; None where nobody knows."""
        return _read_schema(self.file)

    def fresh(self) -> Schema:
        """Returns it as the target tells it now, for an import, which asks also while the breaker is open.

        Raises ConnectorError and BrokenContract.
        """
        return self._reads.call(self._connector.schema, timeout=SCHEMA_SECONDS, always=True)

    def learn(self, patience: float) -> Schema:
        """Returns it as the target tells it, with what it has lost, and keeps that; otherwise as it was last known.

        Asks in the lane for reads, because a target that accepts the call may never answer it. Raises ConnectorError
        and BrokenContract where it was never known.
        """
        known = self.known()
        seconds = patience if known is None else min(patience, KNOWN_SCHEMA_SECONDS)
        try:
            schema = self._reads.call(self._connector.schema, timeout=seconds)
        except (ConnectorError, BrokenContract) as error:
            if known is None:
                raise
            log.warning("target_schema_from_last_time", connector=self.name, error=type(error).__name__)
            return known
        schema = self.with_lost(schema, known)
        self.keep(schema)
        return schema

    def with_lost(self, fresh: Schema, known: Schema | None) -> Schema:
        """Returns a schema that was just read, with what it has lost of what the space holds."""
        return with_lost(self._configuration, known, fresh, self._agreement.standing(at_once=True).brought)

    def keep(self, schema: Schema) -> None:
        """Remembers a schema; not being able to is only worth a warning."""
        _write_schema(self.file, schema)

    def bound(self, schema: Schema) -> dict[str, TypeBinding]:
        """Returns the bindings to a schema; raises ConfigurationError where the configuration does not fit it."""
        can = self._connector.capabilities
        return bind(self._configuration, schema, can.dn_style, can.password)

    def misfit(self) -> ConfigurationError | None:
        """Returns what of the configuration does not fit the target; None where it fits or where nobody can tell.

        Goes by the schema that is remembered, and asks the target only when that does not fit: it may have changed.
        """
        known = self.known()
        if known is None:
            return None
        try:
            self.bound(known)
        except ConfigurationError as error:
            misfit = error
        else:
            return None
        try:
            self.bound(self.learn(KNOWN_SCHEMA_SECONDS))
        except ConfigurationError as error:
            misfit = error
        except (ConnectorError, BrokenContract):
            return misfit
        else:
            return None
        return misfit


def _write_schema(file: Path, schema: Schema) -> None:
    """Remembers a schema; not being able to is only worth a warning."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{threading.get_native_id()}.tmp")
        temporary.write_bytes(orjson.dumps(schema))
        temporary.replace(file)
    except OSError as error:
        log.warning("target_schema_not_kept", file=str(file), error=type(error).__name__)


def _read_schema(file: Path) -> Schema | None:
    try:
        data = orjson.loads(file.read_bytes())
        return Schema(tuple(_schema_type(one) for one in data["types"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # missing, cut short, or not a schema
        return None


def _schema_type(data: dict[str, object]) -> SchemaType:
    attributes = data.pop("attributes")
    anchor = data.pop("anchor")
    if not isinstance(attributes, list) or not isinstance(anchor, list):
        raise TypeError("not a schema")
    read = []
    for one in attributes:
        one["type"] = AttributeType(one["type"])
        one["operation"] = AttributeOperation(one["operation"])
        if one.get("format") is not None:  # a file of an older version has none
            one["format"] = ValueFormat(one["format"])
        read.append(SchemaAttribute(**one))
    return SchemaType(attributes=tuple(read), anchor=tuple(anchor), **data)  # type: ignore[arg-type]  # from our own file
