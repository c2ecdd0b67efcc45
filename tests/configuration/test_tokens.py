"""Secret tokens: hashed ones from the configuration, and minted ones that expire by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core.configuration import tokens
from ecmahost_core.configuration.model import Properties, TokenHash

KEY = b"k" * 32
NOW = datetime(2026, 5, 1, 12, 0, 0, 500_000, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
TOKEN = "correct-horse-battery-staple"


def configured(token: str, expires: datetime | None = None) -> TokenHash:
    return TokenHash(tokens.hash_token(KEY, token).removeprefix("hmac:"), expires)


def test_a_new_token_is_long_ascii_and_different_each_time() -> None:
    made = {tokens.new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) >= 32 and token.isascii() and token.isprintable() for token in made)


def test_the_hash_is_an_hmac_that_depends_on_the_key_and_does_not_show_the_token() -> None:
    digest = tokens.hash_token(KEY, TOKEN)
    assert digest.startswith("hmac:")
    assert len(digest) == len("hmac:") + 64
    assert TOKEN not in digest
    assert digest != tokens.hash_token(b"other" * 8, TOKEN)


@pytest.mark.parametrize(
    "token", ["", "elevenchars", "x" * 513, "with a blank in it", "nön-ascii-token", "new\nline-token"]
)
def test_a_token_that_is_too_short_too_long_or_odd_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="12 to 512 printable ASCII characters"):
        tokens.hash_token(KEY, token)


def test_only_a_configured_token_is_verified() -> None:
    both = (configured(TOKEN), configured("another-token-entirely"))
    assert tokens.verify(KEY, both, TOKEN, NOW)
    assert tokens.verify(KEY, both, "another-token-entirely", NOW)
    assert not tokens.verify(KEY, both, TOKEN + "x", NOW)
    assert not tokens.verify(KEY, both, tokens.hash_token(KEY, TOKEN), NOW)
    assert not tokens.verify(KEY, (), TOKEN, NOW)
    assert not tokens.verify(b"other" * 8, both, TOKEN, NOW)


def test_an_expired_token_is_refused_and_does_not_shadow_the_other() -> None:
    expired, later = configured(TOKEN, NOW), configured(TOKEN, NOW + timedelta(seconds=1))
    assert not tokens.verify(KEY, (expired,), TOKEN, NOW)
    assert tokens.verify(KEY, (later,), TOKEN, NOW)
    assert tokens.verify(KEY, (expired, later), TOKEN, NOW)
    assert tokens.verify(KEY, (later, expired), TOKEN, NOW)


ODD = ["", " ", "\0", "\x80\xff" * 20, "\udcff" * 20, "ä" * 100, "x" * 10_000_000, "ecmahost.hr.9" * 1000]


@pytest.mark.parametrize("presented", ODD, ids=range(len(ODD)))
def test_odd_presented_tokens_are_refused(presented: str) -> None:
    properties = Properties("hr", "i", "t", tokens=(configured(TOKEN),))
    assert not tokens.accepts(KEY, properties, presented, NOW)


@given(st.text())
def test_arbitrary_text_is_refused(presented: str) -> None:
    assert not tokens.accepts(KEY, Properties("hr", "i", "t", tokens=(configured(TOKEN),)), presented, NOW)


def test_a_minted_token_opens_its_connector_until_it_expires() -> None:
    minted = tokens.mint(KEY, "hr", TEN_MINUTES, NOW)
    assert minted.startswith("ecmahost.hr.")
    assert tokens.verify_minted(KEY, "hr", minted, NOW)
    assert tokens.verify_minted(KEY, "hr", minted, NOW + timedelta(minutes=9, seconds=59))
    assert not tokens.verify_minted(KEY, "hr", minted, NOW + TEN_MINUTES)


def test_a_minted_token_opens_no_other_connector_and_no_other_host() -> None:
    minted = tokens.mint(KEY, "hr", TEN_MINUTES, NOW)
    assert not tokens.verify_minted(KEY, "HR", minted, NOW)
    assert not tokens.verify_minted(KEY, "h", minted, NOW)
    assert not tokens.verify_minted(b"other" * 8, "hr", minted, NOW)
    assert not tokens.verify_minted(KEY, "crm", minted.replace(".hr.", ".crm."), NOW)


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_minted_token_that_was_tampered_with_is_refused(part: int) -> None:
    parts = tokens.mint(KEY, "hr", TEN_MINUTES, NOW).split(".")
    for changed in (parts[part] + "0", parts[part][:-1], "0" + parts[part], parts[part].swapcase() + " ", ""):
        tampered = ".".join([*parts[:part], changed, *parts[part + 1 :]])
        assert not tokens.verify_minted(KEY, "hr", tampered, NOW)
        assert not tokens.verify_minted(KEY, changed, tampered, NOW)


@given(position=st.integers(0, 90), character=st.characters())
def test_any_other_character_at_any_place_of_a_minted_token_is_refused(position: int, character: str) -> None:
    minted = tokens.mint(KEY, "hr", TEN_MINUTES, NOW)
    position %= len(minted)
    changed = minted[:position] + character + minted[position + 1 :]
    assert tokens.verify_minted(KEY, "hr", changed, NOW) == (changed == minted)


def test_a_token_that_was_minted_for_longer_than_an_hour_is_refused_whatever_its_signature() -> None:
    minted = tokens.mint(KEY, "hr", timedelta(hours=1), NOW)
    assert tokens.verify_minted(KEY, "hr", minted, NOW)
    assert not tokens.verify_minted(KEY, "hr", minted, NOW - timedelta(minutes=5))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(hours=1, seconds=1)])
def test_minting_for_no_time_or_for_too_long_is_refused(lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="at most 1:00:00"):
        tokens.mint(KEY, "hr", lifetime, NOW)


@pytest.mark.parametrize("name", ["", "a.b", "ä", "a b", "../x"])
def test_minting_for_what_is_no_connector_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="ASCII letters and digits"):
        tokens.mint(KEY, name, TEN_MINUTES, NOW)


def test_the_hash_of_a_configured_token_is_never_the_signature_of_a_minted_one() -> None:
    expiry = str(int((NOW + TEN_MINUTES).timestamp()))
    for text in (f"ecmahost.hr.{expiry}", f"minted.hr.{expiry}", f"hr.{expiry}"):
        forged = f"ecmahost.hr.{expiry}.{tokens.hash_token(KEY, text).removeprefix('hmac:')}"
        assert not tokens.verify_minted(KEY, "hr", forged, NOW)


def test_both_kinds_open_the_door() -> None:
    properties = Properties("hr", "i", "t", tokens=(configured(TOKEN),))
    assert tokens.accepts(KEY, properties, TOKEN, NOW)
    assert tokens.accepts(KEY, properties, tokens.mint(KEY, "hr", TEN_MINUTES, NOW), NOW)
    assert not tokens.accepts(KEY, properties, tokens.mint(KEY, "crm", TEN_MINUTES, NOW), NOW)
    assert tokens.accepts(KEY, Properties("hr", "i", "t"), tokens.mint(KEY, "hr", TEN_MINUTES, NOW), NOW)
