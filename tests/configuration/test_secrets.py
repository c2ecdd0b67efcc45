"""The key file and what is encrypted under it."""

import base64
import stat

import pytest

from ecmahost_core.configuration import secrets
from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import ConfigurationError

CANARY = "canary-7f3a äß\U0001f511"


def test_the_key_file_has_32_random_bytes_and_is_for_its_owner_only(home: Home) -> None:
    assert stat.S_IMODE(home.secret_key.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(home.secret_key.read_bytes())) == 32


def test_an_existing_key_file_is_never_replaced(home: Home) -> None:
    before = home.secret_key.read_bytes()
    assert secrets.create_key_file(home) is False
    assert home.secret_key.read_bytes() == before


def test_what_is_encrypted_can_be_decrypted_and_differs_each_time(keys: secrets.Keys) -> None:
    first, second = secrets.encrypt(keys, CANARY), secrets.encrypt(keys, CANARY)
    assert first != second
    assert first.startswith("enc:")
    assert first.isascii()
    assert secrets.decrypt(keys, first) == secrets.decrypt(keys, second) == CANARY


@pytest.mark.parametrize("text", ["", "enc:", "enc:ä", "enc:gAAAAA", "plain", "enc:" + "A" * 200])
def test_what_was_not_encrypted_here_is_undecryptable(text: str, keys: secrets.Keys) -> None:
    with pytest.raises(secrets.Undecryptable, match="ecmahost encrypt"):
        secrets.decrypt(keys, text)


def test_one_changed_character_makes_it_undecryptable(keys: secrets.Keys) -> None:
    encrypted = secrets.encrypt(keys, CANARY)
    middle = len(encrypted) // 2
    damaged = encrypted[:middle] + ("A" if encrypted[middle] != "A" else "B") + encrypted[middle + 1 :]
    with pytest.raises(secrets.Undecryptable) as raised:
        secrets.decrypt(keys, damaged)
    assert raised.value.__cause__ is None


def test_the_keys_cannot_be_printed_and_are_independent(keys: secrets.Keys, home: Home) -> None:
    assert repr(keys) == str(keys) == "Keys('***')"
    raw = base64.urlsafe_b64decode(home.secret_key.read_bytes())
    assert len({keys.encryption, keys.token, raw}) == 3
    assert secrets.load_keys(home) == keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_key_file_that_others_can_open_is_refused_with_the_command_to_run(mode: int, home: Home) -> None:
    home.secret_key.chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"found mode {mode:04o}, .*: chmod 600 {home.secret_key}"):
        secrets.load_keys(home)


@pytest.mark.parametrize("content", [b"", b"\n", b"c2hvcnQ=\n", b"x" * 44, b"\xff" * 44, b"A" * 2000])
def test_a_damaged_key_file_is_refused_without_its_content(content: bytes, home: Home) -> None:
    home.secret_key.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"put back the backup|larger than") as raised:
        secrets.load_keys(home)
    assert "xxxx" not in str(raised.value)


def test_a_missing_key_file_is_refused_with_the_way_out(home: Home) -> None:
    home.secret_key.unlink()
    with pytest.raises(ConfigurationError, match="it does not exist; init makes one, or put back the backup"):
        secrets.load_keys(home)
