"""ecmahost: an open ECMA Connector Host. This module is the public API for authors of connectors and extensions.

They import from here and from nowhere below. What the hooks mean is told in ``ecmahost_core.hookspecs``.
"""

from ecmahost_core.ecma.capabilities import Capabilities, MADistinguishedNameStyle, MAExportType
from ecmahost_core.ecma.csentry import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ImportPage,
    ObjectModificationType,
)
from ecmahost_core.ecma.deprovisioning import (
    DeprovisioningContext,
    DeprovisioningEvent,
    DeprovisioningFlow,
    FlowAction,
)
from ecmahost_core.ecma.explanations import ExportExplanation, Statement, StatementValue, Withheld
from ecmahost_core.ecma.pages import map_pages
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType, Parameters, Secret
from ecmahost_core.ecma.passwords import PasswordOptions, PasswordSupport, Secrets
from ecmahost_core.ecma.results import (
    CSEntryChangeResult,
    ExportError,
    Finding,
    ImportFailure,
    MAExportError,
    MAImportError,
    Severity,
)
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep, SessionPurpose
from ecmahost_core.ecma.schema import (
    AttributeOperation,
    AttributeType,
    Schema,
    SchemaAttribute,
    SchemaType,
    ValueFormat,
)
from ecmahost_core.ecma.values import Anchor, Attributes, Reference, Value, Values, anchor_text
from ecmahost_core.ecma.whole_objects import whole_objects
from ecmahost_core.errors import (
    AccessDenied,
    BadServerCredentials,
    ConnectorError,
    DeadlineExceeded,
    ObjectTypeNotSupported,
    ServerDown,
    TargetBusy,
    UnexpectedData,
    WatermarkExpired,
)
from ecmahost_core.hookspecs import hookimpl
from ecmahost_core.text import fold

__all__ = [
    "AccessDenied",
    "Anchor",
    "AttributeChange",
    "AttributeModificationType",
    "AttributeOperation",
    "AttributeType",
    "Attributes",
    "BadServerCredentials",
    "CSEntryChange",
    "CSEntryChangeResult",
    "Capabilities",
    "ConfigParameterDefinition",
    "ConfigParameterType",
    "ConnectorError",
    "DeadlineExceeded",
    "DeprovisioningContext",
    "DeprovisioningEvent",
    "DeprovisioningFlow",
    "ExportError",
    "ExportExplanation",
    "Finding",
    "FlowAction",
    "ImportFailure",
    "ImportPage",
    "MADistinguishedNameStyle",
    "MAExportError",
    "MAExportType",
    "MAImportError",
    "ObjectModificationType",
    "ObjectQuery",
    "ObjectTypeNotSupported",
    "Parameters",
    "PasswordOptions",
    "PasswordSupport",
    "Reference",
    "RunStep",
    "Schema",
    "SchemaAttribute",
    "SchemaType",
    "Secret",
    "Secrets",
    "ServerDown",
    "SessionPurpose",
    "Severity",
    "Statement",
    "StatementValue",
    "TargetBusy",
    "UnexpectedData",
    "Value",
    "ValueFormat",
    "Values",
    "WatermarkExpired",
    "Withheld",
    "anchor_text",
    "fold",
    "hookimpl",
    "map_pages",
    "whole_objects",
]
