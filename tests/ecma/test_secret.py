import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass, field
from io import StringIO

import orjson
import pytest
import structlog

from ecmahost_core import Secret

CANARY = "correct horse battery staple"


@dataclass(frozen=True)
class Holder:
    password: object
    more: dict[str, object] = field(default_factory=dict)


@pytest.fixture
def secret():
    return Secret(lambda: CANARY)


def test_a_secret_is_revealed_each_time_it_is_asked_for():
    answers = iter(["first", "second"])
    secret = Secret(lambda: next(answers))
    assert (secret.reveal(), secret.reveal()) == ("first", "second")


def test_what_the_source_raises_comes_through():
    def missing():
        raise FileNotFoundError("/run/secrets/password")

    with pytest.raises(FileNotFoundError):
        Secret(missing).reveal()


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        lambda secret: f"{secret}",
        lambda secret: f"{secret:>40}",
        lambda secret: f"{secret!a}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - the old form is what drivers use
        lambda secret: repr(Holder(secret, {"nested": [secret]})),
        lambda secret: str({"password": secret}),
        lambda secret: str(ValueError(secret)),
        lambda secret: json.dumps({"password": secret}, default=str),
        lambda secret: json.dumps({"password": secret}, default=repr),
        lambda secret: orjson.dumps({"password": secret}, default=str).decode(),
        lambda secret: repr([getattr(secret, name) for name in dir(secret) if name != "reveal"]),
    ],
)
def test_a_secret_cannot_be_shown(secret, show):
    assert CANARY not in show(secret)


@pytest.mark.parametrize(
    "serialise",
    [
        json.dumps,
        orjson.dumps,
        lambda secret: orjson.dumps(Holder(secret)),
        pickle.dumps,
        lambda secret: pickle.dumps(Holder(secret)),
        copy.copy,
        copy.deepcopy,
        lambda secret: asdict(Holder(secret)),
        lambda secret: copy.deepcopy({"password": secret}),
        vars,
        iter,
        len,
        bytes,
    ],
)
def test_a_secret_cannot_be_serialised_or_copied(secret, serialise):
    with pytest.raises(TypeError) as caught:
        serialise(secret)
    assert CANARY not in str(caught.value)


def test_a_secret_cannot_be_compared(secret):
    assert secret != CANARY
    assert secret != Secret(lambda: CANARY)
    with pytest.raises(TypeError):
        assert secret < secret
    assert len({secret, Secret(lambda: CANARY)}) == 2


def test_a_secret_cannot_be_logged(secret):
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("ecmahost.tests.secret")
    logger.addHandler(handler)
    try:
        logger.error("password is %s and %r", secret, secret)
    finally:
        logger.removeHandler(handler)
    for renderer in (structlog.processors.JSONRenderer(), structlog.dev.ConsoleRenderer(colors=False)):
        stream.write(renderer(None, "info", {"event": "connect", "password": secret, "all": {"password": secret}}))
    assert "***" in stream.getvalue()
    assert CANARY not in stream.getvalue()
