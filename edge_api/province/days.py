"""Days as people here count them: from midnight to midnight at UTC+7, which has no summer time."""

import datetime as dt
import re

NS = 1_000_000_000
DAY_S = 86_400
DAY_NS = DAY_S * NS
_OFFSET_NS = 7 * 3600 * NS
_EPOCH = dt.date(1970, 1, 1)
_MOST_DAYS = 400


def day_of(ts_ns: int) -> int:
    """Return the local day of a time, counted since 1970-01-01."""
    return (ts_ns + _OFFSET_NS) // DAY_NS


def start_of(day: int) -> int:
    """Return when a local day begins, in ns since 1970 UTC."""
    return day * DAY_NS - _OFFSET_NS


def date_of(day: int) -> dt.date:
    """Return a day as a date."""
    return _EPOCH + dt.timedelta(days=day)


def day_text(day: int) -> str:
    """Write a day as 2026-11-25."""
    return date_of(day).isoformat()


def read_day(text: str, name: str) -> int:
    """Read 2026-11-25; raise ValueError that names the parameter and says what would be right."""
    try:
        return (dt.date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise ValueError(f"{name}: {text[:40]!r} is not a date; write it as 2026-11-25") from None


def read_month(text: str, name: str) -> range:
    """Read 2026-11 as the days of that month; raise ValueError that says what would be right."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        raise ValueError(f"{name}: {text[:40]!r} is not a month; write it as 2026-11")
    first = read_day(f"{text}-01", name)
    year, month = (int(part) for part in text.split("-"))
    following = f"{year + month // 12:04}-{month % 12 + 1:02}-01"
    return range(first, read_day(following, name))


def period(first: str | None, last: str | None, today: int) -> range:
    """Return the days from `first` to `last`, both included; the last 30 to today where left out.

    Raises ValueError when they are no dates, the wrong way round, or more than 400 days.
    """
    end = read_day(last, "to") if last else today
    begin = read_day(first, "from") if first else end - 29
    if begin > end:
        raise ValueError(f"from ({day_text(begin)}) is after to ({day_text(end)})")
    if end - begin >= _MOST_DAYS:
        raise ValueError(f"from, to: at most {_MOST_DAYS} days in one question")
    return range(begin, end + 1)
