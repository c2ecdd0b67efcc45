"""The request shapes, letter by letter as Microsoft's documentation of app provisioning shows them."""

from ecmahost_entra import shapes
from ecmahost_entra.paths import parse_path
from ecmahost_entra.shapes import Dialect

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
REPLACED = [
    (parse_path("displayName"), "Zoë"),
    (parse_path("name.givenName"), "Zo"),
    (parse_path('emails[type eq "work"].value'), "z@example.com"),
    (parse_path(f"{ENTERPRISE}:employeeNumber"), "7"),
]
ADDED = [(parse_path('phoneNumbers[type eq "work"].value'), "+1")]
PATCH_OP = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


def test_a_query_writes_blanks_as_plus_and_quotes_percent_encoded() -> None:
    request = shapes.query(Dialect.DEFAULT, "PLACEHOLDER", "8646d011")
    assert (request.method, request.target) == ("GET", "/Users?filter=PLACEHOLDER+eq+%228646d011%22")


def test_a_query_escapes_what_would_end_the_value() -> None:
    request = shapes.query(Dialect.DEFAULT, 'emails[type eq "work"].value', 'a+b "c" \\ d&e')
    assert request.target == (
        "/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22a%2Bb+%5C%22c%5C%22+%5C%5C+d%26e%22"
    )


def test_the_flag_travels_as_a_query_parameter() -> None:
    dialect = Dialect.AAD_OPTSCIM_062020
    assert shapes.query(dialect, "userName", "x").target == "/Users?aadOptscim062020&filter=userName+eq+%22x%22"
    assert shapes.get(dialect, "a/b").target == "/Users/a%2Fb?aadOptscim062020"


def test_a_create_carries_meta_roles_and_every_schema_that_is_used() -> None:
    request = shapes.create(Dialect.DEFAULT, [(parse_path("userName"), "u"), *REPLACED])
    assert request.method == "POST"
    assert request.target == "/Users"
    assert request.body == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "active": True,
        "meta": {"resourceType": "User"},
        "roles": [],
        "userName": "u",
        "displayName": "Zoë",
        "name": {"givenName": "Zo"},
        "emails": [{"type": "work", "value": "z@example.com", "primary": True}],
        ENTERPRISE: {"employeeNumber": "7"},
    }


def test_the_default_dialect_has_one_capitalised_operation_for_each_path() -> None:
    request = shapes.change(Dialect.DEFAULT, "1", REPLACED, ADDED)
    assert request.method == "PATCH"
    assert request.body == {
        "schemas": PATCH_OP,
        "Operations": [
            {"op": "Replace", "path": "displayName", "value": "Zoë"},
            {"op": "Replace", "path": "name.givenName", "value": "Zo"},
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "z@example.com"},
            {"op": "Replace", "path": f"{ENTERPRISE}:employeeNumber", "value": "7"},
            {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "+1"},
        ],
    }


def test_the_flag_gathers_paths_without_a_filter_in_one_operation_without_a_path() -> None:
    request = shapes.change(Dialect.AAD_OPTSCIM_062020, "1", REPLACED, ADDED)
    assert request.body == {
        "schemas": PATCH_OP,
        "Operations": [
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "z@example.com"},
            {
                "op": "replace",
                "value": {"displayName": "Zoë", "name.givenName": "Zo", f"{ENTERPRISE}:employeeNumber": "7"},
            },
            {"op": "add", "path": 'phoneNumbers[type eq "work"].value', "value": "+1"},
        ],
    }


def test_disabling_sends_text_in_the_default_dialect_and_a_boolean_with_the_flag() -> None:
    default = shapes.set_active(Dialect.DEFAULT, "1", active=False).body
    flagged = shapes.set_active(Dialect.AAD_OPTSCIM_062020, "1", active=False).body
    assert default == {"schemas": PATCH_OP, "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    assert flagged == {"schemas": PATCH_OP, "Operations": [{"op": "replace", "path": "active", "value": False}]}
