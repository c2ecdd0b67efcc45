"""``ecmahost certificate create``: makes a certificate here, self-signed or signed by the home's own authority."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from ecmahost_core.cli.certificate.words import describe, names, present_certificates, require_names
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.configuration.certificates.authority import SHORTEST_USE, Authority, names_outside
from ecmahost_core.configuration.certificates.chain import is_issued_by
from ecmahost_core.configuration.certificates.keys import KeyType
from ecmahost_core.configuration.certificates.making import load_authority, make_authority, new_pair
from ecmahost_core.configuration.certificates.names import host_names, invalid_names
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_certificates, write_pair
from ecmahost_core.configuration.files import editing
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import HostConfiguration

_TYPES = [each.value for each in KeyType]


@click.command(short_help="Make a new certificate here.")
@click.option(
    "--name", "given", multiple=True, help="A further host name or IP address, as clients write it; may be repeated."
)
@click.option(
    "--local-ca/--self-signed",
    "local",
    default=None,
    help="Have it signed by an authority of this home's own, which is made when there is none; or by itself. "
    "[default: as the present one is]",
)
@click.option("--new-ca", is_flag=True, help="With --local-ca: make another authority.")
@click.option("--key-type", type=click.Choice(_TYPES), help="[default: as the present one's, else ecdsa-p256]")
@click.option("--force", is_flag=True, help="Replace the certificate and the key that are there.")
@pass_context
def create(
    context: CommandContext,
    given: tuple[str, ...],
    *,
    local: bool | None,
    new_ca: bool,
    key_type: str | None,
    force: bool,
) -> None:
    """Make a certificate for this machine, good for two years.

    It is for localhost, the loopback addresses, the host name, and every --name; without a --name for those that the
    present certificate has. Machines that use the host have to trust it: ecmahost certificate export. An authority of
    the home's own is trusted once and signs renewals for ten years.
    """
    require_names(given)
    if new_ca and local is False:
        raise click.UsageError("--new-ca goes with --local-ca")
    home, host, now = context.home, load_host(context.home), datetime.now(UTC)
    with editing(home):
        if not force and (host.certificate.exists() or host.key.exists()):
            raise click.ClickException(_there_already(host))
        present = present_certificates(host.certificate)[:1]
        every = _names(given, present)
        kind = KeyType(key_type) if key_type else _key_type(present)
        if local is None:
            local = new_ca or _signed_here(home, present)
        authority = _authority(home, kind, every, now, anew=new_ca) if local else None
        pair = new_pair(kind, every, now, authority)
        write_pair(host.certificate, host.key, pair)
    click.echo(f"{host.certificate}: {describe(pair.certificates[0])}", err=True)
    if authority is None or not present or not is_issued_by(present[0], authority.certificate):
        click.echo("Machines that use this host have to trust it: ecmahost certificate export", err=True)


def _names(given: Sequence[str], present: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """What is given comes first: the subject is the first full name."""
    kept = () if given or not present else names(present[0])
    return tuple(dict.fromkeys((*given, *(name for name in kept if not invalid_names((name,))), *host_names())))


def _key_type(present: Sequence[x509.Certificate]) -> KeyType:
    return KeyType.RSA_2048 if present and isinstance(present[0].public_key(), rsa.RSAPublicKey) else KeyType.ECDSA_P256


def _signed_here(home: Home, present: Sequence[x509.Certificate]) -> bool:
    """Whether the present certificate comes from the home's authority: those who trust that want the next one, too."""
    try:
        return bool(present) and is_issued_by(present[0], load_certificates(home.local_ca)[0])
    except BadCertificate:
        return False


def _authority(home: Home, kind: KeyType, every: Sequence[str], now: datetime, *, anew: bool) -> Authority:
    way_out = "--new-ca makes another, which has to be trusted anew"
    try:
        found = None if anew else load_authority(home)
    except BadCertificate as error:
        raise click.ClickException(f"the authority {home.local_ca} cannot be used: {error}; {way_out}") from None
    if found is None:
        return make_authority(home, kind, every, now)
    if found.certificate.not_valid_after_utc - now < SHORTEST_USE:
        until = f"{found.certificate.not_valid_after_utc:%Y-%m-%d}"
        raise click.ClickException(f"the authority {home.local_ca} ends on {until}; {way_out}")
    outside = names_outside(found.certificate, every)
    if outside:
        raise click.ClickException(
            f"the authority {home.local_ca} was made for other names and may not vouch for {', '.join(outside)}; "
            f"{way_out}"
        )
    return found


def _there_already(host: HostConfiguration) -> str:
    try:
        what = describe(load_certificates(host.certificate)[0])
    except BadCertificate as error:
        what = f"its certificate cannot be used: {error}"
    return f"{host.certificate} is there already ({what}); --force replaces it and its key"
