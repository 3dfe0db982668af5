"""Turns a result file into docs/performance.md's tables and its picture."""

import json
from pathlib import Path
from typing import Any

import pygal

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs/performance.md"
PLOT = _ROOT / "docs/images/performance.svg"
_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"

FIGURES = {
    "per_s": "readings/s",
    "cpu_s_per_million": "CPU-s per million",
    "cpu_all_s_per_million": "with the broker",
    "drain_cpu_s_per_million": "to drain",
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
    "written_bytes": "bytes written",
    "minutes": "minutes",
    "gb_a_day": "GB written in a day, extrapolated",
    "rss_empty_mb": "MB before",
    "rss_full_mb": "MB when full",
    "rss_mb": "MB after",
    "peak_mb": "MB at most",
    "idle_cpu_percent": "% of a core",
    "start_s": "s to the first reading",
    "start_cpu_s": "CPU-s by then",
    "edge_low_mb": "edge, MB at least",
    "edge_high_mb": "edge, MB at most",
    "edge_cpu_percent": "edge, % of a core",
    "edge_gb_a_day": "edge, GB written in a day, extrapolated",
    "node_low_mb": "node, MB at least",
    "node_high_mb": "node, MB at most",
    "node_cpu_percent": "node, % of a core",
    "node_gb_a_day": "node, GB written in a day, extrapolated",
}
"""What is shown of a workload, in this order; all but the rates and losses of idling is a reading's."""


def table(workload: dict[str, Any]) -> str:
    """Write one workload: a row a contender, medians, and lowest to highest behind them."""
    rows = workload["contenders"]
    turns = "one round" if workload["rounds"] == 1 else f"{workload['rounds']} rounds"
    if "load" in workload:
        turns += f" each; load average {workload['load']} when it began"
    shown = [key for key in FIGURES if any(key in row["figures"] for row in rows)]
    head = ["", "readings", *(FIGURES[key] for key in shown), "custody"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [_cell(row["figures"].get(key)) for key in shown]
        count = _number(row["load"].get("count", 0)) if row["load"] else ""
        lines.append("| " + " | ".join([row["name"], count, *cells, row["custody"]]) + " |")
    return "\n".join([f"**{workload['title']}** (in turn, {turns})", "", *lines])


def _cell(figure: dict[str, float] | None) -> str:
    if figure is None:
        return ""
    low, middle, high = (_number(figure[key]) for key in ("low", "median", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def plot(results: dict[str, Any]) -> None:
    """Draw the processor seconds of each contender, workload by workload."""
    works = [
        work
        for work in results["workloads"]
        if any("cpu_s_per_million" in row["figures"] for row in work["contenders"])
    ]
    names = list(dict.fromkeys(row["name"] for work in works for row in work["contenders"]))
    chart = pygal.HorizontalBar(
        style=pygal.style.CleanStyle,
        width=900,
        height=120 + 80 * len(works),
        logarithmic=True,
        title="Processor seconds per million readings (logarithmic; less is better)",
        legend_at_bottom=True,
        truncate_label=60,
        js=[],
    )
    chart.x_labels = [work["name"] for work in works]
    for name in names:
        values = []
        for work in works:
            found = [row for row in work["contenders"] if row["name"] == name]
            figure = found[0]["figures"].get("cpu_s_per_million") if found else None
            values.append(figure["median"] if figure else None)
        chart.add(name, values)
    PLOT.write_bytes(chart.render())


def write(results: dict[str, Any]) -> None:
    """Put the results into the page, between its two marks, and the picture beside it."""
    page = PAGE.read_text()
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    intro = (
        f"Measured {results['date']} on {machine['cpu']} ({machine['cores']} cores,"
        f" {machine['system']}), beside other work: compare within a"
        f" table, not with other machines. Versions: {versions}."
    )
    parts = [intro, *(table(work) for work in results["workloads"])]
    PAGE.write_text(before + _BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + _END + after)
    plot(results)


if __name__ == "__main__":
    write(json.loads((_ROOT / "docs/performance.json").read_text()))
