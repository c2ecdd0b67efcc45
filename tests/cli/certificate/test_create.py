"""``ecmahost certificate create``."""

from collections.abc import Callable

import pytest
from click.testing import Result

from ecmahost_core.cli import exit_codes
from ecmahost_core.configuration.certificates.names import names_of
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
