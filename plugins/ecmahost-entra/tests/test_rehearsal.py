from pathlib import Path

import pytest
from ecmahost_entra.apps import App
from ecmahost_entra.cleanup import Left
from ecmahost_entra.life import Life
from ecmahost_entra.paths import ECMA_USER
from ecmahost_entra.person import make_person
from ecmahost_entra.plan import make_plan
from ecmahost_entra.programme import STEPS
from ecmahost_entra.rehearsal import RehearsalReport, Silent, rehearse_connector, rehearse_life
from ecmahost_entra.report import to_json
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.step import Outcome, StepResult
from ecmahost_entra.target import Target
from ecmahost_entra_kit.fake_host import SCHEMA

from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction

NONE, DELETE = DeprovisioningFlow(), DeprovisioningFlow(FlowAction.DELETE)
SET_ACTIVE = DeprovisioningFlow(FlowAction.SET, "IsActive")
WITH_OTHERS = {"second person", "manager", "no manager", "delete second person"}
SET_GONE = DeprovisioningFlow(FlowAction.SET, "Gone", value=True)


def faulty(report: RehearsalReport) -> dict[str, str]:
    """The steps that failed, each with everything that it says."""
    steps = [step for life in report.lives for step in life.steps if step.outcome is Outcome.FAILED]
    return {step.name: said(step) for step in steps}


def said(step: StepResult) -> str:
    return " | ".join(f"{each.expected} / {each.found} / {each.cause}" for each in step.faults)


@pytest.mark.parametrize("app", App)
def test_a_good_host_passes_every_step_in_both_dialects(make_bench, app: App) -> None:
    bench = make_bench(app=app, **({} if app is App.ECMA else {"password": "export_password"}))
    report = bench.rehearse(tuple(Dialect))
    assert faulty(report) == {}
    assert report.passed
    left_out = {"password" if app is App.ECMA else "only PLACEHOLDER", *WITH_OTHERS}
    expected = [step.name for step in STEPS if step.name not in left_out and step.group != "groups"]
    assert [[step.name for step in life.steps] for life in report.lives] == [expected] * 2
    assert bench.host.rows == {}


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("schema incomplete", "schemas", "2.0:User:Phone in the schema urn"),
        ("readOnly", "schemas", "2.0:User:Title to be writable"),
        ("core offered", "schemas", "schemas:core:2.0:User / userName"),
        ("PLACEHOLDER unknown", "test PLACEHOLDER", "status 200 / 400"),
        ("PLACEHOLDER accepted", "only PLACEHOLDER", "status 400 / 201"),
        ("PLACEHOLDER unexplained", "only PLACEHOLDER", "names portal / 'No.'"),
        ("incomplete unnamed", "incomplete", "ECMA2Host:2.0:User:UserName or UserName"),
        ("not echoed", "create", "2.0:User:FamilyName"),
        ("remove ignored", "remove each", "2.0:User:Room Number"),
    ],
)
def test_a_fault_of_a_host_without_a_schema_mapping_is_found(make_bench, fault: str, step: str, words: str) -> None:
    bench = make_bench(fault, app=App.ECMA)
    report = bench.rehearse()
    assert words in faulty(report)[step]
    assert report.lives[0].cleanup.left is Left.NOBODY
    assert bench.host.rows == {}


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("password comes back", "create", "the password that was sent"),
        ("password in an extension", "get", "the password that was sent"),
        ("password readable", "schemas", "writeOnly and returned never"),
    ],
)
def test_a_password_that_comes_back_is_a_fault_and_is_not_shown(make_bench, fault: str, step: str, words: str) -> None:
    bench = make_bench(fault, app=App.SCIM, password="export_password")
    report = bench.rehearse(tuple(Dialect))
    assert words in faulty(report)[step]
    sent = [body["password"] for _, _, _, body in bench.host.requests if body and "password" in body]
    assert len(sent) > 1
    shown = to_json(report).decode()
    assert "(hidden)" in shown
    assert not any(password in shown for password in sent)


def test_a_finding_is_a_sentence_with_the_request_that_showed_it(make_bench) -> None:
    report = make_bench("no Location", app=App.ECMA).rehearse()
    (fault,) = next(step for step in report.lives[0].steps if step.name == "create").faults
    assert fault.sentence.startswith("after POST /Users, expected a Location that ends in /Users/")
    assert fault.sentence.endswith(", found no Location header")


