"""How a password reaches a plugin: beside its change, with the hook that the plugin takes it by, and nowhere else."""

import gc
import threading
from contextlib import contextmanager, suppress

import pytest
from structlog.testing import capture_logs

from ecmahost_core import (
    Capabilities,
    ConnectorError,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    MAExportError,
    ObjectModificationType,
    PasswordOptions,
    PasswordSupport,
    Secret,
    ServerDown,
    SessionPurpose,
    TargetBusy,
)
from ecmahost_core.connectors import entries, withholding
from ecmahost_core.connectors.queue import ExportQueue
from ecmahost_core.errors import BrokenContract

HUSH = "correct horse battery staple"
INITIAL = PasswordOptions(initial=True)


@pytest.fixture
def secret():
    return Secret(lambda: HUSH)


@pytest.fixture
def opened():
    """What sessions were opened for, and the ``open_session`` that notes it."""
    purposes = []

    @contextmanager
    def open_session(purpose):
        purposes.append(purpose)
        yield purpose

    return purposes, open_session


def export_both(changes, secrets):
    return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]


def set_password(entry):
    return CSEntryChangeResult(entry.identifier)


def entry(identifier="a"):
    return CSEntryChange("Person", ObjectModificationType.REPLACE, (identifier,), identifier=identifier)


# Which way --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hooks", "said", "expected"),
    [
        ({}, None, PasswordSupport.NONE),
        ({"export": export_both}, None, PasswordSupport.WITH_EXPORT),
        ({"export": lambda changes, secrets=(): ()}, None, PasswordSupport.NONE),
        ({"set_password": set_password}, None, PasswordSupport.SEPARATE),
        ({"export": export_both, "set_password": set_password}, None, PasswordSupport.WITH_EXPORT),
        ({"export": export_both, "set_password": set_password}, PasswordSupport.SEPARATE, PasswordSupport.SEPARATE),
        ({"export": export_both, "set_password": set_password}, PasswordSupport.NONE, PasswordSupport.NONE),
        ({"export": export_both}, PasswordSupport.SEPARATE, PasswordSupport.NONE),
        ({"set_password": set_password}, PasswordSupport.WITH_EXPORT, PasswordSupport.NONE),
    ],
)
def test_a_connector_takes_passwords_as_its_hooks_can_and_its_plugin_says(build, hooks, said, expected):
    if said is not None:
        hooks = hooks | {"capabilities": lambda: Capabilities(password=said)}
    assert build(**hooks).capabilities.password is expected


def test_a_way_that_is_none_is_a_broken_contract(build):
    with pytest.raises(BrokenContract, match="password is not a PasswordSupport"):
        build(capabilities=lambda: Capabilities(password="Separate"))


# With the change --------------------------------------------------------------------------------------------------


def test_export_gets_each_password_by_its_change_and_cannot_change_them(build, tools, secret):
    seen = {}

    def export(changes, secrets):
        seen.update(secrets)
        with pytest.raises(TypeError):
            secrets["a"] = None
        return export_both(changes, secrets)

    connector = build(export=export)
    connector.export(tools.STEP, [tools.add("a"), tools.add("b")], {"b": secret})
    assert seen == {"b": secret}


def test_export_gets_an_empty_mapping_when_there_is_no_password(build, tools):
    seen = []

    def export(changes, secrets):
        seen.append(dict(secrets))
        return export_both(changes, secrets)

    build(export=export).export(tools.STEP, [tools.add("a")])
    assert seen == [{}]


def test_a_password_never_goes_to_an_export_that_does_not_take_it(build, tools, secret, opened):
    connector = build(open_session=opened[1])
    with pytest.raises(ConnectorError, match="has no secrets") as caught:
        connector.export(tools.STEP, [tools.add("a")], {"a": secret})
    assert caught.value.nothing_sent
    assert opened[0] == []


# In a call of its own ---------------------------------------------------------------------------------------------


