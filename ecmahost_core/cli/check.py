"""``ecmahost check``: everything that can be known before Entra finds out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime

import click

from ecmahost_core.cli import exit_codes
from ecmahost_core.cli.account import other_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import UnknownConnector, print_json, print_problems
from ecmahost_core.cli.tables import terminal_width, wrapped
from ecmahost_core.cli.upgrades import outdated_packages
from ecmahost_core.configuration.certificates.chain import system_authorities
from ecmahost_core.configuration.certificates.findings import key_findings, pair_findings
from ecmahost_core.configuration.certificates.pair import certificate_problems, load_pair
from ecmahost_core.configuration.home import enter
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import ConnectorConfiguration, HostConfiguration
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.ecma.results import Finding, Severity
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.errors import (
    AccessDenied,
    BadServerCredentials,
    BrokenContract,
    ConfigurationError,
    ConfigurationProblem,
    ConnectorError,
    DeadlineExceeded,
    ServerDown,
    TargetBusy,
    UnexpectedData,
)
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.fingerprint import Fingerprint
from ecmahost_core.space.place import may_be_there, open_place
from ecmahost_core.space.sqlite.mending import set_aside_files
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.agreement import content_of, identity_of, mismatches
from ecmahost_core.sync.examining.brake_findings import brake_findings
from ecmahost_core.sync.examining.findings import (
    delta_findings,
    environment_findings,
    host_findings,
    journal_findings,
    sample_findings,
)
from ecmahost_core.sync.mapping.binder import bind
from ecmahost_core.sync.mapping.binding import TypeBinding

_COLOURS = {Severity.WARNING: "yellow", Severity.ERROR: "red"}
_SEVERITY_WIDTH = max(len(each.value) for each in Severity)
_REMEDIES: tuple[tuple[type[ConnectorError], str], ...] = (
    (TargetBusy, "try again later, or find the program that keeps it busy"),
    (DeadlineExceeded, "find out why the target does not answer"),
    (BadServerCredentials, "correct the credentials under [connectivity]"),
    (AccessDenied, "give the host's account the right that is missing"),
    (UnexpectedData, "correct what the target holds, or how [connectivity] says that it is to be read"),
    (ServerDown, "see whether the target runs, and [connectivity] in the connector's file"),
    (ConnectorError, "correct [connectivity] in the connector's file, or what the message names"),
)


@click.command(short_help="Check the configuration, and each target.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
@pass_context
def check(context: CommandContext, ctx: click.Context, name: str | None, *, as_json: bool) -> None:
    """Check the configuration, and each connector (or just NAME) against its target. Writes nothing.

    Says what is wrong, why clients would refuse the certificate, what the connector finds in the target, and what the
    first objects there look like. Exit code 3 for mistakes in the configuration (all are listed, on standard error), 1
    when a target or the certificate cannot be used as configured (a finding "error"); warnings and what is only worth
    knowing leave it 0.
    """
    configure_logs("error")
    enter(context.home)
    host = load_host(context.home)
    catalogue = Catalogue()
    loaded = catalogue.configured(context.home)
    there = {configuration.name: configuration for configuration in loaded.configurations}
    if name is not None and name not in there and name not in loaded.broken:
        known = ", ".join(sorted((*there, *loaded.broken))) or "none"
        raise UnknownConnector(f"there is no connector {name} (configured: {known}); names are case sensitive")
    unusable = certificate_problems(host.certificate, host.key)
    own = (*(() if unusable else _own(host)), *_set_aside(host))
    problems = [*unusable, *_of(loaded.problems, context, name)]
    findings: dict[str, list[Finding]] = {}
    for configuration in loaded.configurations:
        if name in (None, configuration.name):
            findings[configuration.name] = _examined(configuration, catalogue, host, problems)
            findings[configuration.name] += _left_behind(host, configuration)
    account = other_account(context.home)
    if account is not None:
        told = f"checked as root; what the host's account {account} may read and write is another question"
        click.echo(told, err=True)
    for sentence in outdated_packages(context.home, catalogue):
        click.echo(sentence, err=True)
    if as_json:
        print_json(_document(problems, own, findings))
    else:
        print_problems(problems)
        if own:
            _print({"the host itself": own})
        _print(findings)
        if not there and not loaded.broken:
            click.echo("no connector is configured; make one with: ecmahost init --connector NAME --type TYPE")
    failed = any(one.severity is Severity.ERROR for found in (own, *findings.values()) for one in found)
    ctx.exit(exit_codes.CONFIGURATION if problems else exit_codes.FAILED if failed else exit_codes.OK)


def _own(host: HostConfiguration) -> tuple[Finding, ...]:
    """What is to be said of the host's certificate, which can be served; nothing when all is well."""
    pair = load_pair(host.certificate, host.key)
    return (*pair_findings(pair, system_authorities(), datetime.now(UTC)), *key_findings(host.key))


