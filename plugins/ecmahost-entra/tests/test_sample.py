from collections.abc import Iterator, Sequence

import pytest
from ecmahost_entra.person import make_person
from ecmahost_entra.sample import Sample, sample_of, take_sample

from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage, ObjectModificationType


def sampled(*texts: str) -> Sample:
    return Sample({"A": texts})


def test_codes_are_what_several_objects_share_and_are_few() -> None:
    assert sampled(*["B"] * 7, *["A"] * 5).codes("A") == ("B", "A")
    assert sampled(*["B"] * 12).codes("A") == ("B", "B")
    assert sampled(*["B"] * 18, "unique", "another").codes("A") == ("B", "B")


@pytest.mark.parametrize(
    "texts",
    [
        ["B"] * 9,  # too few objects to conclude anything
        [f"name{number}" for number in range(100)],
        [f"name{number}" for number in range(7)] * 2 + ["x"] * 6,  # too many different ones
        ["x"] * 2 + ["y"] * 2 + ["z"] * 8 + ["v", "w"],
    ],
)
def test_what_few_objects_have_in_common_is_never_used_for_somebody_else(texts: list[str]) -> None:
    assert sampled(*texts).codes("A") is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"2020-01-{day}" for day in range(10, 25)], ("2024-02-29", "2031-12-31")),
        ([f"2020-01-{day}T00:00:00Z" for day in range(10, 25)], ("2024-02-29T08:30:00Z", "2031-12-31T23:59:59Z")),
        ([f"2020-01-{day} 00:00:00" for day in range(10, 25)], ("2024-02-29 08:30:00", "2031-12-31 23:59:59")),
        ([f"{number}.125" for number in range(12)], ("1.555", "2.555")),
        ([f"00{number}" for number in range(10, 25)], ("0001", "0002")),
    ],
)
def test_new_values_have_the_form_of_all_others(texts: list[str], expected: tuple[str, str]) -> None:
    assert sampled(*texts).formatted("A") == expected
    assert sampled(*texts, "unlike").formatted("A") is None
    assert sampled(*texts[:9]).formatted("A") is None


def test_guids_are_new_and_in_the_case_of_the_others() -> None:
    upper = [f"0B5D3C1E-0000-4000-8000-0000000000{number}" for number in range(10, 25)]
    found = sampled(*upper).guids("A")
    assert found is not None
    assert not set(found) & set(upper)
    assert all(guid == guid.upper() for guid in found)
    assert sampled(*[guid.lower() for guid in upper]).guids("A") != found


def test_a_person_takes_codes_and_formats_but_never_anything_unique_from_others(bench) -> None:
    sample = Sample(
        {
            "UserName": ("004711",) * 20,
            "Email": tuple(f"{number:06}" for number in range(20)),
            "Title": ("Clerk",) * 12 + ("Boss",) * 8,
            "Department": tuple(f"{number:04}" for number in range(20)),
        }
    )
    values = {
        trait.name: (trait.before, trait.after) for trait in make_person(bench.plan, "0badcafe", sample=sample).traits
    }
    assert values["UserName"][1] == "ecmahost.rehearsal.0badcafe@example.com"
    assert str(values["Email"][1]).endswith("@mail.example.com")
    assert values["Title"] == ("Clerk", "Boss")
    assert values["Department"] == ("0001", "0002")


class Pages:
    """Counts the pages that are read and whether the reading was ended."""

    def __init__(self, entries: Sequence[CSEntryChange]) -> None:
        self.entries = entries
        self.pages = 0
        self.closed = False

    def full_import(self, step: object) -> Iterator[ImportPage]:
        try:
            for entry in self.entries:
                self.pages += 1
                yield ImportPage((entry,))
        finally:
            self.closed = True


def test_only_the_first_page_is_read_and_the_import_is_ended(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        CSEntryChange("Employees", ObjectModificationType.ADD, (1,), attributes={"Title": ("x",), "Phone": ()}),
        CSEntryChange("Employees", ObjectModificationType.ADD, (2,), attributes={"Title": ("y",)}),
    ]
    pages = Pages(entries)
    monkeypatch.setattr(bench.reader, "full_import", pages.full_import, raising=True)
    assert take_sample(bench.reader, bench.plan.step) == sample_of(entries[:1])
    assert (pages.pages, pages.closed) == (1, True)


def test_a_target_that_cannot_be_read_gives_no_sample(bench) -> None:
    bench.reader.down = True
    assert take_sample(bench.reader, bench.plan.step) == Sample()
