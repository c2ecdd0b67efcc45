"""A certificate is replaced under load: nobody's request fails, nobody sees half of it."""

import http.client
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Start = Callable[..., Any]


def _kit() -> ModuleType:
    name = "ecmahost_tests_company"
    if name not in sys.modules:
        place = Path(__file__).parents[1] / "configuration" / "certificates" / "company.py"
        spec = spec_from_file_location(name, place)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="module")
def company() -> Any:
    return _kit().Company()


class Files:
    """The two files of a host, and what is written into them."""

    def __init__(self, certificate: Any, company: Any) -> None:
        self.certificate, self.key = certificate.certificate, certificate.key
        self._company = company

    def made(self) -> tuple[bytes, bytes]:
        """A new certificate with the one that vouches for it, and its key."""
        server = self._company.server("localhost")
        return server.pem + self._company.issuing.pem, server.key_pem

    def served(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text().split("-----END")[0] + "-----END CERTIFICATE-----")


@pytest.fixture
def files(certificate: Any, company: Any) -> Files:
    found = Files(certificate, company)
    chain, key = found.made()
    found.certificate.write_bytes(chain)
    found.key.write_bytes(key)
    return found


class Crowd:
    """Clients that verify what they see, on connections of their own or on one that they keep."""

    def __init__(self, port: int, company: Any) -> None:
        self._port = port
        self._trust = ssl.create_default_context(cadata=company.root.der)
        self._stop = threading.Event()
        self._more = threading.Condition()
        self.answers = 0
        self.failures: list[str] = []
        self.seen: list[bytes] = []

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", self._port, timeout=20, context=self._trust)

    def _ask(self, connection: http.client.HTTPSConnection) -> None:
        connection.request("GET", "/pid")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        with self._more:
            self.answers += 1
            self._more.notify_all()

    def _client(self, *, keeps: bool) -> None:
        kept = self._connection()
        while not self._stop.is_set():
            connection = kept if keeps else self._connection()
            try:
                self._ask(connection)
                if not keeps:
                    seen = connection.sock.getpeercert(binary_form=True)
                    if seen not in self.seen[-1:]:
                        self.seen.append(seen)
                    connection.close()
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(repr(error))
                connection.close()
        kept.close()

    def wait_for(self, answers: int) -> None:
        """Returns when so many more requests have been answered."""
        with self._more:
            target = self.answers + answers
            assert self._more.wait_for(lambda: self.answers >= target, 30), self.failures

    @contextmanager
    def at_work(self) -> Iterator["Crowd"]:
        threads = [threading.Thread(target=self._client, kwargs={"keeps": number % 2 == 0}) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()


def renamed(files: Files, crowd: Crowd) -> None:
    """The key first, the certificate later, as a renewal does that knows of no host."""
    chain, key = files.made()
    for path, content in ((files.key, key), (files.certificate, chain)):
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(path)
        crowd.wait_for(40)


def overwritten(files: Files, crowd: Crowd) -> None:
    """In place and in pieces, each of them seen by clients; one of them is a whole certificate without its chain."""
    chain, key = files.made()
    end = chain.index(b"-----BEGIN", 10)
    for path, content, cuts in ((files.key, key, (60,)), (files.certificate, chain, (100, end, end + 50))):
        with path.open("r+b", buffering=0) as file:
            file.truncate()
            for start, stop in zip((0, *cuts), (*cuts, len(content)), strict=True):
                file.write(content[start:stop])
                crowd.wait_for(6)


@pytest.mark.parametrize("replace", [renamed, overwritten])
def test_a_pair_is_replaced_under_load_without_a_failed_request(
    replace: Callable[[Files, Crowd], None],
    start: Start,
    files: Files,
    company: Any,
    eventually: Callable[..., bool],
) -> None:
    host = start()
    crowd = Crowd(host.port, company)
    expected = [files.served()]
    with crowd.at_work():
        crowd.wait_for(10)
        for _ in range(2):
            replace(files, crowd)
            expected.append(files.served())
            assert eventually(lambda: crowd.seen[-1] == expected[-1])
            crowd.wait_for(10)
    assert crowd.failures == []
    assert set(crowd.seen) == set(expected)
    assert eventually(lambda: bool(host.events("certificate_replaced")))


def test_a_broken_pair_leaves_the_old_one_served_and_is_logged_once_as_an_error(
    start: Start, files: Files, company: Any, eventually: Callable[..., bool]
) -> None:
    host = start()
    good = files.served()
    chain, _ = files.made()
    files.certificate.write_bytes(chain)
    crowd = Crowd(host.port, company)
    with crowd.at_work():
        assert eventually(lambda: bool(host.events("certificate_kept")))
        crowd.wait_for(200)
    assert crowd.failures == []
    assert crowd.seen == [good]
    (event,) = host.events("certificate_kept")
    assert (event["level"], event["reason"]) == ("error", "KEY_VALUES_MISMATCH")


def test_a_web_worker_that_is_forked_later_has_the_newest_good_pair(
    start: Start, files: Files, company: Any, eventually: Callable[..., bool]
) -> None:
    host = start(workers=1)
    for content, path in zip(files.made(), (files.certificate, files.key), strict=True):
        path.write_bytes(content)
    newest = files.served()
    assert eventually(lambda: bool(host.events("certificate_replaced")))
    files.key.write_bytes(b"broken")
    assert eventually(lambda: bool(host.events("certificate_kept")))
    (worker,) = host.pids("web")
    os.kill(worker, signal.SIGKILL)
    assert eventually(lambda: host.pids("web") not in ({worker}, set()))
    crowd = Crowd(host.port, company)
    with crowd.at_work():
        crowd.wait_for(10)
    assert (crowd.failures, crowd.seen) == ([], [newest])


def test_a_host_that_starts_in_the_middle_of_a_replacement_serves_the_pair_before(
    start: Start, files: Files, company: Any, eventually: Callable[..., bool]
) -> None:
    before = files.served()
    for path in (files.certificate, files.key):
        path.with_name(f"{path.name}.previous").write_bytes(path.read_bytes())
    chain, key = files.made()
    files.key.write_bytes(key)  # and then somebody pulled the plug
    host = start()
    (event,) = host.events("previous_certificate_served")
    assert (event["level"], event["reason"]) == ("error", "KEY_VALUES_MISMATCH")
    crowd = Crowd(host.port, company)
    with crowd.at_work():
        crowd.wait_for(10)
        assert crowd.seen == [before]
        files.certificate.write_bytes(chain)
        assert eventually(lambda: crowd.seen[-1] == files.served())
    assert crowd.failures == []
