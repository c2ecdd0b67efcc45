"""Rehearsals of groups, members and managers against a host that can misbehave."""

import json

import pytest
from ecmahost_entra.apps import App
from ecmahost_entra.cleanup import Left
from ecmahost_entra.group_plan import with_groups
from ecmahost_entra.plan import make_plan
from ecmahost_entra.programme import STEPS
from ecmahost_entra.rehearsal import RehearsalReport
from ecmahost_entra.report import summary_table, to_json
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.step import Outcome
from ecmahost_entra_kit.fake_groups import Team
from ecmahost_entra_kit.fake_host import DELETE, MANAGER, NONE, SCHEMA, SET_ACTIVE, SET_GONE
from rich.console import Console

from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow

WITH_MANAGER = {MANAGER: "Boss"}


def faulty(report: RehearsalReport) -> dict[str, str]:
    """The steps that failed, each with everything that it says."""
    steps = [step for life in report.lives for step in life.steps if step.outcome is Outcome.FAILED]
    return {
        step.name: " | ".join(f"{each.expected} / {each.found} / {each.cause}" for each in step.faults)
        for step in steps
    }


@pytest.mark.parametrize("app", [App.SCIM, App.NONGALLERY])
def test_a_group_and_a_manager_are_played_in_both_dialects_and_everything_is_removed(make_bench, app: App) -> None:
    bench = make_bench(app=app, groups=DELETE, **WITH_MANAGER)
    report = bench.rehearse(tuple(Dialect))
    assert faulty(report) == {}
    assert report.passed
    never = {"password", "only PLACEHOLDER", "delete second person"}
    expected = [step.name for step in STEPS if step.name not in never]
    assert [[step.name for step in life.steps] for life in report.lives] == [expected] * 2
    assert all(step.outcome is Outcome.PASSED for life in report.lives for step in life.steps)
    assert (bench.host.rows, bench.host.groups.rows(), report.connections) == ({}, [], 1)


def operations(bench, place: str) -> list[dict[str, object]]:
    sent = [body for method, target, _, body in bench.host.requests if method == "PATCH" and place in target]
    return [operation for body in sent for operation in body["Operations"]]


@pytest.mark.parametrize(("app", "extra"), [(App.SCIM, {}), (App.NONGALLERY, {"$ref": None})])
def test_members_travel_as_each_dialect_writes_them(make_bench, app: App, extra: dict[str, None]) -> None:
    bench = make_bench(app=app, groups=DELETE)
    bench.rehearse()
    person = next(body for body in operations(bench, "/Groups/") if body["op"] == "Remove")["value"]
    assert person == [{**extra, "value": person[0]["value"]}]
    assert {each["op"] for each in operations(bench, "/Groups/")} == {"Add", "Replace", "Remove"}
    other = make_bench(app=app, groups=DELETE)
    other.rehearse((Dialect.AAD_OPTSCIM_062020,))
    sent = operations(other, "/Groups/")
    assert {each["op"] for each in sent} == {"add", "replace", "remove"}
    assert all("value" not in each and 'members[value eq "' in each["path"] for each in sent if each["op"] == "remove")
    assert any("path" not in each and set(each["value"]) == {"displayName"} for each in sent)


