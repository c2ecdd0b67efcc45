"""Secrets that change while sessions are opened, and a target that refuses them."""

from contextlib import contextmanager

import pytest

from ecmahost_core import BadServerCredentials, ConnectorError, Secret
from ecmahost_core.connectors import credentials


class Directory:
    """A target with one password, and a record of what was tried."""

    def __init__(self):
        self.password = "old"
        self.tried = []
        self.before_answer = lambda: None

    def hook(self):
        @contextmanager
        def open_session(parameters):
            shown = parameters["password"].reveal()
            self.tried.append(shown)
            self.before_answer()
            if shown != self.password:
                raise BadServerCredentials("the directory refuses the login")
            yield shown

        return open_session


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def directory():
    return Directory()


@pytest.fixture
def file():
    """The content of the file that the password is in."""
    return ["old"]


@pytest.fixture
def connector(build, directory, clock, file):
    secrets = {"password": Secret(lambda: file[0])}
    return build(settings={"connectivity": secrets}, clock=clock, open_session=directory.hook(), check=lambda: ())


def attempt(connector, tools):
    connector.check(tools.STEP)


def test_a_secret_that_changes_while_the_target_looks_at_it_is_read_again_at_once(connector, directory, file, tools):
    directory.password = "new"

    def change():
        file[0] = "new"

    directory.before_answer = change
    attempt(connector, tools)
    assert directory.tried == ["old", "new"]


def test_a_secret_that_was_refused_is_not_shown_again_before_a_pause_that_grows(connector, directory, clock, tools):
    directory.password = "new"
    for pause in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0):
        for _ in range(5):
            with pytest.raises(BadServerCredentials, match="refuses the login") as caught:
                attempt(connector, tools)
            assert caught.value.nothing_sent
        clock.now += pause
    assert directory.tried == ["old"] * 8
    clock.now += 60.0
    directory.password = "old"
    attempt(connector, tools)
    assert directory.tried == ["old"] * 9


def test_another_secret_is_shown_at_once(connector, directory, file, tools):
    directory.password = "new"
    for _ in range(3):
        with pytest.raises(BadServerCredentials):
            attempt(connector, tools)
    file[0] = "new"
    attempt(connector, tools)
    assert directory.tried == ["old", "new"]


def test_after_a_login_that_succeeded_the_pause_begins_anew(connector, directory, file, clock, tools):
    directory.password = "new"
    for _ in range(4):
        with pytest.raises(BadServerCredentials):
            attempt(connector, tools)
        clock.now += 60.0
    directory.password = "old"
    attempt(connector, tools)
    clock.now += 3600  # the session that is open is too old
    directory.password = "newer"
    with pytest.raises(BadServerCredentials):
        attempt(connector, tools)
    clock.now += credentials.FIRST_PAUSE
    directory.password = "old"
    attempt(connector, tools)


def test_a_secret_that_cannot_be_read_is_told_as_that(build, directory, clock, tools):
    def gone():
        raise ConnectorError("connectivity.password: expected the file to be readable")

    secrets = {"password": Secret(gone)}
    connector = build(settings={"connectivity": secrets}, clock=clock, open_session=directory.hook(), check=lambda: ())
    with pytest.raises(ConnectorError, match="to be readable"):
        attempt(connector, tools)
    assert directory.tried == []


def test_a_plugin_without_secrets_waits_as_well(build, clock, tools):
    tried = []

    @contextmanager
    def open_session():
        tried.append(1)
        raise BadServerCredentials("no")
        yield

    connector = build(open_session=open_session, clock=clock, check=lambda: ())
    for _ in range(3):
        with pytest.raises(BadServerCredentials):
            attempt(connector, tools)
    assert len(tried) == 1
    clock.now += 1.0
    with pytest.raises(BadServerCredentials):
        attempt(connector, tools)
    assert len(tried) == 2


def test_what_is_kept_of_a_secret_cannot_be_printed(connector, directory, tools):
    directory.password = "new"
    with pytest.raises(BadServerCredentials):
        attempt(connector, tools)
    kept = connector._credentials
    assert "old" not in repr(vars(kept))
    assert "old" not in repr(kept.__dict__)