def test_an_attribute_that_is_left_out_is_never_named(make_bench) -> None:
    bench = make_bench(app=App.ECMA)
    plan = make_plan(bench.configuration, SCHEMA, App.ECMA, ("Title", "Room Number"))
    assert dict(plan.not_sent)[f"{ECMA_USER}:Title"] == "left out on request"
    with bench.client() as client:
        assert rehearse_connector(plan, Target(bench.reader, plan), client, tuple(Dialect), Silent()).passed
    assert not [body for _, _, _, body in bench.host.requests if body and ("Title" in str(body) or "Room" in str(body))]


def test_everything_travels_over_one_connection(bench) -> None:
    report = bench.rehearse(tuple(Dialect))
    assert report.connections == 1
    assert bench.host.connections == 1


def test_requests_look_as_entras_do(bench) -> None:
    bench.rehearse()
    for method, _, headers, body in bench.host.requests:
        assert "User-Agent" not in headers
        assert "Accept" not in headers
        assert "Accept-Encoding" not in headers
        assert headers.get("Content-Type") == ("application/scim+json; charset=utf-8" if body is not None else None)
        assert (body is not None) == (method in ("POST", "PATCH"))


def test_the_person_is_recognisable_and_hard_to_digest(bench) -> None:
    bench.rehearse()
    body = next(body for method, _, _, body in bench.host.requests if method == "POST" and "userName" in body)
    assert body["userName"].startswith("ecmahost.rehearsal.")
    assert body["userName"].endswith("@example.com")
    assert "'" in body["name"]["familyName"]
    assert "Καλλιόπη" in body["name"]["givenName"]
    assert "," in body["displayName"]


@pytest.mark.parametrize("disable", [NONE, SET_ACTIVE, DELETE], ids=["none", "set", "delete"])
@pytest.mark.parametrize("delete", [NONE, SET_GONE, DELETE], ids=["none", "set", "delete"])
def test_what_is_right_depends_on_the_flows(
    make_bench, disable: DeprovisioningFlow, delete: DeprovisioningFlow
) -> None:
    bench = make_bench(disable=disable, delete=delete)
    report = bench.rehearse()
    assert faulty(report) == {}
    assert report.passed
    stays = DELETE not in (disable, delete)
    (life,) = report.lives
    assert life.cleanup.left is (Left.BY_FLOW if stays else Left.NOBODY)
    assert len(bench.host.rows) == stays
    if stays:
        assert f"anchor '{next(iter(bench.host.rows))}'" in life.cleanup.message


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("404 for nobody", "test connection", "quarantine"),
        ("everyone matches", "test connection", "must not return everyone"),
        ("plain 404", "delete again", "SCIM Error body"),
        ("application/json", "schemas", "content type application/scim+json"),
        ("null in schema", "schemas", "null at Resources"),
        ("schema incomplete", "schemas", "phoneNumbers"),
        ("schema twice", "schemas", "each schema once"),
        ("no urn", "schemas", "a URN as the id"),
        ("readOnly", "schemas", "title to be writable / readOnly"),
        ("readOnly required", "schemas", "not to be required, because it is readOnly"),
        ("PLACEHOLDER unknown", "test PLACEHOLDER", "status 200 / 400"),
        ("incomplete accepted", "incomplete", "status 400 / 201"),
        ("incomplete unnamed", "incomplete", "names userName or UserName / 'something is missing'"),
        ("200 for create", "create", "status 201 / 200"),
        ("no id", "create", "an id"),
        ("no Location", "create", "no Location header"),
        ("no meta", "create", "meta"),
        ("not echoed", "create", "again in every cycle"),
        ("active as text", "create", "reads a boolean"),
        ("not written", "create", "the target says otherwise"),
        ("value lost", "create", "Title holds no value"),
        ("written twice", "same change again", "meta.version"),
        ("row written twice", "same change again", "Title changed"),
        ("ETag moves", "same change again", "the ETag"),
        ("remove ignored", "remove each", "no title"),
        ("remove writes", "remove each", "no phoneNumbers"),
        ("add ignored", "add each", "title ="),
        ("duplicates accepted", "duplicate", "status 409 / 201"),
        ("text False ignored", "disable", "the disable was ignored"),
        ("disabled hidden", "match disabled", "exactly one match / 0 found"),
        ("target keeps", "delete", "no object in the target"),
    ],
)
def test_a_fault_of_the_host_is_found_and_named(make_bench, fault: str, step: str, words: str) -> None:
    bench = make_bench(fault)
    if fault == "everyone matches":
        somebody = {"userName": "somebody@example.com", "name": {"familyName": "A"}}
        bench.host.answer("POST", "/Users", {}, somebody)
        step = "test connection"
    report = bench.rehearse()
    found = faulty(report)
    assert not report.passed
    assert step in found
    assert words in found[step]


