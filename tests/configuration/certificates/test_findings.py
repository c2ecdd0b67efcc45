"""Why clients refuse a certificate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ecmahost_core.configuration.certificates.authority import new_authority
from ecmahost_core.configuration.certificates.findings import key_findings, pair_findings
from ecmahost_core.configuration.certificates.issuing import key_usage
from ecmahost_core.configuration.certificates.keys import KeyType, new_key
from ecmahost_core.configuration.certificates.making import new_pair
from ecmahost_core.configuration.certificates.pair import Pair
from ecmahost_core.ecma.results import Finding


def judged(server: Any, *others: Any, system: tuple[Any, ...] = ()) -> list[tuple[str, str]]:
    pair = Pair((server.certificate, *(one.certificate for one in others)), server.key)
    found = pair_findings(pair, [one.certificate for one in system], datetime.now(UTC))
    assert all(one.remedy for one in found)
    return [(one.severity.value, one.message) for one in found]


@pytest.mark.parametrize("key_type", list(KeyType))
@pytest.mark.parametrize("local", [False, True])
def test_what_is_made_here_is_good(key_type: KeyType, local: bool) -> None:
    names, now = ("localhost", "host.example"), datetime.now(UTC)
    authority = new_authority(new_key(key_type), names, now) if local else None
    assert pair_findings(new_pair(key_type, names, now, authority), (), now) == ()


def test_a_complete_chain_is_good_with_or_without_the_root_that_the_system_knows(company: Any) -> None:
    server = company.server()
    assert judged(server, company.issuing, company.root) == []
    assert judged(server, company.issuing, system=(company.root,)) == []


def test_a_self_signed_certificate_of_somebody_elses_is_good(kit: Any) -> None:
    assert judged(kit.issue("host", None, names=("host",), authority=True)) == []
    assert judged(kit.issue("host", None, names=("host",), purpose=None)) == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"days": -1}, "it expired on "),
    "too early": ({"start": timedelta(days=1)}, "it is not valid before "),
    "no name": ({"names": ()}, "it names no host"),
    "other purpose": ({"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}, "it is not for TLS servers"),
    "no signature": ({"usage": key_usage(encipherment=True)}, "its key may not sign"),
    "small": ({"key": rsa.generate_private_key(65537, 1024)}, "it has a key that clients do not accept (RSA 1024)"),
    "curve": (
        {"key": ec.generate_private_key(ec.SECP256K1())},
        "it has a key that clients do not accept (ECDSA secp256k1)",
    ),
    "edwards": (
        {"public": ed25519.Ed25519PrivateKey.generate().public_key()},
        "it has a key that clients do not accept (Ed25519)",
    ),
}


@pytest.mark.parametrize(("options", "told"), REFUSED.values(), ids=REFUSED)
def test_what_clients_refuse_is_an_error(options: dict[str, Any], told: str, company: Any) -> None:
    ((severity, message),) = judged(company.server(**options), company.issuing, company.root)
    assert severity == "error"
    assert message.startswith(told)


@pytest.mark.parametrize(
    ("days", "severity", "told"),
    [(61, None, ""), (58.5, "warning", "in 58 days"), (6.5, "warning", "in 6 days"), (-0.1, "error", "expired on")],
)
def test_an_end_that_is_near_is_a_warning(days: float, severity: str | None, told: str, company: Any) -> None:
    found = judged(company.server(days=days, start=timedelta(days=-600)), company.issuing, company.root)
    assert [one for one, _ in found] == ([severity] if severity else [])
    assert all(told in message for _, message in found)


def test_a_signature_of_the_old_kind_is_an_error(company: Any, kit: Any, tmp_path: Path) -> None:
    server = kit.with_sha1(company.server(issuer=None), company.issuing, tmp_path)
    ((severity, message),) = judged(server, company.issuing, company.root)
    assert (severity, message) == ("error", "it is signed with SHA-1 or MD5, which clients do not accept")


def test_an_intermediate_that_ends_or_is_weak_is_told_with_its_name(company: Any, kit: Any, tmp_path: Path) -> None:
    old = kit.issue("Old Issuing", company.root, authority=True, days=-1)
    weak = kit.with_sha1(kit.issue("Weak Issuing", None, authority=True), company.root, tmp_path)
    ((severity, message),) = judged(company.server(issuer=old), old, company.root)
    assert (severity, message.startswith("the certificate of CN=Old Issuing expired on ")) == ("error", True)
    ((severity, message),) = judged(company.server(issuer=weak), weak, company.root)
    assert (severity, message.startswith("the certificate of CN=Weak Issuing is signed with SHA-1 or MD5")) == (
        "error",
        True,
    )


def test_nobody_looks_at_the_signature_of_a_root(kit: Any, tmp_path: Path) -> None:
    root = kit.issue("Root of 2009", None, authority=True)
    root = kit.with_sha1(root, root, tmp_path)
    assert judged(kit.issue("host", root, names=("host",)), root) == []


def test_a_certificate_without_its_issuer_is_refused_by_whoever_does_not_have_it(company: Any, kit: Any) -> None:
    server = company.server()
    pair = Pair((server.certificate,), server.key)
    (found,) = pair_findings(pair, (), datetime.now(UTC))
    assert found.severity == "error"
    assert found.message.endswith("this machine does not know it: CN=Corp Issuing")
    assert kit.ISSUER_URL in found.remedy


def test_a_chain_that_ends_with_a_stranger_may_be_enough(company: Any) -> None:
    ((severity, message),) = judged(company.server(), company.issuing)
    assert severity == "warning"
    assert "the chain ends with CN=Corp Issuing" in message
    assert "CN=Corp Root" in message


def test_a_name_in_a_chain_cannot_write_on_the_terminal(company: Any, kit: Any) -> None:
    odd = kit.issue("\x1b]0;title\x07", company.root, authority=True, days=-1)
    ((_, message),) = judged(company.server(issuer=odd), odd, company.root)
    assert message.startswith("the certificate of CN=?]0\\;title? expired on ")


@pytest.mark.parametrize(("mode", "told"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)])
def test_a_key_that_everybody_can_read_is_an_error(mode: int, told: int, tmp_path: Path) -> None:
    key = tmp_path / "c.key"
    key.touch()
    key.chmod(mode)
    found: tuple[Finding, ...] = key_findings(key)
    assert [one.severity.value for one in found] == ["error"] * told
    assert all(f"chmod 600 {key}" in one.remedy for one in found)
