"""Because a page that says "met" must have counted, and must say so when it has not."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from bench import report
from bench.__main__ import keep, measure
from bench.aims import rows
from bench.contenders import Commune, Contender
from bench.rig import Figures
from bench.works import Work, works


def results(**figures: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Make results of workloads by name: of contenders by name, each figure the same in all rounds."""
    return {
        "date": "2026-11-28",
        "machine": {"cpu": "a processor", "cores": 2, "system": "Linux"},
        "versions": {"Python": "3.11"},
        "workloads": [
            {
                "name": work,
                "title": work,
                "rounds": 1,
                "together": False,
                "scale": 1.0,
                "load": [0.1, 0.2],
                "contenders": [
                    {
                        "name": who.partition(".")[0],
                        "custody": "none",
                        "load": {"count": 1_000},
                        "figures": {who.partition(".")[2]: {"median": it, "low": it, "high": it}},
                    }
                    for who, it in of.items()
                ],
            }
            for work, of in figures.items()
        ],
    }


def verdict(found: dict[str, Any], begins: str) -> str:
    """Return what is said of the aim that begins so."""
    (row,) = [each for each in rows(found) if each.aim.startswith(begins)]
    return row.verdict


def test_an_aim_that_nothing_was_measured_of_is_not_met_and_not_missed() -> None:
    assert {each.verdict for each in rows(results())} == {"not measured"}


def test_an_aim_is_met_up_to_its_figure_and_not_beyond() -> None:
    aim = "at most 12 bytes on the wire"
    assert verdict(results(demo={"commune.wire_bytes": 12.0}), aim) == "yes"
    assert verdict(results(demo={"commune.wire_bytes": 12.1}), aim) == "**no**"


def test_rivals_are_held_against_each_other() -> None:
    aim = "HTTP, 345 readings a second"
    rival = {"vmagent.cpu_s_per_million": 4.0}
    near, far = ({"commune.cpu_s_per_million": each, **rival} for each in (7.9, 8.1))
    assert verdict(results(**{"steady HTTP": near}), aim) == "yes"
    assert verdict(results(**{"steady HTTP": far}), aim) == "**no**"


def test_cost_is_flat_within_a_fifth_of_the_middle() -> None:
    names = [work.name for work in works(1, 1) if work.name.endswith(" series")]
    aim = "processor time a reading flat (± 20 %) from 1 to 100"

    def found(last: float) -> dict[str, Any]:
        costs = [8.0] * (len(names) - 1) + [last]
        return results(
            **{name: {"commune.cpu_s_per_million": it} for name, it in zip(names, costs, strict=True)}
        )

    assert verdict(found(12.0), aim) == "yes"
    assert verdict(found(12.1), aim) == "**no**"


def test_two_runs_may_write_one_file(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    one, other = results(start={"commune.start_s": 1.0}), results(idle={"commune.rss_mb": 60.0})
    for head in (one, other):
        keep(out, head, head["workloads"][0])
    keep(out, one, {**one["workloads"][0], "rounds": 7})
    kept = json.loads(out.read_text())["workloads"]
    assert [(work["name"], work["rounds"]) for work in kept] == [("idle", 1), ("start", 7)]


def test_a_round_that_fails_costs_the_others_nothing() -> None:
    left = iter([OSError("no port"), None, ValueError("no number")])

    def round_(_kind: type[Contender]) -> Figures:
        trouble = next(left)
        if trouble is not None:
            raise trouble
        return {"lost": 0.0}

    (measured,) = measure([Work("w", "W", round_, {Commune: {}}, 1)], 3, limit_s=60)
    assert [row["figures"]["lost"]["median"] for row in measured["contenders"]] == [0.0]


def test_works_that_are_compared_take_turns() -> None:
    order: list[str] = []

    def round_(_kind: type[Contender], *, name: str) -> Figures:
        order.append(name)
        return {"lost": 0.0}

    group = [
        Work(name, name, partial(round_, name=name), {Commune: {}}, 1, in_turn="series")
        for name in ("1", "10")
    ]
    measured = measure(group, 3, limit_s=60)
    assert order == ["1", "10"] * 3
    assert [each["rounds"] for each in measured] == [3, 3]


def test_a_figure_of_every_workload_is_shown_with_its_load() -> None:
    table = report.table(results(HTTP={"commune.lost": 0, "vmagent.lost": 3})["workloads"][0])
    assert "load average 0.1 before, 0.2 after" in table
    assert "| vmagent | 1,000 | 3 | none |" in table
