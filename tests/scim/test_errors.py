import pytest

from ecmahost_core.scim import errors, urns
from ecmahost_core.scim.errors import SCIM_TYPES, ScimError, error_body


def test_the_status_of_an_error_body_is_a_string() -> None:
    assert error_body(404, "No such user.") == {"schemas": [urns.ERROR], "status": "404", "detail": "No such user."}


def test_an_error_body_has_the_scim_type_where_there_is_one() -> None:
    assert errors.uniqueness("userName is taken.").body() == {
        "schemas": [urns.ERROR],
        "status": "409",
        "scimType": "uniqueness",
        "detail": "userName is taken.",
    }


@pytest.mark.parametrize(
    ("error", "status", "scim_type"),
    [
        (errors.invalid_filter("x"), 400, "invalidFilter"),
        (errors.invalid_path("x"), 400, "invalidPath"),
        (errors.invalid_value("x"), 400, "invalidValue"),
        (errors.invalid_syntax("x"), 400, "invalidSyntax"),
        (errors.no_target("x"), 400, "noTarget"),
        (errors.mutability("x"), 400, "mutability"),
        (errors.uniqueness("x"), 409, "uniqueness"),
        (errors.not_found("x"), 404, None),
    ],
)
def test_each_constructor_has_the_status_and_type_of_table_9(
    error: ScimError, status: int, scim_type: str | None
) -> None:
    assert (error.status, error.scim_type, error.detail, str(error)) == (status, scim_type, "x", "x")
    assert dict(error.headers) == {}


def test_table_9_and_the_errors_of_cursors_are_complete() -> None:
    assert set(SCIM_TYPES) == {
        "invalidFilter",
        "tooMany",
        "uniqueness",
        "mutability",
        "invalidSyntax",
        "invalidPath",
        "noTarget",
        "invalidValue",
        "invalidVers",
        "sensitive",
        "invalidCursor",
        "expiredCursor",
        "invalidCount",
    }
    assert {status for status, _ in SCIM_TYPES.values()} == {400, 403, 409}


def test_unavailable_says_when_to_come_back() -> None:
    error = errors.unavailable("The host is importing.", 30)
    assert error.status == 503
    assert error.headers["Retry-After"] == "30"


def test_the_representation_of_an_error_names_what_it_is() -> None:
    assert repr(errors.no_target("x")) == "ScimError(400, 'x', 'noTarget')"
