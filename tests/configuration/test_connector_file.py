"""Every kind of mistake in a connector file, and what is said about it."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest

from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import LoadedConnectors
from ecmahost_core.configuration.model import (
    Freshness,
    Profile,
    QueryAttribute,
    RunProfile,
    SelectedAttribute,
    TokenHash,
)
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType

INSTANCE = "6e0c1f7e-3c1c-4b7e-9d52-2f1f6f5d9a10"
PROPERTIES = f'[properties]\ninstance = "{INSTANCE}"\ntype = "demo"\n'
TYPES = '[object_types.User]\ntarget = "People"\nanchor = "Id"\n'
MAPPING = "[schema_mapping.User]\n"
A_TOKEN = "an HMAC (hmac:...), never the token itself; make one with: ecmahost token NAME"
NOT_EMPTY = "a text that is not empty"
ZONE = "a date and time with a zone, unquoted, such as 2026-12-31T00:00:00Z"
HASH = "hmac:" + "0f" * 32

Case = tuple[str, str, str]

CASES: list[Case] = [
    # properties
    (
        "properties",
        "",
        "properties.instance: expected a UUID; make one with: python3 -c 'import uuid; print(uuid.uuid4())'",
    ),
    (
        "properties",
        '[properties]\ninstance = "42"\ntype = "demo"\n',
        (
            "properties.instance: found a text of 2 characters, expected a UUID; make one with: "
            "python3 -c 'import uuid; print(uuid.uuid4())'"
        ),
    ),
    ("properties", f'[properties]\ninstance = "{INSTANCE}"\n', "properties.type: expected the connector type"),
    (
        "properties",
        f'[properties]\ninstance = "{INSTANCE}"\ntype = "dem"\n',
        'properties.type: found "dem", expected an installed connector type: "demo"',
    ),
    (
        "properties",
        f'[properties]\ninstance = "{INSTANCE}"\ntype = "zzzz"\n',
        'properties.type: found "zzzz", expected an installed connector type: one of "crash", "demo", "sql"',
    ),
    (
        "properties",
        f'[properties]\ninstance = "{INSTANCE}"\ntype = "crash"\n',
        (
            'properties.type: found "crash", expected a connector type that can be loaded: '
            "plugin 'crash': its module raises ZeroDivisionError"
        ),
    ),
    ("properties", PROPERTIES + "description = 5\n", "properties.description: found the number 5, expected a text"),
    (
        "properties",
        PROPERTIES + "autosync_minutes = 0\n",
        "properties.autosync_minutes: found the number 0, expected a whole number from 1 to 527040",
    ),
    (
        "properties",
        PROPERTIES + "autosync_minutes = true\n",
        "properties.autosync_minutes: found true, expected a whole number from 1 to 527040",
    ),
    (
        "properties",
        PROPERTIES + "autosync_minute = 5\n",
        "properties.autosync_minute: found an unknown key, expected the key autosync_minutes",
    ),
    (
        "properties",
        PROPERTIES + 'frobnicate = "x"\n',
        (
            "properties.frobnicate: found an unknown key, expected only the keys instance, type, description, "
            "autosync_minutes, secret_tokens, freshness, deletion_threshold, incoming_brake, strict, extensions"
        ),
    ),
    ("properties", PROPERTIES + 'freshness = "cach"\n', 'properties.freshness: found "cach", expected "cache"'),
    (
        "properties",
        PROPERTIES + "freshness = 1\n",
        'properties.freshness: found the number 1, expected one of "verify", "cache", "live"',
    ),
    ("properties", PROPERTIES + "strict = 1\n", "properties.strict: found the number 1, expected true or false"),
    (
        "properties",
        PROPERTIES + "deletion_threshold = 5\n",
        "properties.deletion_threshold: found the number 5, expected a table",
    ),
    (
        "properties",
        PROPERTIES + "deletion_threshold = { percent = nan }\n",
        "properties.deletion_threshold.percent: found the number nan, expected a number from 0 to 100",
    ),
    (
        "properties",
        PROPERTIES + "deletion_threshold = { objects = 1.5 }\n",
        "properties.deletion_threshold.objects: found the number 1.5, expected a whole number from 0 to 1000000000",
    ),
    # tokens
    (
        "properties",
        PROPERTIES + 'secret_tokens = "hmac:00"\n',
        "properties.secret_tokens: found a text of 7 characters, expected a list",
    ),
    (
        "properties",
        PROPERTIES + 'secret_tokens = ["the-token-itself"]\n',
        f"properties.secret_tokens[1]: found a text of 16 characters, expected {A_TOKEN}",
    ),
    (
        "properties",
        PROPERTIES + f'secret_tokens = ["{HASH}", "{HASH}", "{HASH}"]\n',
        "properties.secret_tokens: found a list of 3, expected a list of at most 2",
    ),
    (
        "properties",
        PROPERTIES + "secret_tokens = [{ expires = 2026-12-31T00:00:00Z }]\n",
        f"properties.secret_tokens[1].hash: expected {A_TOKEN}",
    ),
    (
        "properties",
        PROPERTIES + f'secret_tokens = [{{ hash = "{HASH}", expires = 2026-12-31T00:00:00 }}]\n',
        f"properties.secret_tokens[1].expires: found a date with a time, expected {ZONE}",
    ),
    (
        "properties",
        PROPERTIES + f'secret_tokens = [{{ hash = "{HASH}", expires = "2026-12-31" }}]\n',
        f"properties.secret_tokens[1].expires: found a text of 10 characters, expected {ZONE}",
    ),
    # run profiles and export
    (
        "run_profiles",
        "[run_profiles]\nfull_import = { page_size = 0 }\n",
        "run_profiles.full_import.page_size: found the number 0, expected a whole number from 1 to 100000",
    ),
    (
        "run_profiles",
        '[run_profiles]\nfull_import = { at = ["24:00"] }\n',
        (
            "run_profiles.full_import.at[1]: found a text of 5 characters, expected a time of day from "
            '"00:00" to "23:59", in quotes'
        ),
    ),
    (
        "run_profiles",
        '[run_profiles]\nfull_import = { at = "02:30" }\n',
        "run_profiles.full_import.at: found a text of 5 characters, expected a list",
    ),
    (
        "run_profiles",
        "[run_profiles]\nfull_import = { at = [02:30:00] }\n",
        ('run_profiles.full_import.at[1]: found a time, expected a time of day from "00:00" to "23:59", in quotes'),
    ),
    (
        "run_profiles",
        "[run_profiles]\nfull_import = { at = [] }\n",
        'run_profiles.full_import.at: found an empty list, expected at least one time of day, such as "02:30"',
    ),
    (
        "run_profiles",
        '[run_profiles]\nfull_import = { at = ["02:30"], every_minutes = 5 }\n',
        "run_profiles.full_import.at: found it beside every_minutes, expected one of the two",
    ),
    (
        "run_profiles",
        "[run_profiles]\nfull_import = {}\ndelta_import = { every_minutes = 0 }\n",
        "run_profiles.delta_import.every_minutes: found the number 0, expected a whole number from 1 to 527040",
    ),
    (
        "run_profiles",
        "[run_profiles]\ndelta_import = {}\n",
        (
            "run_profiles.delta_import: found it without full_import, expected both: a delta begins where a full "
            "import has ended"
        ),
    ),
    (
        "run_profiles",
        "[run_profiles]\nfull_import = true\n",
        "run_profiles.full_import: found true, expected a table",
    ),
    (
        "run_profiles",
        "[run_profiles]\nfull_imports = {}\n",
        "run_profiles.full_imports: found an unknown key, expected the key full_import",
    ),
    (
        "export",
        "[export]\npage_size = '100'\n",
        "export.page_size: found a text of 3 characters, expected a whole number from 1 to 10000",
    ),
    ("export", "[[export]]\n", "export: found a list, expected a table"),
    (
        "export",
        "[export]\npage_size = 0x" + "f" * 6000 + "\n",
        "export.page_size: found a number of more than 64 bits, expected a whole number from 1 to 10000",
    ),
    # object types
    (
        "object_types",
        "",
        "object_types: expected [object_types.User] with the target's object type and its anchor",
    ),
    (
        "object_types",
        TYPES + '[object_types.Group]\ntarget = "Groups"\nanchor = "Id"\n',
        'schema_mapping.Group: expected this table, with at least displayName = "..." and members = "..."',
    ),
    (
        "object_types",
        TYPES + 'attributes.Boss = { type = "String", references = "People" }\n',
        'object_types.User.attributes.Boss.references: found "People", expected a Reference: type = "Reference"',
    ),
    (
        "deprovisioning",
        '[deprovisioning.Group]\ndisable = "delete"\n',
        "deprovisioning.Group.disable: found an unknown key, expected only the keys delete",
    ),
    (
        "schema_mapping",
        '[schema_mapping.Group]\n"members[" = "Members"\n',
        (
            'schema_mapping.Group."members[": found a key that is no SCIM path, '
            "expected a SCIM path: The path cannot be read at its end: expected the name of a sub-attribute"
        ),
    ),
    (
        "object_types",
        TYPES + "[object_types.Users]\n",
        (
            "object_types.Users: found an unknown table, expected [object_types.User], or a schema for a resource type "
            "of your own"
        ),
    ),
    (
        "object_types",
        '[object_types.User]\nanchor = "Id"\n',
        "object_types.User.target: expected the target's object type: a table, a class",
    ),
    (
        "object_types",
        '[object_types.User]\ntarget = ""\nanchor = "Id"\n',
        f"object_types.User.target: found an empty text, expected {NOT_EMPTY}",
    ),
    (
        "object_types",
        '[object_types.User]\ntarget = "T"\n',
        "object_types.User.anchor: expected the attribute that identifies an object, or a list of them",
    ),
    (
        "object_types",
        '[object_types.User]\ntarget = "T"\nanchor = []\n',
        "object_types.User.anchor: found an empty list, expected at least one attribute",
    ),
    (
        "object_types",
        '[object_types.User]\ntarget = "T"\nanchor = ["a", "b", "a"]\n',
        'object_types.User.anchor: found "a" twice, expected each attribute once',
    ),
    (
        "object_types",
        '[object_types.User]\ntarget = "T"\nanchor = ["a", 5]\n',
        f"object_types.User.anchor[2]: found the number 5, expected {NOT_EMPTY}",
    ),
    (
        "object_types",
        TYPES + 'anchor_immutable = "true"\n',
        "object_types.User.anchor_immutable: found a text of 4 characters, expected true or false",
    ),
    (
        "object_types",
        TYPES + "dn = { autogenerate = true }\n",
        "object_types.User.dn.autogenerate: found an unknown key, expected the key autogenerated",
    ),
    (
        "object_types",
        TYPES + 'query_attributes = "Login"\n',
        "object_types.User.query_attributes: found a text of 5 characters, expected a list",
    ),
    (
        "object_types",
        TYPES + 'query_attributes = ["Login", { name = "Login" }]\n',
        'object_types.User.query_attributes: found "Login" twice, expected each attribute once',
    ),
    (
        "object_types",
        TYPES + "query_attributes = [{ unique = false }]\n",
        f"object_types.User.query_attributes[1].name: expected {NOT_EMPTY}",
    ),
    (
        "object_types",
        TYPES + 'attributes."Hire Date" = { type = "Datetime" }\n',
        'object_types.User.attributes."Hire Date".type: found "Datetime", expected "DateTime"',
    ),
    (
        "object_types",
        TYPES + 'attributes.A = { direction = "both" }\n',
        'object_types.User.attributes.A.direction: found "both", expected one of "import", "export", "import_export"',
    ),
    (
        "object_types",
        TYPES + "attributes.A = { single_value = 1 }\n",
        "object_types.User.attributes.A.single_value: found the number 1, expected true or false",
    ),
    (
        "object_types",
        TYPES + 'attributes.A = { alias = "a.b" }\n',
        'object_types.User.attributes.A.alias: found "a.b", expected a name without dots',
    ),
    (
        "object_types",
        TYPES + 'attributes.A = { alias = "export_Password" }\n',
        'object_types.User.attributes.A.alias: found "export_Password", expected another one: passwords go by it',
    ),
    (
        "object_types",
        TYPES + 'attributes.A = { alias = "" }\n',
        f"object_types.User.attributes.A.alias: found an empty text, expected {NOT_EMPTY}",
    ),
    (
        "object_types",
        TYPES + 'select_attributes = ["A", "B", "A"]\n',
        'object_types.User.select_attributes: found "A" twice, expected each attribute once',
    ),
    (
        "object_types",
        TYPES + 'select_attributes = "A"\n',
        "object_types.User.select_attributes: found a text of 1 characters, expected a list",
    ),
    (
        "object_types",
        TYPES + "attributes = []\n",
        "object_types.User.attributes: found a list, expected a table",
    ),
    # schema mapping
    (
        "schema_mapping",
        MAPPING,
        'schema_mapping.User: found an empty table, expected at least one line such as userName = "LoginName"',
    ),
    (
        "schema_mapping",
        MAPPING + "userName = 5\n",
        f"schema_mapping.User.userName: found the number 5, expected {NOT_EMPTY}: the target attribute",
    ),
    (
        "schema_mapping",
        MAPPING + 'name.givenName = "First"\n',
        f"schema_mapping.User.name: found a table, expected {NOT_EMPTY}; put the SCIM path in quotes when it has a dot",
    ),
    (
        "schema_mapping",
        MAPPING + 'userName = "A"\nUsername = "B"\n',
        (
            "schema_mapping.User.Username: found a path that is mapped already, in another spelling, "
            "expected each path once"
        ),
    ),
    (
        "schema_mapping",
        MAPPING + "'urn:example:User:' = 'A'\n",
        (
            'schema_mapping.User."urn:example:User:": found a key that is no SCIM path, '
            "expected an attribute name after the last colon"
        ),
    ),
    # deprovisioning
    (
        "deprovisioning",
        '[deprovisioning.User]\ndelete = "delet"\n',
        'deprovisioning.User.delete: found "delet", expected "delete"',
    ),
    (
        "deprovisioning",
        "[deprovisioning.User]\ndisable = true\n",
        'deprovisioning.User.disable: found true, expected "none", "delete" or { set = "attribute" }',
    ),
    (
        "deprovisioning",
        '[deprovisioning.User]\ndisable = { set = "A", value = false }\n',
        "deprovisioning.User.disable.value: found an unknown key, expected only the keys set",
    ),
    (
        "deprovisioning",
        "[deprovisioning.User]\ndisable = {}\n",
        "deprovisioning.User.disable.set: expected the attribute that says whether somebody is active",
    ),
    (
        "deprovisioning",
        '[deprovisioning.User]\ndelete = { set = "A" }\n',
        "deprovisioning.User.delete.value: expected the value that marks somebody as deleted",
    ),
    (
        "deprovisioning",
        '[deprovisioning.User]\ndelete = { set = "A", value = 1.5 }\n',
        (
            "deprovisioning.User.delete.value: found the number 1.5, expected a text, a whole number, true, false, "
            "or a date and time with a zone (2026-12-31T00:00:00Z)"
        ),
    ),
    (
        "deprovisioning",
        '[deprovisioning.user]\ndelete = "none"\n',
        "deprovisioning.user: found an unknown table, expected [deprovisioning.User]",
    ),
    # tables
    ("extra", "[connectvity]\n", "connectvity: found an unknown table, expected [connectivity]"),
    (
        "extra",
        '["\\u001b[31m\\u202e"]\n',
        (
            '"\\x1b[31m\\u202e": found an unknown table, expected one of [properties], [connectivity], [run_profiles], '
            "[export], [object_types], [schema_mapping], [deprovisioning], [extensions]"
        ),
    ),
]


@pytest.mark.parametrize(("table", "text", "line"), CASES, ids=[case[2].split(" expected")[0][:60] for case in CASES])
def test_a_mistake_is_told_with_its_place_what_was_found_and_what_was_expected(
    table: str, text: str, line: str, problems: Callable[..., list[str]]
) -> None:
    lines = problems(**{table: text})
    assert line in lines
    if text:
        assert lines == [line]


def test_a_path_that_is_not_grammatical_is_a_mistake(problems: Callable[..., list[str]]) -> None:
    (line,) = problems(schema_mapping=MAPPING + "'emails[type eq' = 'Mail'\n")
    assert line.startswith(
        'schema_mapping.User."emails[type eq": found a key that is no SCIM path, expected a SCIM path: '
    )


@pytest.mark.parametrize("table", ["object_types", "schema_mapping", "deprovisioning"])
def test_a_value_where_tables_are_expected_is_told(table: str, problems: Callable[..., list[str]]) -> None:
    lines = problems(properties=f"{table} = 5\n{PROPERTIES}", **{table: ""})
    assert f"{table}: found the number 5, expected a table" in lines


def test_every_mistake_of_a_file_is_told_at_once_in_the_order_of_the_tables(
    problems: Callable[..., list[str]],
) -> None:
    lines = problems(
        properties="[properties]\ntype = 'demo'\nfreshness = 'never'\n",
        connectivity="[connectivity]\nport = 1\n",
        schema_mapping=MAPPING + "userName = 1\nnickName = 2\n",
        export="[export]\npage_size = -1\n",
        object_types="[object_types.User]\n",
    )
    assert [line.split(":")[0] for line in lines] == [
        "properties.instance",
        "properties.freshness",
        "connectivity.port",
        "connectivity.server",
        "connectivity.password",
        "export.page_size",
        "object_types.User.target",
        "object_types.User.anchor",
        "schema_mapping.User.userName",
        "schema_mapping.User.nickName",
    ]


def test_the_good_file_gives_the_defaults_of_the_model(
    write: Callable[..., None], load: Callable[[], LoadedConnectors], home: Home
) -> None:
    write("hr")
    loaded = load()
    assert (loaded.problems, loaded.broken) == ((), ())
    (connector,) = loaded.configurations
    assert (connector.name, connector.file) == ("hr", home.connector_file("hr"))
    assert connector.properties.instance == INSTANCE
    assert (connector.properties.autosync, connector.properties.tokens, connector.properties.freshness) == (
        None,
        (),
        None,
    )
    assert (connector.full_import, connector.export_page_size) == (None, 100)
    user = connector.object_types["User"]
    assert (user.resource_type, user.target, user.anchor, user.anchor_immutable) == ("User", "People", ("Id",), False)
    assert user.select_attributes is None
    assert connector.schema_mapping == {"User": {"userName": "Login"}}
    assert connector.profile_of("User") is Profile.SCIM
    assert connector.deprovisioning == {}


@pytest.mark.parametrize("mapping", ["", "[schema_mapping]\n"])
def test_without_a_schema_mapping_the_names_are_the_targets(
    mapping: str, write: Callable[..., None], load: Callable[[], LoadedConnectors]
) -> None:
    write("hr", schema_mapping=mapping, object_types=TYPES + "select_attributes = []\n")
    (connector,) = load().configurations
    assert connector.profile_of("User") is Profile.ECMA
    assert connector.object_types["User"].select_attributes == ()


def test_everything_that_a_file_can_say_arrives_in_the_model(
    write: Callable[..., None], load: Callable[[], LoadedConnectors]
) -> None:
    write(
        "HR2",
        properties=PROPERTIES.replace(INSTANCE, INSTANCE.upper())
        + f"""
            description = "Personnel"
            autosync_minutes = 90
            secret_tokens = ["{HASH}", {{ hash = "{HASH}", expires = 2026-12-31T01:00:00+01:00 }}]
            freshness = "live"
            deletion_threshold = {{ percent = 2.5, objects = 0 }}
            strict = true
        """,
        run_profiles="[run_profiles]\nfull_import = { page_size = 7, at = ['12:05', '02:30', '12:05'] }\n"
        "delta_import = { every_minutes = 10 }\n",
        export="[export]\npage_size = 1\n",
        object_types="""
            [object_types.User]
            target = "hr.People"
            anchor = ["Company", "Number"]
            anchor_immutable = true
            dn = { autogenerated = true }
            query_attributes = ["Login", { name = "Mail", unique = false }]
            attributes."Hire Date" = { type = "DateTime", direction = "export" }
            attributes.Mail = { single_value = true, alias = "E-Mail" }
            select_attributes = ["Photo", "-dn-"]
        """,
        schema_mapping="""
            [schema_mapping.User]
            userName = "Login"
            'emails[type eq "work"].value' = "Mail"
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "Dept"
            "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User:Job Title" = "Job Title"
            "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User:-dn-" = "-dn-"
            "urn:example:x:y" = "Z"
        """,
        deprovisioning="""
            [deprovisioning.User]
            disable = { set = "Active" }
            delete = { set = "Gone", value = 2026-01-01T00:00:00Z }
        """,
    )
    (connector,) = load().configurations
    properties = connector.properties
    assert (properties.name, properties.instance, properties.description) == ("HR2", INSTANCE, "Personnel")
    assert properties.autosync == timedelta(minutes=90)
    digest = "0f" * 32
    assert properties.tokens == (TokenHash(digest), TokenHash(digest, datetime(2026, 12, 31, tzinfo=UTC)))
    assert properties.freshness is Freshness.LIVE
    assert (properties.deletion_threshold_percent, properties.deletion_threshold_objects) == (2.5, 0)
    assert properties.strict
    assert connector.full_import == RunProfile(7, at=(time(2, 30), time(12, 5)))
    assert connector.delta_import == RunProfile(every=timedelta(minutes=10))
    assert connector.export_page_size == 1
    user = connector.object_types["User"]
    assert (user.anchor, user.anchor_immutable, user.dn_autogenerated) == (("Company", "Number"), True, True)
    assert user.query_attributes == (QueryAttribute("Login"), QueryAttribute("Mail", unique=False))
    assert user.attributes == {
        "Hire Date": SelectedAttribute(AttributeType.DATE_TIME, AttributeOperation.EXPORT_ONLY),
        "Mail": SelectedAttribute(single_value=True, alias="E-Mail"),
    }
    assert user.select_attributes == ("Photo", "-dn-")
    assert list(connector.schema_mapping["User"].values()) == ["Login", "Mail", "Dept", "Job Title", "-dn-", "Z"]
    flows = connector.deprovisioning["User"]
    assert flows.disable == DeprovisioningFlow(FlowAction.SET, "Active")
    assert flows.delete == DeprovisioningFlow(FlowAction.SET, "Gone", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("value", ['"x"', "true", "-9223372036854775808", "9223372036854775807"])
def test_the_value_of_a_delete_flow_keeps_its_type(
    value: str, write: Callable[..., None], load: Callable[[], LoadedConnectors]
) -> None:
    write(deprovisioning=f'[deprovisioning.User]\ndelete = {{ set = "A", value = {value} }}\n')
    (connector,) = load().configurations
    expected = {'"x"': "x", "true": True}.get(value) or int(value)
    flow = connector.deprovisioning["User"].delete
    assert (flow.value, type(flow.value)) == (expected, type(expected))
