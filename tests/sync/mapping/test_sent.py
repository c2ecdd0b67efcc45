"""What was sent comes back while the target holds something that means the same; sending it again writes nothing."""

import unicodedata
from dataclasses import replace

import pytest

from ecmahost_core import (
    AttributeType,
    Capabilities,
    CSEntryChangeResult,
    MAExportType,
    Reference,
    Schema,
    SchemaAttribute,
    SchemaType,
    UnexpectedData,
    ValueFormat,
)
from ecmahost_core.configuration.model import SelectedAttribute
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.scim import urns
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.sync.importing import imports
from ecmahost_core.sync.reading.presentation import resource_of, version_of
from ecmahost_core.sync.writing.recovery import Recovery, settle_by_hand

CUSTOM = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
F, T = ValueFormat, AttributeType
PEOPLE = SchemaType(
    "Employees",
    (
        SchemaAttribute("Login"),
        SchemaAttribute("First"),
        SchemaAttribute("Hired", format=F.TIMESTAMP, scale=0),
        SchemaAttribute("Salary", format=F.DECIMAL, precision=10, scale=2),
        SchemaAttribute("Key", format=F.GUID),
        SchemaAttribute("Badge", format=F.PADDED, max_length=10),
        SchemaAttribute("Level", T.INTEGER, minimum=-32768, maximum=32767),
        SchemaAttribute("Flag", T.BOOLEAN),
        SchemaAttribute("Photo", T.BINARY),
        SchemaAttribute("Boss", T.REFERENCE),
        SchemaAttribute("Secret", operation=AttributeOperation.EXPORT_ONLY, format=F.PADDED),
        SchemaAttribute("Tags", multi_valued=True, format=F.GUID),
    ),
)
MAPPING = {
    "userName": "Login",
    "name.givenName": "First",
    **{f"{CUSTOM}:{attribute.name}": attribute.name for attribute in PEOPLE.attributes[1:]},
}
TWICE = {**MAPPING, "title": "Salary", "nickName": "Level"}
SETTINGS = {"mapping": MAPPING, "query": ("Login", ("Key", False), ("Salary", False), ("Level", False))}


def printed(name, value):
    """How this target gives back what was written."""
    match name:
        case "Hired":
            return value.replace("T", " ").removesuffix("Z")
        case "Salary":
            whole, _, fraction = value.partition(".")
            return f"{whole}.{fraction:0<2}"
        case "Key" | "Tags":
            return value if isinstance(value, Reference) else value.upper()
        case "Badge":
            return value.rstrip(" ")
        case "First":
            return unicodedata.normalize("NFC", value)
        case _:
            return value


@pytest.fixture
def people(desk):
    """A target that keeps values in forms of its own, and tells them with the answer."""
    desk.target.schema = Schema((PEOPLE,))

    def export(session, step, changes):
        session.before_export(changes)
        results = [session.apply(change, step.types[0].anchor) for change in changes]
        for anchor, row in session.rows.items():
            session.rows[anchor] = {n: tuple(printed(n, value) for value in values) for n, values in row.items()}
        session.after_export(changes)
        return [told(session, result) for result in results]

    def told(session, result):
        if result.error is not None or result.anchor not in session.rows:
            return result
        row = {**session.rows[result.anchor], "Secret": ()}
        attributes = {a.name: row.get(a.name, ()) for a in PEOPLE.attributes}
        return CSEntryChangeResult(result.identifier, anchor=result.anchor, attributes=attributes)

    desk.hooks = {"export": export}
    return desk.ready(hooks=desk.hooks, **SETTINGS)


def again(people, **changes):
    """The same target, otherwise configured."""
    hooks = {**people.hooks, **changes.pop("hooks", {})}
    return people.restart(hooks=hooks, **(SETTINGS | changes))


def custom(name):
    return f"{CUSTOM}:{name}"