def test_a_group_is_looked_for_without_its_members_and_created_as_entra_does(make_bench) -> None:
    bench = make_bench(groups=DELETE)
    bench.rehearse(tuple(Dialect))
    asked = [target for method, target, _, _ in bench.host.requests if method == "GET" and "/Groups?" in target]
    matches = [target for target in asked if "displayName" in target]
    assert matches
    assert all("excludedAttributes=members" in target for target in matches)
    assert {target.index("excludedAttributes") < target.index("filter=") for target in matches} == {True, False}
    assert all("attributes=id" in target for target in asked if "displayName" not in target)
    created = [body for method, target, _, body in bench.host.requests if method == "POST" and "/Groups" in target]
    assert [sorted(body) for body in created] == [["displayName", "externalId", "meta", "schemas"]] * 2
    assert created[0]["schemas"][1].startswith("http://schemas.microsoft.com/")


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("group with somebody", "create group", "members without anybody"),
        ("members shown", "match group", "no members, because excludedAttributes=members"),
        ("unknown accepted", "unknown member", "status 400 / 204"),
        ("unknown unnamed", "unknown member", "a detail that names"),
        ("half done", "unknown member", "nobody else among Members in the target"),
        ("add of members ignored", "add members", "among Members in the target / not there"),
        ("members not written", "add members", "among Members in the target / not there"),
        ("members written twice", "same members again", "meta.version"),
        ("everyone is a member", "is member", "an empty list / 1 found"),
        ("groups hidden", "groups of person", "groups"),
        ("disabled leave groups", "disabled member", "among Members in the target / not there"),
        ("rename empties", "rename group", "among Members in the target / not there"),
        ("rename ignored", "rename group", "R&D, l'été 東京"),
        ("stale members stay", "replace members", "nobody else among Members in the target"),
        ("remove empties", "remove member", "among Members in the target / not there"),
        ("deleted member stays", "delete member", "nobody else among Members in the target"),
        ("group stays", "delete group", "no object in the target"),
        ("manager ignored", "manager", "Boss in the target to name"),
        ("manager not written", "manager", "Boss in the target to name"),
        ("manager hidden", "manager", "again in every cycle"),
        ("any manager", "manager", "an empty list / 1 found"),
    ],
)
def test_a_fault_of_the_host_is_found_and_named(make_bench, fault: str, step: str, words: str) -> None:
    bench = make_bench(fault, groups=DELETE, **WITH_MANAGER)
    found = faulty(bench.rehearse())
    assert words in found[step]
    assert bench.host.rows == {}
    assert len(bench.host.groups.rows()) == (fault == "group stays")


@pytest.mark.parametrize("delete", [NONE, SET_GONE, DELETE], ids=["none", "set", "delete"])
@pytest.mark.parametrize("disable", [NONE, SET_ACTIVE, DELETE], ids=["none", "set", "delete"])
@pytest.mark.parametrize("groups", [NONE, DELETE], ids=["none", "delete"])
def test_what_is_right_depends_on_the_flows(
    make_bench, disable: DeprovisioningFlow, delete: DeprovisioningFlow, groups: DeprovisioningFlow
) -> None:
    bench = make_bench(disable=disable, delete=delete, groups=groups)
    report = bench.rehearse()
    assert faulty(report) == {}
    (life,) = report.lives
    people, teams = 2 * (DELETE not in (disable, delete)), groups is NONE
    assert (len(bench.host.rows), len(bench.host.groups.rows())) == (people, teams)
    assert life.cleanup.left is (Left.BY_FLOW if people or teams else Left.NOBODY)
    assert life.cleanup.message.count("stays in the target") == people + teams
    assert ("the group displayName" in life.cleanup.message) == teams


def test_the_ecma_app_knows_users_only_and_the_report_says_so(make_bench) -> None:
    bench = make_bench(app=App.ECMA, groups=DELETE)
    report = bench.rehearse()
    assert faulty(report) == {}
    assert "users only" in dict(report.not_sent)["Groups"]
    assert not [target for _, target, _, _ in bench.host.requests if "/Groups" in target]


def test_without_groups_nothing_is_said_of_them(bench) -> None:
    report = bench.rehearse()
    document = json.loads(to_json(report))
    assert "Groups" not in {each["path"] for each in document["not_sent"]}
    assert "groups" not in {step["group"] for step in document["lives"][0]["steps"]}
    assert "groups" not in columns(report)


def columns(*reports: RehearsalReport) -> str:
    console = Console(width=100, highlight=False)
    with console.capture() as printed:
        console.print(summary_table(list(reports)))
    assert max(map(len, printed.get().splitlines())) <= 100
    return printed.get().splitlines()[0]


def test_the_table_has_a_column_for_groups_where_one_connector_has_some(make_bench) -> None:
    with_them, without = make_bench(groups=DELETE).rehearse(tuple(Dialect)), make_bench(app=App.ECMA).rehearse()
    assert "groups" in columns(with_them, without)


