"""What the host is told, in gunicorn's words."""

from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]  # gunicorn has no type information

from ecmahost_core.serving.settings import ServingSettings, gunicorn_options


def configured(settings: ServingSettings) -> Any:
    config = Config()
    for name, value in gunicorn_options(settings).items():
        config.set(name, value)
    return config


def test_a_keepalive_of_120_seconds_256_threads_and_no_control_socket_reach_gunicorn() -> None:
    config = configured(ServingSettings())
    assert (config.keepalive, config.threads, config.workers) == (120, 256, 2)
    assert config.worker_connections > config.threads
    assert config.control_socket_disable is True
    assert config.graceful_timeout == 30


def test_the_environment_of_other_gunicorn_services_does_not_change_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "17")
    monkeypatch.setenv("PORT", "1")
    config = configured(ServingSettings(port=8585))
    assert config.workers == 2
    assert config.address == [("127.0.0.1", 8585)]


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::"), ("localhost", "localhost")]
)
def test_an_address_reaches_gunicorn_as_it_was_given(host: str, address: str) -> None:
    assert configured(ServingSettings(host=host)).address == [(address, 8585)]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"certificate": Path("a.pem")}, "certificate and key"),
        ({"key": Path("a.key")}, "certificate and key"),
        ({"port": 65536}, "port"),
        ({"port": -1}, "port"),
        ({"workers": 0}, "workers"),
        ({"header_seconds": 0}, "header_seconds"),
        ({"threads": 300, "connections": 300}, "connections"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ServingSettings(**fields)