def test_set_password_gets_what_it_names_over_a_session_for_passwords(build, tools, secret, opened):
    seen = {}

    def set_password(session, step, entry, password, options):
        seen.update(step=step, entry=entry, password=password, options=options)
        return CSEntryChangeResult(entry.identifier, anchor=entry.anchor)

    connector = build(open_session=opened[1], set_password=set_password)
    one = entry()
    for _ in range(2):
        assert connector.set_password(tools.STEP, one, secret, INITIAL).error is None
    assert seen == {"step": tools.STEP, "entry": one, "password": secret, "options": INITIAL}
    assert opened[0] == [SessionPurpose.PASSWORD]


def test_a_connector_without_set_password_says_so(build, tools, secret):
    with pytest.raises(ConnectorError, match="has no set_password: its plugin 'example' does not implement it"):
        build().set_password(tools.STEP, entry(), secret, INITIAL)


@pytest.mark.parametrize(
    ("answer", "sentence", "found"),
    [
        ("done", entries.HOW_IT_ENDED, "found str"),
        ([CSEntryChangeResult("a")], entries.HOW_IT_ENDED, "found list"),
        (CSEntryChangeResult("b"), entries.HOW_IT_ENDED, "another identifier"),
        (CSEntryChangeResult("a", "no"), entries.RESULT, "no ExportError"),
        (CSEntryChangeResult("a", anchor=("a", "b")), entries.RESULT_ANCHOR, "2 values"),
        (CSEntryChangeResult("a", attributes={"Id": "a"}), entries.RESULT_ANCHOR, "in the result"),
    ],
)
def test_an_answer_of_set_password_that_breaks_the_contract_is_refused(build, tools, secret, answer, sentence, found):
    with pytest.raises(BrokenContract) as caught:
        build(set_password=lambda: answer).set_password(tools.STEP, entry(), secret, INITIAL)
    assert caught.value.hook == "set_password"
    assert sentence in caught.value.sentence
    assert found in caught.value.sentence


# What the target says ---------------------------------------------------------------------------------------------


def quoting(how):
    """The two hooks, failing in words that hold the password."""

    def fail(identifier, password):
        if how == "refused":
            error = ExportError(MAExportError.PASSWORD_POLICY_VIOLATION, f"{password.reveal()} is too weak", "Weak")
            return CSEntryChangeResult(identifier, error)
        if how == "named":
            error = ExportError(MAExportError.CUSTOM_CONTINUE_RUN, "no", f"Bad{password.reveal()}")
            return CSEntryChangeResult(identifier, error)
        if how == "broken":
            raise BrokenContract("example", "export", f"value {password.reveal()}")
        raise {"down": ServerDown, "busy": TargetBusy}[how](f"SET PASSWORD '{password.reveal()}': connection lost")

    def export(changes, secrets):
        return [fail(change.identifier, secrets[change.identifier]) for change in changes]

    def set_password(entry, password):
        return fail(entry.identifier, password)

    return export, set_password


@pytest.mark.parametrize("how", ["refused", "named"])
def test_a_refusal_that_quotes_the_password_keeps_its_code_and_loses_its_words(build, tools, secret, how):
    export, set_password = quoting(how)
    (with_change,) = build(export=export).export(tools.STEP, [tools.add("a")], {"a": secret})
    alone = build(set_password=set_password).set_password(tools.STEP, entry(), secret, INITIAL)
    for result in (with_change, alone):
        assert result.error.detail == withholding.WITHHELD
        assert HUSH not in repr(result)
        assert result.error.code is not None