def test_groups_without_members_and_a_manager_without_groups_are_played_as_well(make_bench) -> None:
    alone = make_bench(groups=DELETE, members=False)
    report = alone.rehearse()
    assert faulty(report) == {}
    assert not {"second person", "add members"} & {step.name for step in report.lives[0].steps}
    managed = make_bench(**WITH_MANAGER)
    report = managed.rehearse()
    assert faulty(report) == {}
    assert {"second person", "manager", "delete second person"} <= {step.name for step in report.lives[0].steps}
    assert report.connections == 1
    assert managed.host.rows == {}


def test_a_group_that_has_the_name_already_is_left_alone(make_bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench(groups=DELETE)
    monkeypatch.setattr("secrets.token_hex", lambda _size: "0badcafe")
    bench.host.groups.teams["there"] = there = Team(1, "2ecmahost.rehearsal.0badcafe")
    for name in ("ecmahost.rehearsal.0badcafe", "ecmahost.rehearsal.0badcafe R&D, l'été 東京"):
        there.name = name
        found = bench.rehearse()
        assert "match no group" in faulty(found)
        assert bench.host.groups.teams == {"there": there}
        skipped = {step.name for step in found.lives[0].steps if step.outcome is Outcome.SKIPPED}
        assert {"create group", "add members", "delete group"} <= skipped
        bench.host.requests.clear()


@pytest.mark.parametrize(("method", "number"), [("POST", 1), ("PATCH", 2), ("PATCH", 4), ("DELETE", 1)])
def test_an_interruption_leaves_neither_people_nor_groups_behind(make_bench, method: str, number: int) -> None:
    import _thread

    bench = make_bench(groups=DELETE, **WITH_MANAGER)
    bench.host.groups.teams["there"] = Team(1, "Staff")
    seen = []

    def interrupt(now: str, path: str) -> None:
        if now == method and "/Groups" in path:
            seen.append(path)
            if len(seen) == number:
                _thread.interrupt_main()
                bench.host.released.wait(0.3)  # the request is still under way when the interruption arrives

    bench.host.on_request = interrupt
    report = bench.rehearse()
    assert report.interrupted
    assert report.lives[0].cleanup.left is Left.NOBODY
    assert bench.host.rows == {}
    assert [row["Name"] for row in bench.host.groups.rows()] == ["Staff"]


def test_groups_that_appear_when_filters_are_ignored_are_not_cleaned_up(make_bench) -> None:
    bench = make_bench(groups=DELETE)
    bench.host.groups.teams["there"] = Team(1, "Staff")
    found = bench.host.groups.found

    def break_down(method: str, path: str) -> None:
        if method == "PATCH" and "/Groups" in path:
            bench.host.faults.add("closed")
            bench.host.groups.found = lambda text: list(bench.host.groups.teams)

    bench.host.on_request = break_down
    report = bench.rehearse()
    assert not report.passed
    assert found('displayName eq "Staff"') == ["there"]
    assert [row["Name"] for row in bench.host.groups.rows()] == ["Staff"]


def test_keep_keeps_the_person_alone(make_bench) -> None:
    bench = make_bench(groups=DELETE, **WITH_MANAGER)
    report = bench.rehearse(kept=True)
    assert report.passed
    assert report.lives[0].cleanup.left is Left.KEPT
    assert [row["UserName"] for row in bench.host.rows.values()] == [report.lives[0].person]
    assert bench.host.groups.rows() == []


def test_no_password_of_the_second_person_is_shown(make_bench) -> None:
    bench = make_bench(app=App.SCIM, groups=DELETE, password="export_password")
    shown = to_json(bench.rehearse()).decode()
    sent = {body["password"] for _, _, _, body in bench.host.requests if body and "password" in body}
    assert len(sent) > 1
    assert not any(password in shown for password in sent)


def test_what_is_left_out_on_request_is_not_played(make_bench) -> None:
    bench = make_bench(groups=DELETE, **WITH_MANAGER)
    left_out = ("Members", MANAGER)
    plan = with_groups(
        make_plan(bench.configuration, SCHEMA, App.SCIM, left_out), bench.configuration, SCHEMA, left_out
    )
    assert (plan.manager, plan.has_members) == (None, False)
    assert dict(plan.not_sent)["Groups: members"] == "left out on request"
