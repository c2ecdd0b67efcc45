"""``ecmahost certificate create``."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration.certificates.authority import new_authority
from ecmahost_core.configuration.certificates.keys import KeyType, key_pem, key_words, new_key
from ecmahost_core.configuration.certificates.names import host_names, names_of
from ecmahost_core.configuration.certificates.pair import certificate_problems, load_certificates
from ecmahost_core.configuration.home import Home

Run = Callable[..., Result]


def test_an_existing_certificate_is_replaced_only_by_force(run: Run, home: Home) -> None:
    run("init")
    before = home.certificate.read_bytes(), home.certificate_key.read_bytes()
    refused = run("certificate", "create", "--name", "host.example")
    assert refused.exit_code == exit_codes.FAILED
    assert "--force" in refused.stderr
    assert "for localhost, " in refused.stderr
    assert (home.certificate.read_bytes(), home.certificate_key.read_bytes()) == before
    forced = run("certificate", "create", "--name", "host.example", "--name", "10.1.2.3", "--force")
    assert forced.exit_code == exit_codes.OK
    assert {"localhost", "host.example", "10.1.2.3"} <= set(names_of(load_certificates(home.certificate)[0]))
    assert home.certificate_key.read_bytes() != before[1]
    assert certificate_problems(home.certificate, home.certificate_key) == ()


def test_it_is_written_to_where_the_settings_say(run: Run, home: Home) -> None:
    run("init")
    (home.path / "tls").mkdir()
    home.host_file.write_text('[tls]\ncertificate = "tls/c.pem"\nkey = "tls/k.pem"\n')
    assert run("certificate", "create").exit_code == exit_codes.OK
    assert certificate_problems(home.path / "tls" / "c.pem", home.path / "tls" / "k.pem") == ()


def test_a_directory_that_is_missing_is_told_in_one_line(run: Run, home: Home) -> None:
    run("init")
    home.host_file.write_text('[tls]\ncertificate = "no/c.pem"\nkey = "no/k.pem"\n')
    result = run("certificate", "create")
    assert result.exit_code == exit_codes.FAILED
    assert result.stderr == f"Error: {home.path}/no: No such file or directory\n"


@pytest.mark.parametrize("name", ["", "a b", "*", "host.example:8585"])
def test_what_is_no_host_name_is_wrong_usage(name: str, run: Run, home: Home) -> None:
    run("init")
    before = home.certificate.read_bytes()
    assert run("certificate", "create", "--force", "--name", name).exit_code == exit_codes.USAGE
    assert home.certificate.read_bytes() == before


def leaf(home: Home) -> x509.Certificate:
    return load_certificates(home.certificate)[0]


def made(run: Run, *options: str) -> Result:
    """Makes a home, and another certificate than it has at first."""
    run("init")
    return run("certificate", "create", "--force", *options)


def test_a_renewal_without_names_keeps_those_that_clients_use(run: Run, home: Home) -> None:
    made(run, "--name", "host.example", "--key-type", "rsa-2048")
    assert run("certificate", "create", "--force").exit_code == exit_codes.OK
    assert "host.example" in names_of(leaf(home))
    assert leaf(home).subject.rfc4514_string() == "CN=host.example"
    assert key_words(leaf(home).public_key()) == "RSA 2048"
    run("certificate", "create", "--force", "--name", "other.example", "--key-type", "ecdsa-p256")
    assert "host.example" not in names_of(leaf(home))
    assert key_words(leaf(home).public_key()) == "ECDSA P-256"


def test_a_local_authority_signs_renewals_without_being_asked_and_stays_the_same(run: Run, home: Home) -> None:
    first = made(run, "--local-ca", "--name", "host.example")
    assert "have to trust it: ecmahost certificate export" in first.stderr
    authority = home.local_ca.read_bytes()
    assert stat.S_IMODE(home.local_ca_key.stat().st_mode) == 0o600
    before = leaf(home)
    renewed = run("certificate", "create", "--force")
    assert (renewed.exit_code, "trust" in renewed.stderr) == (exit_codes.OK, False)
    assert leaf(home) != before
    assert home.local_ca.read_bytes() == authority
    assert load_certificates(home.certificate)[1:] == load_certificates(home.local_ca)
    assert certificate_problems(home.certificate, home.certificate_key) == ()
    run("certificate", "create", "--force", "--self-signed")
    assert len(load_certificates(home.certificate)) == 1


def test_an_authority_does_not_vouch_for_new_names_and_another_one_is_made_only_when_told_to(
    run: Run, home: Home
) -> None:
    made(run, "--local-ca", "--name", "host.example")
    before = home.certificate.read_bytes(), home.local_ca.read_bytes()
    refused = run("certificate", "create", "--force", "--name", "other.example")
    assert refused.exit_code == exit_codes.FAILED
    assert "may not vouch for other.example; --new-ca makes another" in refused.stderr
    assert (home.certificate.read_bytes(), home.local_ca.read_bytes()) == before
    again = run("certificate", "create", "--force", "--name", "other.example", "--new-ca")
    assert (again.exit_code, "have to trust it" in again.stderr) == (exit_codes.OK, True)
    assert home.local_ca.read_bytes() != before[1]
    wrong = run("certificate", "create", "--force", "--self-signed", "--new-ca")
    assert wrong.exit_code == exit_codes.USAGE


@pytest.mark.parametrize("damage", ["key is missing", "key of another", "certificate is missing"])
def test_an_authority_that_cannot_be_used_is_told_and_replaced_only_when_told_to(
    damage: str, run: Run, home: Home
) -> None:
    made(run, "--local-ca")
    if damage == "key of another":
        home.local_ca_key.write_bytes(home.certificate_key.read_bytes())
    else:
        (home.local_ca if damage == "certificate is missing" else home.local_ca_key).unlink()
    refused = run("certificate", "create", "--local-ca", "--force")
    assert refused.exit_code == exit_codes.FAILED
    assert f"the authority {home.local_ca} cannot be used: " in refused.stderr
    assert "--new-ca makes another" in refused.stderr
    assert run("certificate", "create", "--new-ca", "--force").exit_code == exit_codes.OK
    assert len(load_certificates(home.certificate)) == 2


def test_an_authority_that_ends_soon_signs_no_more(run: Run, home: Home) -> None:
    run("init")
    old = new_authority(new_key(KeyType.ECDSA_P256), host_names(), datetime.now(UTC) - timedelta(days=3600))
    home.local_ca.write_bytes(old.certificate.public_bytes(serialization.Encoding.PEM))
    home.local_ca_key.write_bytes(key_pem(old.key))
    refused = run("certificate", "create", "--local-ca", "--force")
    assert refused.exit_code == exit_codes.FAILED
    assert f"ends on {old.certificate.not_valid_after_utc:%Y-%m-%d}; --new-ca makes another" in refused.stderr