@pytest.mark.parametrize(("how", "kind"), [("down", ServerDown), ("busy", TargetBusy), ("broken", BrokenContract)])
def test_a_failure_that_quotes_the_password_keeps_its_kind_and_loses_its_words(build, tools, secret, how, kind):
    export, set_password = quoting(how)
    for call in (
        lambda: build(export=export).export(tools.STEP, [tools.add("a")], {"a": secret}),
        lambda: build(set_password=set_password).set_password(tools.STEP, entry(), secret, INITIAL),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert withholding.WITHHELD in str(caught.value)
        assert HUSH not in repr(caught.value)
        assert caught.value.__context__ is None
        assert getattr(caught.value, "nothing_sent", False) is (how == "busy")


@pytest.mark.parametrize("how", ["refused", "down", "broken", "taken"])
def test_an_extension_sees_the_calls_and_never_the_password(build, tools, secret, how):
    export, setting = quoting(how) if how != "taken" else (export_both, set_password)
    seen = []

    def audited_export(session, step, changes):
        try:
            results = yield
        except (ServerDown, BrokenContract) as failure:
            seen.append((changes, repr(failure), str(failure)))
            raise
        seen.append((changes, results))
        return results

    def audited_set_password(session, step, entry, options):
        try:
            result = yield
        except (ServerDown, BrokenContract) as failure:
            seen.append((entry, options, repr(failure), str(failure)))
            raise
        seen.append((entry, options, result))
        return result

    audit = tools.make_extension("audit", export=audited_export, set_password=audited_set_password)
    for call in (
        lambda: build(export=export, extensions=[audit]).export(tools.STEP, [tools.add("a")], {"a": secret}),
        lambda: build(set_password=setting, extensions=[audit]).set_password(tools.STEP, entry(), secret, INITIAL),
    ):
        with suppress(ServerDown, BrokenContract):
            call()
    assert len(seen) == 2
    assert HUSH not in repr(seen)


def test_a_reason_without_the_password_is_passed_on(build, tools, secret):
    error = ExportError(MAExportError.PASSWORD_POLICY_VIOLATION, "at least 20 characters")
    connector = build(set_password=lambda entry: CSEntryChangeResult(entry.identifier, error))
    assert connector.set_password(tools.STEP, entry(), secret, INITIAL).error == error


def test_an_error_of_one_change_does_not_quote_the_password_of_another(build, tools, secret):
    def export(changes, secrets):
        error = ExportError(MAExportError.CONSTRAINT_VIOLATION, f"clashes with {HUSH}")
        return [CSEntryChangeResult("a", error), CSEntryChangeResult("b")]

    result, _ = build(export=export).export(tools.STEP, [tools.add("a"), tools.add("b")], {"b": secret})
    assert HUSH not in repr(result)


# The queue --------------------------------------------------------------------------------------------------------


@pytest.fixture
def make_queue(build):
    queues = []

    def make(page_size=100, backlog=1000, **hooks):
        queues.append(ExportQueue(build(settings={"export_page_size": page_size}, **hooks), backlog=backlog))
        return queues[-1]

    yield make
    for queue in queues:
        queue.close(0)


@pytest.fixture
def outcomes():
    return {}


def keep(outcomes, name):
    return lambda outcome: outcomes.__setitem__(name, outcome)


def test_the_queue_sends_each_password_with_its_own_change(make_queue, tools, gate, outcomes):
    seen = []

    def export(changes, secrets):
        seen.append({name: one.reveal() for name, one in secrets.items()})
        if len(seen) == 1:
            gate.pass_through()
        return export_both(changes, secrets)

    queue = make_queue(export=export)
    tickets = [queue.submit(tools.STEP, tools.add("first"), keep(outcomes, "first"))]
    gate.wait_for()
    for name in "abc":
        password = None if name == "b" else Secret(lambda name=name: f"of {name}")
        tickets.append(queue.submit(tools.STEP, tools.add(name), keep(outcomes, name), password=password))
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert seen == [{}, {"a": "of a", "c": "of c"}]


def test_a_password_of_its_own_is_no_part_of_a_batch_and_fails_alone(make_queue, tools, gate, outcomes, secret):
    calls = []

    def export(changes):
        calls.append([change.identifier for change in changes])
        if len(calls) == 1:
            gate.pass_through()
        return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]

    def set_password(entry):
        calls.append(entry.identifier)
        raise ServerDown("gone")

    queue = make_queue(export=export, set_password=set_password)
    tickets = [queue.submit(tools.STEP, tools.add("0"), keep(outcomes, "0"))]
    gate.wait_for()
    tickets.append(queue.submit(tools.STEP, tools.add("1"), keep(outcomes, "1")))
    tickets.append(queue.submit_password(tools.STEP, entry("p"), secret, INITIAL, keep(outcomes, "p")))
    tickets.append(queue.submit(tools.STEP, tools.add("2"), keep(outcomes, "2")))
    with capture_logs() as logs:
        gate.open()
        assert all(ticket.wait(10) for ticket in tickets)
    assert calls == [["0"], ["1", "2"], "p"]
    assert isinstance(outcomes["p"].failure, ServerDown)
    assert outcomes["p"].sent
    assert outcomes["2"].failure is None
    assert HUSH not in repr(logs)


