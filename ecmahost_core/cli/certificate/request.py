"""``ecmahost certificate request``: asks somebody else's authority for a certificate."""

from pathlib import Path

import click
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ecmahost_core.cli.certificate.words import require_names
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration.certificates.issuing import signing_request
from ecmahost_core.configuration.certificates.keys import KeyType, SigningKey
from ecmahost_core.configuration.certificates.names import network_name
from ecmahost_core.configuration.certificates.pending import load_pending, make_pending, pending_key
from ecmahost_core.configuration.files import editing, write_atomically
from ecmahost_core.configuration.load import load_host

_TYPES = [each.value for each in KeyType]


@click.command(short_help="Ask a company's authority for a certificate.")
@click.option(
    "--name",
    "given",
    multiple=True,
    help="A host name or IP address, as clients write it; may be repeated. [default: this machine's full name]",
)
@click.option(
    "--key-type",
    type=click.Choice(_TYPES),
    help="[default: rsa-2048, which the templates of Active Directory's authorities ask for]",
)
@click.option("--new-key", is_flag=True, help="Make another key, although one waits for its certificate already.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="[default: HOME/certificate.csr]")
@pass_context
def request(
    context: CommandContext, given: tuple[str, ...], *, key_type: str | None, new_key: bool, out: Path | None
) -> None:
    """Write a certificate signing request (PKCS #10) for an authority that clients trust already.

    The key stays here and waits for the answer: ecmahost certificate import ANSWER. Until then nothing changes for the
    host that runs. Asking again asks for the same key, so that the answer to either request fits.
    """
    require_names(given)
    names = given or tuple(filter(None, [network_name()]))
    if not names:
        raise click.UsageError("this machine does not know its full name: give the one in the tenant URL with --name")
    host = load_host(context.home)
    target = out or context.home.path / "certificate.csr"
    with editing(context.home):
        waiting = None if new_key else load_pending(host.key)
        if waiting is not None and key_type is not None and KeyType(key_type) is not _type_of(waiting):
            raise click.ClickException(
                f"{pending_key(host.key)} waits for its certificate and is of another type; --new-key makes another "
                "key, and the answer to the earlier request is then of no use"
            )
        key = waiting or make_pending(host.key, KeyType(key_type or KeyType.RSA_2048))
        content = signing_request(key, names).public_bytes(serialization.Encoding.PEM)
        write_atomically(target, content, mode=0o644)
    click.echo(f"{target}: for {', '.join(names)}", err=True)
    click.echo("Have it signed for a web server, then: ecmahost certificate import ANSWER...", err=True)


def _type_of(key: SigningKey) -> KeyType:
    return KeyType.RSA_2048 if isinstance(key, rsa.RSAPrivateKey) else KeyType.ECDSA_P256
