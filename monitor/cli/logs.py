"""Log lines on standard error, for people (``key=value``) or programs (JSON)."""

import logging
import re
import sys
from datetime import UTC, datetime

FORMS = ("text", "json")

_FIELD = re.compile(r" (?=\w+=)")
_LOGGERS = ("grid_screening", "monitor", "vp_squeeze")
_TALKATIVE = ("matplotlib",)
# tells of its cache folder; the picture is the same


class LogLine(logging.Formatter):
    """One record, one line, no colours; times are UTC.

    Messages are written as ``event key=value key=value``. The JSON form takes them
    apart: ``event`` and the keys become fields, all values texts.

    Parameters
    ----------
    form : str
        One of `FORMS`.
    """

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = f"{datetime.fromtimestamp(record.created, UTC):%FT%T.%f}"[:-3] + "Z"
        text = " ".join(record.getMessage().split())
        if self._form == "text":
            return f"{when} {record.levelname.lower()} {record.name} {text}"
        import orjson

        event, *pairs = _FIELD.split(text)
        line = {
            "time": when,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event,
        }
        line |= {f"{key}": value for key, _, value in (p.partition("=") for p in pairs)}
        return orjson.dumps(line).decode()


def silence_logging() -> None:
    """Keep warnings off standard error, where nobody wants them.

    For a process of its own, and only where nobody has configured logging.
    """
    if not logging.getLogger().handlers:
        for name in (*_LOGGERS, *_TALKATIVE):
            logging.getLogger(name).addHandler(logging.NullHandler())


def begin_logging(form: str) -> None:
    """Write this project's log lines to standard error, from INFO upward.

    For commands only: a library leaves logging to whoever imports it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLine(form))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
