"""``ecmahost certificate show``: what clients see."""

from datetime import UTC, datetime

import click
from cryptography import x509

from ecmahost_core.cli.certificate.words import names, tell_findings, thumbprints
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import moment, print_json
from ecmahost_core.configuration.certificates.chain import Chain, chain_of, system_authorities
from ecmahost_core.configuration.certificates.expiry import expiry_of
from ecmahost_core.configuration.certificates.findings import key_findings, pair_findings
from ecmahost_core.configuration.certificates.keys import key_words
from ecmahost_core.configuration.certificates.names import words_of
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_pair
from ecmahost_core.configuration.certificates.pending import pending_key
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import HostConfiguration


@click.command(short_help="Show the host's certificate.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def show(context: CommandContext, *, as_json: bool) -> None:
    """Show the certificate that is served: its names, who vouches for it, when it ends, its thumbprints.

    What is wrong with it, as 'ecmahost check' says it, is on standard error.
    """
    host, now = load_host(context.home), datetime.now(UTC)
    try:
        pair = load_pair(host.certificate, host.key)
    except BadCertificate as error:
        raise click.ClickException(
            f"{host.certificate} and {host.key} cannot be served: {error}; bring a pair with: ecmahost certificate "
            "import, or make one with: ecmahost certificate create --force"
        ) from None
    system = system_authorities()
    chain = chain_of(pair.certificates[0], pair.certificates[1:], system)
    facts = _facts(host, chain, now)
    if as_json:
        print_json(facts)
    else:
        _print(facts)
    tell_findings((*pair_findings(pair, system, now), *key_findings(host.key)))


def _facts(host: HostConfiguration, chain: Chain, now: datetime) -> dict[str, object]:
    leaf, waiting = chain.leaf, pending_key(host.key)
    sha1, sha256 = thumbprints(leaf)
    return {
        "certificate": str(host.certificate),
        "key": str(host.key),
        "names": list(names(leaf)),
        "subject": words_of(leaf.subject),
        "issuer": words_of(leaf.issuer),
        "key_type": key_words(leaf.public_key()),
        "valid_from": moment(leaf.not_valid_before_utc),
        "valid_until": moment(leaf.not_valid_after_utc),
        "days_left": expiry_of(chain.certificates, now).days,
        "thumbprint": sha1,
        "sha256": sha256,
        "chain": [words_of(one.subject) for one in chain.certificates[1:]],
        "trust": _trust(chain),
        "requested_key": str(waiting) if waiting.exists() else None,
    }


def _trust(chain: Chain) -> str | None:
    """What clients have to trust; None when it is not known here."""
    root: x509.Certificate | None = chain.root
    return words_of(root.subject) if root is not None else None


def _print(facts: dict[str, object]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text not in (None, ""):
            click.echo(f"{name.replace('_', ' '):<{width}}  {text}")
