"""Logs: one JSON object a line, on standard error."""

import json
import logging

from skipcall import clock


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON. `extra={"fields": {…}}` adds to it.

    Of an exception, only its type: texts of exceptions quote stored values.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": clock.timestamp(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__qualname__
        return json.dumps(line, ensure_ascii=False)


def set_up() -> None:
    """Send everything from warnings up to standard error, ours from info up."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("skipcall").setLevel(logging.INFO)