def shown(desk, object_id, name):
    return resource_of(desk.binding, desk.get(object_id)).get(CUSTOM, {}).get(name)


FORMS = [
    ("Hired", "2026-01-31", "2026-01-31T01:00:00.7+01:00", "2026-02-01 00:00:00"),
    ("Salary", "01.5", "+1.500", "1.51"),
    ("Key", f"{{{GUID}}}", GUID.replace("-", ""), GUID.replace("0", "1").upper()),
    ("Badge", "ab   ", "ab ", "abc"),
    ("Level", "007", "+7", 8),
    ("Level", "True", "1", 0),
    ("Flag", "1", "TRUE", False),
    ("First", "cafe\u0301", "caf\u00e9", "cafe"),
]


@pytest.mark.parametrize(("name", "sent", "other", "different"), FORMS)
def test_what_was_sent_is_shown_while_the_target_holds_what_means_the_same(people, name, sent, other, different):
    made = people.create(userName="bob", **{custom(name): sent})
    assert shown(people, made.id, name) == sent
    assert people.target.rows["bob",][name] != (sent,)
    exports, journaled = len(people.target.sent), people.events()

    same = people.set(made.id, custom(name), sent)
    assert (same, people.events()) == (made, journaled)

    changed = people.set(made.id, custom(name), other)
    assert (shown(people, made.id, name), len(people.target.sent)) == (other, exports)
    assert changed.attributes == made.attributes
    assert changed.change_seq > made.change_seq  # what a client is shown is another, and so is its version
    assert people.set(made.id, custom(name), other) == changed

    imports.full_import(people.endpoint)
    assert people.get(made.id) == changed

    people.target.rows["bob",] = {**people.target.rows["bob",], name: (different,)}
    imports.full_import(people.endpoint)
    assert shown(people, made.id, name) == different
    assert people.get(made.id).kept == {}


def test_a_form_that_the_target_itself_gives_back_is_not_kept(people):
    made = people.create(
        userName="bob",
        **{custom("Hired"): "2026-01-31 00:00:00", custom("Salary"): "1.50", custom("Key"): GUID.upper()},
        **{custom("Level"): 7, custom("Flag"): True, custom("First"): "Bob", custom("Photo"): "AP8="},
    )
    assert made.kept == {}
    assert people.set(made.id, custom("Salary"), "1.5").kept == {"sent": {custom("Salary"): ["1.5"]}}
    assert people.set(made.id, custom("Salary"), "1.50").kept == {}


def test_the_form_of_a_core_attribute_is_kept_as_well(people):
    again(people, mapping=TWICE)
    made = people.create(userName="bob", title="1.5", nickName="007")
    resource = resource_of(people.binding, made)
    assert (resource["title"], resource["nickName"]) == ("1.5", "007")
    assert (made.attributes["Salary"], made.attributes["Level"]) == (("1.50",), (7,))


def test_json_comes_back_with_the_type_that_it_was_sent_with(people):
    made = people.create(userName="bob", **{custom("Level"): "7"})
    assert shown(people, made.id, "Level") == "7"
    for sent in (7, "7", True, "True", 1, 1.0, "1"):
        people.set(made.id, custom("Level"), sent)
        found = shown(people, made.id, "Level")
        assert (found, type(found)) == (sent, type(sent))
        assert [type(value) for value in people.get(made.id).attributes["Level"]] == [int]


def test_an_equal_value_that_somebody_else_writes_keeps_what_was_sent(people):
    made = people.create(userName="bob", **{custom("Salary"): "01.5", custom("Key"): f"{{{GUID}}}"})
    people.target.rows["bob",] |= {"Salary": ("1.5",), "Key": (GUID,)}
    counts, _ = imports.full_import(people.endpoint)
    assert counts.changed == 1
    assert people.get(made.id).attributes["Salary"] == ("1.5",)
    assert (shown(people, made.id, "Salary"), shown(people, made.id, "Key")) == ("01.5", f"{{{GUID}}}")


