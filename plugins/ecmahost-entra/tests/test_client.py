import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ecmahost_entra import causes
from ecmahost_entra.client import ScimClient, trust_certificate, trust_system
from ecmahost_entra.wire import Address, Answer, NoAnswer, NoAnswerKind, Request, parse_address


def silence(client: ScimClient) -> NoAnswer:
    with client, pytest.raises(NoAnswer) as caught:
        client.send(Request("GET", "/Schemas"))
    return caught.value


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://localhost:8585/ecma2host_hr/scim", Address("localhost", 8585, "/ecma2host_hr/scim")),
        ("https://hr.example.com/ecma2host_hr/scim/", Address("hr.example.com", 443, "/ecma2host_hr/scim")),
        ("https://hr.example.com/scim/?aadOptscim062020", Address("hr.example.com", 443, "/scim")),
        ("https://[::1]:8585/scim", Address("::1", 8585, "/scim")),
    ],
)
def test_a_tenant_url_is_taken_apart(url: str, expected: Address) -> None:
    assert parse_address(url) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://localhost:8585/scim", "begins with https"),
        ("localhost:8585", "begins with https"),
        ("https:///scim", "names no host"),
        ("https://me:secret@localhost/scim", "must not hold"),
        ("https://localhost:99999/scim", "Port out of range"),
    ],
)
def test_a_url_that_is_no_tenant_url_is_refused_without_quoting_it(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_address(url)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize(("kind", "words"), [("application/scim+json", "right"), ("text/html", "User-Agent")])
def test_a_right_that_is_missing_in_the_target_is_told_from_a_firewall_that_refuses(kind: str, words: str) -> None:
    assert words in causes.of_status(Answer(403, {"content-type": kind}))


def test_nobody_listening_is_told_with_the_way_out(certificate: tuple[Path, Path]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", free.getsockname()[1], "")
        error = silence(ScimClient(address, lambda: "token-token", trust_certificate(str(certificate[0]))))
    assert error.kind is NoAnswerKind.REFUSED
    assert "ecmahost serve" in causes.of_silence(error)


def test_a_name_that_does_not_exist_is_told(certificate: tuple[Path, Path]) -> None:
    address = Address("no-such-host.invalid", 8585, "")
    error = silence(ScimClient(address, lambda: "token-token", trust_certificate(str(certificate[0]))))
    assert error.kind is NoAnswerKind.NAME_UNKNOWN


def test_a_certificate_for_another_name_is_told(make_bench, tmp_path: Path, write_pair) -> None:
    bench = make_bench(pair=write_pair(tmp_path, days=30, name="hr.example.com"))
    error = silence(bench.client())
    assert error.kind is NoAnswerKind.TLS_NAME
    assert "certificate create --force --name" in causes.of_silence(error)


def test_an_expired_certificate_is_told(make_bench, tmp_path: Path, write_pair) -> None:
    error = silence(make_bench(pair=write_pair(tmp_path, days=-1)).client())
    assert error.kind is NoAnswerKind.TLS_EXPIRED


def test_the_certificate_of_another_home_is_not_trusted(bench, tmp_path: Path, write_pair) -> None:
    other, _ = write_pair(tmp_path, days=30)
    client = ScimClient(bench.address, lambda: "token-token", trust_certificate(str(other)))
    assert silence(client).kind is NoAnswerKind.TLS_UNTRUSTED
    client = ScimClient(bench.address, lambda: "token-token", trust_system(str(other)))
    assert silence(client).kind is NoAnswerKind.TLS_UNTRUSTED


def test_the_token_goes_nowhere_before_the_certificate_is_verified(bench, tmp_path: Path, write_pair) -> None:
    other, _ = write_pair(tmp_path, days=30)
    silence(ScimClient(bench.address, lambda: "token-token", trust_certificate(str(other))))
    assert bench.host.requests == []


def test_no_answer_quotes_the_token(bench) -> None:
    bench.host.faults.add("closed")
    with bench.client() as client, pytest.raises(NoAnswer) as caught:
        client.send(Request("PATCH", "/Users/1", {"Operations": []}))
    assert "a-token-of-the-tests" not in str(caught.value) + causes.of_silence(caught.value)


@pytest.fixture
def plain_port() -> Iterator[int]:
    """Something that does not speak TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_port_without_tls_is_told(plain_port: int, certificate: tuple[Path, Path]) -> None:
    address = Address("127.0.0.1", plain_port, "")
    error = silence(ScimClient(address, lambda: "token-token", trust_certificate(str(certificate[0]))))
    assert error.kind is NoAnswerKind.TLS


def test_a_kept_connection_that_the_server_closed_is_replaced(bench) -> None:
    with bench.client() as client:
        client.send(Request("GET", "/Schemas"))
        client._connection.sock.shutdown(socket.SHUT_WR)
        assert client.send(Request("GET", "/Schemas")).status == 200
        assert client.opened == 2


def test_every_kind_of_silence_has_a_way_out() -> None:
    assert all(causes.of_silence(NoAnswer(kind)) for kind in NoAnswerKind)


def test_a_trusted_context_always_verifies_the_name(certificate: tuple[Path, Path]) -> None:
    for context in (trust_certificate(str(certificate[0])), trust_system(str(certificate[0]))):
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
