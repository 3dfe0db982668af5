"""The pictures of docs/performance.md: who uses how much, and how cost grows with the work (or does not)."""

from pathlib import Path
from typing import Any

from bench.aims import AGENT, EDGE, Found
from bench.works import SERIES

_FOLDER = Path(__file__).parents[1] / "docs/images"
_WIDE, _HIGH = 900, 360


def draw(results: dict[str, Any]) -> None:
    """Draw all of them."""
    found = Found(results)
    _save("performance", _contenders(results))
    _save("performance-series", _series(found))
    _save(
        "performance-backlog-cpu",
        _steps(found, results, "cpu_s_per_million", "Processor seconds per million"),
    )
    _save("performance-backlog-memory", _steps(found, results, "rss_mb", "Memory, MB"))


def _save(name: str, chart: Any) -> None:
    (_FOLDER / f"{name}.svg").write_bytes(chart.render())


def _contenders(results: dict[str, Any]) -> Any:
    import pygal  # noqa: PLC0415 - it puts itself into the way of all imports, those of pytest too

    works = [
        work
        for work in reversed(results["workloads"])  # the chart begins at its foot
        if any("cpu_s_per_million" in row["figures"] for row in work["contenders"])
        and not work["name"].endswith((" series", "overview"))
    ]
    names = list(dict.fromkeys(row["name"] for work in works for row in work["contenders"]))
    chart = pygal.HorizontalBar(
        style=pygal.style.CleanStyle,
        width=_WIDE,
        height=120 + 80 * len(works),
        logarithmic=True,
        range=(1, 1_000),
        zero=1,
        title="Processor seconds per million readings (logarithmic; less is better)",
        legend_at_bottom=True,
        truncate_label=60,
        js=[],
    )
    chart.x_labels = [work["name"] for work in works]
    for name in names:
        values = []
        for work in works:
            rows = [row for row in work["contenders"] if row["name"] == name]
            figure = rows[0]["figures"].get("cpu_s_per_million") if rows else None
            values.append(figure["median"] if figure else None)
        chart.add(name, values)
    return chart


def _line(title: str, across: str, labels: list[str]) -> Any:
    import pygal  # noqa: PLC0415 - as above

    chart = pygal.Line(
        style=pygal.style.CleanStyle,
        width=_WIDE,
        height=_HIGH,
        title=title,
        x_title=across,
        legend_at_bottom=True,
        include_x_axis=True,
        js=[],
    )
    chart.x_labels = labels
    return chart


def _series(found: Found) -> Any:
    chart = _line(
        "Processor seconds per million readings by HTTP", "series", [f"{total:,}" for total, _ in SERIES]
    )
    for name, figure in (
        ("until it is upstream", "cpu_by_arrival_s_per_million"),
        ("with the writing of history that follows", "cpu_s_per_million"),
    ):
        chart.add(name, [found(f"{total:,} series", EDGE, figure) for total, _ in SERIES])
    return chart


def _steps(found: Found, results: dict[str, Any], figure: str, title: str) -> Any:
    ours = found.steps(EDGE, figure)
    loads = [row["load"]["count"] for work in results["workloads"] if work["name"] == "backlog"
             for row in work["contenders"]]  # fmt: skip
    most = loads[0] if loads else 0
    labels = [f"{most * step // len(ours):,}" for step in range(1, len(ours) + 1)] if ours else []
    chart = _line(f"{title}, while a backlog grows", "readings that wait", labels)
    for name in (EDGE, AGENT):
        chart.add(name, found.steps(name, figure))
    return chart
