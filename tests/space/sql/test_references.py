import re
from typing import Any

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.sql.rows import BATCH


def _targets(desk: Any) -> dict[str, str | None]:
    """Owner's anchor to target's anchor."""
    return dict(
        desk.rows(
            "SELECT o.anchor_key, t.anchor_key FROM reference r JOIN object o ON o.key = r.owner"
            " LEFT JOIN object t ON t.key = r.target"
        )
    )


def test_a_reference_finds_its_target_by_dn_or_anchor_whatever_the_spelling(desk: Any) -> None:
    desk.add(desk.user("Boss"))
    desk.add(desk.user("a", Manager=Reference("BOSS ")))
    desk.add(desk.user("b", Manager=Reference("cn=BOSS,object=user")))
    desk.add(desk.user("c", Manager="boss"))
    assert _targets(desk) == {"a": "boss", "b": "boss", "c": "boss"}


def test_a_reference_is_resolved_when_its_target_appears(desk: Any) -> None:
    desk.add(desk.user("a", Manager=Reference("boss")))
    desk.add(desk.user("b", Manager=Reference("CN=Boss,OBJECT=User")))
    assert _targets(desk) == {"a": None, "b": None}
    desk.load(desk.user("a", Manager=Reference("boss")), desk.user("boss"))
    assert _targets(desk) == {"a": "boss"}


def test_a_reference_within_one_page_of_an_import_is_resolved_in_either_order(desk: Any) -> None:
    desk.load(desk.user("a", Manager=Reference("b")), desk.user("b", Manager=Reference("a")))
    assert _targets(desk) == {"a": "b", "b": "a"}


def test_a_reference_follows_its_target_through_a_rename(desk: Any) -> None:
    boss = desk.add(desk.user("boss"))
    desk.add(desk.user("a", Manager=Reference("boss")))
    desk.add(desk.user("b", Manager=Reference("chief")))
    # The owner's value is the target's to change; check() would expect it now, so the import below brings it.
    desk.update(boss, desk.user("chief"))
    assert _targets(desk) == {"a": "chief", "b": "chief"}
    desk.load(
        desk.user("chief"), desk.user("a", Manager=Reference("chief")), desk.user("b", Manager=Reference("chief"))
    )
    assert _targets(desk) == {"a": "chief", "b": "chief"}


def test_a_reference_to_an_object_that_is_renamed_while_an_import_runs_stays_until_the_next(desk: Any) -> None:
    boss = desk.add(desk.user("boss"))
    desk.add(desk.user("a", Manager=Reference("boss")))
    run = desk.store.begin_import("hr")
    desk.update(boss, desk.user("chief"))
    run.compare(desk.users, [desk.user("a", Manager=Reference("boss"), Room="1")])  # read before that
    run.complete(held=None)
    assert _targets(desk) == {"a": "chief"}
    desk.check()
    desk.load(desk.user("chief"), desk.user("a", Manager=Reference("boss"), Room="1"))
    assert _targets(desk) == {"a": None}


def renamed_before_and_during(desk: Any) -> Any:
    """The manager of "a" becomes chief, an import begins, and he becomes head."""
    boss = desk.add(desk.user("boss"))
    desk.add(desk.user("a", Manager=Reference("boss")))
    chief = desk.update(boss, desk.user("chief"))
    run = desk.store.begin_import("hr")
    desk.update(chief, desk.user("head"))
    return run


def test_a_reference_to_an_object_that_is_renamed_before_an_import_and_during_it_stays(desk: Any) -> None:
    run = renamed_before_and_during(desk)
    run.compare(desk.users, [desk.user("a", Manager=Reference("chief"), Room="1")])  # read between the two
    run.complete(held=None)
    assert _targets(desk) == {"a": "head"}
    desk.check()
    assert [one.kind for one in desk.store.past("hr", "a")] == ["test"]  # nobody else has changed that
    desk.load(desk.user("head"), desk.user("a", Manager=Reference("head"), Room="1"))
    assert _targets(desk) == {"a": "head"}


def test_somebody_who_has_taken_the_name_between_the_two_is_not_taken_for_the_manager(desk: Any) -> None:
    run = renamed_before_and_during(desk)
    desk.add(desk.user("chief"))
    run.compare(desk.users, [desk.user("a", Manager=Reference("chief"))])  # read before that
    run.complete(held=None)
    assert _targets(desk) == {"a": "head"}
    desk.load(desk.user("head"), desk.user("chief"), desk.user("a", Manager=Reference("chief")))
    assert _targets(desk) == {"a": "chief"}