def test_what_is_read_for_a_match_drops_what_was_sent(people):
    made = people.create(userName="bob", **{custom("Salary"): "01.5"})
    people.target.rows["bob",] |= {"Salary": ("2.00",)}
    assert people.match(f'{custom("Salary")} eq "2"') == []  # a look into the space
    people.target.rows["bob",] |= {"Login": ("bob",), "Level": (9,)}
    (found,) = people.match(f'{custom("Level")} eq "009"')  # and one into the target
    assert (found.id, found.kept) == (made.id, {})
    assert shown(people, made.id, "Salary") == "2.00"


def test_a_change_that_reads_back_another_value_shows_that_value(people):
    made = people.create(userName="bob", **{custom("Salary"): "01.5"})

    def raised(_changes):
        people.target.rows["bob",] |= {"Salary": ("9.00",)}  # a trigger

    people.target.after_export = raised
    changed = people.set(made.id, custom("First"), "Bob")
    assert (changed.kept, shown(people, made.id, "Salary")) == ({}, "9.00")
    changed = people.set(made.id, custom("Salary"), "02.5")
    assert (changed.kept, shown(people, made.id, "Salary")) == ({}, "9.00")


def test_what_was_sent_goes_with_the_value_and_with_the_object(people):
    made = people.create(userName="bob", **{custom("Salary"): "01.5", custom("Level"): "007"})
    changed = people.patch(made.id, {"op": "Remove", "path": custom("Salary")})
    assert changed.kept == {"sent": {custom("Level"): ["007"]}}
    assert people.set(made.id, custom("Level"), "").kept == {}
    people.set(made.id, custom("Level"), "008")
    people.remove(made.id)
    assert people.store.get(people.space_type, made.id) is None


def test_a_put_keeps_the_forms_that_it_sends(people):
    made = people.create(userName="bob", **{custom("Salary"): "01.5", custom("Level"): "007"})
    exports = len(people.target.sent)
    put = people.put(made.id, userName="bob", **{custom("Salary"): "1.500", custom("Level"): "007"})
    assert len(people.target.sent) == exports
    assert put.kept == {"sent": {custom("Salary"): ["1.500"], custom("Level"): ["007"]}}


def test_what_the_host_keeps_of_active_and_of_what_was_sent_do_not_touch_each_other(people):
    made = people.create(userName="bob", active=False, **{custom("Level"): "007"})
    assert made.kept == {"active": False, "sent": {custom("Level"): ["007"]}}
    both = people.patch(
        made.id,
        {"op": "Replace", "path": "active", "value": "True"},
        {"op": "Replace", "path": custom("Level"), "value": "07"},
    )
    assert both.kept == {"active": True, "sent": {custom("Level"): ["07"]}}
    assert people.set(made.id, custom("Level"), 7).kept == {"active": True}


def test_two_paths_to_one_attribute_each_show_what_was_sent_under_them(people):
    again(people, mapping=TWICE)
    made = people.create(userName="bob", title="1.5", **{custom("Salary"): "01.50"})
    assert (resource_of(people.binding, made)["title"], shown(people, made.id, "Salary")) == ("1.5", "01.50")
    people.set(made.id, "title", "2")
    assert (resource_of(people.binding, people.get(made.id))["title"], shown(people, made.id, "Salary")) == (
        "2",
        "2.00",
    )


def test_what_cannot_be_read_again_is_shown_as_it_was_written_and_its_text_is_not_kept(people):
    made = people.create(userName="bob", **{custom("Secret"): "pass  "})
    assert people.target.rows["bob",]["Secret"] == ("pass",)
    assert made.kept == {}
    assert resource_of(people.binding, made)[CUSTOM]["Secret"] == "pass"
    imports.full_import(people.endpoint)
    assert resource_of(people.binding, people.get(made.id))[CUSTOM]["Secret"] == "pass"