def test_a_text_false_that_is_ignored_is_seen_in_the_target_too(make_bench) -> None:
    found = faulty(make_bench("text False ignored").rehearse())
    assert "IsActive holds 'True' instead of False" in found["disable"]


def test_a_boolean_false_is_what_the_other_dialect_sends(make_bench) -> None:
    assert faulty(make_bench("text False ignored").rehearse((Dialect.AAD_OPTSCIM_062020,))) == {}


def test_every_way_out_of_a_wrong_token_is_told(bench) -> None:
    report = bench.rehearse(token="another-token-entirely")
    assert "ecmahost token" in faulty(report)["test connection"]
    assert {step.outcome for step in report.lives[0].steps[1:]} == {Outcome.SKIPPED}
    assert report.lives[0].cleanup.left is Left.NOBODY


@pytest.mark.parametrize("fault", ["hangs", "drips"])
def test_an_answer_that_does_not_end_is_given_up(make_bench, fault: str) -> None:
    bench = make_bench(fault)
    bench.host.on_request = lambda method, path: bench.host.released.set() if method == "DELETE" else None
    found = faulty(bench.rehearse(patience=0.5))
    assert "no complete answer in time" in found["change"]
    assert "60 seconds" in found["change"]
    assert bench.host.rows == {}


def test_an_answer_that_is_cut_off_is_a_fault_and_the_person_is_removed(make_bench) -> None:
    bench = make_bench("closed")
    report = bench.rehearse()
    assert "connection closed before the answer was complete" in faulty(report)["change"]
    assert report.lives[0].steps[-1].outcome is Outcome.SKIPPED
    assert report.lives[0].cleanup.left is Left.NOBODY
    assert bench.host.rows == {}


def test_something_that_is_not_http_is_named(make_bench) -> None:
    assert "another program" in faulty(make_bench("not HTTP").rehearse())["change"]


def test_an_importing_host_is_waited_for(bench) -> None:
    bench.host.importing = 3
    report = bench.rehearse()
    assert report.passed
    assert len(report.lives[0].steps[0].exchanges) == 4


def test_a_host_that_imports_for_ever_is_not_waited_for(bench) -> None:
    bench.host.importing = 10_000
    found = faulty(bench.rehearse())
    assert "the first import of the target is not complete" in found["test connection"]


def test_into_a_target_that_cannot_be_read_nothing_is_written(bench) -> None:
    bench.reader.down = True
    report = bench.rehearse()
    assert "the database is not there" in faulty(report)["match nobody"]
    assert report.lives[0].cleanup.left is Left.NOBODY
    assert {method for method, _, _, _ in bench.host.requests} == {"GET"}


def test_when_a_target_can_no_longer_be_read_nobody_is_forgotten(bench) -> None:
    def down_after_create(method: str, path: str) -> None:
        bench.reader.down = bench.reader.down or (method == "POST" and bool(bench.host.rows))

    bench.host.on_request = down_after_create
    report = bench.rehearse()
    assert "the database is not there" in faulty(report)["duplicate"]
    assert report.lives[0].cleanup.left is Left.STRANDED


@pytest.mark.parametrize("where", ["in the host", "in the target alone"])
def test_somebody_who_happens_to_have_the_persons_name_is_left_alone(bench, where: str) -> None:
    plan = bench.plan
    person = make_person(plan)
    namesake = {"schemas": [], "userName": person.match, "name": {"familyName": "B"}}
    bench.host.answer("POST", "/Users", {}, namesake)
    if where == "in the target alone":
        bench.host.people.clear()
    with bench.client() as client:
        life = Life(client, Dialect.DEFAULT, plan, person, Target(bench.reader, plan))
        report = rehearse_life(life, lambda _: None)
    assert [step.name for step in report.steps if step.outcome is Outcome.FAILED] == ["match nobody"]
    assert report.cleanup.left is Left.NOBODY
    assert {method for method, _, _, _ in bench.host.requests} == {"GET"}
    assert len(bench.host.rows) == 1


