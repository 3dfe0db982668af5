"""What an upstream's answer means for the relay: try again, split, quarantine, or hold."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum

import msgspec
from urllib3.exceptions import ReadTimeoutError

from edge_api.upstream.trouble import Trouble, of_exception, of_status

RETRY_AFTER_MOST_S = 3600.0  # a parent that asks for more has a wrong clock or a wrong header


class Action(Enum):
    """What the relay does next."""

    RETRY = "retry"
    """The upstream cannot now: back off and send the same again."""
    SPLIT = "split"
    """The body is too large: send it in halves."""
    REFUSE = "refuse"
    """The upstream will never take something in the body: find that line, quarantine it, deliver the rest."""
    HOLD = "hold"
    """We are not let in, or the place does not exist: a person must act; ask again now and then."""


class UpstreamError(Exception):
    """An upstream did not confirm. `retry_after_s` is its own wish, when it gave one.

    `trouble` is the kind of it, for people. `too_slow` says that the time ran out: the line may be too slow
    for a body of this size. `paced` says that the upstream is well and wants less at a time.
    """

    def __init__(
        self,
        action: Action,
        reason: str,
        retry_after_s: float | None = None,
        *,
        trouble: Trouble = "unexpected",
        too_slow: bool = False,
        paced: bool = False,
    ) -> None:
        super().__init__(reason)
        self.action = action
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.trouble: Trouble = trouble
        self.too_slow = too_slow
        self.paced = paced


_ACTIONS = {
    400: Action.REFUSE,
    401: Action.HOLD,
    403: Action.HOLD,
    404: Action.HOLD,
    413: Action.SPLIT,
    422: Action.REFUSE,
}


def of_answer(status: int, headers: Mapping[str, str], body: bytes | str | None) -> UpstreamError:
    """Return what an answer other than 204 means."""
    if 200 <= status < 400:
        # A provider's login page answers 200 to anything; a database never does to a write.
        return UpstreamError(
            Action.HOLD,
            f"{status} is not a database's answer to a write: a login page, or a wrong address?",
            trouble=of_status(status),
        )
    return UpstreamError(
        _ACTIONS.get(status, Action.RETRY),
        f"{status} {_message(body)}".strip(),
        _retry_after_s(headers),
        trouble=of_status(status),
        paced=status == 429,
    )


def of_failure(url: str, error: Exception) -> UpstreamError:
    """Return what a failed connection, or silence, means."""
    too_slow = isinstance(error, ReadTimeoutError) or any(isinstance(it, TimeoutError) for it in error.args)
    return UpstreamError(Action.RETRY, f"{url}: {error}", trouble=of_exception(error), too_slow=too_slow)


def _message(body: bytes | str | None) -> str:
    """Take the sentence out of an InfluxDB error body, v1 ({"error"}) or v2 ({"message"})."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        said = msgspec.json.decode(text.encode(), type=dict[str, object])
    except msgspec.MsgspecError:
        return re.sub(r"\s+", " ", text)[:500]
    return str(said.get("message") or said.get("error") or text)[:500]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = next((headers[name] for name in headers if name.lower() == "retry-after"), None)
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), RETRY_AFTER_MOST_S)
    # A date can only be compared with the sender's own Date: our wall clock may be wrong.
    now = next((headers[name] for name in headers if name.lower() == "date"), None)
    try:
        wait = (parsedate_to_datetime(value) - parsedate_to_datetime(now or "")).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(wait, 0.0), RETRY_AFTER_MOST_S)