def test_what_ends_a_change_goes_before_those_that_wait_in_its_own_order_and_is_never_too_many(
    make_queue, tools, gate, outcomes, secret
):
    calls = []

    def export(changes):
        calls.append(changes[0].identifier)
        if len(calls) == 1:
            gate.pass_through()
        return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]

    def set_password(entry):
        calls.append(entry.identifier)
        return CSEntryChangeResult(entry.identifier)

    queue = make_queue(page_size=1, backlog=1, export=export, set_password=set_password)
    tickets = [queue.submit(tools.STEP, tools.add("0"), keep(outcomes, "0"))]
    gate.wait_for()
    tickets.append(queue.submit(tools.STEP, tools.add("1"), keep(outcomes, "1")))
    with pytest.raises(TargetBusy):
        queue.submit(tools.STEP, tools.add("2"), keep(outcomes, "2"))
    for name in ("p", "q"):
        one = queue.submit_password(tools.STEP, entry(name), secret, INITIAL, keep(outcomes, name), follows=True)
        tickets.append(one)
    tickets.append(queue.submit(tools.STEP, tools.add("r"), keep(outcomes, "r"), follows=True))
    gate.open()
    assert all(ticket.wait(10) for ticket in tickets)
    assert calls == ["0", "p", "q", "r", "1"]


def test_a_queue_that_is_being_closed_lets_what_has_begun_come_to_its_end(make_queue, tools, gate, outcomes, secret):
    def export(changes):
        gate.pass_through()
        return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]

    queue = make_queue(export=export, set_password=set_password)

    def go_on(outcome):
        outcomes["0"] = outcome
        queue.submit_password(tools.STEP, entry("p"), secret, INITIAL, keep(outcomes, "p"), follows=True)

    queue.submit(tools.STEP, tools.add("0"), go_on)
    gate.wait_for()
    closing = threading.Thread(target=queue.close, args=(10,))
    closing.start()
    gate.open()
    closing.join(10)
    assert outcomes["p"].failure is None
    with pytest.raises(TargetBusy):
        queue.submit(tools.STEP, tools.add("late"), keep(outcomes, "late"), follows=True)


class Watched(Secret):
    """A secret that is found among the objects of the process as long as anybody holds it."""


def held() -> int:
    gc.collect()
    return sum(type(one) is Watched for one in gc.get_objects())


@pytest.mark.parametrize("ends", ["sent", "cancelled", "failed", "alone", "closed"])
def test_nobody_holds_a_password_after_its_call_or_its_end(make_queue, tools, gate, outcomes, ends):
    def export(changes, secrets):
        gate.pass_through()
        if ends == "failed":
            raise ServerDown("gone")
        return export_both(changes, secrets)

    @contextmanager
    def open_session():
        yield "session"

    way = PasswordSupport.SEPARATE if ends == "alone" else PasswordSupport.WITH_EXPORT
    hooks = {"capabilities": lambda: Capabilities(password=way), "open_session": open_session}
    queue = make_queue(export=export, set_password=set_password, **hooks)
    first = queue.submit(tools.STEP, tools.add("0"), keep(outcomes, "0"))
    gate.wait_for()
    if ends == "alone":
        ticket = queue.submit_password(tools.STEP, entry("p"), Watched(lambda: HUSH), INITIAL, keep(outcomes, "p"))
    else:
        ticket = queue.submit(tools.STEP, tools.add("p"), keep(outcomes, "p"), password=Watched(lambda: HUSH))
    assert held() == 1
    if ends == "cancelled":
        assert ticket.cancel()
    if ends == "closed":
        queue.close(0)
    else:
        gate.open()
        assert first.wait(10)
        assert ends == "cancelled" or ticket.wait(10)
    assert held() == 0
