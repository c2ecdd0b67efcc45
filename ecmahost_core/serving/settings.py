"""How the host serves: addresses, certificate, sizes and deadlines."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """What ``serve`` is told. All times are in seconds.

    ``port`` 0 binds any free port. ``certificate`` (PEM, with its chain) and ``key`` (PEM, not encrypted) come
    together; without them the host speaks plain HTTP, which is for a TLS-terminating proxy on the same machine.
    ``threads`` and ``connections`` are per web worker; threads are created on demand, a connection that waits for its
    client's next request needs none.

    A client may take ``header_seconds`` to send its first byte after connecting, and as long again from there to the
    end of the request's head, the TLS handshake included. Reading the body may wait ``body_seconds`` for it, writing
    the answer ``response_seconds``, each in total for one request. The application's own time counts nowhere. An idle
    connection is closed after ``keepalive_seconds``. A stop waits ``graceful_seconds`` for what is in flight.
    A web worker whose accept loop is silent for ``unresponsive_seconds`` is replaced.

    Raises ValueError, naming the field, where fields do not fit together.
    """

    host: str = "127.0.0.1"
    port: int = 8585
    certificate: Path | None = None
    key: Path | None = None
    workers: int = 2
    threads: int = 256
    connections: int = 2048
    keepalive_seconds: int = 120
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    response_seconds: float = 60.0
    graceful_seconds: int = 30
    unresponsive_seconds: int = 60
    limit_request_line: int = 8190
    limit_request_fields: int = 100
    limit_request_field_size: int = 8190

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key come together: name both files, or neither for plain HTTP")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port is a number from 0 to 65535, not {self.port}")
        for name in ("workers", "threads", "header_seconds", "body_seconds", "response_seconds", "graceful_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.connections <= self.threads:
            raise ValueError(f"connections ({self.connections}) must be above threads ({self.threads})")

    @property
    def tls(self) -> bool:
        """Whether the host speaks HTTPS."""
        return self.certificate is not None

    @property
    def bind(self) -> str:
        """``host:port``, an IPv6 address in brackets."""
        try:
            bracketed = ipaddress.ip_address(self.host).version == 6
        except ValueError:
            bracketed = False
        return f"[{self.host}]:{self.port}" if bracketed else f"{self.host}:{self.port}"


def gunicorn_options(settings: ServingSettings) -> dict[str, object]:
    """Returns ``settings`` in gunicorn's words; the classes and hooks that make up the host are added by the arbiter.

    What gunicorn would otherwise take from its environment (``WEB_CONCURRENCY``, ``FORWARDED_ALLOW_IPS``) or from an
    installed accelerator is said here too, so that a host behaves the same on every machine.
    """
    shared_memory = Path("/dev/shm")  # noqa: S108 - not a temporary file name; where heartbeat files never wait for a disk
    return {
        "bind": [settings.bind],
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_connections": settings.connections,
        "keepalive": settings.keepalive_seconds,
        "graceful_timeout": settings.graceful_seconds,
        "timeout": settings.unresponsive_seconds,
        "limit_request_line": settings.limit_request_line,
        "limit_request_fields": settings.limit_request_fields,
        "limit_request_field_size": settings.limit_request_field_size,
        "certfile": str(settings.certificate) if settings.certificate else None,
        "keyfile": str(settings.key) if settings.key else None,
        "worker_tmp_dir": str(shared_memory) if shared_memory.is_dir() else None,
        "http_parser": "python",
        "http_protocols": "h1",
        "http2_cleartext": "off",
        "proxy_protocol": "off",
        # Whether a request came by HTTPS is what this host saw, unless a proxy on this machine ended the TLS.
        "secure_scheme_headers": {} if settings.tls else {"X-FORWARDED-PROTO": "https"},
        "forwarded_allow_ips": "127.0.0.1,::1",
        "forwarder_headers": "",
        "header_map": "drop",
        "control_socket_disable": True,
        "preload_app": False,
        "errorlog": None,
        "accesslog": None,
        "proc_name": "ecmahost",
    }
