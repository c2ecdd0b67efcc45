"""``ecmahost certificate request``, ``import``, ``export`` and ``show``: a certificate that somebody else makes."""

import json
import os
import select
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration.certificates.chain import is_issued_by
from ecmahost_core.configuration.certificates.names import names_of
from ecmahost_core.configuration.certificates.pair import certificate_problems, load_certificates, load_pair, previous
from ecmahost_core.configuration.certificates.pending import pending_key
from ecmahost_core.configuration.home import Home

Run = Callable[..., Result]


@pytest.fixture
def made(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """A home with the certificate that ``init`` makes, on a machine that knows no authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    assert run("init").exit_code == exit_codes.OK
    return home


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes files and returns their paths."""

    def written(**contents: bytes) -> list[str]:
        paths = [tmp_path / name.replace("_", ".") for name in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            path.write_bytes(content)
        return [str(path) for path in paths]

    return written


def state(home: Home) -> tuple[bytes, bytes]:
    return home.certificate.read_bytes(), home.certificate_key.read_bytes()


def signed(request: Path, company: Any) -> x509.Certificate:
    """What the company's authority makes of a request: its names and its purposes, as a template says."""
    asked = x509.load_pem_x509_csr(request.read_bytes())
    assert asked.is_signature_valid
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(company.issuing.certificate.subject)
        .public_key(asked.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
    )
    for one in asked.extensions:
        builder = builder.add_extension(one.value, one.critical)
    return builder.sign(company.issuing.key, hashes.SHA256())


def test_a_request_is_answered_imported_and_trusted(
    run: Run, made: Home, company: Any, tmp_path: Path, files: Any
) -> None:
    before = state(made)
    csr = tmp_path / "host.csr"
    asked = run("certificate", "request", "--name", "host.corp.example", "--out", str(csr))
    assert asked.exit_code == exit_codes.OK, asked.stderr
    assert state(made) == before
    waiting = pending_key(made.certificate_key)
    assert waiting.stat().st_mode & 0o777 == 0o600
    answer = signed(csr, company)
    chain = [answer, company.issuing.certificate, company.root.certificate]
    paths = files(answer_p7b=pkcs7.serialize_certificates(chain, serialization.Encoding.DER))
    done = run("certificate", "import", *paths)
    assert done.exit_code == exit_codes.OK, done.stderr
    assert not waiting.exists()
    assert load_certificates(made.certificate) == tuple(chain)
    assert certificate_problems(made.certificate, made.certificate_key) == ()
    assert "No longer for localhost, " in done.stderr
    assert "have to trust CN=Corp Root: ecmahost certificate export" in done.stderr
    out = tmp_path / "trust.cer"
    told = run("certificate", "export", "--out", str(out))
    assert out.read_bytes() == company.root.der
    thumbprint = company.root.certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert told.stdout.splitlines()[1:4] == [
        "Import-Certificate -FilePath .\\trust.cer -CertStoreLocation Cert:\\LocalMachine\\Root",
        "It prints the thumbprint, which must be:",
        thumbprint,
    ]
    trusting = ssl.create_default_context(cadata=out.read_bytes())
    assert trusting.get_ca_certs()[0]["subject"] == ((("commonName", "Corp Root"),),)


def test_asking_twice_asks_for_the_same_key_unless_told_otherwise(run: Run, made: Home, company: Any) -> None:
    csr, waiting = made.path / "certificate.csr", pending_key(made.certificate_key)
    run("certificate", "request", "--name", "a.corp.example")
    first = waiting.read_bytes()
    run("certificate", "request", "--name", "b.corp.example", "--key-type", "rsa-2048")
    assert waiting.read_bytes() == first
    assert signed(csr, company).subject.rfc4514_string() == "CN=b.corp.example"
    other = run("certificate", "request", "--name", "b.corp.example", "--key-type", "ecdsa-p256")
    assert (other.exit_code, "--new-key makes another key" in other.stderr) == (exit_codes.FAILED, True)
    run("certificate", "request", "--name", "b.corp.example", "--key-type", "ecdsa-p256", "--new-key")
    assert waiting.read_bytes() != first
    waiting.write_bytes(b"x")
    broken = run("certificate", "request", "--name", "b.corp.example")
    assert (broken.exit_code, "--new-key makes another" in broken.stderr) == (exit_codes.FAILED, True)


def test_a_renewal_for_the_present_key_needs_nothing_but_the_certificate(
    run: Run, made: Home, company: Any, files: Any
) -> None:
    server = company.server(days=5)
    chain = company.issuing.pem + company.root.pem
    assert run("certificate", "import", *files(a=server.key_pem + server.pem, b=chain)).exit_code == exit_codes.OK
    key = made.certificate_key.read_bytes()
    run("certificate", "request", "--name", "host.corp.example")
    renewed = company.server(key=server.key)
    done = run("certificate", "import", *files(c_cer=renewed.der))
    assert done.exit_code == exit_codes.OK, done.stderr
    assert "No longer" not in done.stderr
    assert made.certificate_key.read_bytes() == key
    assert load_certificates(made.certificate)[1:] == (company.issuing.certificate, company.root.certificate)
    assert pending_key(made.certificate_key).exists()


@pytest.mark.parametrize("word_from", ["file", "standard input"])
def test_a_pfx_with_a_passphrase_is_taken_and_its_key_is_kept_without(
    word_from: str, run: Run, made: Home, company: Any, files: Any
) -> None:
    server = company.server()
    others = [company.root.certificate, company.issuing.certificate]
    content = pkcs12.serialize_key_and_certificates(
        b"host", server.key, server.certificate, others, serialization.BestAvailableEncryption(b"geheim1")
    )
    (path, word) = files(host_pfx=content, word=b"geheim1\r\nmore\n")
    before = state(made)
    for arguments in ([], ["--passphrase-file", path]):
        refused = run("certificate", "import", path, *arguments)
        assert refused.exit_code == exit_codes.FAILED
        assert "geheim" not in refused.output
        assert state(made) == before
    assert "--passphrase-file" in run("certificate", "import", path).stderr
    source = word if word_from == "file" else "-"
    done = run("certificate", "import", path, "--passphrase-file", source, stdin=b"geheim1\n")
    assert done.exit_code == exit_codes.OK, done.stderr
    assert load_pair(made.certificate, made.certificate_key).certificates == (
        server.certificate,
        company.issuing.certificate,
        company.root.certificate,
    )
    assert "whatever else holds it is better deleted" in done.stderr
    assert state(made)[1].startswith(b"-----BEGIN PRIVATE KEY-----")
    assert (previous(made.certificate).read_bytes(), previous(made.certificate_key).read_bytes()) == before


def test_in_a_terminal_the_passphrase_is_asked_for_and_not_shown(place: Any, company: Any, files: Any) -> None:
    server = company.server()
    (path, chain) = files(a_key=server.sealed(b"geheim1"), b=server.pem + company.issuing.pem + company.root.pem)
    master, terminal = os.openpty()
    source = "from ecmahost_core.cli import main; main()"
    command = [sys.executable, "-P", "-c", source, "--home", str(place.path), "certificate", "import", path, chain]
    with subprocess.Popen(command, stdin=terminal, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stderr is not None
        told = b""
        while not told.endswith(b"Passphrase of " + path.encode() + b": "):
            more = process.stderr.read(1)
            assert more, told
            told += more
        os.write(master, b"geheim1\n")
        told = process.stderr.read()
    shown = select.select([master], [], [], 0)[0]
    os.close(master)
    os.close(terminal)
    assert process.returncode == 0, told
    assert b"for host.corp.example" in told
    assert shown == []
    assert load_certificates(place.path / "certificate.pem")[0] == server.certificate


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"days": -1}, "it expired on "),
    "too early": ({"start": timedelta(days=2)}, "it is not valid before "),
    "no names": ({"names": ()}, "it names no host"),
    "client": ({"purpose": x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH}, "it is not for TLS servers"),
}


