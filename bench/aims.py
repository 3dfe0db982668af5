"""What is aimed at, held against the results of a run: met or not is computed, never written by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.works import SERIES

EDGE, RED, PLAIN, AGENT = "commune", "Node-RED", "plain Python", "vmagent"

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Aim:
    """One row: what is aimed at, what was seen (None: nothing), and whether that meets it."""

    aim: str
    seen: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """The last cell of the row."""
        return "not measured" if self.met is None else "yes" if self.met else "**no**"


class Found:
    """Medians of a run, by workload, contender and figure."""

    def __init__(self, results: Results) -> None:
        self._figures = {
            (work["name"], row["name"]): row["figures"]
            for work in results["workloads"]
            for row in work["contenders"]
        }

    def __call__(self, work: str, who: str, figure: str, what: str = "median") -> float | None:
        """Return a figure's median, or its "low" or "high"; None where it was not measured."""
        spread = self._figures.get((work, who), {}).get(figure)
        return None if spread is None else float(spread[what])

    def all_of(self, *asked: tuple[str, str, str]) -> list[float] | None:
        """Return several medians; None where one of them was not measured."""
        found = [self(*each) for each in asked]
        return None if None in found else [each for each in found if each is not None]

    def steps(self, who: str, figure: str) -> list[float]:
        """Return a figure of the growing backlog, step by step."""
        figures = self._figures.get(("backlog", who), {})
        names = [f"step_{step}_{figure}" for step in range(1, 100)]
        return [figures[name]["median"] for name in names if name in figures]


def rows(results: Results) -> list[Aim]:
    """Return all aims in order."""
    found = Found(results)
    return [
        *_by_mqtt(found),
        *_by_http(found),
        *_memory(found),
        *_bytes(found),
        *_starts(found),
        *_flat(found),
    ]


def table(results: Results) -> str:
    """Write them as a table."""
    lines = ["| aim | here (medians) | met |", "|---|---|---|"]
    lines += [f"| {each.aim} | {each.seen or 'not measured'} | {each.verdict} |" for each in rows(results)]
    return "\n".join(lines)


def _by_mqtt(found: Found) -> Iterator[Aim]:
    for work, called in (("one a message", "one reading a message"), ("20 back to back", "20 back to back")):
        cpu = found.all_of(*((work, who, "cpu_s_per_million") for who in (EDGE, RED, PLAIN)))
        rate = found.all_of(*((work, who, "per_s") for who in (EDGE, RED)))
        yield _aim(
            f"MQTT, {called}: at most half of Node-RED's processor time",
            cpu and (f"{cpu[0]:.1f} against {cpu[1]:.1f} CPU-s a million", cpu[0] <= cpu[1] / 2),
        )
        yield _aim(
            f"MQTT, {called}: at least Node-RED's rate",
            rate and (f"{rate[0]:,.0f} against {rate[1]:,.0f} readings/s", rate[0] >= rate[1]),
        )
        yield _aim(
            f"MQTT, {called}: at most a tenth of the plain program's processor time",
            cpu and (f"{cpu[0]:.1f} against {cpu[2]:.0f} CPU-s a million", cpu[0] <= cpu[2] / 10),
        )
    ours = found("SIGKILL, MQTT", EDGE, "lost", "high")
    theirs = found("SIGKILL, MQTT", RED, "lost", "high")
    yield _aim(
        "MQTT: nothing lost under SIGKILL, where Node-RED loses thousands",
        None
        if ours is None or theirs is None
        else (f"{ours:,.0f} against {theirs:,.0f}, at most in a kill", ours == 0 and theirs >= 1_000),
    )


def _by_http(found: Found) -> Iterator[Aim]:
    for work, called in (
        ("HTTP", "as fast as it goes, with the writing of history that follows"),
        ("steady HTTP", "345 readings a second"),
    ):
        cpu = found.all_of(*((work, who, "cpu_s_per_million") for who in (EDGE, AGENT)))
        yield _aim(
            f"HTTP, {called}: at most twice vmagent's processor time",
            cpu
            and (
                f"{cpu[0]:.1f} against {cpu[1]:.1f} CPU-s a million: {cpu[0] / cpu[1]:.1f} times",
                cpu[0] <= cpu[1] * 2,
            ),
        )
    rate = found.all_of(*(("backlog", who, "per_s") for who in (EDGE, AGENT)))
    yield _aim(
        "drain: at least vmagent's rate",
        rate and (f"{rate[0]:,.0f} against {rate[1]:,.0f} readings/s", rate[0] >= rate[1]),
    )
    cpu = found.all_of(*(("backlog", who, "drain_cpu_s_per_million") for who in (EDGE, AGENT)))
    yield _aim(
        "drain: at most 0.2 CPU-s a million",
        cpu and (f"{cpu[0]:.2f} (vmagent {cpu[1]:.2f})", cpu[0] <= 0.2),
    )


