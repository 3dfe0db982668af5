"""What a province and the country need in machines, disk and line: from the table in docs/capacity.md.

The page is the input and holds the result: change a number there and run `python -m bench.capacity`.
"""

import re
from collections.abc import Mapping
from math import ceil
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/capacity.md"
_BEGIN, _END = "<!-- result -->", "<!-- end of result -->"
_ROW = re.compile(r"^\| `(\w+)` \| ([0-9.,]+) \|", re.MULTILINE)
_DAY_S = 86_400
_MB, _GB, _TB = 1e6, 1e9, 1e12

Assumed = Mapping[str, float]


def assumptions(page: str) -> dict[str, float]:
    """Read the table: a name in backquotes, and its number."""
    return {name: float(number.replace(",", "")) for name, number in _ROW.findall(page)}


def needs(it: Assumed, communes: float) -> dict[str, str]:
    """Return what so many communes need of the level above them, row by row."""
    series = communes * it["assets"]
    rate = series / it["every_s"]
    cores = rate * (it["ms_a_reading"] + it["ms_counted"]) / 1000
    edges = max(ceil(cores / it["core_share"]), ceil(series / it["series_an_edge"]))
    machines = ceil(edges / it["edges_a_machine"])
    memory = edges * it["mb_empty"] + series * it["kb_a_series"] / 1000
    line = rate * it["bytes_on_wire"] * 8
    spool = rate * it["bytes_on_wire"] * it["days_away"] * _DAY_S
    stored = rate * it["bytes_stored"] * it["years_kept"] * 365 * _DAY_S
    hours = rate * it["bytes_hour"] * it["every_s"] / 3600 * 8
    catch_up = it["drain_factor"] - 1
    return {
        "assets": f"{series:,.0f}",
        "readings a second": f"{rate:,.0f}",
        "processor cores, busy all the time": f"{cores:,.2f}",
        "edges side by side": f"{edges:,}",
        "machines for them": f"{machines:,}",
        "memory of all edges": f"{memory / 1000:,.1f} GB",
        "line, readings": f"{line / _MB:,.2f} Mbit/s",
        "line, to catch up at the drain factor": f"{line * it['drain_factor'] / _MB:,.2f} Mbit/s",
        "time to catch up": f"{it['days_away'] / catch_up:,.1f} days",
        "spools, for the days away": f"{spool / _GB:,.1f} GB",
        "database, for the years kept": f"{stored / _TB:,.2f} TB",
        "line to the level above, roll-ups instead": f"{hours / 1000:,.1f} kbit/s",
    }


def result(page: str) -> str:
    """Write the table of what follows from the page's assumptions."""
    it = assumptions(page)
    province, country = needs(it, it["communes_province"]), needs(it, it["communes_country"])
    rows = [f"| {name} | {value} | {country[name]} |" for name, value in province.items()]
    return "\n".join(["| | a province | the country |", "|---|---|---|", *rows])


def filled(page: str) -> str:
    """Return the page with its result computed anew."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n\n{result(page)}\n\n{_END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
