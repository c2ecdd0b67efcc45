"""HTTPS: which certificate is served, and to whom."""

import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from ecmahost_core.serving.tls import CertificateError, TlsContexts, server_context

Start = Callable[..., Any]


def served_name(host: Any) -> str:
    with host.connect_ready() as connection:
        found = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_a_replaced_certificate_is_served_within_seconds_without_a_failed_request(
    start: Start, certificate: Any, eventually: Callable[..., bool]
) -> None:
    host = start()
    assert served_name(host) == "first"
    stop = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            answers.append(host.request("/pid")[0])

    asking = threading.Thread(target=ask)
    asking.start()
    for name in ("second", "third"):
        certificate.write(name)
        assert eventually(lambda name=name: {served_name(host) for _ in range(8)} == {name})
    stop.set()
    asking.join()
    assert set(answers) == {200}


def test_a_connection_that_is_open_survives_the_replacement(start: Start, certificate: Any) -> None:
    host = start()
    connection = host.http()
    connection.request("GET", "/pid")
    connection.getresponse().read()
    certificate.write("second")
    connection.request("GET", "/pid")
    assert connection.getresponse().read()
    connection.close()


def refreshed(contexts: TlsContexts) -> ssl.SSLContext:
    """The context after the arbiter has looked at the files."""
    contexts.refresh()
    return contexts.current()


def test_the_old_context_is_kept_and_logged_once_while_certificate_and_key_do_not_match(
    certificate: Any, eventually: Callable[..., bool]
) -> None:
    contexts = TlsContexts(certificate.certificate, certificate.key)
    good = contexts.current()
    old = certificate.key.read_bytes()
    certificate.write("second")
    new = certificate.key.read_bytes()
    certificate.key.write_bytes(old)
    with capture_logs() as logs:
        assert eventually(lambda: refreshed(contexts) is good and bool(logs))
        assert refreshed(contexts) is good
    assert [(event["event"], event["log_level"]) for event in logs] == [("certificate_kept", "error")]
    certificate.key.write_bytes(new)
    assert eventually(lambda: refreshed(contexts) is not good)


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"half a fi")])
def test_a_missing_or_broken_file_keeps_the_old_context(
    certificate: Any, change: Callable[[Path], None], eventually: Callable[..., bool]
) -> None:
    contexts = TlsContexts(certificate.certificate, certificate.key)
    good = contexts.current()
    change(certificate.key)
    with capture_logs() as logs:
        assert eventually(lambda: refreshed(contexts) is good and bool(logs))
    assert [event["event"] for event in logs] == ["certificate_kept"]


def test_the_same_files_give_the_same_context_so_that_sessions_can_be_resumed(certificate: Any) -> None:
    contexts = TlsContexts(certificate.certificate, certificate.key)
    assert contexts.current() is contexts.current()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_by_any_web_worker(start: Start, version: ssl.TLSVersion) -> None:
    host = start()
    host.context.maximum_version = version
    workers, resumed, session = set(), [], None
    for _ in range(40):
        raw = host.connect()
        with host.context.wrap_socket(raw, server_hostname="localhost", session=session) as connection:
            connection.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while data := connection.recv(4096):
                answer += data
            workers.add(answer.rpartition(b"\r\n")[2])
            resumed.append(connection.session_reused)
            session = connection.session
        if len(workers) == 2 and len(resumed) > 5:
            break
    assert len(workers) == 2
    assert resumed == [False, *[True] * (len(resumed) - 1)]


