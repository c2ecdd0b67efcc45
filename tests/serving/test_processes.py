"""The processes: which there are, what ends them, what comes back."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

Start = Callable[..., Any]
Eventually = Callable[..., bool]


def test_two_web_workers_and_one_background_process_run_beside_the_arbiter(start: Start) -> None:
    host = start()
    assert len(host.pids("web")) == 2
    assert len(host.pids("background")) == 1
    assert host.process.pid not in host.pids("web") | host.pids("background")


def test_the_answer_comes_from_a_web_worker_and_names_no_software_version(start: Start) -> None:
    host = start()
    connection = host.http()
    connection.request("GET", "/pid")
    response = connection.getresponse()
    assert int(response.read()) in host.pids("web")
    assert response.getheader("Server") == "ecmahost"
    connection.close()


def test_an_orderly_stop_has_exit_code_0_and_leaves_no_process(start: Start, eventually: Eventually) -> None:
    host = start()
    background = next(iter(host.pids("background")))
    assert host.stop() == 0
    assert not host.pids("web")
    assert not host.events("background_ended")
    assert (host.directory / f"background-stopped.{background}").exists()


def test_sigint_stops_as_sigterm_does_even_when_the_terminal_sends_it_to_every_process(
    start: Start, eventually: Eventually
) -> None:
    host = start()
    finished: list[tuple[int, bytes]] = []
    request = threading.Thread(target=lambda: finished.append(host.request("/sleep/1")))
    request.start()
    assert eventually(lambda: host.events("sleeping"))
    for pid in (*host.pids("web"), *host.pids("background"), host.process.pid):
        os.kill(pid, signal.SIGINT)
    assert host.process.wait(40) == 0
    request.join()
    assert finished == [(200, b"slept")]


def test_a_stop_finishes_the_request_in_flight_and_refuses_new_ones(start: Start, eventually: Eventually) -> None:
    host = start()
    finished: list[tuple[int, bytes]] = []
    request = threading.Thread(target=lambda: finished.append(host.request("/sleep/2")))
    request.start()
    assert eventually(lambda: host.events("sleeping"))
    host.process.send_signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            host.connect().close()
        except ConnectionError:
            return True
        return False

    assert eventually(refused, seconds=1.5)
    assert host.process.poll() is None
    request.join()
    assert finished == [(200, b"slept")]
    assert host.process.wait(40) == 0


def test_a_clock_that_is_set_ahead_during_a_stop_cuts_off_nothing(start: Start, eventually: Eventually) -> None:
    host = start(options={"clock": "jumps"})
    finished: list[tuple[int, bytes]] = []
    request = threading.Thread(target=lambda: finished.append(host.request("/sleep/2")))
    request.start()
    assert eventually(lambda: host.events("sleeping"))
    host.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: host.events("host_stopping"))
    time.sleep(0.3)
    (host.directory / "jumped").touch()
    request.join()
    assert finished == [(200, b"slept")]
    assert host.process.wait(40) == 0


def test_a_stop_right_after_the_start_is_not_lost(start: Start) -> None:
    host = start(complete=False)
    began = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - began < 10


def test_a_stop_that_reaches_a_web_worker_before_it_has_signal_handlers_is_not_lost(
    start: Start, eventually: Eventually
) -> None:
    host = start(complete=False, options={"fork": "slow"})
    assert eventually(lambda: host.events("background_started"))
    began = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - began < 10


def test_a_silent_client_does_not_delay_a_stop_until_its_deadline(start: Start) -> None:
    host = start(header_seconds=30)
    with host.connect():
        began = time.monotonic()
        assert host.stop() == 0
        assert time.monotonic() - began < 6


def test_a_request_that_outlasts_the_grace_period_does_not_keep_the_host(start: Start, eventually: Eventually) -> None:
    host = start(graceful_seconds=1, tls=False)
    with host.connect() as connection:
        connection.sendall(b"GET /sleep/60 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert eventually(lambda: host.events("sleeping"))
        began = time.monotonic()
        assert host.stop() == 0
        assert time.monotonic() - began < 6
    assert not host.pids("web")
    assert [event["count"] for event in host.events("requests_abandoned")] == [1]


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("tls", [True, False])
def test_an_answer_that_may_be_cut_does_not_delay_a_stop_and_is_seen_not_to_be_whole(
    start: Start, eventually: Eventually, tls: bool, reads: bool
) -> None:
    host = start(tls=tls)
    with host.connect_ready() as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert eventually(lambda: host.events("streaming"))
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append(read_until_cut(connection)))
        if reads:
            reader.start()
        began = time.monotonic()
        assert host.stop() == 0
        assert time.monotonic() - began < 6
        if reads:
            reader.join(20)
            assert received[0].startswith(b"HTTP/1.1 200 OK")
            assert not received[0].endswith(b"0\r\n\r\n")
    assert host.events("requests_abandoned") == []


def read_until_cut(connection: socket.socket) -> bytes:
    """Returns the beginning and the end of what comes until the connection ends, however it does."""
    received = b""
    with suppress(OSError):
        while data := connection.recv(65536):
            received = received[:100] + data if len(received) > 100 else received + data
    return received


def test_a_killed_web_worker_is_replaced_and_the_other_keeps_serving(start: Start, eventually: Eventually) -> None:
    host = start()
    before = host.pids("web")
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    assert all(host.request("/pid")[0] == 200 for _ in range(20))
    assert eventually(host.complete)
    assert before - host.pids("web") == {killed}


def test_a_killed_background_process_is_started_again(start: Start, eventually: Eventually) -> None:
    host = start()
    web, killed = host.pids("web"), min(host.pids("background"))
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: host.pids("background") and host.pids("background") != {killed})
    assert host.pids("web") == web
    assert host.events("background_ended")[0]["exit_code"] == -signal.SIGKILL


def test_background_work_that_fails_is_tried_again_after_longer_and_longer_pauses(
    start: Start, eventually: Eventually
) -> None:
    host = start(complete=False, options={"background": "fails"})
    assert eventually(lambda: len(host.events("background_ended")) >= 2)
    assert [event["restart_in_seconds"] for event in host.events("background_ended")][:2] == [1, 2]
    assert host.events("background_failed")[0]["error"] == "ValueError"
    assert "hunter2" not in (host.directory / "log").read_text()
    assert host.request("/pid")[0] == 200
    assert host.stop() == 0


def test_background_work_that_does_not_stop_is_killed_after_the_grace_period(start: Start) -> None:
    host = start(graceful_seconds=1, options={"background": "hangs"})
    began = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - began < 5
    assert not host.pids("background")


def test_web_workers_and_background_end_by_themselves_when_the_arbiter_is_killed(
    start: Start, eventually: Eventually
) -> None:
    host = start()
    host.process.kill()
    assert eventually(lambda: not host.pids("web") | host.pids("background"), seconds=6)


def test_orphans_end_even_when_their_work_hangs(start: Start, eventually: Eventually) -> None:
    host = start(graceful_seconds=1, tls=False, options={"background": "hangs"})
    with host.connect() as connection:
        connection.sendall(b"GET /sleep/60 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert eventually(lambda: host.events("sleeping"))
        host.process.kill()
        assert eventually(lambda: not host.pids("web") | host.pids("background"), seconds=9)


def test_sighup_reloads_in_every_process_and_replaces_none(start: Start, eventually: Eventually) -> None:
    host = start()
    pids = host.pids("web") | host.pids("background")
    host.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: {int(path.suffix[1:]) for path in host.directory.glob("reloaded.*")} == pids)
    assert host.request("/pid")[0] == 200
    assert host.pids("web") | host.pids("background") == pids


def test_a_reload_that_fails_is_logged_and_the_processes_go_on(start: Start, eventually: Eventually) -> None:
    host = start(options={"reload": "fails"})
    pids = host.pids("web") | host.pids("background")
    host.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: len(host.events("reload_failed")) == 3)
    host.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: len(host.events("reload_failed")) == 6)
    assert host.pids("web") | host.pids("background") == pids
    assert "hunter2" not in (host.directory / "log").read_text()


def test_sigusr2_does_not_start_a_second_host(start: Start, eventually: Eventually) -> None:
    host = start()
    host.process.send_signal(signal.SIGUSR2)
    assert eventually(lambda: host.events("signal_ignored"))
    assert host.complete()


def test_an_application_that_cannot_be_loaded_ends_the_host_with_its_message(start: Start) -> None:
    host = start(complete=False, options={"load": "fails"})
    assert host.process.wait(20) == 1
    assert "connectors.d/hr.toml" in host.events("application_not_loaded")[0]["message"]
    assert not host.pids("background")


def test_an_application_that_exits_while_it_is_loaded_ends_the_host_too(start: Start) -> None:
    host = start(complete=False, options={"load": "exits"})
    assert host.process.wait(20) == 1


def test_an_application_that_raises_or_exits_is_answered_without_its_message_and_keeps_its_worker(
    start: Start,
) -> None:
    host = start()
    pids = host.pids("web")
    status, answer = host.request("/raise")
    assert (status, answer) == (500, b"Internal Server Error\n")
    host.exchange(b"GET /exit/3 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert host.request("/pid")[0] == 200
    assert host.pids("web") == pids
    log = (host.directory / "log").read_text()
    assert "hunter2" not in log
    assert "Traceback" not in log


def test_a_port_in_use_ends_the_host_with_exit_code_1(start: Start, tmp_path: Any) -> None:
    host = start(tls=False)
    second = start(tls=False, complete=False, port=host.port)
    assert second.process.wait(20) == 1
    assert second.events("address_unavailable")[0]["address"] == f"127.0.0.1:{host.port}"
