"""What the processes of a host write to standard error, looked at from outside."""

import json
import subprocess
import sys

import pytest

from ecmahost_core.logs import LEVELS, origin

PREAMBLE = """
import logging, structlog
from ecmahost_core.logs import configure_logs, origin
"""


def run(code):
    """What a process that runs this writes, line by line."""
    process = subprocess.run([sys.executable, "-c", PREAMBLE + code], capture_output=True, text=True, timeout=30)
    assert process.returncode == 0, process.stderr
    assert process.stdout == ""
    return process.stderr.splitlines()


def test_an_event_is_one_json_object_a_line_with_its_context():
    lines = run(
        """
configure_logs("debug")
with structlog.contextvars.bound_contextvars(request_id="r-1", connector="hr"):
    structlog.get_logger().info("request", route="/Users", text="two\\nlines")
logging.getLogger("library").warning("%s is old", "this")
"""
    )
    first, second = map(json.loads, lines)
    assert (first["event"], first["level"], first["route"]) == ("request", "info", "/Users")
    assert (first["request_id"], first["connector"]) == ("r-1", "hr")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("this is old", "warning")


def test_what_is_below_the_level_is_not_written_and_libraries_speak_from_warning_on():
    lines = run(
        """
configure_logs("warning", json=True)
structlog.get_logger().info("quiet")
structlog.get_logger().warning("loud")
configure_logs("debug", json=True)
logging.getLogger("library").info("quiet")
logging.getLogger("library").error("loud")
"""
    )
    assert [json.loads(line)["event"] for line in lines] == ["loud", "loud"]


def test_people_get_lines_that_people_read():
    (line,) = run('configure_logs("info", json=False)\nstructlog.get_logger().info("host_started", port=8585)')
    assert "host_started" in line
    assert "port=8585" in line


@pytest.mark.parametrize("as_json", [True, False])
def test_an_exception_that_a_library_logs_is_told_by_type_and_place_without_its_words(as_json):
    lines = run(
        f"""
configure_logs("debug", json={as_json})
def connect():
    raise RuntimeError("password=canary")
for logger in (logging.getLogger("library"), structlog.get_logger()):
    try:
        connect()
    except RuntimeError:
        logger.exception("it_failed")
        logger.error("it_failed", exc_info=True)
"""
    )
    text = "\n".join(lines)
    assert len(lines) == 4
    assert text.count("it_failed") == 4
    assert text.count("RuntimeError") == 4
    assert text.count("in connect") == 4
    assert "canary" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_can_be_configured(level):
    assert run(f'configure_logs("{level}", json=True)\nstructlog.get_logger().error("here")')


def test_where_an_exception_was_raised_is_told_without_source_text():
    def inner():
        raise ValueError("canary")

    def outer():
        inner()

    with pytest.raises(ValueError, match="canary") as caught:
        outer()
    told = origin(caught.value)
    assert "test_logs.py" in told
    assert told.endswith("in inner")
    assert "outer" in told
    assert "canary" not in told
    assert "/" not in told


def test_an_exception_that_was_never_raised_comes_from_nowhere():
    assert origin(ValueError("x")) == ""
