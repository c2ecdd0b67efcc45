"""The floor under the host: Flask on the same server with the same settings, TLS, and one look-up in SQLite.

Run by ``requests.py``, as ``python floor.py DATABASE CERTIFICATE KEY PORT_FILE WORKERS``. The database has a table
``person (name, id, resource)`` with the JSON of each user; nothing is checked, mapped or logged.
"""

import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from ecmahost_core.logs import configure_logs
from ecmahost_core.serving.arbiter import serve
from ecmahost_core.serving.settings import ServingSettings

BASE = "/ecma2host_floor/scim/Users"
HEAD = b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"Resources":['


def application(database: str) -> WSGIApplication:
    """Returns the application; called in each web worker."""
    app = Flask("floor", static_folder=None)
    threads = threading.local()

    def rows(statement: str, *values: object) -> list[tuple[bytes]]:
        if not hasattr(threads, "connection"):
            threads.connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
        found: list[tuple[bytes]] = threads.connection.execute(statement, values).fetchall()
        return found

    @app.get(BASE)
    def users() -> Response:
        wanted = request.args.get("filter")
        if wanted is None:
            found = rows(
                "SELECT resource FROM person WHERE rowid > ? LIMIT 100", request.args.get("startIndex", 0, int)
            )
        else:
            found = rows("SELECT resource FROM person WHERE name = ?", wanted.split('"')[1])
        return _json(HEAD % len(found) + b",".join(one for (one,) in found) + b"]}")

    @app.get(f"{BASE}/<object_id>")
    def user(object_id: str) -> Response:
        return _json(rows("SELECT resource FROM person WHERE id = ?", object_id)[0][0])

    return app


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/scim+json")


def main() -> int:
    database, certificate, key, port_file, workers = sys.argv[1:]
    configure_logs("warning")

    def ready(_host: str, port: int) -> None:
        new = Path(port_file).with_suffix(".new")
        new.write_text(str(port))
        new.replace(port_file)

    settings = ServingSettings(port=0, certificate=Path(certificate), key=Path(key), workers=int(workers))
    loaded: Any = lambda: application(database)  # noqa: E731
    return serve(settings, loaded, on_ready=ready)


if __name__ == "__main__":
    sys.exit(main())
