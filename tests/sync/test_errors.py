import pytest

from ecmahost_core import ExportError, MAExportError
from ecmahost_core.scim.errors import SCIM_TYPES
from ecmahost_core.sync.errors import scim_error


@pytest.mark.parametrize("code", list(MAExportError))
def test_every_error_of_a_target_has_a_scim_status_that_fits_its_scim_type(code):
    error = scim_error(ExportError(code, "the target's own words"))
    assert 400 <= error.status < 600
    assert error.status not in (401, 405, 500)
    assert error.detail == f"{code.value}. the target's own words"
    assert error.scim_type is None or SCIM_TYPES[error.scim_type][0] == error.status
    assert ("Retry-After" in error.headers) == (error.status == 503)


def test_a_connectors_own_name_for_its_error_is_shown():
    error = scim_error(ExportError(MAExportError.CUSTOM_CONTINUE_RUN, "no licence left", name="NoLicence"))
    assert error.detail == "NoLicence. no licence left"


def test_what_may_succeed_later_is_503_and_what_exists_is_409():
    assert scim_error(ExportError(MAExportError.LOCKING_ERROR_NEEDS_RETRY, "")).status == 503
    assert scim_error(ExportError(MAExportError.CONNECTED_DIRECTORY_ERROR, "")).status == 503
    assert scim_error(ExportError(MAExportError.DUPLICATE_ANCHOR, "")).scim_type == "uniqueness"
