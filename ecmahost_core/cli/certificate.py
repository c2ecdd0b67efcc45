"""``ecmahost certificate``: makes a new self-signed certificate."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration import certificates
from ecmahost_core.configuration.files import editing
from ecmahost_core.configuration.load import load_host


@click.command(short_help="Make a new self-signed certificate.")
@click.option("--name", "names", multiple=True, help="A further host name or IP address; may be repeated.")
@click.option("--force", is_flag=True, help="Replace the certificate and the key that are there.")
@pass_context
def certificate(context: CommandContext, names: tuple[str, ...], *, force: bool) -> None:
    """Make a self-signed certificate for this machine, good for two years.

    It is for localhost, the loopback addresses, the host name, and every --name. It is written to where [tls] in
    ecmahost.toml says. A host that runs serves it from the next connection on.
    """
    wrong = certificates.invalid_names(names)
    if wrong:
        raise click.UsageError(f"{wrong[0]!r} is neither a host name nor an IP address")
    host = load_host(context.home)
    with editing(context.home):
        if not force and (host.certificate.exists() or host.key.exists()):
            raise click.ClickException(_there_already(host.certificate))
        every = tuple(dict.fromkeys((*certificates.host_names(), *names)))
        certificates.write_self_signed(host.certificate, host.key, every, datetime.now(UTC))
    click.echo(f"{host.certificate}: {describe(host.certificate)}", err=True)


def describe(path: Path) -> str:
    """Returns what a certificate is for and when it ends, in words. Raises BadCertificate."""
    names = ", ".join(certificates.certificate_names(path)) or "no host name"
    return f"for {names}, until {certificates.certificate_expiry(path):%Y-%m-%d}"


def _there_already(path: Path) -> str:
    try:
        what = describe(path)
    except certificates.BadCertificate as error:
        what = f"its certificate cannot be used: {error}"
    return f"{path} is there already ({what}); --force replaces it and its key"
