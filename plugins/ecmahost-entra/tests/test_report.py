import io
import json

from ecmahost_entra.programme import steps_of
from ecmahost_entra.rehearsal import RehearsalReport, rehearse_connector
from ecmahost_entra.report import Printer, printable, summary_table, to_json
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.target import Target
from rich.console import Console


def printed(bench, **options: object) -> str:
    out = io.StringIO()
    printer = Printer(Console(file=out, width=100, highlight=False))
    plan = bench.plan
    with bench.client() as client:
        rehearse_connector(plan, Target(bench.reader, plan), client, [Dialect.DEFAULT], printer)
    return out.getvalue()


def test_each_step_shows_request_status_expectation_and_target_within_100_columns(bench) -> None:
    text = printed(bench)
    lines = text.splitlines()
    steps = steps_of(bench.plan)
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in text
    for number, step in enumerate(steps, 1):
        assert any(line.startswith(f"{number:2}/{len(steps)} {step.name}") and "passed" in line for line in lines)
    for label in ("GET", "POST", "PATCH", "DELETE", "body", "status", "expected", "target"):
        assert any(line.strip().startswith(label) for line in lines)
    assert f"{len(steps)} passed" in lines[-1]


def test_a_failed_step_shows_what_should_be_what_was_found_and_the_way_out(make_bench) -> None:
    text = printed(make_bench("not echoed"))
    assert 'should be  name.familyName = "O\'Brien"' in text
    assert 'found  "O\'BRIEN"' in text
    assert "way out  Entra compares what it sent" in text


def test_what_an_answer_says_cannot_colour_or_turn_the_terminal() -> None:
    assert printable("a\x1b[31mb\u202ec\r\nd") == "a\\x1b[31mb\\u202ec\\r\\nd"
    assert printable("Ελένη 花子 O'Brien") == "Ελένη 花子 O'Brien"


def test_markup_in_a_value_is_shown_and_not_obeyed(make_bench) -> None:
    bench = make_bench("refused but created")
    bench.host.configuration = bench.configuration
    assert "[bold]" in shown_detail(bench, "[bold]no[/bold]")


def shown_detail(bench, detail: str) -> str:
    answer = bench.host.answer

    def refuse(method: str, path: str, query: object, body: object) -> object:
        if method == "POST":
            schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
            return 400, {"schemas": schemas, "status": "400", "detail": detail}, {}
        return answer(method, path, query, body)

    bench.host.answer = refuse
    return printed(bench)


def test_the_json_document_has_the_same_keys_each_time(make_bench) -> None:
    good, bad = document(make_bench().rehearse(tuple(Dialect))), document(make_bench("no id").rehearse(tuple(Dialect)))
    assert shape(good) == shape(bad)
    assert list(good) == ["format", "connector", "app", "url", "outcome", "connections", "not_sent", "lives"]
    assert list(good["lives"][0]) == ["dialect", "person", "outcome", "left", "message", "steps"]
    step = good["lives"][0]["steps"][4]
    assert list(step) == ["name", "group", "outcome", "expected", "target", "faults", "exchanges"]
    assert list(step["exchanges"][0]) == ["method", "target", "body", "answer"]
    assert list(step["exchanges"][0]["answer"]) == ["status", "content_type", "milliseconds", "body"]
    assert (good["format"], good["outcome"], bad["outcome"]) == (1, "passed", "failed")


def test_neither_form_holds_the_token(make_bench) -> None:
    bench = make_bench()
    assert "a-token-of-the-tests" not in printed(bench)
    assert b"a-token-of-the-tests" not in to_json(bench.rehearse())


def test_the_summary_has_a_line_for_each_connector_and_dialect(make_bench) -> None:
    out = io.StringIO()
    report = make_bench("written twice").rehearse(tuple(Dialect))
    Console(file=out, width=100).print(summary_table([report]))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0] == [
        "connector",
        "app",
        "dialect",
        "connect",
        "match",
        "create",
        "change",
        "disable",
        "delete",
        "result",
    ]
    assert lines[1] == ["hr", "nongallery", "default", "3/3", "2/2", "4/4", "4/5", "4/4", "6/6", "failed"]
    assert lines[2][2] == "aadOptscim062020"


def document(report: RehearsalReport) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(to_json(report))
    return loaded


def shape(document: dict[str, object]) -> object:
    """The names of the steps and the keys, without what depends on how it went."""
    return [
        (list(life), [(step["name"], step["group"], list(step)) for step in life["steps"]])
        for life in document["lives"]
    ]
