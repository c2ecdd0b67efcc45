"""The hooks of deltas: what a page may say, who wraps it, and the stamp by which a change is noticed."""

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    Capabilities,
    ConnectorError,
    CSEntryChange,
    ImportFailure,
    ImportPage,
    MAImportError,
    ObjectModificationType,
    ServerDown,
    WatermarkExpired,
    map_pages,
)
from ecmahost_core.connectors import entries
from ecmahost_core.errors import BrokenContract

ADD, UPDATE, DELETE = (ObjectModificationType[name] for name in ("ADD", "UPDATE", "DELETE"))
REPLACE = AttributeModificationType.REPLACE
GARBLED = ImportFailure(MAImportError.PARSE_ERROR, "garbled")


def entry(kind=UPDATE, anchor=("1",), **more):
    return CSEntryChange("Person", kind, anchor, **more)


def part(name="Name", kind=REPLACE, added=("Ann",), removed=()):
    return AttributeChange(name, kind, added, removed)


def pages_of(*pages):
    def delta_import():
        yield from pages

    return delta_import


@pytest.fixture
def changed(build, tools):
    """Returns the pages of a delta whose connector yields these."""

    def read(*pages, **more):
        connector = build(full_import=pages_of(), delta_import=pages_of(*pages), **more)
        return list(connector.delta_import(tools.STEP, "7"))

    return read


def test_the_watermark_and_the_step_reach_the_hook_and_the_pages_come_back(build, tools):
    seen = {}

    def delta_import(session, step, watermark):
        seen.update(session=session, step=step, watermark=watermark)
        yield ImportPage((entry(DELETE),), "8")

    connector = build(full_import=pages_of(), delta_import=delta_import)
    assert list(connector.delta_import(tools.STEP, "7")) == [ImportPage((entry(DELETE),), "8")]
    assert seen == {"session": "session", "step": tools.STEP, "watermark": "7"}


@pytest.mark.parametrize(
    "good",
    [
        entry(ADD, attributes={"Id": ("1",)}),
        entry(attribute_changes=(part(), part("Active", added=(True,)))),
        entry(anchor=(), dn="cn=ann", new_dn="cn=anna"),
        entry(DELETE, anchor=(), dn="cn=ann"),
        entry(ADD, anchor=(), failure=GARBLED),
        entry(failure=GARBLED),
    ],
)
def test_every_kind_of_entry_that_the_contract_knows_is_taken(changed, good):
    assert changed(ImportPage((good,))) == [ImportPage((good,))]


