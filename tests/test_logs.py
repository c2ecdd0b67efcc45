"""What the processes of a host write to standard error, looked at from outside."""

import json
import subprocess
import sys
from pathlib import Path

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


def test_an_event_is_written_as_structlog_writes_json():
    lines = run(
        r"""
configure_logs("debug", json=True)
structlog.get_logger().info("e", text='q"u\\o\nte ü 😀 \x00', n=-5, f=0.5, big=1e300, yes=True, no=False)
structlog.get_logger().info("e", none=None, inner={"a": [1]}, thing=ValueError("x"), names=["ä"])
"""
    )
    for line in lines:
        assert line == json.dumps(json.loads(line))
    first, second = map(json.loads, lines)
    assert list(first)[:7] == ["text", "n", "f", "big", "yes", "no", "event"]
    assert first["text"] == 'q"u\\o\nte ü 😀 \x00'
    assert (first["n"], first["f"], first["big"], first["yes"], first["no"]) == (-5, 0.5, 1e300, True, False)
    assert (second["none"], second["inner"], second["names"]) == (None, {"a": [1]}, ["ä"])
    assert "ValueError" in second["thing"]


def test_a_log_that_cannot_be_written_stops_nobody():
    code = PREAMBLE + 'configure_logs("info", json=True)\nstructlog.get_logger().info("e")\nprint("went on")'
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=full, timeout=30)
    assert (process.returncode, process.stdout) == (0, b"went on\n")