@pytest.mark.parametrize(("options", "told"), REFUSED.values(), ids=REFUSED)
def test_what_clients_would_refuse_replaces_nothing(
    options: dict[str, Any], told: str, run: Run, made: Home, company: Any, files: Any
) -> None:
    server = company.server(**options)
    before = state(made)
    paths = files(a=server.key_pem + server.pem + company.issuing.pem + company.root.pem)
    refused = run("certificate", "import", *paths)
    assert refused.exit_code == exit_codes.FAILED
    assert told in refused.stderr
    assert "Nothing was replaced." in refused.stderr
    assert state(made) == before
    assert not previous(made.certificate).exists()


def test_a_chain_that_is_not_there_is_named_with_the_place_where_it_is(
    run: Run, made: Home, company: Any, kit: Any, files: Any
) -> None:
    server = company.server()
    before = state(made)
    refused = run("certificate", "import", *files(a=server.key_pem + server.pem))
    assert refused.exit_code == exit_codes.FAILED
    assert "CN=Corp Issuing" in refused.stderr
    assert kit.ISSUER_URL in refused.stderr
    assert state(made) == before
    told = run("certificate", "import", *files(a=server.key_pem + server.pem, b=company.issuing.pem))
    assert told.exit_code == exit_codes.OK
    assert "warning: the chain ends with CN=Corp Issuing" in told.stderr
    exported = run("certificate", "export")
    assert exported.exit_code == exit_codes.FAILED
    assert "CN=Corp Root" in exported.stderr
    assert kit.ISSUER_URL in exported.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAA", "cut off or damaged"),
        (b"x" * 300_000, "KiB"),
    ],
)
def test_a_file_that_is_something_else_is_named(content: bytes, told: str, run: Run, made: Home, files: Any) -> None:
    (path,) = files(odd=content)
    refused = run("certificate", "import", path)
    assert refused.exit_code == exit_codes.FAILED
    assert refused.stderr.startswith(f"Error: {path}: ")
    assert told in refused.stderr


