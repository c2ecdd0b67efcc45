"""``ecmahost certificate``: the certificate that clients of the host see, from its making to its end."""

import click

from ecmahost_core.cli.certificate.create import create
from ecmahost_core.cli.certificate.export import export
from ecmahost_core.cli.certificate.import_ import import_
from ecmahost_core.cli.certificate.request import request
from ecmahost_core.cli.certificate.show import show


@click.group(short_help="Make, import, show the host's certificate.")
def certificate() -> None:
    """Make the host's certificate, bring one from elsewhere, and see what clients see.

    All of them work on the two files that [tls] in ecmahost.toml names. A host that runs serves a new pair within
    seconds, without a restart; the pair before is kept beside it (.previous).
    """


certificate.add_command(create)
certificate.add_command(export)
certificate.add_command(import_)
certificate.add_command(request)
certificate.add_command(show)
