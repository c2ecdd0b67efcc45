import re
from typing import Any

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.objects import TargetObject


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


def test_a_reference_is_given_up_when_its_target_goes(desk: Any) -> None:
    boss = desk.add(desk.user("boss"))
    desk.add(desk.user("a", Manager=Reference("boss")))
    desk.delete(boss)
    assert _targets(desk) == {"a": None}
    desk.add(desk.user("boss"))
    assert _targets(desk) == {"a": "boss"}


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
