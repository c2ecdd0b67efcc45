"""What the web layer needs of the process that it runs in."""

from collections.abc import Mapping
from typing import Protocol

from ecmahost_core.configuration.certificates.condition import Condition
from ecmahost_core.configuration.model import HostConfiguration
from ecmahost_core.metrics.meter import Meter
from ecmahost_core.space.steadiness import Clock
from ecmahost_core.sync.endpoint import Endpoint


class Site(Protocol):
    """The configured connectors of this process. The set may change while requests run (a reload)."""

    @property
    def configuration(self) -> HostConfiguration:
        """The host's own configuration."""

    @property
    def epoch(self) -> str:
        """The store's epoch, for entity tags."""

    @property
    def cursor_secret(self) -> bytes:
        """What the cursors of paged queries are signed with; the same in every process of the host."""

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The connectors that can be served, by name."""

    @property
    def broken(self) -> Mapping[str, str]:
        """The connectors whose configuration or plugin cannot be used, with the reason, for people."""

    @property
    def store_trouble(self) -> str:
        """Why nothing can be written to the store now, as far as this process knows; empty when all is well."""

    @property
    def clock(self) -> Clock:
        """Whether this machine's clock goes steadily."""

    @property
    def meter(self) -> Meter:
        """What counts the requests of this process, and knows what the host's other processes have counted."""

    @property
    def certificate(self) -> Condition:
        """What can be said of the host's certificate now."""

    def accepts(self, connector: str, token: str) -> bool:
        """Returns whether a bearer token opens this connector's door."""

    def accepts_admin(self, token: str) -> bool:
        """Returns whether a bearer token opens ``/admin/``."""

    def accepts_metrics(self, token: str) -> bool:
        """Returns whether a bearer token opens ``/metrics``."""
