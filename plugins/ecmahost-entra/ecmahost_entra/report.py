"""What a rehearsal says: tables for people, one JSON document for programs."""

from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecmahost_entra.cleanup import Left
from ecmahost_entra.judge import Fault
from ecmahost_entra.plan import Plan
from ecmahost_entra.programme import PARTS, steps_of
from ecmahost_entra.rehearsal import LifeReport, RehearsalReport
from ecmahost_entra.shapes import Dialect
from ecmahost_entra.step import Exchange, Outcome, StepResult
from ecmahost_entra.wire import Answer

FORMAT = 1
"""Of the JSON document; raised when a key changes its meaning or goes."""
_WIDTH = 100
_LONGEST_BODY = 180
_BESIDE = "one, whose members are this person and a second one"
_LONGEST_ANSWER = 2000
_STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.SKIPPED: "yellow"}


def make_console() -> Console:
    """Returns a console on standard output: coloured on a terminal, plain and 100 columns wide in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def printable(text: str) -> str:
    """Returns text that cannot move the cursor, colour the terminal or turn the writing direction."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def shorten(text: str, longest: int) -> str:
    """Returns a text of at most ``longest`` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class Printer:
    """Prints each step as it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def begin(self, plan: Plan, url: str, dialect: Dialect, person: str) -> None:
        """Prints who is rehearsed where."""
        self._number = 0
        self._console.print()
        title = Text(f"{plan.connector}, {plan.app.label}, dialect {dialect.value}", "bold")
        self._console.rule(title, align="left", characters="=")
        table = _grid()
        table.add_row("URL", Text(printable(url)))
        table.add_row("person", Text(printable(f"{plan.matching.path.text} {person}")))
        if plan.groups is not None:
            table.add_row("group", Text(_BESIDE if plan.has_members else "one, without members"))
        for path, reason in plan.not_sent:
            table.add_row("not sent", Text(printable(f"{path}: {reason}")))
        self._console.print(table)

    def step(self, plan: Plan, result: StepResult) -> None:
        """Prints one step as a table: request, answer, expectation, effect, and what is wrong."""
        self._number += 1
        self._console.print()
        head = Table.grid(expand=True)
        head.add_column(ratio=1)
        head.add_column(justify="right")
        title = Text(f"{self._number:2}/{len(steps_of(plan))} {result.name}", "bold")
        head.add_row(title, Text(result.outcome.value, _STYLES[result.outcome]))
        self._console.print(head)
        self.details(plan.connector, result)

    def details(self, connector: str, result: StepResult) -> None:
        """Prints what there is to say about one step, without a heading."""
        table = _grid()
        for exchange in result.exchanges:
            _add_exchange(table, connector, exchange)
        table.add_row("expected", Text(result.expected))
        if result.seen:
            table.add_row("target", Text(printable(result.seen)))
        for fault in result.faults:
            _add_fault(table, fault)
        self._console.print(table)

    def end(self, report: LifeReport) -> None:
        """Prints how the life ended and what became of the person."""
        counts = {outcome: sum(step.outcome is outcome for step in report.steps) for outcome in Outcome}
        sentence = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count)
        self._console.print()
        style = "green" if report.passed else "bold red"
        self._console.print(Text(f"{'interrupted: ' if report.interrupted else ''}{sentence}", style))
        for step in report.steps:
            for fault in step.faults:
                self._console.print(Text(printable(shorten(f"{step.name}: {fault.sentence}", 600)), "red"))
        if report.cleanup.message:
            style = "bold red" if report.cleanup.left is Left.STRANDED else "yellow"
            self._console.print(Text(printable(report.cleanup.message), style))


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="dim", min_width=12, no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _add_exchange(table: Table, connector: str, exchange: Exchange) -> None:
    request = exchange.request
    target = f"/ecma2host_{connector}/scim{request.target}"
    table.add_row(request.method, Text(printable(target)))
    if request.body is not None:
        body = orjson.dumps(request.body).decode()
        table.add_row("body", Text(printable(shorten(body, _LONGEST_BODY))))
    answer = exchange.answer
    table.add_row("status", Text("no answer" if answer is None else f"{answer.status}, {answer.milliseconds:.0f} ms"))


def _add_fault(table: Table, fault: Fault) -> None:
    if fault.at:
        table.add_row(Text("after", "red"), Text(printable(fault.at)))
    table.add_row(Text("should be", "red"), Text(printable(fault.expected)))
    table.add_row(Text("found", "red"), Text(printable(shorten(fault.found, 600)), "red"))
    if fault.cause:
        table.add_row(Text("way out", "yellow"), Text(fault.cause))


def summary_table(reports: list[RehearsalReport]) -> Table:
    """Returns one table of connectors, dialects and parts of the life."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    lives = [life for report in reports for life in report.lives]
    parts = [part for part in PARTS if any(life.planned.get(part, 0) for life in lives)]
    for heading in ("connector", "app", "dialect", *parts, "result"):
        table.add_column(heading, no_wrap=True)
    for report in reports:
        for life in report.lives:
            cells = [_group_cell(life, group) for group in parts]
            result = Text("green", "green") if life.passed else Text("failed", "bold red")
            table.add_row(report.connector, report.app.value, life.dialect.value, *cells, result)
    return table


def _group_cell(life: LifeReport, group: str) -> Text:
    outcomes = [step.outcome for step in life.steps if step.group == group]
    good = sum(outcome is Outcome.PASSED for outcome in outcomes)
    planned = life.planned.get(group, 0)
    if not planned:
        return Text("-", "dim")
    worst = Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.SKIPPED if good < planned else Outcome.PASSED
    return Text(f"{good}/{planned}", _STYLES[worst])


def to_json(report: RehearsalReport) -> bytes:
    """Returns the report as one JSON document, keys always in the same order."""
    document = {
        "format": FORMAT,
        "connector": report.connector,
        "app": report.app.value,
        "url": report.url,
        "outcome": "passed" if report.passed else "interrupted" if report.interrupted else "failed",
        "connections": report.connections,
        "not_sent": [{"path": path, "reason": reason} for path, reason in report.not_sent],
        "lives": [_life_json(life) for life in report.lives],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _life_json(life: LifeReport) -> dict[str, Any]:
    return {
        "dialect": life.dialect.value,
        "person": life.person,
        "outcome": "passed" if life.passed else "interrupted" if life.interrupted else "failed",
        "left": life.cleanup.left.value,
        "message": life.cleanup.message,
        "steps": [_step_json(step) for step in life.steps],
    }


def _step_json(step: StepResult) -> dict[str, Any]:
    return {
        "name": step.name,
        "group": step.group,
        "outcome": step.outcome.value,
        "expected": step.expected,
        "target": step.seen,
        "faults": [
            {"expected": each.expected, "found": each.found, "cause": each.cause, "request": each.at}
            for each in step.faults
        ],
        "exchanges": [_exchange_json(exchange) for exchange in step.exchanges],
    }


def _exchange_json(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.request.method,
        "target": exchange.request.target,
        "body": exchange.request.body,
        "answer": _answer_json(exchange.answer) if exchange.answer is not None else None,
    }


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "content_type": answer.headers.get("content-type", ""),
        "milliseconds": round(answer.milliseconds, 1),
        "body": shorten(answer.text(), _LONGEST_ANSWER),
    }
