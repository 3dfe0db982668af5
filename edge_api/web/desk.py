"""Asks the node on this machine at its desk: the page owns no hardware, the node does."""

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.feed.desk import LONGEST_ANSWER, Answer, Ask, Done, Refused

__all__ = ["DeskAway", "ask_desk"]

_PATIENCE_S = 60.0  # a check of a slow bus takes seconds, a whole node a minute

_decode = msgspec.json.Decoder(Answer).decode


class DeskAway(ConnectionError):  # noqa: N818 - reads as the sentence it is
    """No node answers at the desk."""


def ask_desk(path: Path, question: Ask) -> Iterator[Answer]:
    """Yield a node's answers, the last of which is Done or Refused; raise DeskAway when none comes."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE_S)
            line.connect(str(path))
            line.sendall(msgspec.json.encode(question) + b"\n")
            with line.makefile("rb") as answers:
                while data := answers.readline(LONGEST_ANSWER):
                    answer = _decode(data)
                    yield answer
                    if isinstance(answer, Done | Refused):
                        return
    except (OSError, msgspec.MsgspecError) as error:
        raise DeskAway(f"{path}: {error}") from None
    raise DeskAway(f"{path}: the node hung up in the middle of an answer")
