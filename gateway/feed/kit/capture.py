"""A capture is a file with a message a line, as `mosquitto_sub -F %j` writes it; this reads and writes it."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.feed.times import from_ns

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z?([+-]\d\d):?(\d\d)|Z)")


class CaptureError(ValueError):
    """A line of a capture cannot be read; the message names file and line and says what would be right."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as a subscriber got it; `at_ns` is when, in ns since 1970."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    at_ns: int = 0


def write_line(heard: Heard) -> str:
    """Return a message as a line of a capture, without its end."""
    line: dict[str, Any] = {
        "tst": from_ns(heard.at_ns),
        "topic": heard.topic,
        "qos": heard.qos,
        "retain": int(heard.retain),
    }
    try:
        line["payload"] = heard.payload.decode()
    except UnicodeDecodeError:
        line["payload64"] = base64.b64encode(heard.payload).decode()
    return json.dumps(line, ensure_ascii=False)


def read_capture(file: Path) -> Iterator[Heard]:
    """Read a capture, message by message; raise CaptureError at a line that is none, OSError without file."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _heard(json.loads(line))
            except (ValueError, KeyError, TypeError, binascii.Error) as error:
                said = f"no key {error}" if isinstance(error, KeyError) else str(error)
                raise CaptureError(
                    f"{file}, line {number}: {said}; a line is what `commune feed capture` or "
                    "`mosquitto_sub -V 5 -q 2 --retain-as-published -F %j` writes"
                ) from None


def _heard(line: Any) -> Heard:
    if not isinstance(line, dict):
        raise TypeError("not a JSON object")
    payload = line["payload64"] if "payload64" in line else line["payload"]
    if "payload64" in line:
        body = base64.b64decode(payload, validate=True)
    elif isinstance(payload, str):
        body = payload.encode("utf-8", "surrogatepass")
    else:  # mosquitto_sub -F %J takes the payload apart
        body = json.dumps(payload, ensure_ascii=False).encode()
    if not isinstance(line["topic"], str):
        raise TypeError("topic is not text")
    return Heard(line["topic"], body, int(line["qos"]), bool(line["retain"]), _when(line["tst"]))


def _when(text: str) -> int:
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"tst {text!r} is not a time")
    zone = f"{match[2]}:{match[3]}" if match[2] else "+00:00"
    return round(datetime.fromisoformat(match[1][:26] + zone).timestamp() * 1e6) * 1000