@pytest.mark.parametrize(
    ("page", "sentence", "found"),
    [
        (None, entries.CHANGES, "found NoneType"),
        (ImportPage([]), entries.CHANGES, "found list and str"),
        (ImportPage((), 7), entries.CHANGES, "found tuple and int"),
        (ImportPage(tuple(entry() for _ in range(101))), entries.PAGE_SIZE, "found 101"),
        (ImportPage(("x",)), entries.CHANGES, "found str"),
        (ImportPage((CSEntryChange("Badge", UPDATE, ("1",)),)), entries.CHANGES, "'Badge'"),
        (ImportPage((CSEntryChange("Person", "Update", ("1",)),)), entries.CHANGES, "found one of type Update"),
        (ImportPage((entry(anchor=()),)), entries.NAMED, "found 0"),
        (ImportPage((entry(ADD, anchor=(), dn="cn=ann"),)), entries.NAMED, "found 0"),
        (ImportPage((entry(anchor=("1", "2")),)), entries.NAMED, "found 2"),
        (ImportPage((entry(anchor=None),)), entries.NAMED, "values come in a tuple"),
        (ImportPage((entry(dn=7),)), entries.NAMED, "the DN is a string, found int"),
        (ImportPage((entry(new_dn=b"x"),)), entries.NAMED, "the DN is a string, found bytes"),
        (ImportPage((entry(ADD, attributes={"Name": "Ann"}),)), entries.CHANGES, "'Name': values come in a tuple"),
        (ImportPage((entry(attribute_changes=[part()]),)), entries.CHANGES, "come in a tuple, found list"),
        (ImportPage((entry(attribute_changes=("Name",)),)), entries.CHANGES, "is an AttributeChange, found str"),
        (ImportPage((entry(attribute_changes=(part(kind="Add"),)),)), entries.CHANGES, "no AttributeModificationType"),
        (ImportPage((entry(attribute_changes=(part(added=(None,)),)),)), entries.CHANGES, "found NoneType"),
        (ImportPage((entry(attribute_changes=(part(removed="x"),)),)), entries.CHANGES, "come in a tuple"),
        (ImportPage((entry(attribute_changes=(part(), part())),)), entries.CHANGES, "'Name' changes twice"),
        (ImportPage((), "x" * 65_537), entries.WATERMARK, "found 65537 bytes"),
        (ImportPage((), "é" * 40_000), entries.WATERMARK, "found 80000 bytes"),
        (ImportPage((), "\ud800"), entries.WATERMARK, "lone surrogates"),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused(changed, page, sentence, found):
    with pytest.raises(BrokenContract) as caught:
        changed(ImportPage(()), page)
    assert (caught.value.plugin, caught.value.hook) == ("example", "delta_import")
    assert sentence in caught.value.sentence
    assert found in caught.value.sentence


def test_a_watermark_of_64_kb_is_taken_from_a_full_import_too_and_a_longer_one_is_not(build, tools):
    connector = build(full_import=pages_of(ImportPage((), "x" * 65_536)))
    assert len(next(connector.full_import(tools.STEP)).watermark) == 65_536
    connector = build(full_import=pages_of(ImportPage((), "x" * 65_537)))
    with pytest.raises(BrokenContract, match="64 KB"):
        next(connector.full_import(tools.STEP))


def test_a_watermark_that_has_expired_is_told_as_that(build, tools):
    def delta_import():
        raise WatermarkExpired("the log was cut")
        yield

    connector = build(full_import=pages_of(), delta_import=delta_import)
    with pytest.raises(WatermarkExpired, match="the log was cut"):
        list(connector.delta_import(tools.STEP, "7"))


# Who can --------------------------------------------------------------------------------------------------------------


def test_a_plugin_has_deltas_when_it_implements_both_imports_and_does_not_decline(build, tools):
    both = {"full_import": pages_of(), "delta_import": pages_of()}
    assert build(**both).capabilities.delta_import
    assert not build(delta_import=pages_of()).capabilities.delta_import
    assert not build(full_import=pages_of()).capabilities.delta_import
    declined = build(capabilities=lambda: Capabilities(delta_import=False), **both)
    with pytest.raises(ConnectorError, match="has no delta_import: its plugin 'example' declines it"):
        list(declined.delta_import(tools.STEP, "7"))


def test_an_extension_that_wraps_full_imports_only_takes_the_deltas_away(build, tools):
    def full(step):
        return (yield)

    both = {"full_import": pages_of(), "delta_import": pages_of()}
    masks_one = tools.make_extension("mask", full_import=full)
    masks_both = tools.make_extension("cover", full_import=full, delta_import=full)
    watches = tools.make_extension("audit", export=full)
    assert not build(extensions=[masks_one], **both).capabilities.delta_import
    assert not build(extensions=[masks_both, masks_one], **both).capabilities.delta_import
    assert build(extensions=[masks_both, watches], **both).capabilities.delta_import


def test_a_wrapper_changes_pages_and_cannot_lose_the_watermark(build, tools):
    def delta_import(watermark):
        pages = yield
        return map_pages(pages, lambda page: ImportPage(tuple(one for one in page.entries if watermark == "7")))

    wrapping = {"full_import": lambda: (yield), "delta_import": delta_import}

    def full_import():
        return (yield)

    wrapping["full_import"] = full_import
    extension = tools.make_extension("mask", **wrapping)
    page = ImportPage((entry(DELETE),), "8")
    connector = build(full_import=pages_of(), delta_import=pages_of(page), extensions=[extension])
    assert list(connector.delta_import(tools.STEP, "7")) == [page]


def test_pages_that_an_extension_ends_early_are_an_error(build, tools):
    def both(step):
        yield
        return iter(())

    extension = tools.make_extension("short", full_import=both, delta_import=both)
    connector = build(full_import=pages_of(), delta_import=pages_of(ImportPage(())), extensions=[extension])
    with pytest.raises(BrokenContract, match="its own ended before"):
        list(connector.delta_import(tools.STEP, "7"))


# Noticing a change ----------------------------------------------------------------------------------------------------


def test_a_stamp_is_what_the_hook_says_of_the_parameters(build):
    assert build(change_stamp=lambda parameters: f"stamp of {parameters['path']}").change_stamp() == "stamp of people"
    assert build().change_stamp() == ""


@pytest.mark.parametrize("wrong", [None, 7, b"x"])
def test_a_stamp_that_is_no_text_breaks_the_contract(build, wrong):
    with pytest.raises(BrokenContract) as caught:
        build(change_stamp=lambda: wrong).change_stamp()
    assert caught.value.hook == "change_stamp"


def test_what_a_stamp_raises_is_told(build):
    def change_stamp():
        raise ServerDown("the share is not mounted")

    with pytest.raises(ServerDown, match="not mounted"):
        build(change_stamp=change_stamp).change_stamp()


def test_no_extension_wraps_a_stamp(tools):
    def change_stamp():
        return (yield)

    with pytest.raises(BrokenContract, match="change_stamp"):
        tools.make_extension("watch", change_stamp=change_stamp)