def test_the_journal_has_no_text_that_will_not_be_kept(people):
    entries = []
    people.target.before_export = lambda changes: entries.extend(people.store.entries())
    people.create(userName="bob", **{custom("First"): "Bob", custom("Secret"): "pass  ", custom("Level"): "007"})
    assert [entry.kept for entry in entries] == [{"sent": {custom("Level"): ["007"]}}]


def test_several_values_come_back_as_they_were_sent_each_once(people):
    first, second = f"{{{GUID}}}", GUID.replace("0", "1")
    made = people.create(userName="bob", **{custom("Tags"): [second, first, GUID]})
    assert people.target.rows["bob",]["Tags"] == (second.upper(), GUID.upper())
    assert shown(people, made.id, "Tags") == [second, first, GUID]
    assert people.put(made.id, userName="bob", **{custom("Tags"): [second.upper(), GUID.upper()]}).kept == {}


def test_of_several_values_those_that_the_target_holds_are_not_written_anew(people):
    first, second, third = (GUID.replace("0", digit) for digit in "012")
    again(people, capabilities=Capabilities(export_type=MAExportType.ATTRIBUTE_UPDATE))
    made = people.create(userName="bob", **{custom("Tags"): [first, second]})
    changed = people.patch(made.id, {"op": "Add", "path": custom("Tags"), "value": [third]})
    (part,) = people.target.sent[-1].attribute_changes
    assert (part.added, part.removed) == ((third,), ())
    assert changed.attributes["Tags"] == (first.upper(), second.upper(), third.upper())
    assert shown(people, made.id, "Tags") == [first, second, third]


def test_the_order_of_values_alone_is_not_kept(people):
    made = people.create(userName="bob", **{custom("Tags"): [GUID.upper(), GUID.replace("0", "1").upper()]})
    people.target.rows["bob",] |= {"Tags": tuple(reversed(people.target.rows["bob",]["Tags"]))}
    imports.full_import(people.endpoint)
    assert people.get(made.id).kept == made.kept == {}


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Hired", ["2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31 00:00:00", "2026-01-31T01:00:00+01:00"]),
        ("Salary", ["01.5", "1.5", "1.50", "+1.500"]),
        ("Key", [GUID, GUID.upper(), f"{{{GUID}}}", GUID.replace("-", "")]),
        ("Badge", ["ab   ", "ab", "AB"]),
        ("Level", ["007", "7", "+7"]),
        ("Flag", ["TRUE", "true", "1", "True"]),
        ("First", ["cafe\u0301", "caf\u00e9", "CAF\u00c9"]),
    ],
)
def test_every_form_of_a_value_finds_the_object(people, name, forms):
    made = people.create(userName="bob", **{custom(name): forms[0]})
    people.create(userName="ann")
    for form in forms:
        text = f'{custom(name)} eq "{form}"'
        assert people.match(text) == [made], form
        assert people.match(f'userName eq "bob" and {text}') == [made]
        assert [one.id for one in people.match(f'userName eq "nobody" or {text}')] == [made.id]
        assert [one.attributes["Login"] for one in people.match(f"not ({text})")] == [("ann",)]
        assert [one.attributes["Login"] for one in people.match(text.replace(" eq ", " ne "))] == [("ann",)]


def test_an_object_that_the_target_has_and_the_space_does_not_is_found_by_every_form(people):
    people.target.put("bob", Login="bob", Key=GUID.upper())
    people.match(f'{custom("Key")} eq "{{{GUID}}}"')
    assert people.target.reads == 1
    (found,) = people.match(f'{custom("Key")} eq "{{{GUID}}}"')
    assert found.anchor == ("bob",)


def cut(_changes):
    raise UnexpectedData("the line was cut")


