"""The request shapes, letter by letter as Microsoft's documentation of app provisioning shows them."""

from ecmahost_entra import shapes
from ecmahost_entra.apps import App
from ecmahost_entra.paths import CORE_USER, ECMA_USER, ScimPath, parse_path
from ecmahost_entra.shapes import Dialect

from ecmahost_core.ecma.schema import AttributeType

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
    request = shapes.query(App.NONGALLERY, Dialect.DEFAULT, "PLACEHOLDER", "8646d011")
    assert (request.method, request.target) == ("GET", "/Users?filter=PLACEHOLDER+eq+%228646d011%22")


def test_a_query_escapes_what_would_end_the_value() -> None:
    request = shapes.query(App.NONGALLERY, Dialect.DEFAULT, 'emails[type eq "work"].value', 'a+b "c" \\ d&e')
    assert request.target == (
        "/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22a%2Bb+%5C%22c%5C%22+%5C%5C+d%26e%22"
    )


def test_the_flag_travels_as_a_query_parameter() -> None:
    dialect = Dialect.AAD_OPTSCIM_062020
    assert (
        shapes.query(App.NONGALLERY, dialect, "userName", "x").target
        == "/Users?aadOptscim062020&filter=userName+eq+%22x%22"
    )
    assert shapes.get(dialect, "a/b").target == "/Users/a%2Fb?aadOptscim062020"


def test_a_create_carries_meta_roles_and_every_schema_that_is_used() -> None:
    request = shapes.create(App.NONGALLERY, Dialect.DEFAULT, [(parse_path("userName"), "u"), *REPLACED])
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


def test_behind_the_agent_quotes_in_a_query_stay_as_they_are() -> None:
    request = shapes.query(App.ECMA, Dialect.DEFAULT, f"{ECMA_USER}:Tel 2", 'a+b "c" & é')
    assert request.target == (
        '/Users?filter=urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User:Tel+2+eq+"a%2Bb+%5C"c%5C"+%26+%C3%A9"'
    )


def test_the_ecma_app_creates_with_its_extension_alone_and_does_not_always_list_it() -> None:
    values = [(ScimPath(f"{ECMA_USER}:-dn-", ECMA_USER, "-dn-"), "CN=x"), (parse_path(f"{ECMA_USER}:Age"), "7")]
    default = shapes.create(App.ECMA, Dialect.DEFAULT, values).body
    flagged = shapes.create(App.ECMA, Dialect.AAD_OPTSCIM_062020, values).body
    rest = {"meta": {"resourceType": "User"}, ECMA_USER: {"-dn-": "CN=x", "Age": "7"}}
    assert default == {"schemas": [CORE_USER], "active": "True", **rest}
    assert flagged == {"schemas": [CORE_USER, ECMA_USER], "active": True, **rest}


def test_the_ecma_app_patches_with_the_urn_before_each_name() -> None:
    replaced = [(parse_path(f"{ECMA_USER}:Tel 2"), "1")]
    default = shapes.change(Dialect.DEFAULT, "1", replaced, []).body
    flagged = shapes.change(Dialect.AAD_OPTSCIM_062020, "1", replaced, []).body
    assert default["Operations"] == [{"op": "Replace", "path": f"{ECMA_USER}:Tel 2", "value": "1"}]
    assert flagged["Operations"] == [{"op": "replace", "value": {f"{ECMA_USER}:Tel 2": "1"}}]


def test_the_on_premises_scim_app_sends_nulls_and_does_not_list_an_extension_of_ones_own() -> None:
    badges = "urn:ietf:params:scim:schemas:extension:Badges:2.0:User"
    values = [(parse_path("title"), "t"), (parse_path(f"{badges}:B"), "1"), *REPLACED[3:]]
    body = shapes.create(App.SCIM, Dialect.DEFAULT, values).body
    assert body["schemas"] == [CORE_USER, ENTERPRISE]
    assert (body["title"], body["preferredLanguage"], body["addresses"]) == ("t", None, None)
    assert "roles" not in body
    assert body[badges] == {"B": "1"}
    assert badges in shapes.create(App.SCIM, Dialect.AAD_OPTSCIM_062020, values).body["schemas"]


def test_a_removal_carries_the_old_value_of_a_filtered_path_in_the_default_dialect_only() -> None:
    removed = [(parse_path("title"), "t"), ADDED[0]]
    default = shapes.remove(Dialect.DEFAULT, "1", removed).body
    flagged = shapes.remove(Dialect.AAD_OPTSCIM_062020, "1", removed).body
    phone = 'phoneNumbers[type eq "work"].value'
    assert default["Operations"] == [{"op": "Remove", "path": "title"}, {"op": "Remove", "path": phone, "value": "+1"}]
    assert flagged["Operations"] == [{"op": "remove", "path": "title"}, {"op": "remove", "path": phone}]


def test_types_are_written_as_json_has_them() -> None:
    assert shapes.typed("41", AttributeType.INTEGER) == 41
    assert shapes.typed("False", AttributeType.BOOLEAN) is False
    assert shapes.typed("41", AttributeType.STRING) == "41"


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
