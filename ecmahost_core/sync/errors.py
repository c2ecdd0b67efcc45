"""The one table from the target's errors to SCIM's."""

from collections.abc import Mapping
from types import MappingProxyType

from ecmahost_core.ecma.results import ExportError, MAExportError
from ecmahost_core.scim.errors import ScimError

RETRY_AFTER_SECONDS = 30

_TABLE: Mapping[MAExportError, tuple[int, str | None]] = MappingProxyType(
    {
        MAExportError.DUPLICATE_ANCHOR: (409, "uniqueness"),
        MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT: (404, None),
        MAExportError.MISSING_PROVISIONING_ATTRIBUTE: (400, "invalidValue"),
        MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE: (400, "invalidValue"),
        MAExportError.CONSTRAINT_VIOLATION: (400, "invalidValue"),
        MAExportError.SCHEMA_VIOLATION: (400, "invalidValue"),
        MAExportError.PERMISSION_ISSUE: (403, None),
        MAExportError.PASSWORD_POLICY_VIOLATION: (400, "invalidValue"),
        MAExportError.AMBIGUOUS_UPDATE: (409, "uniqueness"),
        MAExportError.ANCHOR_TOO_LONG: (400, "invalidValue"),
        MAExportError.INVALID_DN: (400, "invalidValue"),
        MAExportError.CONNECTED_DIRECTORY_ERROR: (503, None),
        MAExportError.LOCKING_ERROR_NEEDS_RETRY: (503, None),
        MAExportError.CUSTOM_CONTINUE_RUN: (400, None),
    }
)


def scim_error(error: ExportError) -> ScimError:
    """Returns the SCIM error for a change that the target refused: ECMA2's name for it and the target's own words."""
    status, scim_type = _TABLE[error.code]
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return ScimError(status, f"{error.name or error.code.value}. {error.detail}", scim_type, headers)