@pytest.mark.parametrize("hooks", [{}, {"full_object_import": None}])
def test_a_creation_that_is_recovered_keeps_what_was_sent(people, refused, hooks):
    again(people, hooks=hooks)
    people.target.after_export = cut
    refused(503, people.create, userName="bob", **{custom("Salary"): "01.5", custom("Hired"): "2026-01-31"})
    row = people.target.rows["bob",]
    people.target.rows["bob",] = {name: tuple(printed(name, v) for v in values) for name, values in row.items()}
    assert Recovery(people.endpoint).round() == 1
    (found,) = people.named("bob")
    assert (shown(people, found.id, "Salary"), shown(people, found.id, "Hired")) == ("01.5", "2026-01-31")
    assert people.events()[-1] == ("recover", "ok")


@pytest.mark.parametrize("applied", [True, False])
def test_a_change_that_is_recovered_keeps_what_the_target_took_and_no_more(people, refused, applied):
    made = people.create(userName="bob", **{custom("Salary"): "01.5", custom("Hired"): "2026-01-30"})
    people.target.before_export, people.target.after_export = (
        (lambda _: None, cut) if applied else (cut, lambda _: None)
    )
    refused(503, people.set, made.id, custom("Hired"), "2026-01-31")
    people.target.rows["bob",] |= {"Hired": (f"2026-01-3{1 if applied else 0} 00:00:00",)}
    assert Recovery(people.endpoint).round() == 1
    assert people.events()[-1] == ("recover", "ok" if applied else "not_applied")
    assert shown(people, made.id, "Hired") == f"2026-01-3{1 if applied else 0}"
    assert shown(people, made.id, "Salary") == "01.5"


def test_a_change_that_somebody_settles_keeps_what_was_sent(people, refused):
    made = people.create(userName="bob", **{custom("Salary"): "01.5"})
    people.target.after_export = cut
    refused(503, people.set, made.id, custom("Level"), "007")
    (entry,) = people.store.entries()
    settle_by_hand(people.endpoint, entry.number, applied_there=True)
    assert people.get(made.id).kept == {"sent": {custom("Salary"): ["01.5"], custom("Level"): ["007"]}}


def test_a_process_that_dies_while_only_its_own_part_changes_loses_nothing(people):
    made = people.create(userName="bob", **{custom("Level"): "007"})
    store, complete = people.store, people.store.complete
    store.complete = lambda *_: (_ for _ in ()).throw(SystemExit)
    with pytest.raises(SystemExit):
        people.set(made.id, custom("Level"), "7")
    store.complete = complete
    again(people)
    assert Recovery(people.endpoint).round() == 1
    assert shown(people, made.id, "Level") == "7"


def test_what_was_sent_for_another_attribute_is_not_shown_for_the_one_that_the_path_now_leads_to(people):
    made = people.create(userName="bob", **{custom("Salary"): "01.5", custom("Level"): "1"})
    again(people, mapping=MAPPING | {custom("Salary"): "Level", custom("Level"): "Salary"})
    assert (shown(people, made.id, "Salary"), shown(people, made.id, "Level")) == (1, "1.50")


def test_what_was_sent_survives_that_a_type_is_declared_otherwise_only_while_it_still_fits(people):
    made = people.create(userName="bob", **{custom("Level"): "007", custom("Badge"): "ab   "})
    again(people, attributes={"Level": SelectedAttribute(T.STRING)})
    assert shown(people, made.id, "Level") == "7"
    assert shown(people, made.id, "Badge") == "ab   "


@pytest.mark.parametrize("type_", [T.STRING, T.BOOLEAN, T.INTEGER, T.DATE_TIME, T.REFERENCE])
def test_a_type_that_a_configuration_declares_replaces_what_the_target_said_of_its_own(people, type_):
    again(people, attributes={"Level": SelectedAttribute(type_), "Salary": SelectedAttribute(type_)})
    level, salary = (people.binding.target.attribute(name) for name in ("Level", "Salary"))
    assert (level.type, salary.type) == (type_, type_)
    assert level.minimum == (-32768 if type_ is T.INTEGER else None)
    assert salary.format == (F.DECIMAL if type_ in (T.STRING, T.REFERENCE) else None)
    assert salary.precision == (10 if type_ in (T.STRING, T.REFERENCE) else None)


