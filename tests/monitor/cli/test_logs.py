"""One event, one line."""

import io
import logging
import sys

import orjson
import pytest

from monitor.cli.logs import LogLine, begin_logging


def record(message: str, *values: object) -> logging.LogRecord:
    found = logging.LogRecord(
        "monitor.api", logging.WARNING, __file__, 1, message, values, None
    )
    found.created = 1_791_374_400.25
    return found


def test_text_is_one_line_without_colours() -> None:
    line = LogLine("text").format(record("retry path=%s cause=%s", "/a", "left\nright"))
    assert line == (
        "2026-10-07T12:00:00.250Z warning monitor.api retry path=/a cause=left right"
    )


def test_json_has_the_fields_apart() -> None:
    line = LogLine("json").format(record("retry path=%s cause=%s", "/a", "no answer"))
    assert orjson.loads(line) == {
        "time": "2026-10-07T12:00:00.250Z",
        "level": "warning",
        "logger": "monitor.api",
        "event": "retry",
        "path": "/a",
        "cause": "no answer",
    }


def test_a_message_without_fields_is_an_event() -> None:
    line = LogLine("json").format(record("left 100%% of 币安人生USDT"))
    assert orjson.loads(line)["event"] == "left 100%% of 币安人生USDT"


def test_lines_go_to_standard_error_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    names = ("grid_screening", "monitor", "vp_squeeze")
    before = {n: logging.getLogger(n).__dict__.copy() for n in names}
    try:
        begin_logging("json")
        begin_logging("json")
        logging.getLogger("monitor.api").info("one key=1")
        logging.getLogger("monitor.api").debug("none")
    finally:
        for name, state in before.items():
            logging.getLogger(name).__dict__.update(state)
    (line,) = stderr.getvalue().splitlines()
    assert orjson.loads(line)["key"] == "1"
