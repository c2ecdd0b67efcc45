"""Made-up people and groups: recognisable, unlike anybody else, and awkward enough to find what breaks on names."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ecmahost_core.ecma.schema import AttributeType
from ecmahost_entra.apps import USER
from ecmahost_entra.formats import formatted, integers
from ecmahost_entra.kinds import kind_of
from ecmahost_entra.mapped import MappedAttribute
from ecmahost_entra.paths import ScimPath, ScimValue
from ecmahost_entra.plan import Plan
from ecmahost_entra.sample import Sample

_TEXTS: dict[str, tuple[str, str]] = {
    # What the person has at first, and after the change: apostrophe, comma, hyphen, diacritics, other scripts.
    "displayname": ("O'Brien, Zoë Καλλιόπη", "O'Brien-Łukasiewicz, Zoë 花子"),
    "name.formatted": ("Zoë Καλλιόπη O'Brien", "Zoë 花子 O'Brien-Łukasiewicz"),
    "name.givenname": ("Zoë Καλλιόπη", "Zoë 花子"),
    "name.familyname": ("O'Brien", "O'Brien-Łukasiewicz"),
    "name.middlename": ("Ngọc", "Søren"),
    "nickname": ("Zo'", "花ちゃん"),
    "title": ("Ingénieure, contrôle", "Руководитель отдела, R&D"),
    "department": ("R&D, Żywność", "研究開発, 東京"),
    "division": ("Forschung, Süd", "Ανατολή"),
    "organization": ("Contoso, Ltd.", "Contoso Österreich"),
    "costcenter": ("CC-4711", "CC-0815"),
    "preferredlanguage": ("fr-FR", "ja-JP"),
    "locale": ("fr-FR", "ja-JP"),
    "timezone": ("Europe/Paris", "Asia/Tokyo"),
    "usertype": ("Employee", "Contractor"),
    "addresses.streetaddress": ("12, rue de l'Église", "千代田区1-1"),
    "addresses.locality": ("Orléans", "東京"),
    "addresses.region": ("Île-de-France", "関東"),
    "addresses.postalcode": ("01234", "100-0001"),
    "addresses.country": ("FR", "JP"),
    "addresses.formatted": ("12, rue de l'Église, Orléans", "千代田区1-1, 東京"),
    "phonenumbers.value": ("+1 425 555-0123", "+81 3-5555-0123"),
}
ANY_CHARACTERS = "utf-8"

_OTHER = ("Καλημέρα, l'été", "日本語, d'accord")


@dataclass(frozen=True, slots=True)
class Trait:
    """One attribute of the person.

    Attributes:
        mapped: where it goes.
        before: what the create sends; None for what only comes with the change.
        after: what it is after the change; equal to ``before`` where the change leaves it alone.
    """

    mapped: MappedAttribute
    before: ScimValue | None
    after: ScimValue

    @property
    def path(self) -> ScimPath:
        """The SCIM side."""
        return self.mapped.path

    @property
    def name(self) -> str:
        """The target side."""
        return self.mapped.attribute.name

    @property
    def changes(self) -> bool:
        """Whether the change touches it."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Person:
    """Who is rehearsed.

    Attributes:
        token: eight hexadecimal digits, different for each person.
        traits: in the order of the mapping.
        match: the value of the matching attribute, never changed.
        password: an initial password; sent where the connector takes one.
    """

    token: str
    traits: tuple[Trait, ...]
    match: str
    password: str = field(repr=False)


def make_person(
    plan: Plan, token: str | None = None, characters: str = ANY_CHARACTERS, sample: Sample | None = None
) -> Person:
    """Returns a new person, or group, with a value for everything that the plan sends.

    Args:
        plan: of the connector.
        token: eight hexadecimal digits; None makes new ones.
        characters: the codec whose characters the values keep to, for targets that hold no others.
        sample: what other objects have in common; None where nothing is known of them.
    """
    sample = sample or Sample()
    token = token or secrets.token_hex(4)
    traits: list[Trait] = []
    for mapped in plan.attributes:
        # Two paths may lead to one attribute of the target: what they say must be the same.
        twin = next((trait for trait in traits if trait.name == mapped.attribute.name), None)
        made = _trait(mapped, token, characters, sample) if twin is None else replace(twin, mapped=mapped)
        traits.append(made)
    late = _comes_late(traits) if plan.resource == USER else None
    if late is not None:
        traits[late] = Trait(traits[late].mapped, None, traits[late].after)
    match = next(str(trait.after) for trait in traits if trait.mapped is plan.matching)
    return Person(token, tuple(traits), match, new_password())


