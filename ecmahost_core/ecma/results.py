"""How a change or an import ended: ECMA2's result codes as values, and findings of a check."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ecmahost_core.ecma.values import Anchor, Attributes


class MAExportError(StrEnum):
    """Why a target refused a change (ECMA2: MAExportError; MIM's run error in brackets).

    ``Success`` is not listed: a result without an error succeeded.
    """

    DUPLICATE_ANCHOR = "ExportErrorDuplicateAnchor"
    """Another object has the anchor, the DN or another value that must be unique (cd-existing-object)."""
    CONNECTED_DIRECTORY_MISSING_OBJECT = "ExportErrorConnectedDirectoryMissingObject"
    """The object to change is not in the target (cd-missing-object)."""
    MISSING_PROVISIONING_ATTRIBUTE = "ExportErrorMissingProvisioningAttribute"
    """A value that the target requires was not sent (missing-provisioning-attribute)."""
    INVALID_PROVISIONING_ATTRIBUTE_VALUE = "ExportErrorInvalidProvisioningAttributeValue"
    """A value does not fit the attribute's type or length (invalid-provisioning-attribute-value)."""
    CONSTRAINT_VIOLATION = "ExportErrorConstraintViolation"
    """A rule of the target forbids the change (constraint-violation)."""
    SCHEMA_VIOLATION = "ExportErrorSchemaViolation"
    """The target does not know the object type or attribute (schema-violation)."""
    PERMISSION_ISSUE = "ExportErrorPermissionIssue"
    """The connector's account may not make this change (permission-issue)."""
    PASSWORD_POLICY_VIOLATION = "ExportErrorPasswordPolicyViolation"  # noqa: S105 - a name, no password
    """The target does not take this password (password-policy-violation)."""
    AMBIGUOUS_UPDATE = "ExportErrorAmbiguousUpdate"
    """More than one object of the target has this anchor; nothing was changed (ambiguous-update)."""
    ANCHOR_TOO_LONG = "ExportErrorAnchorTooLong"
    """The anchor is longer than the target takes (anchor-too-long)."""
    INVALID_DN = "ExportErrorInvalidDN"
    """The DN is not one (invalid-dn)."""
    CONNECTED_DIRECTORY_ERROR = "ExportErrorConnectedDirectoryError"
    """The target failed in a way that has no name of its own (cd-error)."""
    LOCKING_ERROR_NEEDS_RETRY = "ExportErrorLockingErrorNeedsRetry"
    """The target was busy and changed nothing; the same call may succeed later (locking-error-needs-retry)."""
    CUSTOM_CONTINUE_RUN = "ExportErrorCustomContinueRun"
    """A connector's own error, named in ``ExportError.name``."""


class MAImportError(StrEnum):
    """Why an object could not be imported (ECMA2: MAImportError)."""

    CUSTOM_CONTINUE_RUN = "ImportErrorCustomContinueRun"
    INVALID_ATTRIBUTE_VALUE = "ImportErrorInvalidAttributeValue"
    PARSE_ERROR = "ImportErrorParseError"


@dataclass(frozen=True, slots=True)
class ExportError:
    """Why one object was refused (ECMA2: ErrorCode, ErrorName and ErrorDetail of a CSEntryChangeResult).

    Attributes:
        code: ECMA2's name for it; decides the SCIM status.
        detail: the target's own words; shown to the client, so without secrets.
        name: the connector's own name for it; may be empty.
        attribute: the target attribute concerned; empty when unknown.
    """

    code: MAExportError
    detail: str
    name: str = ""
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class CSEntryChangeResult:
    """How one change of an export ended (ECMA2: CSEntryChangeResult).

    Attributes:
        identifier: of the change that it answers.
        error: None when the change is durable in the target.
        anchor: the object's anchor now; needed when the target made or changed it, otherwise may stay empty. Equals,
            to the byte, what a later import yields.
        dn: the object's DN now; None when unchanged or unknown.
        attributes: the whole object as the target now holds it, when the connector knows at no great cost (it read
            the row back); None otherwise, and the host then applies the change to what it knew. Beside the error of an
            UPDATE or REPLACE: the object of which a part was changed before the target refused the rest.
    """

    identifier: str
    error: ExportError | None = None
    anchor: Anchor = ()
    dn: str | None = None
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """Why one object could not be read; the import goes on (ECMA2: ErrorCodeImport, ErrorName, ErrorDetail)."""

    code: MAImportError
    detail: str
    name: str = ""

    def to_json(self) -> dict[str, str]:
        """Returns the lossless JSON form."""
        return {"code": self.code.value, "detail": self.detail, "name": self.name}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ImportFailure":
        """Returns the failure whose JSON form is ``data``."""
        return cls(MAImportError(data["code"]), data["detail"], data["name"])


class Severity(StrEnum):
    """How much a finding matters: an ERROR keeps the connector from working, a WARNING may, INFO is good to know."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ``check`` found.

    Attributes:
        severity: decides the exit code of ``ecmahost check``.
        subject: what it is about: a table, a column, a file, a right.
        message: what was found.
        remedy: what to do about it; may be empty for INFO.
    """

    severity: Severity
    subject: str
    message: str
    remedy: str = ""
