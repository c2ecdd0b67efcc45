"""The forms in which certificates and keys arrive."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from ecmahost_core.configuration.certificates.findings import pair_findings
from ecmahost_core.configuration.certificates.material import Material, read_material
from ecmahost_core.configuration.certificates.pair import BadCertificate, Pair

WORD = "pässphrase".encode()


def unasked() -> bytes:
    raise AssertionError("nothing here has a passphrase")


@pytest.fixture(scope="module")
def server(company: Any) -> Any:
    return company.server()


def pfx(server: Any, others: list[Any], word: bytes | None) -> bytes:
    encryption = serialization.BestAvailableEncryption(word) if word else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"host", server.key, server.certificate, others, encryption)


def digest(found: Material) -> tuple[int, list[str]]:
    return len(found.keys), [one.subject.rfc4514_string() for one in found.certificates]


HOST, ISSUING, ROOT = "CN=host.corp.example", "CN=Corp Issuing", "CN=Corp Root"


def test_each_form_is_known_by_its_content(server: Any, company: Any) -> None:
    certificates = [server.certificate, company.issuing.certificate]
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    der_key = server.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    old_key = server.key.private_bytes(serialization.Encoding.PEM, traditional, serialization.NoEncryption())
    old_der = server.key.private_bytes(serialization.Encoding.DER, traditional, serialization.NoEncryption())
    forms = {
        "pem": (server.pem, (0, [HOST])),
        "several": (b"Bag Attributes\r\n" + server.key_pem + server.pem + company.root.pem, (1, [HOST, ROOT])),
        "crlf": (server.pem.replace(b"\n", b"\r\n"), (0, [HOST])),
        "utf-16": (server.pem.decode().encode("utf-16"), (0, [HOST])),
        "der": (server.der, (0, [HOST])),
        "key": (server.key_pem, (1, [])),
        "old key": (old_key, (1, [])),
        "der key": (der_key, (1, [])),
        "old der key": (old_der, (1, [])),
        "p7b": (pkcs7.serialize_certificates(certificates, serialization.Encoding.DER), (0, [HOST, ISSUING])),
        "p7b pem": (pkcs7.serialize_certificates(certificates, serialization.Encoding.PEM), (0, [HOST, ISSUING])),
        "pfx": (pfx(server, [company.issuing.certificate], None), (1, [HOST, ISSUING])),
    }
    for form, (content, expected) in forms.items():
        keys, subjects = digest(read_material(content, unasked))
        assert (keys, sorted(subjects)) == (expected[0], sorted(expected[1])), form


def test_a_passphrase_is_asked_for_where_there_is_one(server: Any, company: Any) -> None:
    old = server.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(WORD),
    )
    der = server.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(WORD)
    )
    for content in (server.sealed(WORD), old, der, pfx(server, [], WORD)):
        found = read_material(content, lambda: WORD)
        assert found.keys[0].public_key() == server.key.public_key()
        with pytest.raises(BadCertificate, match="its passphrase is another one") as told:
            read_material(content, lambda: b"geheim")
        assert "geheim" not in str(told.value)


def test_the_encryption_of_older_windows_is_read(server: Any) -> None:
    old = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .build(WORD)
    )
    content = pkcs12.serialize_key_and_certificates(None, server.key, server.certificate, None, old)
    assert digest(read_material(content, lambda: WORD)) == (1, [HOST])


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no certificate",
        b"\x30",
        b"\x30\x80",
        b"\x30\x82\x01",
        b"\x30\x03\x02\x01\x03",
        b"\x30\x84\xff\xff\xff\xff\x02\x01\x03",
        b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
        b"\xff\xfe\x00",
        b"\xff" * 1000,
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n",
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    ],
)
def test_whatever_is_something_else_is_told_and_not_a_crash(damage: bytes) -> None:
    with pytest.raises(BadCertificate, match=r"^it |^its "):
        read_material(damage, lambda: b"x")


def test_a_file_that_was_cut_off_is_never_half_of_what_it_was(server: Any, company: Any) -> None:
    whole = server.pem + company.issuing.pem
    for length in range(len(server.pem) + 1, len(whole) - 1, 37):
        if not company.issuing.pem[: length - len(server.pem)].startswith(b"-----BEGIN "):
            continue
        with pytest.raises(BadCertificate, match="cut off or damaged"):
            read_material(whole[:length], unasked)


def test_every_cut_of_a_binary_form_is_refused(server: Any) -> None:
    for content in (server.der, pfx(server, [], None)):
        for length in range(0, len(content), 41):
            with pytest.raises(BadCertificate):
                read_material(content[:length], lambda: b"x")


def test_a_damaged_file_is_refused_or_judged_and_never_a_crash(server: Any, company: Any) -> None:
    chance = random.Random(2)
    forms = [server.der, server.key_pem, server.sealed(b"x"), pfx(server, [company.issuing.certificate], None)]
    judged = 0
    for number in range(2000):
        content = bytearray(forms[number % len(forms)])
        content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            found = read_material(bytes(content), lambda: b"x")
        except BadCertificate:
            continue
        for certificate in found.certificates:
            judged += 1
            pair_findings(Pair((certificate, company.issuing.certificate), server.key), (), datetime.now(UTC))
    assert judged > 50