def test_a_reference_to_a_guid_comes_back_in_the_form_in_which_it_was_sent(people):
    again(people, attributes={"Key": SelectedAttribute(T.REFERENCE)}, query=("Login",), ecma=True)
    made = people.create(**{f"{urns.ECMA2HOST_USER}:Login": "bob", f"{urns.ECMA2HOST_USER}:Key": f"{{{GUID}}}"})
    resource = resource_of(people.binding, people.get(made.id))
    assert (made.attributes["Key"], resource[urns.ECMA2HOST_USER]["Key"]) == ((Reference(GUID),), f"{{{GUID}}}")
    assert people.set(made.id, f"{urns.ECMA2HOST_USER}:Key", GUID).kept == {}
    assert len(people.target.sent) == 1


REFUSED = [
    ("Hired", "2026-02-30", "Timestamp", "a date-time"),
    ("Salary", "1,000", "Decimal", "a number such as 12.5"),
    ("Salary", "1.505", "Decimal", "a number with at most 2 digits behind the point"),
    ("Salary", "123456789", "Decimal", "a number with at most 8 digits before the point"),
    ("Key", "{nonsense}", "Guid", "a GUID"),
    ("Badge", "12345678901", "Padded", "at most 10 characters, not 11"),
    ("Level", "40000", "Integer", "an integer from -32768 to 32767"),
    ("Level", "seven", "Integer", "an integer"),
    ("Flag", "perhaps", "Boolean", "true or false"),
    ("Photo", "?", "Binary", "base64"),
]


