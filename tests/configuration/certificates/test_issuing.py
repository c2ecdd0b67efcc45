"""Certificates that are made here, as TLS clients see them."""

import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ecmahost_core.configuration.certificates.authority import names_outside, new_authority
from ecmahost_core.configuration.certificates.issuing import signing_request
from ecmahost_core.configuration.certificates.keys import KeyType, key_pem, key_words, new_key
from ecmahost_core.configuration.certificates.making import new_pair
from ecmahost_core.configuration.certificates.names import common_name, general_names, names_of
from ecmahost_core.configuration.certificates.pair import Pair, write_pair

NAMES = ("localhost", "127.0.0.1", "::1", "host.example", "bücher.example")
KINDS = [(key, local) for key in KeyType for local in (False, True)]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'local-ca' if kind[1] else 'self-signed'}")
def made(request: pytest.FixtureRequest) -> Pair:
    key_type, local = request.param
    authority = new_authority(new_key(key_type), NAMES, datetime.now(UTC)) if local else None
    return new_pair(key_type, NAMES, datetime.now(UTC), authority)


def written(pair: Pair, directory: Path) -> tuple[Path, Path, Path]:
    """The certificate, the key, and what has to be trusted."""
    certificate, key, anchor = directory / "c.pem", directory / "c.key", directory / "anchor.pem"
    write_pair(certificate, key, pair)
    anchor.write_bytes(pair.certificates[-1].public_bytes(serialization.Encoding.PEM))
    return certificate, key, anchor