def test_a_host_that_starts_to_ignore_filters_does_not_make_the_cleaning_up_delete_everybody(bench) -> None:
    bench.host.answer("POST", "/Users", {}, {"userName": "somebody@example.com", "name": {"familyName": "A"}})

    def break_down(method: str, path: str) -> None:
        if method == "PATCH":
            bench.host.faults |= {"everyone matches", "closed"}

    bench.host.on_request = break_down
    report = bench.rehearse()
    assert not report.passed
    assert [row["UserName"] for row in bench.host.rows.values()] == ["somebody@example.com"]


def test_a_target_without_single_reads_is_scanned(bench) -> None:
    bench.reader.single_reads = False
    assert faulty(bench.rehearse()) == {}


def test_a_file_that_is_rewritten_without_need_is_noticed(bench, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("x")
    bench.host.on_request = lambda method, path: file.write_text(f"{file.read_text()}x") if method == "PATCH" else None
    assert "the file was written again" in faulty(bench.rehearse(files=(file,)))["same change again"]


@pytest.mark.parametrize(("written", "seen"), [(True, "the file was not touched"), (False, "the object is as it was")])
def test_a_file_that_is_left_alone_is_seen_where_people_are_kept_in_it(
    bench, tmp_path: Path, *, written: bool, seen: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("x")
    if written:
        bench.host.on_request = lambda method, path: file.write_text("xx") if method == "POST" else None
    report = bench.rehearse(files=(file,))
    step = next(step for step in report.lives[0].steps if step.name == "same change again")
    assert step.seen == seen


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_an_interruption_in_the_middle_of_a_request_leaves_nobody_behind(make_bench, method: str) -> None:
    import _thread

    bench = make_bench()
    interrupted = []

    def interrupt(now: str, path: str) -> None:
        if now == method and not interrupted:
            interrupted.append(path)
            _thread.interrupt_main()
            bench.host.released.wait(0.3)  # the request is still under way when the interruption arrives

    bench.host.on_request = interrupt
    report = bench.rehearse()
    assert report.interrupted
    assert not report.passed
    assert report.lives[0].cleanup.left is Left.NOBODY
    assert bench.host.rows == {}


def test_an_interruption_before_the_create_asks_for_no_cleaning_up(bench) -> None:
    import _thread

    bench.host.on_request = lambda method, path: _thread.interrupt_main() if path == "/Schemas" else None
    report = bench.rehearse()
    assert report.interrupted
    assert not [each for each in bench.host.requests if each[0] in ("POST", "DELETE")]


def test_a_mistake_of_ours_in_the_middle_leaves_nobody_behind(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecmahost_entra import target

    def fails(*_: object) -> None:
        raise AssertionError("a mistake")

    monkeypatch.setattr(target.Target, "keeps_files", fails)
    with pytest.raises(AssertionError, match="a mistake"):
        bench.rehearse()
    assert bench.host.requests[-1][0] == "GET"
    assert bench.host.rows == {}


def test_a_person_that_was_created_in_spite_of_a_refusal_is_removed(make_bench) -> None:
    bench = make_bench("refused but created")
    report = bench.rehearse()
    assert "status 201 / 400: no" in faulty(report)["create"]
    assert report.lives[0].cleanup.left is Left.NOBODY
    assert bench.host.rows == {}


def test_both_are_removed_when_a_duplicate_was_accepted(make_bench) -> None:
    bench = make_bench("duplicates accepted")
    assert bench.rehearse().lives[0].cleanup.left is Left.NOBODY
    assert bench.host.rows == {}


def test_a_person_that_cannot_be_removed_is_named_with_its_anchor(make_bench) -> None:
    bench = make_bench("target keeps")
    cleanup = bench.rehearse().lives[0].cleanup
    assert cleanup.left is Left.STRANDED
    assert f"anchor '{next(iter(bench.host.rows))}'" in cleanup.message


def test_keep_ends_before_the_delete_and_says_where_the_person_is(bench) -> None:
    report = bench.rehearse(kept=True)
    assert report.passed
    assert report.lives[0].cleanup.left is Left.KEPT
    (row,) = bench.host.rows.values()
    assert row["UserName"] in report.lives[0].cleanup.message
    assert not [each for each in bench.host.requests if each[0] == "DELETE"]
