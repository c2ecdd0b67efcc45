"""The profile ``ecma``: the names, the resource type, and what requests come to that use them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecmahost_core import AttributeType, MADistinguishedNameStyle, Schema, SchemaAttribute, SchemaType
from ecmahost_core.configuration.model import Profile, SelectedAttribute
from ecmahost_core.ecma.results import Severity
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.path import parse_path
from ecmahost_core.sync.examining.findings import host_findings
from ecmahost_core.sync.mapping.binder import bind
from ecmahost_core.sync.reading.presentation import resource_of
from ecmahost_core.text import fold

ECMA = urns.ECMA2HOST_USER


def type_with(*attributes):
    found = [one if isinstance(one, SchemaAttribute) else SchemaAttribute(one) for one in attributes]
    return Schema((SchemaType("Employees", (SchemaAttribute("Login"), *found)),))


@pytest.fixture
def bound(memory):
    def binding(schema=None, dn_style=MADistinguishedNameStyle.NONE, **settings):
        settings = {"query": ("Login",), **settings}
        configuration = memory.configuration_of(ecma=True, **settings)
        return bind(configuration, schema or Schema((memory.EMPLOYEES,)), dn_style)["User"]

    return binding


@pytest.fixture
def problems(bound):
    def mistakes(*arguments, **settings):
        with pytest.raises(ConfigurationError) as caught:
            bound(*arguments, **settings)
        return {(one.table, one.key): str(one) for one in caught.value.problems}

    return mistakes


def extension(binding):
    return binding.resource_type.extension(ECMA)


def names(binding):
    return [attribute.name for attribute in extension(binding).attributes]


# What is selected


def test_without_a_selection_every_attribute_of_the_target_is_there_in_its_order(bound, memory):
    binding = bound()
    assert binding.profile is Profile.ECMA
    assert names(binding) == [attribute.name for attribute in memory.EMPLOYEES.attributes]
    assert binding.target.attributes == memory.EMPLOYEES.attributes
    assert [row.text for row in binding.mapping.rows[:2]] == [f"{ECMA}:Id", f"{ECMA}:Login"]


def test_a_selection_is_kept_with_what_is_needed_anyway(bound):
    binding = bound(
        anchor=("Id",), query=("Mail",), disable="Enabled", delete=("Country", "gone"), select=("Tags", "Last")
    )
    assert names(binding) == ["Id", "Mail", "Last", "Country", "Enabled", "Tags"]
    assert [attribute.name for attribute in binding.target.attributes] == names(binding)
    assert names(bound(select=())) == ["Login"]


def test_an_override_says_what_an_attribute_is_like_and_does_not_select_it(bound):
    rows = {"Level": SelectedAttribute(type=AttributeType.STRING), "Last": SelectedAttribute(single_value=True)}
    assert names(bound(select=("Last",), attributes=rows)) == ["Login", "Last"]
    assert extension(bound(attributes=rows)).attribute("Level").type == "string"


def test_a_misspelt_selection_is_told_with_the_nearest_name(problems):
    found = problems(select=("Lsat", "-dn-"))
    assert set(found) == {("object_types.User", "select_attributes")}
    assert problems(select=("Lsat",)) == {
        ("object_types.User", "select_attributes"): "hr.toml: object_types.User.select_attributes: found 'Lsat', "
        "expected an attribute of 'Employees' in the target; the nearest is 'Last'"
    }


def test_in_the_profile_scim_a_selection_adds_to_what_is_mapped(memory):
    configuration = memory.configuration_of(select=("Level",), mapping={"userName": "Login"}, query=())
    binding = bind(configuration, Schema((memory.EMPLOYEES,)))["User"]
    assert binding.profile is Profile.SCIM
    assert [attribute.name for attribute in binding.target.attributes] == ["Login", "Level"]
    assert binding.resource_type.extensions == ()


# Names


@pytest.mark.parametrize(
    ("name", "fault", "line"),
    [
        ("a.b", "SCIM needs a name without dots", 'attributes."a.b" = { alias = "a_b" }'),
        ("a[b]", "SCIM needs a name without brackets", 'attributes."a[b]" = { alias = "a_b_" }'),
        ('a"b', "SCIM needs a name without double quotes", 'attributes."a\\"b" = { alias = "a_b" }'),
        ("a\tb", "SCIM needs a name without control characters", 'attributes."a\\tb" = { alias = "a_b" }'),
        (" a", "SCIM needs a name without blanks at its ends", 'attributes." a" = { alias = "a" }'),
        ("login", "SCIM cannot tell it from 'Login'", 'attributes.login = { alias = "login_2" }'),
    ],
)
def test_a_chosen_name_that_cannot_be_used_is_a_mistake_that_shows_the_way_out(problems, name, fault, line):
    found = problems(type_with(name), select=(name,))
    expected = f"found {name!r}, expected an alias, because {fault}: {line}"
    assert found[("object_types.User", "select_attributes")].endswith(expected)
    assert ("object_types.User", "query_attributes") in problems(type_with(name), query=("Login", name))
    assert ("deprovisioning.User", "disable") in problems(type_with(name), disable=name)
    assert ("object_types.User", "attributes") in problems(type_with(name), attributes={name: SelectedAttribute()})


@pytest.mark.parametrize("name", ["a.b", "a[b]", "a\x00b", " a", "a "])
def test_a_name_that_nobody_chose_is_left_out_and_told(bound, memory, name):
    schema = type_with(name, "ok")
    binding = bound(schema)
    assert names(binding) == ["Login", "ok"]
    assert [attribute.name for attribute in binding.target.attributes] == ["Login", "ok"]
    (finding,) = (
        one for one in host_findings(memory.configuration_of(ecma=True), binding) if "left out" in one.message
    )
    assert (finding.severity, finding.subject) == (Severity.WARNING, f"Employees.{name}")
    assert "alias = " in finding.remedy


def test_leaving_out_what_the_target_requires_is_an_error_of_check(bound, memory):
    binding = bound(type_with(SchemaAttribute("a.b", required=True)))
    (finding,) = (one for one in host_findings(memory.configuration_of(ecma=True), binding) if "a.b" in one.subject)
    assert finding.severity is Severity.ERROR
    assert "every creation will fail" in finding.message


def test_an_alias_is_the_name_on_the_wire_and_nowhere_else(bound):
    binding = bound(type_with("a.b"), query=("Login", "a.b"), attributes={"a.b": SelectedAttribute(alias="a b")})
    assert names(binding) == ["Login", "a b"]
    assert binding.target.attribute("a.b") is not None
    assert binding.query_attributes == ("Login", "a.b")
    assert binding.mapping.path_of("a.b") == f"{ECMA}:a b"


def test_of_two_names_that_differ_in_case_only_one_needs_an_alias(problems, bound):
    schema = type_with("mail", "Mail")
    found = problems(schema)
    assert found == {
        ("object_types.User", "attributes"): "hr.toml: object_types.User.attributes: found 'Mail', expected an alias, "
        "because SCIM cannot tell it from 'mail': attributes.Mail = { alias = \"Mail_2\" }"
    }
    assert names(bound(schema, attributes={"Mail": SelectedAttribute(alias="Mail 2")})) == ["Login", "mail", "Mail 2"]


def test_of_two_such_names_the_one_that_was_chosen_stays(bound):
    binding = bound(type_with("mail", "Mail"), query=("Login", "Mail"))
    assert names(binding) == ["Login", "Mail"]
    assert [one.attribute.name for one in binding.left_out] == ["mail"]


def test_an_alias_cannot_take_the_name_of_another_attribute(problems):
    found = problems(type_with("Mail", "Post"), attributes={"Post": SelectedAttribute(alias="MAIL")})
    assert "found 'Mail', expected an alias, because SCIM cannot tell it from 'MAIL'" in next(iter(found.values()))


def test_with_a_schema_mapping_there_are_no_aliases(memory):
    configuration = memory.configuration_of(attributes={"Last": SelectedAttribute(alias="x")})
    with pytest.raises(ConfigurationError, match="no alias beside") as caught:
        bind(configuration, Schema((memory.EMPLOYEES,)))
    assert caught.value.problems[0].table == "object_types.User"


@settings(deadline=None)
@given(columns=st.lists(st.text(alphabet='aAbä .[":-,(\t', min_size=1, max_size=5), max_size=6, unique_by=fold))
def test_whatever_the_columns_are_called_clients_can_name_what_is_shown(memory, columns):
    binding = bind(memory.configuration_of(ecma=True, query=("Login",)), type_with(*columns))["User"]
    assert {*names(binding), *(one.attribute.name for one in binding.left_out)} == {"Login", *columns}
    for row in binding.mapping.rows:
        path = parse_path(row.text, binding.resource_type)
        assert (path.urn, path.name) == (ECMA, row.target.name)
        node = parse_filter(f'{row.text} eq "x"', binding.resource_type)
        assert list(binding.mapping.rows_of(node.path)) == [row]


# The resource type


def test_the_core_has_active_and_nothing_else(bound):
    resource_type = bound().resource_type
    assert resource_type.schema.id == urns.USER
    assert [attribute.name for attribute in resource_type.schema.attributes] == ["active"]
    assert [schema.id for schema in resource_type.extensions] == [ECMA]


def test_required_is_what_a_client_has_to_supply(bound):
    schema = type_with(
        SchemaAttribute("needed", required=True),
        SchemaAttribute("made", required=True, generated=True),
        SchemaAttribute("computed", required=True, operation=AttributeOperation.IMPORT_ONLY),
        SchemaAttribute("enabled", AttributeType.BOOLEAN, required=True),
        "optional",
    )
    shown = extension(bound(schema, disable="enabled"))
    required = {attribute.name for attribute in shown.attributes if attribute.required}
    assert required == {"Login", "needed"}
    assert "enabled" in {attribute.name for attribute in extension(bound(schema)).attributes if attribute.required}


def test_what_the_target_always_makes_is_read_only_and_what_it_can_make_is_not(bound):
    schema = type_with(
        SchemaAttribute("always", generated=True, operation=AttributeOperation.IMPORT_ONLY),
        SchemaAttribute("default", generated=True),
    )
    shown = extension(bound(schema))
    assert (shown.attribute("always").mutability, shown.attribute("default").mutability) == ("readOnly", "readWrite")
    assert extension(bound(schema, anchor=("default",), immutable=True)).attribute("default").mutability == "immutable"


def test_every_attribute_is_shown_with_all_its_characteristics(bound):
    body = extension(bound(dn=True)).to_json()
    assert body["id"] == ECMA
    keys = {
        "name", "type", "multiValued", "description", "required", "caseExact", "mutability", "returned", "uniqueness"
    }  # fmt: skip
    assert all(attribute.keys() == keys for attribute in body["attributes"])
    assert all(None not in attribute.values() and attribute["description"] for attribute in body["attributes"])
    types = {attribute["name"]: attribute["type"] for attribute in body["attributes"]}
    assert types | {"Id": "integer", "Login": "string", "Enabled": "boolean", "Photo": "binary"} == types
    assert types | {"Hired": "dateTime", "Boss": "string", "-dn-": "string"} == types


def test_check_says_which_profile_and_which_prefix(bound, memory):
    (finding,) = (one for one in host_findings(memory.configuration_of(), bound(dn=True)) if one.subject == "profile")
    assert finding.message.startswith(
        f"ecma, because there is no [schema_mapping.User]: clients use the prefix {ECMA}:"
    )
    binding = bind(memory.configuration_of(), Schema((memory.EMPLOYEES,)))["User"]
    (finding,) = (one for one in host_findings(memory.configuration_of(), binding) if one.subject == "profile")
    assert finding.message.endswith(f"[schema_mapping.User]; URNs: core, {memory.CUSTOM}")


def test_check_names_what_is_costly_and_what_is_unsafe(bound, memory):
    schema = type_with(SchemaAttribute("Photo", AttributeType.BINARY), "PasswordHash", "Plain")
    found = {one.subject: one for one in host_findings(memory.configuration_of(ecma=True), bound(schema, query=()))}
    assert found["Employees.Photo"].severity is Severity.WARNING
    assert "every client can read it" in found["Employees.PasswordHash"].message
    assert "no query attribute" in found["[object_types.User]"].message
    assert "Employees.Plain" not in found
    chosen = bound(schema, select=("Photo", "PasswordHash"))
    told = [one.subject for one in host_findings(memory.configuration_of(ecma=True), chosen)]
    assert not {"Employees.Photo", "Employees.PasswordHash", "[object_types.User]"}.intersection(told)


# The DN


def test_the_dn_is_an_attribute_where_objects_have_one(bound):
    assert "-dn-" not in names(bound())
    for binding in (bound(dn=True), bound(dn_style=MADistinguishedNameStyle.LDAP), bound(dn=True, select=("-dn-",))):
        attribute = extension(binding).attribute("-dn-")
        assert (attribute.mutability, attribute.required) == ("readOnly", False)
        assert binding.target.attribute("-dn-") is None


def test_an_attribute_of_the_target_that_is_called_dn_wins(bound):
    binding = bound(type_with("-DN-"), dn=True)
    assert (names(binding), binding.dn_row) == (["Login", "-DN-"], None)
    renamed = bound(type_with("-dn-"), dn=True, attributes={"-dn-": SelectedAttribute(alias="column")})
    assert names(renamed) == ["Login", "column", "-dn-"]


@pytest.fixture
def people(desk):
    """A desk in the profile ``ecma`` with generated DNs and a disable flow."""
    return desk.ready(ecma=True, dn=True, query=("Login",), disable="Enabled")


def person(people, **attributes):
    return people.create(**{ECMA: {"Login": "bob", **attributes}})


def shown(people, entry):
    return resource_of(people.binding, entry)


def test_the_dn_is_shown_and_found_and_what_is_sent_for_it_is_ignored(people):
    entry = people.create(**{f"{ECMA}:Login": "bob", f"{ECMA}:-dn-": "CN=x"})
    assert shown(people, entry)[ECMA]["-dn-"] == "CN=bob,OBJECT=Employees"
    assert [one.id for one in people.match(f'{ECMA}:-dn- eq "cn=BOB,object=employees"')] == [entry.id]
    assert people.match(f'{ECMA}:-dn- eq "CN=x"') == []
    sent = len(people.target.sent)
    for operation in (
        {"op": "Replace", "path": f"{ECMA}:-dn-", "value": "CN=y"},
        {"op": "replace", "value": {f"{ECMA}:-dn-": "CN=y"}},
        {"op": "remove", "path": f"{ECMA}:-dn-"},
    ):
        assert shown(people, people.patch(entry.id, operation))[ECMA]["-dn-"] == "CN=bob,OBJECT=Employees"
    assert len(people.target.sent) == sent
    people.put(entry.id, **{ECMA: {"Login": "bob", "-dn-": "CN=z", "Last": "B"}})
    assert people.target.sent[-1].new_dn is None
    assert people.target.named("bob")[0].get("-dn-") is None


# Requests


def test_names_without_the_urn_are_none_of_the_targets(desk):
    desk.target.schema = type_with("userName", "title")
    desk.ready(ecma=True, query=("Login",))
    entry = desk.create(userName="x", title="y", externalId="z", **{ECMA: {"Login": "bob"}})
    assert entry.attributes == {"Login": ("bob",)}
    assert desk.match('userName eq "x"') == []


def test_a_query_on_what_is_not_there_never_asks_the_target(people):
    person(people)
    people.target.down = True
    people.target.reads = 0
    for text in ('PLACEHOLDER eq "1"', f'{ECMA}:PLACEHOLDER eq "1"', f'{ECMA}:Old Column eq "1"', 'externalId eq "1"'):
        assert people.match(text) == []
    assert people.target.reads == 0


def test_a_match_on_a_query_attribute_asks_the_target_before_it_says_none(people):
    people.target.put("ann", Login="ann", Last="A")
    assert [one.anchor for one in people.match(f'{ECMA}:Login eq "ANN"')] == [("ann",)]


def test_a_creation_without_anything_that_identifies_names_what_to_send(people):
    with pytest.raises(ScimError, match=f"send one of: {ECMA}:Login"):
        people.create(**{ECMA: {"Last": "x"}})


def test_the_attribute_of_the_disable_flow_and_active_are_two_names_of_one_thing(people):
    entry = person(people, Enabled=False)
    assert shown(people, entry)["active"] is False
    entry = people.patch(entry.id, {"op": "Replace", "path": "active", "value": "True"})
    assert shown(people, entry)[ECMA]["Enabled"] is True
    entry = people.set(entry.id, f"{ECMA}:Enabled", "False")
    assert (shown(people, entry)["active"], people.target.named("bob")[0]["Enabled"]) == (False, (False,))


def test_a_put_that_leaves_out_the_attribute_of_the_disable_flow_restores_nobody(people):
    entry = person(people, Enabled=False, Last="B")
    entry = people.put(entry.id, **{ECMA: {"Login": "bob", "Last": "C"}})
    assert people.target.named("bob")[0]["Enabled"] == (False,)
    assert shown(people, entry)["active"] is False
    entry = people.put(entry.id, active=True, **{ECMA: {"Login": "bob"}})
    assert people.target.named("bob")[0]["Enabled"] == (True,)


def test_what_the_target_alone_makes_is_not_missed_when_somebody_is_created(desk):
    desk.target.schema = type_with(SchemaAttribute("Seq", required=True, operation=AttributeOperation.IMPORT_ONLY))
    desk.ready(ecma=True, query=("Login",))
    assert desk.create(**{ECMA: {"Login": "bob", "Seq": "7"}}).attributes == {"Login": ("bob",)}
