import re

import pytest

from ecmahost_core.scim.errors import ScimError
from ecmahost_core.web.cursors import TIMEOUT_SECONDS, CursorOffice, Place

OFFICE = CursorOffice(b"s" * 32, ("hr", None, "User"), "epoch:1")
NOW = 1_800_000_000.0
PLACE = Place(1, 2**40)


def test_a_cursor_leads_back_to_its_place_and_the_empty_one_to_the_beginning() -> None:
    cursor = OFFICE.give(PLACE, NOW)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)
    assert OFFICE.read(cursor, NOW + TIMEOUT_SECONDS) == PLACE
    assert OFFICE.read("", NOW) == Place(0, 0)


@pytest.mark.parametrize(
    "other",
    [
        CursorOffice(b"t" * 32, ("hr", None, "User"), "epoch:1"),
        CursorOffice(b"s" * 32, ("it", None, "User"), "epoch:1"),
        CursorOffice(b"s" * 32, ("hr", 'userName sw "a"', "User"), "epoch:1"),
        CursorOffice(b"s" * 32, ("hr", None, "Group"), "epoch:1"),
        CursorOffice(b"s" * 32, ("hr", None, "User", "Group"), "epoch:1"),
    ],
)
def test_a_cursor_is_good_for_its_own_query_alone(other: CursorOffice) -> None:
    with pytest.raises(ScimError) as caught:
        other.read(OFFICE.give(PLACE, NOW), NOW)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidCursor")


@pytest.mark.parametrize("text", ["x", "1", "A" * 46, "A" * 45, "A" * 47, "\u00e4" * 46, "=" * 46, "a b", "%", " "])
def test_what_is_made_up_is_no_cursor(text: str) -> None:
    with pytest.raises(ScimError) as caught:
        OFFICE.read(text, NOW)
    assert caught.value.scim_type == "invalidCursor"


def test_no_bit_of_a_cursor_can_be_changed() -> None:
    cursor = OFFICE.give(PLACE, NOW)
    for position in range(len(cursor) - 1):
        changed = cursor[:position] + ("B" if cursor[position] == "A" else "A") + cursor[position + 1 :]
        with pytest.raises(ScimError):
            OFFICE.read(changed, NOW)


@pytest.mark.parametrize(
    ("office", "now"),
    [(OFFICE, NOW + TIMEOUT_SECONDS + 1), (CursorOffice(OFFICE.secret, OFFICE.query, "epoch:2"), NOW)],
)
def test_a_cursor_that_is_old_or_of_a_space_that_is_gone_has_expired(office: CursorOffice, now: float) -> None:
    with pytest.raises(ScimError) as caught:
        office.read(OFFICE.give(PLACE, NOW), now)
    assert (caught.value.status, caught.value.scim_type) == (400, "expiredCursor")
