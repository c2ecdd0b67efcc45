"""The enterprise applications that can be played: which profile of a connector each needs, and what it sends unasked.

Sources: Microsoft's tutorials for the on-premises ECMA and SCIM applications, "Tutorial: develop a SCIM endpoint" and
"Customize application attributes" in its documentation of app provisioning.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from ecmahost_core.configuration.model import ConnectorConfiguration, Profile
from ecmahost_core.errors import EcmahostError
from ecmahost_entra.paths import ECMA_USER, ScimPath, ScimValue, parse_path

USER, GROUP = "User", "Group"
"""SCIM resource types that a connector can have."""


class App(StrEnum):
    """An application template of the Entra portal."""

    ECMA = "ecma"
    """On-premises ECMA app: through the agent; every attribute in the extension ECMA2Host, and ``active``."""
    SCIM = "scim"
    """On-premises SCIM app: through the agent; core names."""
    NONGALLERY = "nongallery"
    """Non-gallery application: direct HTTPS; core names."""

    @property
    def label(self) -> str:
        """As the portal's gallery calls it."""
        return _TITLES[self]

    @property
    def through_agent(self) -> bool:
        """Whether the provisioning agent stands between Entra and the host."""
        return self is not App.NONGALLERY


_TITLES: Mapping[App, str] = MappingProxyType(
    {
        App.ECMA: "On-premises ECMA app",
        App.SCIM: "On-premises SCIM app",
        App.NONGALLERY: "Non-gallery application",
    }
)


class WrongChoice(EcmahostError):
    """What was asked for does not fit the connector; the message says what does."""


def choose_app(configuration: ConnectorConfiguration, wanted: App | None) -> App:
    """Returns the application that is played: the wanted one, or the one that fits. Raises WrongChoice."""
    mapped = configuration.profile_of(USER) is Profile.SCIM
    fitting = (App.SCIM, App.NONGALLERY) if mapped else (App.ECMA,)
    if wanted is None:
        return fitting[0]
    if wanted in fitting:
        return wanted
    what = f"has a [schema_mapping.{USER}]" if mapped else f"has no [schema_mapping.{USER}]"
    speaks = f"core attributes and those of its mapping (profile scim), not {ECMA_USER}"
    if not mapped:
        speaks = f"nothing but {ECMA_USER} (profile ecma), no core attributes"
    raise WrongChoice(
        f"the connector {configuration.name} {what}, so it speaks {speaks}; the {wanted.label} does not: "
        f"rehearse it with --app {' or --app '.join(fitting)}"
    )


_DEFAULT_MAPPING = (
    ("preferredLanguage", "fr-FR"),
    ("title", "Ingénieure"),
    ("name.formatted", "Zoë O'Brien"),
    ('addresses[type eq "work"].formatted', "Orléans"),
    ('addresses[type eq "work"].country', "FR"),
    ('phoneNumbers[type eq "mobile"].value', "+33 6 55 50 12 34"),
    ('phoneNumbers[type eq "fax"].value', "+33 2 55 50 12 34"),
)
"""Of the attributes that the portal maps by default, those that many targets have no place for."""

_NULLS = ("addresses", "phoneNumbers", "preferredLanguage", "title", "department", "manager")
"""What an older sample of a create names at the top level with a null, ``department`` and ``manager`` included."""


def unmapped_values(app: App, mapped: Sequence[ScimPath]) -> list[tuple[ScimPath, ScimValue]]:
    """Returns what the application's default attribute mapping sends beside what the connector maps; to be ignored."""
    if app is not App.NONGALLERY:
        return []
    taken = {path.text.casefold() for path in mapped}
    # An attribute that is mapped without saying which of its values would not know which of two to take.
    whole = {path.attribute.casefold() for path in mapped if path.selector is None and not path.sub}
    found = [(parse_path(text), value) for text, value in _DEFAULT_MAPPING if text.casefold() not in taken]
    return [(path, value) for path, value in found if path.attribute.casefold() not in whole]


def null_names(app: App) -> tuple[str, ...]:
    """Returns the names at the top level of a create that come with a null where there is no value."""
    return _NULLS if app is App.SCIM else ()
