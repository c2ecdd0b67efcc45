import pytest
from ecmahost_entra.paths import ScimPath, get, parse_path, put

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ECMA = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userName", ("", "userName", None, "")),
        ("name.givenName", ("", "name", None, "givenName")),
        ('emails[type eq "work"].value', ("", "emails", ("type", "work"), "value")),
        ('roles[primary eq "True"].value', ("", "roles", ("primary", True), "value")),
        (f"{ENTERPRISE}:department", (ENTERPRISE, "department", None, "")),
        (f"{ENTERPRISE}:manager.displayName", (ENTERPRISE, "manager", None, "displayName")),
        (f"{ECMA}:msDS-UserAccountDisabled", (ECMA, "msDS-UserAccountDisabled", None, "")),
        (f"{ECMA}:Job Title", (ECMA, "Job Title", None, "")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", ("", "userName", None, "")),
        ("urn:example:badges:1.0:Badge:number", ("urn:example:badges:1.0:Badge", "number", None, "")),
    ],
)
def test_a_path_is_taken_apart_as_entra_means_it(
    text: str, expected: tuple[str, str, tuple[str, str] | None, str]
) -> None:
    assert parse_path(text) == ScimPath(text, *expected)


@pytest.mark.parametrize("text", ["", "emails[type eq", "a.b.c", 'emails[type eq "work" and primary eq true].value'])
def test_a_path_that_entra_cannot_send_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        parse_path(text)


def test_two_paths_with_one_selector_share_an_element() -> None:
    resource: dict[str, object] = {}
    put(resource, parse_path('addresses[type eq "work"].locality'), "Orléans")
    put(resource, parse_path('addresses[type eq "work"].country'), "FR")
    put(resource, parse_path('addresses[type eq "home"].country'), "DE")
    assert resource == {
        "addresses": [{"type": "work", "locality": "Orléans", "country": "FR"}, {"type": "home", "country": "DE"}]
    }


def test_what_was_put_is_found_again_whatever_the_case_of_the_names() -> None:
    resource: dict[str, object] = {}
    path = parse_path(f"{ENTERPRISE}:department")
    put(resource, path, "R&D")
    assert resource == {ENTERPRISE: {"department": "R&D"}}
    assert get({ENTERPRISE.upper(): {"DEPARTMENT": "R&D"}}, path) == "R&D"


@pytest.mark.parametrize("resource", [{}, {"emails": None}, {"emails": []}, {"emails": "x"}, {"emails": [3, "x"]}])
def test_what_is_not_there_is_none_whatever_is_there_instead(resource: dict[str, object]) -> None:
    assert get(resource, parse_path('emails[type eq "work"].value')) is None