def test_a_name_in_a_certificate_cannot_write_on_the_terminal(
    run: Run, made: Home, company: Any, kit: Any, files: Any
) -> None:
    odd = kit.issue("\x1b]0;title\x07 evil", None, names=("host",))
    done = run("certificate", "import", *files(a=odd.key_pem + odd.pem))
    shown = run("certificate", "show")
    assert (done.exit_code, shown.exit_code) == (exit_codes.OK, exit_codes.OK)
    assert "\x1b" not in done.output + shown.output + run("certificate", "export").output


def test_what_is_exported_never_overwrites_something_else(run: Run, made: Home, tmp_path: Path) -> None:
    before = state(made)
    refused = run("certificate", "export", "--out", str(made.certificate_key))
    assert refused.exit_code == exit_codes.FAILED
    assert state(made) == before
    out = tmp_path / "host.cer"
    for _ in range(2):
        assert run("certificate", "export", "--out", str(out)).exit_code == exit_codes.OK
    assert x509.load_der_x509_certificate(out.read_bytes()) == load_certificates(made.certificate)[0]


def test_the_line_for_powershell_survives_any_name_of_a_file(run: Run, made: Home, tmp_path: Path) -> None:
    told = run("certificate", "export", "--out", str(tmp_path / "the host's.cer"))
    assert "-FilePath '.\\the host''s.cer' -CertStoreLocation" in told.stdout


def test_of_a_local_authority_its_certificate_is_exported(run: Run, made: Home, tmp_path: Path) -> None:
    run("certificate", "create", "--local-ca", "--force")
    run("certificate", "export", "--out", str(tmp_path / "a.cer"))
    anchor = x509.load_der_x509_certificate((tmp_path / "a.cer").read_bytes())
    assert (anchor,) == load_certificates(made.local_ca)
    assert is_issued_by(load_certificates(made.certificate)[0], anchor)


def test_a_certificate_is_shown_for_people_and_for_scripts(run: Run, made: Home, company: Any, files: Any) -> None:
    server = company.server(days=20.5, start=timedelta(days=-600))
    run("certificate", "import", *files(a=server.key_pem + server.pem, b=company.issuing.pem + company.root.pem))
    run("certificate", "request", "--name", "host.corp.example")
    done = run("certificate", "show", "--json")
    facts = json.loads(done.stdout)
    assert facts["names"] == ["host.corp.example"]
    assert facts["chain"] == ["CN=Corp Issuing", "CN=Corp Root"]
    assert (facts["trust"], facts["key_type"], facts["days_left"]) == ("CN=Corp Root", "ECDSA P-256", 20)
    assert facts["thumbprint"] == server.certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert facts["sha256"] == server.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert facts["requested_key"] == str(pending_key(made.certificate_key))
    assert done.stderr.startswith("warning: it expires on ")
    text = run("certificate", "show").stdout
    assert all(value in text for value in ("host.corp.example", facts["thumbprint"], str(made.certificate)))
    assert names_of(server.certificate) == ("host.corp.example",)


def test_a_pair_that_cannot_be_served_is_shown_as_that(run: Run, made: Home) -> None:
    made.certificate_key.write_bytes(b"x")
    done = run("certificate", "show")
    assert done.exit_code == exit_codes.FAILED
    assert "no private key in PEM form" in done.stderr
    assert "ecmahost certificate import" in done.stderr