def test_tls_below_1_2_and_suites_without_forward_secrecy_are_refused(start: Start) -> None:
    host = start()
    host.context.maximum_version = ssl.TLSVersion.TLSv1_2
    with host.connect_ready() as connection:
        name, version, _ = connection.cipher()
    assert version == "TLSv1.2"
    assert name.startswith("ECDHE-")
    host.context.set_ciphers("AES256-SHA256:AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError), host.connect_ready():
        pass


@pytest.mark.parametrize("offer", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256"])
def test_a_client_with_old_suites_only_is_refused(offer: str, secure: Any) -> None:
    done = openssl(secure, "-tls1_2", "-cipher", f"{offer}:@SECLEVEL=0")
    assert "alert handshake failure" in done
    assert cipher(done) == "(NONE)"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_a_client_with_an_old_version_only_is_refused(version: str, secure: Any) -> None:
    done = openssl(secure, version, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in done
    assert cipher(done) == "(NONE)"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_of_today_gets_a_suite_of_today_and_no_compression(version: str, secure: Any) -> None:
    done = openssl(secure, version, "-comp")
    assert "Compression: NONE" in done
    assert cipher(done) in ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384")


def test_a_client_cannot_renegotiate(secure: Any) -> None:
    done = openssl(secure, "-tls1_2", said="R\n")
    assert "RENEGOTIATING" in done
    assert "no renegotiation" in done


def openssl(host: Any, *options: str, said: str = "") -> str:
    """What ``openssl s_client`` tells of a connection."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{host.port}", "-servername", "localhost", *options]
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def cipher(told: str) -> str:
    """The suite that was agreed on."""
    return told.partition("Cipher is ")[2].split()[0]


def test_an_answer_that_ends_its_connection_ends_tls_too_so_that_a_client_can_tell_it_from_a_cut(secure: Any) -> None:
    raw = secure.connect()
    with secure.context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        while connection.recv(4096):  # raises where the end was not announced
            pass


def test_the_context_allows_tls_1_2_at_least(certificate: Any) -> None:
    context = server_context(certificate.certificate, certificate.key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    suites = {suite["name"] for suite in context.get_ciphers()}
    assert all(name.startswith(("ECDHE-", "TLS_")) and ("GCM" in name or "CHACHA20" in name) for name in suites)


def test_plain_http_on_the_tls_port_is_no_error_of_the_host(start: Start) -> None:
    host = start()
    with host.connect() as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")
        while connection.recv(4096):
            pass
    assert host.request("/pid")[0] == 200
    assert host.stop() == 0
    assert {event["level"] for event in host.events("tls_refused")} == {"info"}
    assert not [event for event in host.events("server_message") if event["level"] == "error"]


def test_a_failed_handshake_counts_its_connection_once(start: Start) -> None:
    host = start(workers=1, threads=4, connections=8, header_seconds=2)
    for _ in range(30):
        with host.connect() as connection:
            connection.sendall(b"this is not a handshake\r\n\r\n")
            while connection.recv(4096):
                pass
    with ExitStack() as stack:
        for _ in range(8):  # all that the worker takes
            stack.enter_context(host.connect())
        began = time.monotonic()
        assert host.request("/pid")[0] == 200
        assert time.monotonic() - began > 1  # it had to wait for one of them to be cut off


@pytest.mark.parametrize("damage", ["missing", "mismatch", "encrypted"])
def test_a_certificate_that_cannot_be_used_ends_the_host_at_its_start(
    start: Start, certificate: Any, damage: str
) -> None:
    if damage == "missing":
        certificate.key.unlink()
    elif damage == "mismatch":
        old = certificate.key.read_bytes()
        certificate.write("second")
        certificate.key.write_bytes(old)
    else:
        certificate.encrypt_key()
    host = start(complete=False)
    assert host.process.wait(20) == 1
    message = host.events("certificate_unusable")[0]["message"]
    assert str(certificate.certificate) in message
    assert str(certificate.key) in message


def test_the_error_names_both_files(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"a\.pem.*b\.key.*readable PEM"):
        TlsContexts(tmp_path / "a.pem", tmp_path / "b.key")


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_named_pipe_in_place_of_a_file_is_refused_and_not_waited_for(certificate: Any, which: str) -> None:
    contexts = TlsContexts(certificate.certificate, certificate.key)
    good = contexts.current()
    pipe = getattr(certificate, which)
    pipe.unlink()
    os.mkfifo(pipe)
    with pytest.raises(CertificateError, match=f"{pipe.name} is not a regular file"):
        TlsContexts(certificate.certificate, certificate.key)
    assert refreshed(contexts) is good
