"""What the host rests on inside gunicorn, which promises none of it to anybody.

When a line here fails after an upgrade: read that function again beside the file of ecmahost_core/serving that is
named, run all of tests/serving, and then write down the new digest.
"""

import hashlib
import inspect
from importlib.metadata import version
from typing import Any

import pytest
from gunicorn import sock, util  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.http import body, parser, unreader, wsgi  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.workers import base, gthread  # type: ignore[import-untyped]  # gunicorn has no type information

INTERNALS: list[tuple[Any, str, str]] = [
    (gthread.TConn.__init__, "connection.py", "c8763d7c65974e1b"),
    (gthread.TConn.init, "connection.py", "5ff3d4ba451cfdf3"),
    (gthread.TConn.close, "connection.py", "6d1c334ed1979fcb"),
    (gthread.ThreadWorker.init_process, "worker.py", "e4fc63a1a68e4f48"),
    (gthread.ThreadWorker.get_thread_pool, "worker.py", "003f3549a71b6d34"),
    (gthread.ThreadWorker.handle_exit, "worker.py", "b4e7decd4f9203ac"),
    (gthread.ThreadWorker.set_accept_enabled, "worker.py", "140150ebfd3cae34"),
    (gthread.ThreadWorker.enqueue_req, "worker.py", "c9f428953d24acef"),
    (gthread.ThreadWorker.accept, "worker.py", "f8dcead3dce5c851"),
    (gthread.ThreadWorker.on_client_socket_readable, "worker.py", "aead1a3ea7b7daff"),
    (gthread.ThreadWorker.on_pending_socket_readable, "worker.py", "2475f7087832c086"),
    (gthread.ThreadWorker.murder_keepalived, "worker.py", "4459960c4ccc36d4"),
    (gthread.ThreadWorker.murder_pending, "worker.py", "7bf11f46454296e1"),
    (gthread.ThreadWorker.is_parent_alive, "worker.py", "3517612f7763cc47"),
    (gthread.ThreadWorker.wait_for_and_dispatch_events, "worker.py", "ea969b352482bd5c"),
    (gthread.ThreadWorker.run, "worker.py", "f92c7394d85715a4"),
    (gthread.ThreadWorker.finish_request, "worker.py", "616e7bb15a009ff7"),
    (gthread.ThreadWorker.handle, "worker.py", "ca85c9be3df75da4"),
    (gthread.ThreadWorker._keepalive_after, "worker.py", "4ebdbbc8bf5aafa5"),
    (gthread.ThreadWorker.handle_request, "worker.py", "6d0de5b919102efc"),
    (base.Worker.__init__, "worker.py", "e0f1de2d60574066"),
    (base.Worker.init_process, "worker.py", "114caccd7a0e3c21"),
    (base.Worker.load_wsgi, "worker.py", "18b02fc35e964f2b"),
    (base.Worker.init_signals, "worker.py", "65442e0602b05f37"),
    (base.Worker.handle_quit, "worker.py", "2944b41327615dc6"),
    (base.Worker.handle_abort, "worker.py", "ca347b2ae3685c09"),
    (base.Worker.handle_error, "worker.py", "75426448389bbac9"),
    (wsgi.create, "worker.py", "2c35d4a2dc629ede"),
    (wsgi.Response.__init__, "worker.py", "904d95d8358a3a76"),
    (wsgi.Response.default_headers, "worker.py", "cb490cea5d6f5408"),
    (wsgi.Response.should_close, "worker.py", "3888d47a96e289b3"),
    (wsgi.Response.write, "connection.py", "a13659ff072c00e1"),
    (wsgi.Response.close, "connection.py", "1e78fc7777ff09ae"),
    (parser.Parser.finish_body, "worker.py", "54c5d0d28c2626ea"),
    (parser.Parser.__next__, "worker.py", "b8536520e95854d6"),
    (unreader.Unreader.read, "worker.py", "cbfeead6687ff48b"),
    (body.Body.read, "body.py", "c7bdfdd1c2c36fb2"),
    (body.Body._read_reader, "connection.py", "443e7cfab4b8bad2"),
    (body.LengthReader.read, "body.py", "be99a0aa587fc555"),
    (body.ChunkedReader.read, "body.py", "1aa9df6c4dcb23a0"),
    (body.ChunkedReader.parse_chunked, "body.py", "ce85cf226da0bbe5"),
    (util.close_graceful, "connection.py", "0e5925bfc017bc4e"),
    (sock.ssl_context, "tls.py", "069b9e2751d0b762"),
    (sock.ssl_wrap_socket, "tls.py", "f240092e58c65afe"),
    (sock.BaseSocket.close, "worker.py", "038267beee36ff69"),
    (Arbiter.__init__, "arbiter.py", "53b20d752bbb4cc2"),
    (Arbiter.setup, "arbiter.py", "9eb391c82c190108"),
    (Arbiter.start, "arbiter.py", "92668bdb3e86b1af"),
    (Arbiter.init_signals, "arbiter.py", "68125f99ad6599b1"),
    (Arbiter.run, "arbiter.py", "1ddfab9d644f3a73"),
    (Arbiter.handle_chld, "arbiter.py", "f670beb34ee3d981"),
    (Arbiter.handle_term, "arbiter.py", "93d583480a66c6ec"),
    (Arbiter.halt, "arbiter.py", "f080672e7413f835"),
    (Arbiter.stop, "arbiter.py", "7138b6afd9c46ae0"),
    (Arbiter.murder_workers, "arbiter.py", "3f8fbfdf473fe338"),
    (Arbiter.reap_workers, "arbiter.py", "ebcf4187e9ebf378"),
    (Arbiter.manage_workers, "arbiter.py", "518f2dd040ef6809"),
    (Arbiter.spawn_worker, "arbiter.py", "6abc0d90b0b9f80b"),
    (Arbiter.spawn_workers, "arbiter.py", "8fd09f6b3f3e5047"),
    (Arbiter.kill_worker, "arbiter.py", "47e1a8ccdca2b567"),
    (Arbiter.kill_workers, "arbiter.py", "00a2eb10d3493fd0"),
    (Logger.__init__, "log.py", "508cb885e4c08391"),
    (Logger.setup, "log.py", "17c79acdddea07c6"),
]


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("gunicorn") == "27.0.1", (
        "gunicorn is not 27.0.1: ecmahost_core/serving overrides its internals, so it is pinned; "
        "go through the failures of this file before another version is allowed"
    )


@pytest.mark.parametrize(
    ("function", "file", "digest"), INTERNALS, ids=lambda value: getattr(value, "__qualname__", None)
)
def test_a_part_of_gunicorn_that_the_host_rests_on_is_unchanged(function: Any, file: str, digest: str) -> None:
    found = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]
    assert found == digest, (
        f"gunicorn's {function.__qualname__} has changed (now {found}): read it again beside "
        f"ecmahost_core/serving/{file} before this version is used"
    )
