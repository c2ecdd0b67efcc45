"""``ecmahost certificate import``: takes a certificate that somebody else has made."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ecmahost_core.cli.certificate.words import describe, names, present_certificates, tell_findings
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.group import printable
from ecmahost_core.configuration.certificates.chain import system_authorities
from ecmahost_core.configuration.certificates.findings import pair_findings
from ecmahost_core.configuration.certificates.importing import Found, find_pair
from ecmahost_core.configuration.certificates.material import Material, read_material
from ecmahost_core.configuration.certificates.names import words_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, belong_together, load_key, write_pair
from ecmahost_core.configuration.certificates.pending import pending_key
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, editing, read_bounded
from ecmahost_core.configuration.load import load_host
from ecmahost_core.ecma.results import Finding, Severity

_PASSPHRASE_LIMIT = 4096


@click.command("import", short_help="Take a certificate from elsewhere.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Where the passphrase of an encrypted key or PFX is (its first line); - is standard input. [default: ask]",
)
@pass_context
def import_(context: CommandContext, files: tuple[Path, ...], passphrase_file: Path | None) -> None:
    """Take the certificate in FILES, its key and the certificates of those who vouch for it.

    PEM, DER (.cer), PKCS #7 (.p7b) and PKCS #12 (.pfx), in one file or several, in any order. Without a key in them the
    certificate is the answer to a request that was made here, or a renewal for the present key. Everything is looked at
    before anything is replaced.
    """
    host = load_host(context.home)
    given = _read(files, passphrase_file)
    with editing(context.home):
        present = present_certificates(host.certificate)
        here = _keys(pending_key(host.key), host.key)
        system = system_authorities()
        try:
            found = find_pair(given, [key for _, key in here], present, system)
        except BadCertificate as error:
            raise click.ClickException(f"{error}. Nothing was replaced.") from None
        findings = pair_findings(found.pair, system, datetime.now(UTC))
        _refuse(found, findings)
        write_pair(host.certificate, host.key, found.pair)
        for path, key in here:
            if path == pending_key(host.key) and belong_together(found.chain.leaf, key):
                path.unlink(missing_ok=True)
    click.echo(f"{host.certificate}: {describe(found.chain.leaf)}", err=True)
    tell_findings(findings)
    _tell(found, present, files if given.keys else ())


def _read(files: Sequence[Path], passphrase_file: Path | None) -> Material:
    given = Material()
    line = cache(lambda: _first(passphrase_file) if passphrase_file is not None else None)
    for file in files:
        try:
            given += read_material(read_bounded(file, CONFIGURATION_LIMIT), _passphrase(file, line))
        except (Unreadable, BadCertificate) as error:
            raise click.ClickException(printable(f"{file}: {error}. Nothing was replaced.")) from None
    return given


def _passphrase(file: Path, line: Callable[[], bytes | None]) -> Callable[[], bytes]:
    """Gives the one line for every file, because standard input has it only once; else asks for each file's own."""

    def ask() -> bytes:
        content = line()
        if content is None:
            content = _prompted(file)
        if not content:
            raise click.ClickException(f"the passphrase of {file} is empty")
        return content

    return ask


def _prompted(file: Path) -> bytes:
    if not sys.stdin.isatty():
        raise click.ClickException(
            f"{file} has a passphrase: run this in a terminal, which is asked for it, or name a file that holds it: "
            "--passphrase-file FILE"
        )
    return str(click.prompt(f"Passphrase of {file}", hide_input=True, err=True)).encode()


def _first(passphrase_file: Path) -> bytes:
    """The first line of the file or of standard input, which a script may give it through."""
    if str(passphrase_file) == "-":
        content = sys.stdin.buffer.read(_PASSPHRASE_LIMIT)
    else:
        try:
            content = read_bounded(passphrase_file, _PASSPHRASE_LIMIT)
        except Unreadable as error:
            raise click.ClickException(f"{passphrase_file}: {error}") from None
    return content.split(b"\n", 1)[0].removesuffix(b"\r")


def _keys(*paths: Path) -> list[tuple[Path, PrivateKeyTypes]]:
    found = []
    for path in paths:
        try:
            found.append((path, load_key(path)))
        except BadCertificate:
            continue  # there is none, or it is of no use
    return found


def _refuse(found: Found, findings: Sequence[Finding]) -> None:
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if errors:
        reasons = "\n".join(f"  {one.message}; {one.remedy}" for one in errors)
        whose = f"the certificate of {words_of(found.chain.leaf.subject)}"
        raise click.ClickException(printable(f"{whose} cannot be used:\n{reasons}\nNothing was replaced."))


def _tell(found: Found, present: Sequence[x509.Certificate], files: Sequence[Path]) -> None:
    """What an administrator should know about what has just been done."""
    lost = [name for name in (names(present[0]) if present else ()) if name not in names(found.chain.leaf)]
    if lost:
        click.echo(f"No longer for {', '.join(lost)}: clients that use such a name refuse it.", err=True)
    for one in found.left_out:
        click.echo(f"Left out, because it has no part in this: {words_of(one.subject)}", err=True)
    if found.chain.root is not None and not found.chain.public:
        root = words_of(found.chain.root.subject)
        click.echo(f"Machines that use this host have to trust {root}: ecmahost certificate export", err=True)
    if files:
        click.echo("The key is in the home now; whatever else holds it is better deleted.", err=True)