def _set_aside(host: HostConfiguration) -> Iterator[Finding]:
    """Damaged files of the store that were set aside and are there still."""
    for file in set_aside_files(host.store):
        message = f"{file.name} was damaged and set aside; the host has read its targets anew"
        yield Finding(Severity.WARNING, "store", message, "look at the disk; remove the file when nobody needs it")


def _of(
    problems: Iterable[ConfigurationProblem], context: CommandContext, name: str | None
) -> list[ConfigurationProblem]:
    """The problems of one connector's file, or all."""
    file = str(context.home.connector_file(name)) if name else ""
    return [problem for problem in problems if not name or problem.file == file]


def _examined(
    configuration: ConnectorConfiguration,
    catalogue: Catalogue,
    host: HostConfiguration,
    problems: list[ConfigurationProblem],
) -> list[Finding]:
    """What the connector says about its target; mismatches with the target's schema or with the space are added."""
    try:
        connector = catalogue.connector(configuration)
    except (BrokenContract, ConnectorError) as error:
        return [_broken(configuration, error)]
    found: list[Finding] = []
    try:
        capabilities = connector.capabilities
        bindings = bind(configuration, connector.schema(), capabilities.dn_style, capabilities.password)
        found.append(Finding(Severity.INFO, "target", "can be reached, and its schema fits"))
        found += environment_findings(configuration)
        found += delta_findings(connector)
        found += _against_space(configuration, connector.target_identity(), bindings, host, problems)
        for binding in bindings.values():
            found += host_findings(configuration, binding)
            found += sample_findings(connector, binding)
        found += connector.check(_step(bindings))
    except ConfigurationError as error:
        problems += error.problems
    except BrokenContract as error:
        found.append(_broken(configuration, error))
    except ConnectorError as error:
        remedy = next(text for kind, text in _REMEDIES if isinstance(error, kind))
        found.append(Finding(Severity.ERROR, "target", f"{type(error).__name__}: {error}", remedy))
    finally:
        connector.close()
    return found


def _step(bindings: Mapping[str, TypeBinding]) -> RunStep:
    """All types at once: whether a link table holds the right column is only known with the types that it names."""
    steps = [binding.export_step for binding in bindings.values()]
    names = {name: found for step in steps for name, found in step.query_attributes.items()}
    types = {one.name: one for step in steps for one in step.types}
    return RunStep(tuple(types.values()), steps[0].page_size, names)


def _left_behind(host: HostConfiguration, configuration: ConnectorConfiguration) -> list[Finding]:
    """What the host's own journal and brakes say; a store that is not there, or not of this version, says nothing."""
    if not may_be_there(host):
        return []
    try:
        store = open_place(host, writing=False)
    except StoreUnavailable:
        return []
    with closing(store):
        return [*journal_findings(store, configuration.name), *brake_findings(store, configuration)]


def _against_space(
    configuration: ConnectorConfiguration,
    target: str,
    bindings: Mapping[str, TypeBinding],
    host: HostConfiguration,
    problems: list[ConfigurationProblem],
) -> Iterator[Finding]:
    """What the host's space has been built with is held against the configuration; where there is one to read."""
    if not may_be_there(host):
        return
    try:
        with open_place(host, writing=False) as store:
            standing = store.agree(
                configuration.name, Fingerprint(identity_of(configuration, target), content_of(bindings))
            )
    except StoreUnavailable as error:
        yield Finding(Severity.INFO, "space", f"what the host knows of the target was not looked at: {error}")
        return
    problems += mismatches(configuration, standing)
    if standing.incomplete and configuration.full_import is not None:
        names = ", ".join(sorted(standing.incomplete))
        yield Finding(
            Severity.INFO,
            "space",
            f"no import has brought {names} yet; the host imports when it takes this configuration",
        )


def _broken(configuration: ConnectorConfiguration, error: Exception) -> Finding:
    return Finding(Severity.ERROR, configuration.properties.type, str(error), "mend or replace that package")


def _document(
    problems: Sequence[ConfigurationProblem], own: Sequence[Finding], findings: Mapping[str, Sequence[Finding]]
) -> dict[str, object]:
    return {
        "problems": [
            {"file": one.file, "table": one.table, "key": one.key, "found": one.found, "expected": one.expected}
            for one in problems
        ],
        "host": [_entry(one) for one in own],
        "connectors": {name: [_entry(one) for one in found] for name, found in findings.items()},
    }


def _entry(one: Finding) -> dict[str, str]:
    return {"severity": one.severity.value, "subject": one.subject, "message": one.message, "remedy": one.remedy}


def _print(findings: Mapping[str, Sequence[Finding]]) -> None:
    width = terminal_width()
    for name, found in findings.items():
        if not found:
            continue  # its problems have been printed
        click.echo(name)
        for one in found:
            label = f"  {one.severity.value:<{_SEVERITY_WIDTH}}  "
            further = " " * len(label)
            text = wrapped(f"{one.subject}: {one.message}", label, further, width)
            colour = _COLOURS.get(one.severity)
            click.echo(click.style(text, fg=colour) if colour else text)
            if one.remedy:
                click.echo(wrapped(f"-> {one.remedy}", further, further + "   ", width))
