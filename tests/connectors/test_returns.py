"""What a plugin returns is refused with its name and the sentence; the other connectors keep working."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from ecmahost_core import (
    AttributeType,
    Capabilities,
    ConfigParameterDefinition,
    ConfigParameterType,
    CSEntryChange,
    CSEntryChangeResult,
    DeprovisioningContext,
    DeprovisioningEvent,
    DeprovisioningFlow,
    ExportError,
    Finding,
    ImportFailure,
    ImportPage,
    MAExportError,
    MAImportError,
    ObjectModificationType,
    ObjectQuery,
    Reference,
    Schema,
    SchemaAttribute,
    SchemaType,
    Severity,
    ValueFormat,
)
from ecmahost_core.connectors import entries, returns
from ecmahost_core.connectors.connector import parameter_definitions
from ecmahost_core.connectors.entries import entry_mistake
from ecmahost_core.errors import BrokenContract

DISABLE = DeprovisioningContext(DeprovisioningEvent.DISABLE)
BY_NAME = ObjectQuery("Person", (("Name", ("Ann",)),))


def broken(call, hook, sentence, found):
    """Asserts that a call is refused in the words of the contract."""
    with pytest.raises(BrokenContract) as caught:
        call()
    assert (caught.value.plugin, caught.value.hook) == ("example", hook)
    assert "'example'" in str(caught.value)
    assert sentence in caught.value.sentence
    assert found in caught.value.sentence


def result_of(change, **more):
    return CSEntryChangeResult(change.identifier, **{"anchor": change.anchor, **more})


# Parameters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (None, "it returned None"),
        ("path", "a sequence of ConfigParameterDefinition was expected and str was returned"),
        ({"path": 1}, "dict was returned"),
        (["path"], "it holds str"),
        ([ConfigParameterDefinition("", "Path")], "a parameter has no name"),
        ([ConfigParameterDefinition("a", "A"), ConfigParameterDefinition("a", "B")], "'a' is declared 2 times"),
        ([ConfigParameterDefinition("a", "A", "String!")], "the kind of the parameter 'a'"),
        ([ConfigParameterDefinition("a", "A", ConfigParameterType.DROP_DOWN)], "'a' is a DROP_DOWN without choices"),
        (
            [ConfigParameterDefinition("a", "A", ConfigParameterType.DROP_DOWN, choices=("x",), default="y")],
            "'a' has a default that is none of its choices",
        ),
        (
            [ConfigParameterDefinition("a", "A", ConfigParameterType.ENCRYPTED_STRING, default="hunter2")],
            "'a' is an ENCRYPTED_STRING with a default; a secret has none",
        ),
        ([ConfigParameterDefinition("a", "A", ConfigParameterType.CHECK_BOX, default="yes")], "neither True nor False"),
        ([ConfigParameterDefinition("a", "A", depends_on=("b", True))], "depends on a parameter that is not declared"),
        ([ConfigParameterDefinition("a", "A", identifies_target="yes")], "has an identifies_target that is neither"),
        (
            [ConfigParameterDefinition("a", "A", ConfigParameterType.ENCRYPTED_STRING, identifies_target=True)],
            "implement target_identity instead",
        ),
        ([ConfigParameterDefinition("a", "A", validation="(")], "has a validation that is no regular expression"),
    ],
)
def test_parameters_that_break_the_contract_are_refused(tools, answer, found):
    plugin = tools.make_plugin(connectivity_parameters=lambda: answer)
    sentence = returns.NEVER_NONE if answer is None else returns.PARAMETERS
    broken(lambda: parameter_definitions(plugin), "connectivity_parameters", sentence, found)


def test_labels_and_dividers_need_no_name(tools):
    declared = [
        ConfigParameterDefinition("", "Where", ConfigParameterType.LABEL),
        ConfigParameterDefinition("", "", ConfigParameterType.DIVIDER),
        ConfigParameterDefinition("", "", ConfigParameterType.DIVIDER),
    ]
    assert len(parameter_definitions(tools.make_plugin(connectivity_parameters=lambda: declared))) == 3


NUMBER_WITH_FORMAT = SchemaAttribute("x", AttributeType.INTEGER, format=ValueFormat.DECIMAL)


# Capabilities, schema, findings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"full_import": True}, "Capabilities was expected and dict was returned"),
        (Capabilities(concurrent_sessions=0), "concurrent_sessions is not a whole number above 0"),
        (Capabilities(page_size_maximum=True), "page_size_maximum is not a whole number above 0"),
        (Capabilities(export_page_size_maximum=1.5), "export_page_size_maximum is not a whole number above 0"),
        (Capabilities(full_import="yes"), "full_import is not True or False"),
        (Capabilities(settle_seconds=float("inf")), "settle_seconds is not a number of seconds"),
        (Capabilities(settle_seconds="5"), "settle_seconds is not a number of seconds"),
        (Capabilities(export_type="All"), "export_type is not an MAExportType"),
        (Capabilities(dn_style=None), "dn_style is not an MADistinguishedNameStyle"),
    ],
)
def test_capabilities_that_break_the_contract_are_refused_when_the_connector_is_built(build, answer, found):
    broken(lambda: build(capabilities=lambda: answer), "capabilities", returns.CAPABILITIES, found)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([], "Schema was expected and list was returned"),
        (Schema("Person"), "a sequence of SchemaType was expected"),
        (Schema((SchemaType("", ()),)), "an object type has no name"),
        (Schema((SchemaType("A", ()), SchemaType("A", ()))), "the object type 'A' is there 2 times"),
        (Schema((SchemaType("A", (SchemaAttribute("x"), SchemaAttribute("x"))),)), "attribute of 'A' 'x' is there 2"),
        (Schema((SchemaType("A", (SchemaAttribute("x"),), anchor=("y",)),)), "'A' has no attribute 'y' of its anchor"),
        (Schema((SchemaType("A", (SchemaAttribute("x", "varchar"),)),)), "'x' of 'A' has a type or operation"),
        (Schema((SchemaType("A", ("x",)),)), "it holds str"),
        (Schema((SchemaType("A", (SchemaAttribute("x", format="Date"),)),)), "'x' of 'A' has a format that is no"),
        (Schema((SchemaType("A", (NUMBER_WITH_FORMAT,)),)), "'x' of 'A' has a format although its type is Integer"),
    ],
)
def test_a_schema_that_breaks_the_contract_is_refused(build, answer, found):
    broken(build(schema=lambda: answer).schema, "schema", returns.SCHEMA, found)


def test_findings_that_break_the_contract_are_refused(build, tools):
    connector = build(check=lambda: ["no right to delete"])
    broken(lambda: connector.check(tools.STEP), "check", returns.FINDINGS, "it holds str")


def test_findings_are_returned(build, tools):
    finding = Finding(Severity.WARNING, "table Person", "no right to delete", "GRANT DELETE")
    assert build(check=lambda: [finding]).check(tools.STEP) == (finding,)


# Imports and reads ----------------------------------------------------------------------------------------------------

ENTRIES = [
    ("Ann", entries.WHOLE_OBJECTS, "found str"),
    (CSEntryChange("Group", ObjectModificationType.ADD, ("1",)), entries.WHOLE_OBJECTS, "'Group', asked for: 'Person'"),
    (CSEntryChange("Person", ObjectModificationType.UPDATE, ("1",)), entries.WHOLE_OBJECTS, "of type Update"),
    (CSEntryChange("Person", ObjectModificationType.ADD), entries.HAS_ANCHOR, "is 1 values: found 0"),
    (CSEntryChange("Person", ObjectModificationType.ADD, ("1", "2")), entries.HAS_ANCHOR, "is 1 values: found 2"),
    (CSEntryChange("Person", ObjectModificationType.ADD, ["1"]), entries.HAS_ANCHOR, "come in a tuple, found list"),
    (CSEntryChange("Person", ObjectModificationType.ADD, (None,)), entries.HAS_ANCHOR, "found NoneType"),
    (CSEntryChange("Person", ObjectModificationType.ADD, None), entries.HAS_ANCHOR, "found NoneType"),
]
ATTRIBUTES = [
    (None, "attributes are a mapping, found NoneType"),
    ({"Name": "Ann"}, "attribute 'Name': values come in a tuple, found str"),
    ({"Name": ["Ann"]}, "attribute 'Name': values come in a tuple, found list"),
    ({"Name": (None,)}, "attribute 'Name': a value is str"),
    ({"Pay": (Decimal("1.5"),)}, "found Decimal"),
    ({"Pay": (2**63,)}, "an integer has at most 64 bits"),
    ({"Born": (datetime(2001, 1, 1),)}, "a date-time has a zone"),  # noqa: DTZ001 - that is the mistake
    ({"Boss": (Reference(""),)}, "a reference holds a non-empty string"),
    ({"Name": ("caf\udce9",)}, "lone surrogates"),
    ({7: ("Ann",)}, "an attribute's name is a string, found int"),
]
ENTRIES += [
    (CSEntryChange("Person", ObjectModificationType.ADD, ("1",), attributes=attributes), entries.WHOLE_OBJECTS, found)
    for attributes, found in ATTRIBUTES
]


def import_all(connector, step):
    with closing(connector.full_import(step)) as pages:
        return list(pages)


@pytest.mark.parametrize(("entry", "sentence", "found"), ENTRIES)
def test_an_imported_object_that_breaks_the_contract_is_refused(build, tools, entry, sentence, found):
    def full_import():
        yield ImportPage((entry,))

    connector = build(full_import=full_import)
    broken(lambda: import_all(connector, tools.STEP), "full_import", sentence, found)


@pytest.mark.parametrize(("entry", "sentence", "found"), ENTRIES)
def test_an_object_read_that_breaks_the_contract_is_refused(build, tools, entry, sentence, found):
    connector = build(full_object_import=lambda: [tools.person("0"), entry])
    expected = entries.MATCHING if isinstance(entry, str) else sentence
    found = "it holds str" if isinstance(entry, str) else found
    broken(lambda: connector.read(tools.STEP, BY_NAME), "full_object_import", expected, found)


@pytest.mark.parametrize(("entry", "sentence", "found"), [each for each in ENTRIES if each[1] != entries.WHOLE_OBJECTS])
def test_every_anchor_of_a_page_is_looked_at(build, tools, entry, sentence, found):
    def full_import():
        yield ImportPage((tools.person("0"), entry))

    connector = build(full_import=full_import)
    if entry.anchor == (None,):
        assert entry_mistake(import_all(connector, tools.STEP)[0].entries[1])
    else:
        broken(lambda: import_all(connector, tools.STEP), "full_import", sentence, found)


@pytest.mark.parametrize(("attributes", "found"), ATTRIBUTES)
def test_what_is_wrong_with_an_entry_that_cannot_be_stored_can_be_asked(tools, attributes, found):
    assert found in entry_mistake(replace(tools.person("1"), attributes=attributes))
    assert entry_mistake(tools.person("1")) == ""


@pytest.mark.parametrize(
    ("page", "sentence", "found"),
    [
        (None, entries.WHOLE_OBJECTS, "a page is an ImportPage, found NoneType"),
        ([], entries.WHOLE_OBJECTS, "a page is an ImportPage, found list"),
        (ImportPage([]), entries.WHOLE_OBJECTS, "found list and str"),
        (ImportPage((), watermark=7), entries.WHOLE_OBJECTS, "found tuple and int"),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused(build, tools, page, sentence, found):
    def full_import():
        yield page

    connector = build(full_import=full_import)
    broken(lambda: import_all(connector, tools.STEP), "full_import", sentence, found)


def test_a_page_that_is_too_long_is_refused(build, tools):
    def full_import(step):
        yield ImportPage(tuple(tools.person(str(number)) for number in range(step.page_size + 1)))

    connector = build(full_import=full_import)
    found = "found 101 where 100 were asked for"
    broken(lambda: import_all(connector, tools.STEP), "full_import", entries.PAGE_SIZE, found)


@pytest.mark.parametrize("answer", [[], (), ImportPage(())])
def test_an_import_that_is_no_generator_is_refused(build, tools, answer):
    connector = build(full_import=lambda: answer)
    broken(lambda: import_all(connector, tools.STEP), "full_import", returns.ITERATOR, "Iterator was expected")


def test_an_import_that_returns_none_is_refused(build, tools):
    connector = build(full_import=lambda: None)
    broken(lambda: import_all(connector, tools.STEP), "full_import", returns.NEVER_NONE, "it returned None")


def test_an_object_that_could_not_be_read_needs_no_anchor(build, tools):
    failure = ImportFailure(MAImportError.PARSE_ERROR, "line 7 has too many cells")

    def full_import():
        yield ImportPage((CSEntryChange("Person", ObjectModificationType.ADD, failure=failure), tools.person("1")))

    (page,) = import_all(build(full_import=full_import), tools.STEP)
    assert page.entries[0].failure is failure


def test_a_read_that_returns_none_is_refused(build, tools):
    connector = build(full_object_import=lambda: None)
    broken(lambda: connector.read(tools.STEP, BY_NAME), "full_object_import", returns.NEVER_NONE, "it returned None")


# Results of an export -------------------------------------------------------------------------------------------------

REFUSED = ExportError(MAExportError.DUPLICATE_ANCHOR, "there is an Ann already")


@pytest.mark.parametrize(
    ("answer", "sentence", "found"),
    [
        (lambda changes: None, returns.NEVER_NONE, "it returned None"),
        (lambda changes: iter([result_of(each) for each in changes]), entries.ONE_RESULT, "list_iterator was returned"),
        (lambda changes: [True, True], entries.ONE_RESULT, "it holds bool"),
        (lambda changes: [result_of(changes[0])], entries.ONE_RESULT, "1 results came for 2 changes"),
        (lambda changes: [], entries.ONE_RESULT, "0 results came for 2 changes"),
        (
            lambda changes: [result_of(changes[0]), result_of(changes[0])],
            entries.ONE_RESULT,
            "change a has two results",
        ),
        (
            lambda changes: [*map(result_of, changes), CSEntryChangeResult("c")],
            entries.ONE_RESULT,
            "a result has an identifier that no change has",
        ),
        (
            lambda changes: [CSEntryChangeResult(["a"]), result_of(changes[1])],
            entries.ONE_RESULT,
            "a result has an identifier that no change has",
        ),
        (
            lambda changes: [result_of(each, error="refused") for each in changes],
            entries.RESULT,
            "in the result of change a its error is no ExportError",
        ),
        (
            lambda changes: [result_of(each, error=ExportError("duplicate", "there is one")) for each in changes],
            entries.RESULT,
            "its error is no ExportError with a code of MAExportError",
        ),
        (
            lambda changes: [result_of(each, anchor="a") for each in changes],
            entries.RESULT_ANCHOR,
            "the anchor of change a is not 1 values: values come in a tuple, found str",
        ),
        (
            lambda changes: [result_of(each, anchor=(Decimal(1),)) for each in changes],
            entries.RESULT_ANCHOR,
            "found Decimal",
        ),
        (
            lambda changes: [result_of(each, anchor=("a", "b")) for each in changes],
            entries.RESULT_ANCHOR,
            "it has 2 values",
        ),
        (lambda changes: [result_of(each, dn=7) for each in changes], entries.RESULT_ANCHOR, "the DN is a string"),
        (
            lambda changes: [result_of(each, attributes={"Name": "Ann"}) for each in changes],
            entries.RESULT_ANCHOR,
            "attribute 'Name': values come in a tuple",
        ),
    ],
)
def test_results_that_break_the_contract_are_refused(build, tools, answer, sentence, found):
    connector = build(export=answer)
    broken(lambda: connector.export(tools.STEP, [tools.add("a"), tools.add("b")]), "export", sentence, found)


def test_a_created_object_whose_anchor_the_target_makes_needs_the_anchor_in_its_result(build, tools):
    change = CSEntryChange("Person", ObjectModificationType.ADD, identifier="a")
    connector = build(export=lambda changes: [CSEntryChangeResult("a")])
    broken(lambda: connector.export(tools.STEP, [change]), "export", entries.RESULT_ANCHOR, "it has 0 values")
    assert build(export=lambda changes: [CSEntryChangeResult("a", anchor=(7,))]).export(tools.STEP, [change])


def test_results_come_in_the_order_of_the_changes_whatever_the_plugin_s_order(build, tools):
    def export(changes):
        return [result_of(each, error=REFUSED if each.identifier == "b" else None) for each in reversed(changes)]

    results = build(export=export).export(tools.STEP, [tools.add("a"), tools.add("b"), tools.add("c")])
    assert [(each.identifier, each.error) for each in results] == [("a", None), ("b", REFUSED), ("c", None)]


# Planned changes ------------------------------------------------------------------------------------------------------


def planned(kind=ObjectModificationType.DELETE, object_type="Person", identifier=""):
    return CSEntryChange(object_type, kind, anchor=("1",), identifier=identifier)


@pytest.mark.parametrize(
    ("plan", "sentence", "found"),
    [
        (None, returns.NEVER_NONE, "it returned None"),
        (planned(), entries.PLANS, "a sequence of CSEntryChange was expected and CSEntryChange was returned"),
        ([planned(object_type="Group")], entries.PLANS, "'Group' was planned for an object of 'Person'"),
        ([planned(ObjectModificationType.ADD)], entries.PLANS, "the creation of an object was planned"),
        ([planned(identifier="x"), planned(identifier="x")], entries.PLANS, "two planned changes have the same"),
    ],
)
def test_planned_changes_that_break_the_contract_are_refused(build, tools, plan, sentence, found):
    connector = build(deprovision=lambda: plan)
    broken(
        lambda: connector.deprovision(tools.person("1"), DeprovisioningFlow(), DISABLE), "deprovision", sentence, found
    )


def test_planned_changes_get_identifiers_where_the_plugin_gave_none(build, tools):
    connector = build(deprovision=lambda: [planned(), planned(), planned(identifier="mine")])
    plan = connector.deprovision(tools.person("1"), DeprovisioningFlow(), DISABLE)
    assert plan[2].identifier == "mine"
    assert len({each.identifier for each in plan}) == 3
    assert all(each.identifier for each in plan)


# Others ---------------------------------------------------------------------------------------------------------------


def test_no_value_is_quoted_in_a_message(build, tools):
    entry = replace(tools.person("1"), attributes={"Password": (Decimal(4711), "hunter2")})
    connector = build(full_object_import=lambda: [entry])
    with pytest.raises(BrokenContract) as caught:
        connector.read(tools.STEP, BY_NAME)
    assert "4711" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_one_broken_plugin_leaves_other_connectors_working(build, tools):
    other = build(name="other", full_object_import=lambda: [tools.person("1")])
    bad = build(name="bad", full_object_import=lambda: None)
    with pytest.raises(BrokenContract):
        bad.read(tools.STEP, BY_NAME)
    assert [entry.anchor for entry in other.read(tools.STEP, BY_NAME)] == [("1",)]


def test_a_valid_schema_is_returned_as_it_is(build, tools):
    schema = build().schema()
    assert schema.type("Person").attribute("Active").type is AttributeType.BOOLEAN
