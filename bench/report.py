"""Turns a result file into docs/performance.md's tables and pictures, and says which aims are met."""

import json
from pathlib import Path
from typing import Any

from bench import aims, plots
from bench.works import works

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs/performance.md"
_RESULTS = ("<!-- results -->", "<!-- end of results -->")
_AIMS = ("<!-- aims -->", "<!-- end of aims -->")
_STEPS = 6  # of the growing backlog, as bench.works has them

FIGURES = {
    "readings": "readings taken",
    "per_s": "readings/s",
    "cpu_s_per_million": "CPU-s per million",
    "cpu_by_arrival_s_per_million": "of it until all is upstream",
    "cpu_all_s_per_million": "with the broker",
    "fill_cpu_s_per_million": "CPU-s per million to take in",
    **{f"step_{step}_cpu_s_per_million": f"step {step}" for step in range(1, _STEPS + 1)},
    "wait_cpu_s_per_million": "while it waits",
    "drain_cpu_s_per_million": "CPU-s per million to drain",
    "lost": "lost",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "answer_p50_ms": "204 to the sender, p50 ms",
    "answer_p99_ms": "204 to the sender, p99 ms",
    "page_p50_ms": "page, p50 ms",
    "page_p95_ms": "page, p95 ms",
    "page_bytes": "page, bytes at most",
    "wire_bytes": "bytes on the wire",
    "disk_bytes": "bytes on disk",
    "segments": "segments",
    "body_bytes": "bytes of bodies",
    "file_bytes": "bytes of the spool's file that are used",
    "free_kb": "kB of it that are free, to be used next",
    "log_kb": "kB of the log beside it, whatever waits",
    "written_bytes": "bytes written",
    "minutes": "minutes",
    "gb_a_day": "GB written in a day, extrapolated",
    "rss_empty_mb": "MB before",
    **{f"step_{step}_rss_mb": f"MB, step {step}" for step in range(1, _STEPS + 1)},
    "rss_full_mb": "MB when full",
    "rss_mb": "MB after",
    "peak_mb": "MB at most",
    "idle_cpu_percent": "% of a core",
    "start_s": "s to the first reading",
    "start_cpu_s": "CPU-s by then",
    **{
        f"{whose}_{figure}": f"{called}, {what}"
        for whose, called in (("edge", "edge"), ("node", "node"), ("sim", "node with the simulation in it"))
        for figure, what in (
            ("low_mb", "MB at least"),
            ("high_mb", "MB at most"),
            ("last_mb", "MB at the end"),
            ("cpu_percent", "% of a core"),
            ("gb_a_day", "GB written in a day, extrapolated"),
        )
    },
}
"""What is shown of a workload, in this order; all but the rates and losses of idling is a reading's."""


def table(workload: dict[str, Any]) -> str:
    """Write one workload: a row a contender, medians, and lowest to highest behind them."""
    rows = workload["contenders"]
    turns = "one round" if workload["rounds"] == 1 else f"{workload['rounds']} rounds"
    how = "all at once" if workload["together"] else f"in turn, {turns} each" if len(rows) > 1 else turns
    began, ended = workload["load"]
    shown = [key for key in FIGURES if any(key in row["figures"] for row in rows)]
    title = f"**{workload['title']}** ({how}; load average {began} before, {ended} after)"
    if len(rows) == 1:
        return "\n".join([title, "", *_alone(rows[0], shown)])
    head = ["", "readings", *(FIGURES[key] for key in shown), "custody"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [_cell(row["figures"].get(key)) for key in shown]
        count = _number(row["load"].get("count", 0)) if "count" in row["load"] else ""
        lines.append("| " + " | ".join([row["name"], count, *cells, row["custody"]]) + " |")
    return "\n".join([title, "", *lines])


def _alone(row: dict[str, Any], shown: list[str]) -> list[str]:
    """Write a contender that nobody is beside: a row a figure, since a wide table of one row reads badly."""
    lines = ["| | |", "|---|---|"]
    if "count" in row["load"]:
        lines.append(f"| readings | {_number(row['load']['count'])} |")
    return lines + [f"| {FIGURES[key]} | {_cell(row['figures'].get(key))} |" for key in shown]


def _cell(figure: dict[str, float] | None) -> str:
    if figure is None:
        return ""
    low, middle, high = (_number(figure[key]) for key in ("low", "median", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def write(results: dict[str, Any]) -> None:
    """Put the results and what they say of the aims into the page, and the pictures beside it."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    loads = [load for work in results["workloads"] for load in work["load"]]
    loaded = [
        work for work in results["workloads"] if any("count" in row["load"] for row in work["contenders"])
    ]
    scales = " and ".join(f"{each:g}" for each in sorted({work["scale"] for work in loaded}))
    intro = (
        f"Measured {results['date']} at `--scale {scales}` on {machine['cpu']} ({machine['cores']} cores,"
        f" {machine['system']}). The"
        f" machine's load average (of a minute, with this bench's own work in it) was {min(loads):.1f} to"
        f" {max(loads):.1f}; each table says its own. Versions: {versions}."
    )
    page = _between(PAGE.read_text(), _AIMS, aims.table(results))
    parts = [intro, *(table(work) for work in _in_order(results["workloads"]))]
    PAGE.write_text(_between(page, _RESULTS, "\n\n".join(parts)))
    plots.draw(results)


def _between(page: str, marks: tuple[str, str], text: str) -> str:
    before, _, rest = page.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    return f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{after}"


def _in_order(workloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort them as the bench lists them; what it does not know any more comes last."""
    names = [work.name for work in works(1, 1)]
    return sorted(
        workloads, key=lambda each: names.index(each["name"]) if each["name"] in names else len(names)
    )


if __name__ == "__main__":
    write(json.loads((_ROOT / "docs/performance.json").read_text()))
