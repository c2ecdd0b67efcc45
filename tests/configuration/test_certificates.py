"""The self-signed certificate, as a TLS client sees it."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from ecmahost_core.configuration import certificates

NAMES = ("localhost", "127.0.0.1", "::1", "host.example", "bücher.example")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
    certificates.write_self_signed(certificate, key, NAMES, datetime.now(UTC))
    return certificate, key


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "host.example"])
def test_a_strict_client_that_trusts_it_accepts_it_for_each_of_its_names(name: str, pair: tuple[Path, Path]) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*pair)
    client = ssl.create_default_context(cafile=str(pair[0]))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    here, there = socket.socketpair()
    with here, there:

        def serve() -> None:
            with server.wrap_socket(there, server_side=True) as tls:
                tls.send(b"hello")

        thread = threading.Thread(target=serve)
        thread.start()
        with client.wrap_socket(here, server_hostname=name) as tls:
            assert tls.recv(5) == b"hello"
        thread.join()


def test_it_is_p_256_for_tls_servers_and_good_for_two_years(pair: tuple[Path, Path]) -> None:
    certificate = x509.load_pem_x509_certificate(pair[0].read_bytes())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    expiry = certificates.certificate_expiry(pair[0])
    assert timedelta(days=729) < expiry - datetime.now(UTC) < timedelta(days=730)


def test_its_names_can_be_read_back(pair: tuple[Path, Path]) -> None:
    assert certificates.certificate_names(pair[0]) == (
        "localhost",
        "host.example",
        "xn--bcher-kva.example",
        "127.0.0.1",
        "::1",
    )


def test_only_the_owner_can_read_the_key(pair: tuple[Path, Path]) -> None:
    assert [stat.S_IMODE(path.stat().st_mode) for path in pair] == [0o644, 0o600]


@pytest.mark.parametrize("name", ["", "a b", "-", "-a", "x..y", "*.example", "a/b", "ä" * 70, "1.2.3.4/8", "\0"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    assert certificates.invalid_names(("localhost", name)) == (name,)
    with pytest.raises(ValueError, match="host names or IP addresses"):
        certificates.write_self_signed(tmp_path / "c", tmp_path / "k", (name,), datetime.now(UTC))
    assert list(tmp_path.iterdir()) == []


def test_this_machine_has_the_loopback_names() -> None:
    names = certificates.host_names()
    assert names[:3] == ("localhost", "127.0.0.1", "::1")
    assert len(set(names)) == len(names)
    assert certificates.invalid_names(names) == ()


def test_a_key_without_certificate_gets_one_and_a_complete_pair_is_kept(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    before = key.read_bytes()
    assert not certificates.make_missing_pair(certificate, key, NAMES, datetime.now(UTC))
    certificate.unlink()
    assert certificates.make_missing_pair(certificate, key, NAMES, datetime.now(UTC))
    assert key.read_bytes() == before
    assert certificates.certificate_problems(certificate, key) == ()


def test_a_pair_that_can_be_served_has_no_problems(pair: tuple[Path, Path]) -> None:
    assert certificates.certificate_problems(*pair) == ()


def test_what_cannot_be_served_is_told(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    other = tmp_path / "other.pem", tmp_path / "other.key"
    certificates.write_self_signed(*other, ("localhost",), datetime.now(UTC))
    (mismatch,) = certificates.certificate_problems(certificate, other[1])
    assert str(mismatch) == (
        f"{certificate}: tls.certificate: expected the certificate of the key {other[1]}, but it is another's; "
        "make a new pair with: ecmahost certificate --force"
    )
    missing = certificates.certificate_problems(tmp_path / "no.pem", tmp_path / "no.key")
    assert [problem.key for problem in missing] == ["certificate", "key"]
    assert all("it does not exist" in problem.expected for problem in missing)
    swapped = certificates.certificate_problems(key, certificate)
    assert all("it holds none" in problem.expected for problem in swapped)


@pytest.mark.parametrize("read", [certificates.certificate_names, certificates.certificate_expiry])
def test_reading_what_is_no_certificate_is_told(read: object, tmp_path: Path) -> None:
    assert callable(read)
    (tmp_path / "x").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(certificates.BadCertificate, match="it holds none"):
        read(tmp_path / "x")