@pytest.mark.parametrize(("name", "sent", "kind", "takes"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_before_anything_is_written(people, refused, name, sent, kind, takes):
    made = people.create(userName="bob", **{custom("First"): "Bob"})
    exports, events = len(people.target.sent), people.events()
    for error in (
        refused(400, people.create, userName="ann", **{custom(name): sent}),
        refused(
            400,
            people.patch,
            made.id,
            {"op": "Replace", "path": "name.givenName", "value": "Rob"},
            {"op": "Replace", "path": custom(name), "value": sent},
        ),
    ):
        assert error.scim_type == "invalidValue"
        assert error.detail.startswith(f"{custom(name)}: the target attribute {name!r} ({kind}) takes {takes}"), error
        assert sent not in error.detail
    assert (len(people.target.sent), people.events(), people.store.entries()) == (exports, events, [])
    assert people.get(made.id) == made


def test_a_reference_and_bytes_are_shown_as_the_target_has_them(people):
    ann = people.create(userName="ann")
    made = people.create(userName="bob", **{custom("Boss"): ann.id, custom("Photo"): "AB=="})
    assert made.attributes["Boss"] == (Reference("ann"),)
    assert shown(people, made.id, "Photo") == "AB=="  # two bits more than the target has
    assert made.kept == {"sent": {custom("Photo"): ["AB=="]}}


def test_an_object_that_is_matched_again_after_it_was_unlinked_shows_what_was_sent(desk):
    desk.target.schema = Schema((PEOPLE,))
    desk.ready(**SETTINGS, delete="none")
    made = desk.create(userName="bob", **{custom("Level"): "007"})
    desk.remove(made.id)
    assert desk.store.get(desk.space_type, made.id).state is ObjectState.UNLINKED
    (found,) = desk.named("bob")
    assert shown(desk, found.id, "Level") == "007"


def test_the_version_follows_what_is_shown(people):
    made = people.create(userName="bob", **{custom("Level"): "007"})
    epoch = people.store.epoch
    assert version_of(people.set(made.id, custom("Level"), "007"), epoch) == version_of(made, epoch)
    changed = people.set(made.id, custom("Level"), "7")
    assert version_of(changed, epoch) != version_of(made, epoch)
    assert changed.modified >= made.modified


def test_a_disable_flow_writes_a_boolean_as_its_column_takes_it(desk):
    short = SchemaAttribute("Short", max_length=1)
    number = SchemaAttribute("Number", format=F.DECIMAL, precision=1, scale=0)
    desk.target.schema = Schema((replace(PEOPLE, attributes=(*PEOPLE.attributes, short, number)),))
    for name in ("Short", "Number"):
        desk.ready(**SETTINGS, disable=name)
        made = desk.create(userName=name, active=True)
        assert desk.target.rows[name,][name] == ("1",)
        desk.set(made.id, "active", "False")
        assert desk.target.rows[name,][name] == ("0",)
        assert resource_of(desk.binding, desk.get(made.id))["active"] is False
        imports.full_import(desk.endpoint)
        assert resource_of(desk.binding, desk.get(made.id))["active"] is False


def test_an_anchor_that_never_changes_may_be_sent_in_another_form(desk, refused):
    desk.target.schema = Schema((replace(PEOPLE, attributes=(SchemaAttribute("Id", T.INTEGER), *PEOPLE.attributes)),))
    desk.ready(**(SETTINGS | {"mapping": {**MAPPING, custom("Id"): "Id"}}), anchor=("Id",), immutable=True)
    made = desk.create(userName="bob", **{custom("Id"): "007"})
    assert (made.anchor, shown(desk, made.id, "Id")) == ((7,), "007")
    assert desk.set(made.id, custom("Id"), "007") == made
    desk.set(made.id, custom("Id"), 7)
    desk.put(made.id, userName="bob", **{custom("Id"): "07"})
    assert (len(desk.target.sent), shown(desk, made.id, "Id")) == (1, "07")
    assert refused(400, desk.set, made.id, custom("Id"), "008").scim_type == "mutability"
    assert refused(400, desk.put, made.id, userName="bob", **{custom("Id"): 8}).scim_type == "mutability"
    assert refused(400, desk.patch, made.id, {"op": "Remove", "path": custom("Id")}).scim_type == "mutability"


def test_what_can_only_be_read_may_be_sent_in_any_form_and_is_left_alone(desk, refused):
    seen = SchemaAttribute("Seen", T.INTEGER, operation=AttributeOperation.IMPORT_ONLY)
    desk.target.schema = Schema((replace(PEOPLE, attributes=(*PEOPLE.attributes, seen)),))
    desk.target.put("bob", Login="bob", Seen=7)
    desk.ready(**(SETTINGS | {"mapping": {**MAPPING, custom("Seen"): "Seen"}}))
    (found,) = desk.named("bob")
    assert desk.set(found.id, custom("Seen"), "007") == found
    assert refused(400, desk.set, found.id, custom("Seen"), "8").scim_type == "mutability"
    assert desk.target.sent == []


ECMA = urns.ECMA2HOST_USER


@pytest.mark.parametrize(("name", "sent", "other", "different"), FORMS)
def test_it_holds_as_well_where_there_is_no_schema_mapping(people, name, sent, other, different):
    again(people, ecma=True)
    path = f"{ECMA}:{name}"
    made = people.create(**{ECMA: {"Login": "bob", name: sent}})
    assert resource_of(people.binding, made)[ECMA] == {"Login": "bob", name: sent}
    exports = len(people.target.sent)
    assert people.set(made.id, path, sent) == made
    changed = people.set(made.id, path, other)
    assert resource_of(people.binding, changed)[ECMA][name] == other
    assert [one.id for one in people.match(f'{path} eq "{sent}"')] == [made.id]
    assert len(people.target.sent) == exports
    people.target.rows["bob",] |= {name: (different,)}
    imports.full_import(people.endpoint)
    assert resource_of(people.binding, people.get(made.id))[ECMA][name] == different