def greeted(certificate: Path, key: Path, anchor: Path, name: str) -> bytes:
    """What a strict client that trusts the anchor hears when it calls by this name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(anchor))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    here, there = socket.socketpair()
    with here, there:

        def serve() -> None:
            try:
                with server.wrap_socket(there, server_side=True) as tls:
                    tls.send(b"hello")
            except OSError:
                there.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with client.wrap_socket(here, server_hostname=name) as tls:
                return bytes(tls.recv(5))
        finally:
            thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "host.example", "bücher.example"])
def test_a_strict_client_that_trusts_the_anchor_accepts_it_for_each_of_its_names(
    name: str, made: Pair, tmp_path: Path
) -> None:
    assert greeted(*written(made, tmp_path), name) == b"hello"


@pytest.mark.parametrize("name", ["localhost.example", "127.0.0.2", "example"])
def test_a_client_refuses_it_for_any_other_name(name: str, made: Pair, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        greeted(*written(made, tmp_path), name)


def test_openssl_verifies_it_strictly_for_tls_servers(made: Pair, tmp_path: Path) -> None:
    certificate, _, anchor = written(made, tmp_path)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(anchor), str(certificate)]
    for named in (["-verify_hostname", "host.example"], ["-verify_ip", "::1"]):
        done = subprocess.run([*command[:2], *named, *command[2:]], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, f"{certificate}: OK\n"), done.stderr


def test_it_is_for_tls_servers_and_good_for_two_years_from_an_hour_ago(made: Pair) -> None:
    certificate = made.certificates[0]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert timedelta(days=729) < certificate.not_valid_after_utc - datetime.now(UTC) < timedelta(days=730)
    assert timedelta(minutes=59) < datetime.now(UTC) - certificate.not_valid_before_utc < timedelta(minutes=70)


@pytest.mark.parametrize(
    ("key_type", "words", "enciphers"),
    [(KeyType.ECDSA_P256, "ECDSA P-256", False), (KeyType.RSA_2048, "RSA 2048", True)],
)
def test_the_key_is_of_the_type_that_was_asked_for_and_may_do_what_that_type_does(
    key_type: KeyType, words: str, enciphers: bool
) -> None:
    certificate = new_pair(key_type, NAMES, datetime.now(UTC)).certificates[0]
    assert key_words(certificate.public_key()) == words
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, enciphers, False)


def test_its_names_can_be_read_back(made: Pair) -> None:
    assert names_of(made.certificates[0]) == ("localhost", "host.example", "xn--bcher-kva.example", "127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("names", "common"),
    [
        (("localhost", "vm", "host.example", "other.example"), "host.example"),
        (("localhost", "vm"), "vm"),
        (("127.0.0.1", "localhost"), "localhost"),
        (("127.0.0.1",), "ecmahost"),
        ((f"{'a' * 60}.example", "vm"), "vm"),
    ],
)
def test_the_subject_is_a_full_host_name_where_there_is_one(names: tuple[str, ...], common: str) -> None:
    assert common_name(general_names(names)) == common


@pytest.mark.parametrize("name", ["evil.example", "host.example.org", "10.0.0.1"])
def test_what_the_authority_signs_for_another_name_is_refused_by_clients(name: str, tmp_path: Path) -> None:
    authority = new_authority(new_key(KeyType.ECDSA_P256), NAMES, datetime.now(UTC))
    assert names_outside(authority.certificate, (*NAMES, name)) == (name,)
    stolen = new_pair(KeyType.ECDSA_P256, (name,), datetime.now(UTC), authority)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        greeted(*written(stolen, tmp_path), name)


def test_the_authority_vouches_for_hosts_below_its_names_and_not_beside_them() -> None:
    authority = new_authority(new_key(KeyType.ECDSA_P256), ("corp.example", "127.0.0.1"), datetime.now(UTC)).certificate
    assert names_outside(authority, ("a.CORP.example", "corp.example", "127.0.0.1")) == ()
    assert names_outside(authority, ("xcorp.example", "::1", "127.0.0.2")) == ("xcorp.example", "::1", "127.0.0.2")


def test_an_authority_for_host_names_only_is_not_free_to_vouch_for_addresses() -> None:
    hosts = new_authority(new_key(KeyType.ECDSA_P256), ("corp.example",), datetime.now(UTC)).certificate
    assert names_outside(hosts, ("10.0.0.1",)) == ("10.0.0.1",)
    addresses = new_authority(new_key(KeyType.ECDSA_P256), ("10.0.0.1",), datetime.now(UTC)).certificate
    assert names_outside(addresses, ("corp.example",)) == ("corp.example",)


def test_two_authorities_never_have_the_same_name() -> None:
    one, other = (new_authority(new_key(KeyType.ECDSA_P256), NAMES, datetime.now(UTC)) for _ in range(2))
    assert one.certificate.subject != other.certificate.subject


def test_a_certificate_does_not_outlive_its_authority() -> None:
    then = datetime.now(UTC) - timedelta(days=3500)
    authority = new_authority(new_key(KeyType.ECDSA_P256), NAMES, then)
    made = new_pair(KeyType.ECDSA_P256, NAMES, datetime.now(UTC), authority)
    assert made.certificates[0].not_valid_after_utc == authority.certificate.not_valid_after_utc


@pytest.mark.parametrize("key_type", list(KeyType))
def test_openssl_reads_the_request_and_finds_what_a_server_needs(key_type: KeyType, tmp_path: Path) -> None:
    key = new_key(key_type)
    content = signing_request(key, ("host.corp.example", "10.0.0.1")).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "r.csr").write_bytes(content)
    command = ["openssl", "req", "-in", str(tmp_path / "r.csr"), "-noout", "-text", "-verify"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "verify OK" in done.stdout + done.stderr
    for line in ("Subject: CN = host.corp.example", "DNS:host.corp.example, IP Address:10.0.0.1", "TLS Web Server"):
        assert line in done.stdout


def test_a_key_is_written_without_a_passphrase_and_never_printed() -> None:
    key: Any = new_key(KeyType.ECDSA_P256)
    assert serialization.load_pem_private_key(key_pem(key), None).public_key() == key.public_key()
    assert "BEGIN" not in repr(Pair((), key))


def test_the_subject_of_an_authority_says_whose_it_is() -> None:
    authority = new_authority(new_key(KeyType.ECDSA_P256), NAMES, datetime.now(UTC)).certificate
    made = new_pair(KeyType.ECDSA_P256, NAMES, datetime.now(UTC)).certificates[0]
    (organization,) = authority.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert str(organization.value).startswith("ecmahost local CA ")
    assert made.subject == made.issuer
