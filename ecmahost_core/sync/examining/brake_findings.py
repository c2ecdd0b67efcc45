"""What the brakes hold, as sentences for people."""

from collections.abc import Iterator

from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.ecma.results import Finding, Severity
from ecmahost_core.space.history import HeldRemovals
from ecmahost_core.space.store import Store


def held_sentences(held: HeldRemovals) -> Iterator[str]:
    """Yields what an import holds."""
    if held.count:
        yield f"{held.count:,} of {held.live:,} objects are not in the target any more. None of them was removed."
    if held.links:
        yield f"{held.links:,} links (memberships) are not in the target any more. None of them was removed."
    if held.lost:
        names = ", ".join(held.lost)
        yield f"the target has lost {names}. Objects keep what they had there."


def brake_findings(store: Store, configuration: ConnectorConfiguration) -> Iterator[Finding]:
    """Yields what is held of a connector, and the way out."""
    name = configuration.name
    held = store.status(name).held
    if held is not None:
        remedy = (
            f"when the target is whole again, the next import lets go by itself; if it is right: "
            f"ecmahost import {name} --confirm"
        )
        since = f"since {held.since:%Y-%m-%dT%H:%M:%SZ}"
        for sentence in held_sentences(held):
            yield Finding(Severity.WARNING, "held", f"{since}: {sentence}", remedy)
    most = configuration.properties.disables_and_deletes_per_hour
    if most:
        gone = store.leaving(name).count
        if gone >= most:
            message = f"{gone:,} objects were disabled or deleted within an hour; any more are refused with 429"
            yield Finding(Severity.WARNING, "incoming_brake", message, f"if it is right: ecmahost release {name}")
