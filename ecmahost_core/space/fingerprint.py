"""Configuration against space: what a connector's space was built with, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """With what configuration a connector's space is built, in the words of whoever computes it.

    Attributes:
        identity: what must not change while the space holds objects, each by a name for people: target, anchor, ...
            A name that is new says something about what the space does not hold yet, and is no difference.
        content: what a full import brings: the attributes, each with its form. None while nobody has asked the target
            what it offers.
    """

    identity: Mapping[str, str]
    content: Mapping[str, str] | None = None


class MatchedIndex(StrEnum):
    """How the index of an attribute stands that clients match on."""

    WANTED = "wanted"
    READY = "ready"
    GOING = "going"
    """It is being given up, and is not whole."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A connector's space against a fingerprint.

    Attributes:
        space: the space's number; another one after a reset. 0 where there is none yet (a store for reading only).
        differences: by name, what the space was built with and what the fingerprint says instead; empty: it fits.
        incomplete: names of the fingerprint's content that the last complete import did not bring in this form; empty
            for a connector that has never imported.
        matched: attributes that clients match on beside the query attributes (``User.Country``).
        brought: the content that the last complete import brought; empty where none has.
    """

    space: int
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    matched: Mapping[str, MatchedIndex] = field(default_factory=dict)
    brought: Mapping[str, str] = field(default_factory=dict)
