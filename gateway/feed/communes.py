"""The communes that topics name: official unit codes and names, as data with their source."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from gateway.feed.errors import FeedError


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune or ward: `code` and `province` as in topics, `full_name` with its kind, in Vietnamese."""

    code: str
    name: str
    name_ascii: str
    full_name: str
    slug: str
    province: str
    kind: Literal["commune", "ward"]


@cache
def communes() -> tuple[Commune, ...]:
    """Return the 69 communes and wards that Ha Tinh has had since 1 July 2025, by code.

    Source: unit codes of the General Statistics Office; 60 communes (xã) and 9 wards (phường).
    """
    text = files("gateway.feed").joinpath("communes.csv").read_text(encoding="utf-8")
    found = [_commune(row) for row in csv.DictReader(text.splitlines())]
    return tuple(sorted(found, key=lambda each: each.code))


def commune(code: str) -> Commune:
    """Return the commune of that 5-digit code; raise FeedError when none here has it."""
    for each in communes():
        if each.code == code:
            return each
    raise FeedError(f"commune {code!r} is none of the {len(communes())} that are known, such as 18562")


def _commune(row: dict[str, str]) -> Commune:
    return Commune(
        row["code"],
        row["name"],
        row["name_ascii"],
        row["full_name"],
        row["slug"],
        row["province"],
        cast("Literal['commune', 'ward']", row["kind"]),
    )
