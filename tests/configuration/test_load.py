"""Loading: hostile files, several files at once, the host's own settings."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ecmahost_core.configuration.home import Home, at
from ecmahost_core.configuration.load import LoadedConnectors, load_connectors, load_host
from ecmahost_core.configuration.starter import HOST_FILE
from ecmahost_core.errors import ConfigurationError

Write = Callable[..., None]
Load = Callable[[], LoadedConnectors]


def names(loaded: LoadedConnectors) -> list[str]:
    return [connector.name for connector in loaded.configurations]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[properties\n", "found a TOML syntax error at line 1, column 12, expected valid TOML: Expected ']'"),
        (
            b'a = 1\r\nb = "x\r\n',
            "found a TOML syntax error at line 2, column 7, expected valid TOML: Illegal character",
        ),
        (b"a = 1\na = 2\n", "found a TOML syntax error at line 2"),
        (b"x" * 300_000, "expected a readable TOML file, but it is larger than 256 KiB"),
        (b"a = " + b"[" * 100_000, "found lists or tables nested too deeply"),
        (b"a = " + b"{x=" * 50_000, "found lists or tables nested too deeply"),
        (b"a = " + b"9" * 10_000, "found a number or a date that is too large, expected a TOML file"),
        (b"a = 1\n\0\n", "found a NUL character at line 2, expected a text file"),
        (
            b'a = "caf\xe9"\n',
            "found a byte at line 1 that is not UTF-8, expected UTF-8; save the file in that encoding",
        ),
        ("a = 1\n".encode("utf-16"), "found UTF-16, expected UTF-8; save the file in that encoding"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa = 1", "found a TOML syntax error at line 1"),
        (b"\x7fELF\x02\x01\x01" + bytes(range(256)), "expected"),
    ],
    ids=lambda value: value[:20].hex() if isinstance(value, bytes) else "",
)
def test_a_broken_file_is_one_problem_and_the_others_work(
    content: bytes, told: str, write: Write, load: Load, home: Home
) -> None:
    write("good")
    home.connector_file("bad").write_bytes(content)
    loaded = load()
    assert (names(loaded), loaded.broken) == (["good"], ("bad",))
    (problem,) = loaded.problems
    assert str(problem).startswith(f"{home.connector_file('bad')}: ")
    assert told in str(problem)


@pytest.mark.parametrize(
    "content",
    [
        b"a" + b".a" * 120_000 + b" = 1",
        b"[" + b"a." * 120_000 + b"a]",
        (b"a" + b".a" * 32 + b" = 1\n") * 3_000,
        b"".join(b"[" + b"a." * 32 + b"k%d]\nx" % number + b".a" * 32 + b" = 1\n" for number in range(1_300)),
        b'a = "' + b'\\".' * 80_000,
        b"a = '" + b"'." * 80_000,
        b"[[a]]\n" * 40_000,
        b"".join(b"k%d = 1\n" % number for number in range(20_000)),
        b"[object_types.User]\n" + b"".join(b"attributes.a%d.b.c.d.e = 1\n" % number for number in range(8_000)),
        b"[schema_mapping.User]\n" + b"".join(b'"%d[" = 1\n' % number for number in range(20_000)),
        b'a = "' + b"x" * 250_000 + b'"',
        b"[schema_mapping.User]\n'" + b"(" * 200_000 + b"' = 'x'",
    ],
    ids=range(12),
)
def test_a_hostile_file_is_read_in_a_few_seconds_and_gives_problems_only(
    content: bytes, load: Load, home: Home
) -> None:
    home.connector_file("bad").write_bytes(content)
    started = time.process_time()
    loaded = load()
    assert time.process_time() - started < 5
    assert loaded.broken == ("bad",)
    assert loaded.problems


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(write: Write, load: Load, home: Home) -> None:
    write("hr")
    file = home.connector_file("hr")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert names(load()) == ["hr"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_regular_file_is_a_problem_and_never_waited_for(
    make: Callable[[Path], None], load: Load, home: Home
) -> None:
    make(home.connector_file("hr"))
    loaded = load()
    assert loaded.broken == ("hr",)
    assert len(loaded.problems) == 1


@pytest.mark.parametrize(
    "name", ["a-b.toml", "a b.toml", "ä.toml", "a.b.toml", "a" * 65 + ".toml", "a.TOML", "\x1b[2J.toml"]
)
def test_a_file_name_that_is_no_connector_name_is_a_problem(name: str, write: Write, load: Load, home: Home) -> None:
    write("hr")
    home.connector_file("hr").rename(home.connectors / name)
    loaded = load()
    assert (loaded.configurations, loaded.broken) == ((), ())
    (problem,) = loaded.problems
    assert problem.expected == "a file name of 1 to 64 ASCII letters and digits, followed by .toml"
    assert "\x1b" not in str(problem)


@pytest.mark.parametrize("name", [".hr.toml", ".hr.toml.x1.new", "hr.toml~", "hr.toml.bak", "README"])
def test_editors_and_hidden_files_are_no_connectors(name: str, write: Write, load: Load, home: Home) -> None:
    write("hr")
    home.connector_file("hr").rename(home.connectors / name)
    assert load() == LoadedConnectors((), (), ())


def test_names_are_case_sensitive(write: Write, load: Load, home: Home) -> None:
    write("hr")
    write("HR", properties='[properties]\ninstance = "00000000-0000-4000-8000-000000000001"\ntype = "demo"\n')
    assert names(load()) == ["HR", "hr"]


def test_connectors_with_one_instance_are_all_refused_and_name_each_other(write: Write, load: Load) -> None:
    write("one")
    write("two")
    loaded = load()
    assert (loaded.configurations, loaded.broken) == ((), ("one", "two"))
    assert [(problem.key, problem.found) for problem in loaded.problems] == [
        ("instance", "the instance of two.toml"),
        ("instance", "the instance of one.toml"),
    ]


def test_a_missing_directory_of_connectors_is_a_problem(tmp_path: Path, home: Home, load: Load) -> None:
    home.connectors.rmdir()
    loaded = load()
    assert [str(problem) for problem in loaded.problems] == [
        f"{home.connectors}: expected the directory of the connectors' files, but it does not exist"
    ]


def test_without_a_key_file_only_the_connectors_that_need_it_are_broken(write: Write, load: Load, home: Home) -> None:
    write("crypt")
    write("plain", connectivity='[connectivity]\nserver = "x"\nbinding = "anonymous"\n')
    home.connector_file("plain").write_text(home.connector_file("plain").read_text().replace("9a10", "9a11"))
    home.secret_key.unlink()
    loaded = load()
    assert (names(loaded), loaded.broken) == (["plain"], ("crypt",))
    assert [problem.key for problem in loaded.problems] == ["", "password"]
    assert "the host's key file, but it does not exist; init makes one" in str(loaded.problems[0])


def test_the_file_that_init_writes_gives_the_defaults(home: Home) -> None:
    home.host_file.write_text(HOST_FILE)
    host = load_host(home)
    assert (host.bind, host.port, host.workers, host.log_level) == ("127.0.0.1", 8585, 2, "info")
    assert (host.request_budget, host.body_limit) == (45.0, 1024 * 1024)
    assert (host.certificate, host.key) == (home.certificate, home.certificate_key)
    assert (host.home, host.runtime) == (home.path, home.runtime)


def test_an_empty_host_file_and_every_line_of_the_written_one_uncommented_mean_the_same(home: Home) -> None:
    home.host_file.write_text("")
    empty = load_host(home)
    text, settings = re.subn(r"(?m)^# (?=\w+ = )", "", HOST_FILE)
    assert settings >= 11
    home.host_file.write_text(text)
    assert load_host(home) == empty


def test_every_mistake_of_the_host_file_and_the_key_file_is_told_at_once(home: Home) -> None:
    home.host_file.write_text(
        """
        [host]
        bind = "all interfaces"
        port = 70000
        worker = 3
        request_budget_seconds = 60
        [tls]
        certificate = 5
        [logs]
        level = "INFO"
        [log]
        """
    )
    home.secret_key.chmod(0o644)
    with pytest.raises(ConfigurationError) as raised:
        load_host(home)
    file = f"{home.host_file}: "
    assert [str(problem).removeprefix(file) for problem in raised.value.problems] == [
        (
            f"{home.secret_key}: found mode 0644, expected a key file that only its owner can read: "
            f"chmod 600 {home.secret_key}"
        ),
        "log: found an unknown table, expected [logs]",
        "host.bind: found a text of 14 characters, expected an IP address or a host name",
        "host.port: found the number 70000, expected a whole number from 0 to 65535",
        "host.request_budget_seconds: found the number 60, expected a number from 1 to 55",
        "host.worker: found an unknown key, expected the key workers",
        "tls.certificate: found the number 5, expected a text that is not empty",
        'logs.level: found "INFO", expected "info"',
    ]


def test_paths_of_the_certificate_start_at_the_home_directory(home: Home) -> None:
    home.host_file.write_text('[tls]\ncertificate = "tls/c.pem"\nkey = "/etc/k.pem"\n')
    host = load_host(home)
    assert (host.certificate, host.key) == (home.path / "tls" / "c.pem", Path("/etc/k.pem"))


def test_a_home_that_was_never_made_is_told_with_the_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"make one with: ecmahost --home {tmp_path}/no init"):
        load_host(at(tmp_path / "no"))


def test_a_missing_host_file_is_told_with_the_command_to_run(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="init makes the file"):
        load_host(home)


def test_a_broken_host_file_is_a_problem(home: Home) -> None:
    home.host_file.write_bytes(b"port = = 5")
    with pytest.raises(ConfigurationError, match="TOML syntax error at line 1, column 8"):
        load_host(home)


def test_without_installed_types_the_way_out_is_named(home: Home, write: Write) -> None:
    write("hr")
    loaded = load_connectors(home, lambda _name: (), ())
    assert [problem.expected for problem in loaded.problems] == [
        "an installed connector type; none is installed: pip install one"
    ]
