"""How a host that runs follows its certificate."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ecmahost_core.configuration.certificates import watch
from ecmahost_core.configuration.certificates.condition import CertificateWatch
from ecmahost_core.configuration.certificates.expiry import Stage, expiry_of
from ecmahost_core.configuration.certificates.pair import Pair, write_pair
from ecmahost_core.configuration.certificates.reminders import remind
from ecmahost_core.configuration.certificates.watch import WatchedFiles


class Clock:
    """The two clocks of the module that watches; that of the files goes on as it is."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.ahead = 0.0

    def monotonic(self) -> float:
        return self.passed

    def time(self) -> float:
        return datetime.now(UTC).timestamp() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watch, "time", made)
    return made


@pytest.fixture
def serve(company: Any, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Writes a company's certificate with its chain, and its key."""

    def written(**options: Any) -> tuple[Path, Path]:
        server = company.server(**options)
        chain = (server.certificate, company.issuing.certificate, company.root.certificate)
        write_pair(tmp_path / "c.pem", tmp_path / "c.key", Pair(chain, server.key))
        return tmp_path / "c.pem", tmp_path / "c.key"

    return written


@pytest.mark.parametrize(
    ("life", "left", "stage"),
    [
        (730, 61, Stage.FAR),
        (730, 59, Stage.SOON),
        (730, 29, Stage.NEAR),
        (730, 6, Stage.IMMINENT),
        (730, 0, Stage.EXPIRED),
        (730, -5, Stage.EXPIRED),
        (90, 31, Stage.FAR),
        (90, 29, Stage.SOON),
        (90, 14, Stage.NEAR),
        (90, 6, Stage.IMMINENT),
        (6, 2.5, Stage.FAR),
        (6, 0.4, Stage.IMMINENT),
    ],
)
def test_how_much_an_end_matters_depends_on_the_days_left_and_on_the_whole_life(
    life: float, left: float, stage: Stage, company: Any
) -> None:
    server = company.server(start=timedelta(days=left - life), days=left)
    found = expiry_of((server.certificate, company.root.certificate), datetime.now(UTC))
    assert (found.stage, found.certificate) == (stage, server.certificate)


def test_the_first_of_a_chain_to_end_counts(company: Any, kit: Any) -> None:
    issuing = kit.issue("Issuing", company.root, authority=True, days=5, start=timedelta(days=-900))
    found = expiry_of((company.server(issuer=issuing).certificate, issuing.certificate), datetime.now(UTC))
    assert (found.certificate, found.days, found.stage) == (issuing.certificate, 4, Stage.IMMINENT)


def test_a_file_that_is_written_in_pieces_has_changed_when_it_lies_still(clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    watched = WatchedFiles(file)
    assert not watched.changed()
    for piece in (b"n", b"ne", b"new"):
        file.write_bytes(piece)
        assert not watched.changed()
        clock.passed += 0.9
    clock.passed += 0.2
    assert watched.changed()
    assert not watched.changed()
    assert watched.still()
    file.write_bytes(b"newer")
    assert not watched.still()


def test_a_file_that_was_replaced_a_while_ago_has_changed_at_the_first_look(clock: Clock, tmp_path: Path) -> None:
    file, new = tmp_path / "file", tmp_path / "new"
    file.write_bytes(b"old")
    watched = WatchedFiles(file)
    new.write_bytes(b"new")
    new.replace(file)
    clock.ahead = 3600
    assert watched.changed()


def test_a_clock_that_is_behind_the_files_only_delays(clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    watched = WatchedFiles(file)
    clock.ahead = -86400
    file.write_bytes(b"new")
    assert not watched.changed()
    clock.passed += 1.1
    assert watched.changed()


def test_a_file_that_is_away_for_a_moment_has_not_changed_yet(clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    watched = WatchedFiles(file)
    file.unlink()
    assert not watched.changed()
    clock.passed += 0.9
    assert not watched.changed()
    file.write_bytes(b"new")
    clock.passed += 0.9
    assert not watched.changed()
    clock.passed += 1.1
    assert watched.changed()
    file.unlink()
    assert not watched.changed()
    clock.passed += 1.1
    assert watched.changed()


def test_the_condition_follows_the_files_once_they_lie_still(clock: Clock, serve: Callable[..., Any]) -> None:
    certificate, key = serve()
    watching = CertificateWatch(certificate, key)

    def now() -> Any:
        return watching.condition(datetime.now(UTC))

    def soon() -> Any:
        now()
        clock.passed += 2
        return now()

    assert now().expiry.stage is Stage.FAR
    old = key.read_bytes()
    serve(days=5, start=timedelta(days=-700))
    new = key.read_bytes()
    key.write_bytes(old)
    assert now().expiry.stage is Stage.FAR  # somebody may be in the middle of it
    assert (soon().unusable, now().expiry) == ("certificate and key do not belong together", None)
    key.write_bytes(new)
    assert (soon().unusable, now().expiry.stage, now().expiry.days) == ("", Stage.IMMINENT, 4)
    certificate.unlink()
    assert soon().unusable == "no certificate in PEM form: it does not exist"


def reminders(certificate: Path, key: Path) -> list[dict[str, Any]]:
    with capture_logs() as logs:
        remind(certificate, key, datetime.now(UTC))
    return list(map(dict, logs))


def test_a_good_certificate_is_not_worth_a_line(serve: Callable[..., Any]) -> None:
    assert reminders(*serve()) == []


@pytest.mark.parametrize(
    ("days", "event", "level"),
    [
        (50.5, "certificate_expires", "info"),
        (20.5, "certificate_expires", "warning"),
        (3.5, "certificate_expires", "error"),
        (-2.5, "certificate_expired", "error"),
    ],
)
def test_the_reminders_grow_louder(days: float, event: str, level: str, serve: Callable[..., Any]) -> None:
    (told,) = reminders(*serve(days=days, start=timedelta(days=-700)))
    assert (told["event"], told["log_level"]) == (event, level)
    assert (told["days"], told["subject"]) == (int(days // 1), "CN=host.corp.example")


def test_what_clients_refuse_and_what_cannot_be_served_is_an_error_each_day(serve: Callable[..., Any]) -> None:
    certificate, key = serve(names=())
    key.chmod(0o644)
    told = reminders(certificate, key)
    assert [(one["event"], one["log_level"]) for one in told] == [("certificate_refused", "error")] * 2
    assert [one["message"].split(" (")[0] for one in told] == [
        "it names no host",
        "every account of this machine can read the key, and could pose as this host",
    ]
    key.write_bytes(b"x")
    (broken,) = reminders(certificate, key)
    assert (broken["event"], broken["log_level"]) == ("certificate_unusable", "error")