def _memory(found: Found) -> Iterator[Aim]:
    for whose, most in (("node", 45), ("edge", 90)):
        high, low = found("soak", EDGE, f"{whose}_high_mb"), found("soak", EDGE, f"{whose}_low_mb")
        minutes = found("soak", EDGE, "minutes")
        known = None if high is None or low is None or minutes is None else (low, high, minutes)
        yield _aim(
            f"{whose} at a commune's load: at most {most} MB",
            known and (f"{known[1]:.1f} MB at most in {known[2]:.0f} minutes", known[1] <= most),
        )
        flat = known and (
            f"{known[0]:.1f} to {known[1]:.1f} MB in {known[2]:.0f} minutes, a tenth of them warming up:"
            f" {_wide(known[:2])}"
        )
        yield _aim(
            f"{whose}: memory flat (± 5 %) over an hour",
            (flat, _half([*known[:2]]) <= 0.05 and known[2] >= 60) if known and flat else None,
        )
    for work, whose in (("idle", "edge"), ("a node idle", "node")):
        idle = found(work, EDGE, "idle_cpu_percent")
        yield _aim(
            f"{whose} idle: at most 0.5 % of a core",
            None if idle is None else (f"{idle:.2f} %", idle <= 0.5),
        )


def _bytes(found: Found) -> Iterator[Aim]:
    names = ("file_bytes", "body_bytes", "free_kb", "log_kb")
    sizes = found.all_of(*(("demo", EDGE, each) for each in names))
    said = sizes and (
        f"{sizes[0]:.1f} in the used pages of the spool's file ({sizes[1]:.1f} of it bodies); whatever waits,"
        f" {sizes[2]:,.0f} kB of free pages and {sizes[3]:,.0f} kB of log stand beside it"
    )
    yield _aim(
        "at most 12 bytes on disk a buffered reading of the demo commune",
        (said, sizes[0] <= 12) if sizes and said else None,
    )
    wire = found("demo", EDGE, "wire_bytes")
    yield _aim(
        "at most 12 bytes on the wire, headers included",
        None if wire is None else (f"{wire:.1f}", wire <= 12),
    )
    for work, whose in (("card", "an edge alone"), ("one card", "node and edge on one card")):
        written, minutes = found(work, EDGE, "gb_a_day"), found(work, EDGE, "minutes")
        yield _aim(
            f"a card is written at most 0.5 GB a day at 100 assets a minute: {whose}",
            None
            if written is None or minutes is None
            else (
                f"{written:.2f} GB, by the processes' own counter over {minutes:.0f} minutes, extrapolated",
                written <= 0.5,
            ),
        )


def _starts(found: Found) -> Iterator[Aim]:
    for work, whose, most in (("a node's start", "node", 1.5), ("start", "edge", 2.5)):
        took = found.all_of((work, EDGE, "start_s"), (work, EDGE, "start_cpu_s"))
        yield _aim(
            f"from start to the first reading: {whose} {most} s",
            took and (f"{took[0]:.2f} s, of which {took[1]:.2f} s are processor time", took[0] <= most),
        )


def _flat(found: Found) -> Iterator[Aim]:
    cpu = found.all_of(*((f"{total:,} series", EDGE, "cpu_s_per_million") for total, _ in SERIES))
    yield _aim(
        "processor time a reading flat (± 20 %) from 1 to 100 thousand series",
        cpu and (f"{min(cpu):.1f} to {max(cpu):.1f} CPU-s a million: {_wide(cpu)}", _half(cpu) <= 0.2),
    )
    cpu = found.steps(EDGE, "cpu_s_per_million")
    yield _aim(
        "processor time a reading flat (± 20 %) from an empty to a full spool",
        (f"{min(cpu):.1f} to {max(cpu):.1f} CPU-s a million: {_wide(cpu)}", _half(cpu) <= 0.2)
        if cpu
        else None,
    )
    empty, full = found("backlog", EDGE, "rss_empty_mb"), found.steps(EDGE, "rss_mb")
    sizes = [empty, *full] if empty is not None and full else []
    yield _aim(
        "edge: memory flat (± 5 %) from an empty to a backlog of 3 million readings",
        (f"{min(sizes):.1f} to {max(sizes):.1f} MB: {_wide(sizes)}", _half(sizes) <= 0.05) if sizes else None,
    )


def _half(values: list[float]) -> float:
    """Return how far the lowest and the highest are from the middle between them, as a share of it."""
    return (max(values) - min(values)) / (max(values) + min(values))


def _wide(values: tuple[float, ...] | list[float]) -> str:
    return f"± {_half([*values]) * 100:.1f} %"


def _aim(aim: str, seen: tuple[str, bool] | list[float] | None) -> Aim:
    if not seen:
        return Aim(aim, "", None)
    text, met = seen
    return Aim(aim, str(text), bool(met))
