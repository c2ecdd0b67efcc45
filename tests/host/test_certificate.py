"""The certificate's life in a host that runs: renewed by a command, broken by hand, expired over night."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ecmahost_core.configuration.certificates.keys import KeyType
from ecmahost_core.configuration.certificates.making import new_pair
from ecmahost_core.configuration.certificates.pair import write_pair


def condition(host: Any) -> dict[str, Any]:
    """What ``/readyz`` says of the certificate, to a client that does not look at it."""
    client = host.plain()
    client._context = ssl._create_unverified_context()
    try:
        answer = client.send("GET", "/readyz", None, {})
    finally:
        client.close()
    assert answer.status == 200
    found: dict[str, Any] = answer.json["certificate"]
    return found


def test_a_renewal_by_command_is_served_and_told_without_a_restart(
    home: Any, start: Callable[..., Any], eventually: Callable[..., bool]
) -> None:
    host = start(home)
    assert condition(host)["level"] == "ok"
    open_since_before = host.plain()
    assert open_since_before.send("GET", "/healthz", None, {}).status == 200
    done = home.command("certificate", "create", "--force", "--local-ca", "--name", "host.example")
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: bool(host.events("certificate_replaced")))
    assert eventually(host.is_ready)  # its clients trust what is on the disk now
    assert open_since_before.send("GET", "/healthz", None, {}).status == 200
    assert host.events("certificate_kept") == []


def test_a_pair_that_was_broken_by_hand_is_told_until_it_is_mended(
    home: Any, start: Callable[..., Any], eventually: Callable[..., bool]
) -> None:
    host = start(home)
    key = home.path / "certificate.key"
    good = key.read_bytes()
    key.write_bytes(b"x")
    assert eventually(lambda: condition(host) == {"level": "error", "state": "unusable"})
    assert eventually(lambda: len(host.events("certificate_kept")) == 1)
    key.write_bytes(good)
    assert eventually(lambda: condition(host)["level"] == "ok")
    assert host.is_ready()


def test_an_expired_certificate_is_served_and_is_an_error_in_log_and_health(
    home: Any, start: Callable[..., Any], eventually: Callable[..., bool]
) -> None:
    pair = new_pair(KeyType.ECDSA_P256, ("localhost",), datetime.now(UTC) - timedelta(days=740))
    write_pair(home.path / "certificate.pem", home.path / "certificate.key", pair)
    host = start(home, ready=False)
    assert eventually(lambda: bool(host.events("certificate_expired")))
    (event,) = host.events("certificate_expired")
    assert (event["level"], event["subject"]) == ("error", "CN=localhost")
    found = condition(host)
    assert (found["level"], found["state"]) == ("error", "expired")
    assert found["days"] < 0
    assert not host.is_ready()  # to a client that looks at it
