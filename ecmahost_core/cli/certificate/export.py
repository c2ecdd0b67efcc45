"""``ecmahost certificate export``: what a machine has to trust before it can use the host."""

import re
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ecmahost_core.cli.certificate.words import thumbprints
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration.certificates.chain import chain_of, issuer_address, system_authorities
from ecmahost_core.configuration.certificates.extensions import UNREADABLE
from ecmahost_core.configuration.certificates.names import words_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_certificates
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded, write_atomically
from ecmahost_core.configuration.load import load_host

_DEFAULT = Path("ecmahost.cer")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


@click.command(short_help="Write what Windows has to trust.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help=f"[default: {_DEFAULT}, here]")
@pass_context
def export(context: CommandContext, out: Path | None) -> None:
    """Write the certificate that a machine has to trust: the host's own, or the authority behind it.

    It is public. The file is in DER form, as Windows takes it; the command to give there is printed, with the
    thumbprint by which to see that nobody has exchanged the file on its way.
    """
    host = load_host(context.home)
    target = out or _DEFAULT
    try:
        certificates = load_certificates(host.certificate)
    except BadCertificate as error:
        raise click.ClickException(f"{host.certificate} cannot be read: {error}") from None
    chain = chain_of(certificates[0], certificates[1:], system_authorities())
    if chain.root is None:
        address = issuer_address(chain.top)
        where = f", which should be at {address}" if address else ""
        raise click.ClickException(
            f"the certificate that has to be trusted is not here: {words_of(chain.top.issuer)}{where}; ask "
            "whoever runs that authority"
        )
    _write(target, chain.root)
    sha1, sha256 = thumbprints(chain.root)
    click.echo(f"{target}: {words_of(chain.root.subject)}, until {chain.root.not_valid_after_utc:%Y-%m-%d}", err=True)
    if chain.public:
        click.echo("This machine knows it as an authority; others may know it, too.", err=True)
    click.echo("In an elevated PowerShell on the machine that is to trust it, where the file is:")
    click.echo(f"Import-Certificate -FilePath {_quoted(target.name)} -CertStoreLocation Cert:\\LocalMachine\\Root")
    click.echo("It prints the thumbprint, which must be:")
    click.echo(sha1)
    click.echo(f"(by SHA-256: {sha256})")


def _quoted(name: str) -> str:
    """The file's path as PowerShell reads it."""
    path = f".\\{name}"
    return path if _PLAIN.fullmatch(name) else "'" + path.replace("'", "''") + "'"


def _write(target: Path, certificate: x509.Certificate) -> None:
    """Writes the file; what is there is replaced only if it is a certificate, too."""
    if target.exists():
        try:
            x509.load_der_x509_certificate(read_bounded(target, CONFIGURATION_LIMIT))
        except (Unreadable, *UNREADABLE):
            raise click.ClickException(f"{target} is there already and is no .cer file; name another") from None
    write_atomically(target, certificate.public_bytes(serialization.Encoding.DER), mode=0o644)