def other_name(plan: Plan, name: str, characters: str = ANY_CHARACTERS) -> str:
    """Returns what a group of this name is renamed to: still recognisable, and hard to digest."""
    longest = plan.matching.attribute.max_length
    longer = _cut(_within(f"{name} R&D, l'été 東京", characters), longest)
    return longer if longer != name else _cut(f"2{name}", longest)


def new_password() -> str:
    """Returns a password that nobody will guess, with something of everything that policies ask for."""
    return f"Aa1!{secrets.token_urlsafe(18)}"


def _trait(mapped: MappedAttribute, token: str, characters: str, sample: Sample) -> Trait:
    like_others = _like_others(mapped, sample)
    if like_others is not None:
        before, after = like_others
    elif mapped.attribute.type is AttributeType.STRING:
        made = formatted(mapped.attribute, int(token, 16), unique=mapped.unique)
        before, after = made or _texts(mapped, token, characters)
    else:
        before, after = _MAKERS[mapped.attribute.type](mapped, token)
    return Trait(mapped, before, before if mapped.fixed else after)


def _like_others(mapped: MappedAttribute, sample: Sample) -> tuple[str, str] | None:
    """Values that other objects share, or new ones of their form; what is unique is never made like somebody else's."""
    name = mapped.attribute.name
    if mapped.attribute.type not in (AttributeType.STRING, AttributeType.INTEGER):
        return None
    if mapped.unique:
        return sample.guids(name)
    return sample.codes(name) or sample.formatted(name)


def _comes_late(traits: list[Trait]) -> int | None:
    """One optional attribute is first sent by the change, as an Add; best one inside a multi-valued attribute."""
    names = [trait.name for trait in traits]
    able = [
        index
        for index, trait in enumerate(traits)
        if trait.changes and not trait.mapped.required and not trait.mapped.unique and names.count(names[index]) == 1
    ]
    if len(able) < 2:  # the change must still replace something
        return None
    return max(able, key=lambda index: (traits[index].path.selector is not None, index))


def _texts(mapped: MappedAttribute, token: str, characters: str) -> tuple[str, str]:
    longest = mapped.attribute.max_length
    if mapped.unique:
        before, after = _unique_texts(kind_of(mapped.path), token, longest)
    else:
        before, after = _TEXTS.get(kind_of(mapped.path), _OTHER)
    before, after = (_cut(_within(text, characters), longest) for text in (before, after))
    if before == after:
        after = _cut(("3" if before.startswith("2") else "2") + before, longest)
    return before, after


def _unique_texts(kind: str, token: str, longest: int | None) -> tuple[str, str]:
    """Texts that no two people share; shortened so that the token survives a narrow column."""
    if kind == "employeenumber":
        return str(int(token, 16)), str(int(token, 16) + 1)
    if kind == "emails.value":
        names = [f"ecmahost.rehearsal.{token}@mail.example.com", f"r.{token}@example.com", token]
    elif kind == "username":
        names = [f"ecmahost.rehearsal.{token}@example.com", f"ecmahost.rehearsal.{token}", f"rehearsal.{token}", token]
    else:
        names = [f"ecmahost.rehearsal.{token}", f"rehearsal.{token}", token]
    before = next((name for name in names if longest is None or len(name) < longest), token)
    return before, "2" + before


def _within(text: str, characters: str) -> str:
    """Returns a text with the characters of a codec alone; never empty."""
    return text.encode(characters, "ignore").decode(characters).strip(" ,") or "x"


def _cut(text: str, longest: int | None) -> str:
    # Without blanks at the end: what a target makes of those is a rehearsal of its own.
    return text if longest is None else text[:longest].rstrip()


def _integers(mapped: MappedAttribute, token: str) -> tuple[str, str]:
    number = int(token, 16) >> 1 if mapped.unique else 41  # 31 bits: fits a usual integer column as it is
    return integers(mapped.attribute, number)


def _booleans(_mapped: MappedAttribute, _token: str) -> tuple[str, str]:
    return "True", "False"


def _date_times(_mapped: MappedAttribute, _token: str) -> tuple[str, str]:
    return "2024-02-29T08:30:00Z", "2031-12-31T23:59:59Z"


_MAKERS: dict[AttributeType, Callable[[MappedAttribute, str], tuple[str, str]]] = {
    AttributeType.INTEGER: _integers,
    AttributeType.BOOLEAN: _booleans,
    AttributeType.DATE_TIME: _date_times,
}
