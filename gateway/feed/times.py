"""Times of the feed: RFC 3339 in UTC with milliseconds outside, integer nanoseconds since 1970 inside."""

from datetime import UTC, datetime

from gateway.feed.errors import FeedError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_S_A_DAY = 86_400
_NS_A_SECOND = 1_000_000_000

# No reading of this project is older than the project; an earlier time is a clock that was never set.
EARLIEST_NS = 1_704_067_200 * _NS_A_SECOND  # 2024-01-01
LATEST_NS = 4_102_444_800 * _NS_A_SECOND  # 2100-01-01


def to_ns(text: str) -> int:
    """Read a time of the feed as ns since 1970; raise FeedError when it is not one, or is implausible."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FeedError(f"ts {text!r} is not an RFC 3339 time such as 2026-11-23T05:40:00.000Z") from None
    if moment.tzinfo is None:
        raise FeedError(f"ts {text!r} has no zone; the feed's times are UTC and end in Z")
    since = moment - _EPOCH
    ns = (since.days * _S_A_DAY + since.seconds) * _NS_A_SECOND + since.microseconds * 1000
    if not EARLIEST_NS <= ns < LATEST_NS:
        raise FeedError(f"ts {text!r} is not between 2024 and 2100: the clock of the node is not set")
    return ns


def from_ns(ns: int) -> str:
    """Write ns since 1970 as the feed does: UTC, cut to milliseconds, ending in Z."""
    seconds, rest = divmod(ns, _NS_A_SECOND)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
