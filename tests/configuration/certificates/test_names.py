"""What may stand in a certificate as a name."""

from datetime import UTC, datetime

import pytest

from ecmahost_core.configuration.certificates import names as machine
from ecmahost_core.configuration.certificates.keys import KeyType, new_key
from ecmahost_core.configuration.certificates.making import new_pair
from ecmahost_core.configuration.certificates.names import host_names, invalid_names, network_name


@pytest.mark.parametrize("name", ["", "a b", "-", "-a", "x..y", "*.example", "a/b", "ä" * 70, "1.2.3.4/8", "\0"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert invalid_names(("localhost", name)) == (name,)
    with pytest.raises(ValueError, match="host names or IP addresses"):
        new_pair(KeyType.ECDSA_P256, (name,), datetime.now(UTC))


def test_a_certificate_without_any_name_is_not_made() -> None:
    with pytest.raises(ValueError, match="host names or IP addresses"):
        machine.general_names(())
    assert new_key(KeyType.ECDSA_P256).curve.name == "secp256r1"


def test_this_machine_has_the_loopback_names() -> None:
    names = host_names()
    assert names[:3] == ("localhost", "127.0.0.1", "::1")
    assert len(set(names)) == len(names)
    assert invalid_names(names) == ()


@pytest.mark.parametrize(
    ("full", "known"),
    [("host.corp.example", "host.corp.example"), ("vm", ""), ("localhost.localdomain", ""), ("a b.example", "")],
)
def test_only_a_full_name_is_one_that_others_look_up(full: str, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.socket, "getfqdn", lambda: full)
    assert network_name() == known