def test_a_manager_who_was_exchanged_or_taken_away_is_taken_over_though_the_other_was_renamed_twice(desk: Any) -> None:
    desk.add(desk.user("eve"))
    desk.add(desk.user("x", Manager=Reference("boss")))
    run = renamed_before_and_during(desk)
    run.compare(desk.users, [desk.user("a", Manager=Reference("eve")), desk.user("x")])
    run.complete(held=None)
    assert _targets(desk) == {"a": "eve"}


def test_what_an_import_itself_renames_does_not_make_it_uncertain(desk: Any) -> None:
    def named(anchor: str, dn: str, *managers: str) -> TargetObject:
        return TargetObject((anchor,), dn, {"Manager": tuple(map(Reference, managers))} if managers else {})

    desk.load(named("1", "cn=boss"), named("2", "cn=eve"), named("a", "cn=a", "cn=boss"), named("b", "cn=b", "cn=boss"))
    moved = [named("1", "cn=chief"), named("2", "cn=boss"), named("a", "cn=a", "cn=chief"), named("b", "cn=b", "cn=x")]
    desk.load(*moved)
    assert _targets(desk) == {"a": "1", "b": None}
    desk.load(named("2", "cn=chief"), named("1", "cn=y"), named("b", "cn=b", "cn=z"), named("a", "cn=a", "cn=y"))
    assert _targets(desk) == {"a": "1", "b": None}


def test_a_reference_is_given_up_when_its_target_goes(desk: Any) -> None:
    boss = desk.add(desk.user("boss"))
    desk.add(desk.user("a", Manager=Reference("boss")))
    desk.delete(boss)
    assert _targets(desk) == {"a": None}
    desk.add(desk.user("boss"))
    assert _targets(desk) == {"a": "boss"}


def test_people_go_with_their_manager_in_one_import_however_many_they_are(desk: Any) -> None:
    people = [desk.user(f"u{number:04}", Manager=Reference("boss")) for number in range(2 * BATCH)]
    desk.load(desk.user("boss"), desk.user("ann"), *people)
    counts = desk.load(desk.user("ann"))
    assert (counts.removed, counts.passed_over) == (len(people) + 1, 0)
    assert desk.names() == ["ann"]


def test_somebody_who_is_changed_while_an_import_removes_his_manager_stays(desk: Any) -> None:
    people = [desk.user(f"u{number:04}", Manager=Reference("boss")) for number in range(2 * BATCH)]
    desk.load(desk.user("boss"), *people)
    last = desk.named("u0999")
    run = desk.store.begin_import("hr")
    desk.update(last, desk.user("u0999", Manager=Reference("boss"), Title="changed"))
    run.remove_missing(desk.users)
    run.complete(held=None)
    assert desk.names() == ["u0999"]


def test_a_reference_goes_on_to_the_object_that_took_over_the_dn(desk: Any) -> None:
    owner = TargetObject(("a",), "cn=a", {"Manager": (Reference("cn=boss"),)})
    desk.load(owner, TargetObject(("1",), "cn=boss", {}))
    assert _targets(desk) == {"a": "1"}
    desk.load(owner, TargetObject(("2",), "cn=boss", {}))
    assert _targets(desk) == {"a": "2"}


def test_references_are_changed_one_by_one(desk: Any) -> None:
    for name in "xyz":
        desk.add(desk.user(name))
    found = desk.add(desk.user("a", Manager=(Reference("x"), Reference("y"))))
    with desk.traced(desk.store._database._writer) as said:
        desk.update(found, desk.user("a", Manager=(Reference("z"), Reference("y"))))
    touched = [text for text in said if re.match(r"(INSERT (OR IGNORE )?INTO|DELETE FROM) reference\b", text)]
    assert len(touched) == 2
    assert {value for (value,) in desk.rows("SELECT value FROM reference")} == {"y", "z"}


def test_a_reference_never_leaves_its_connector(desk: Any) -> None:
    payroll = type(desk.users)("payroll", "User", "x", references=("Manager",))
    desk.add(desk.user("boss"))
    desk.store.adopt(payroll, [TargetObject(("a",), None, {"Manager": (Reference("boss"),)})], desk.store.change_seq())
    assert desk.rows("SELECT target FROM reference") == [(None,)]
    desk.delete(desk.store.by_anchor(desk.users, ("boss",)))
    desk.store.adopt(payroll, [TargetObject(("boss",), None, {})], desk.store.change_seq())
    assert desk.rows("SELECT count(*) FROM reference WHERE target IS NOT NULL") == [(1,)]


def test_the_references_of_an_object_go_with_it(desk: Any) -> None:
    found = desk.add(desk.user("a", Manager=Reference("a")))
    assert _targets(desk) == {"a": "a"}
    desk.delete(found)
    assert desk.rows("SELECT * FROM reference") == []
