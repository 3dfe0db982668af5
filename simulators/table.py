"""The table of faults in the documents: each is let happen on a bench, and what the check says is noted."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.check.checking import check
from gateway.check.words import told
from gateway.feed.desk import Checked, Told
from gateway.runner import Runner
from sensors.findings import Finding
from sensors.sample import Observation
from sensors.text import translator
from simulators.bench import Bench
from simulators.mishap import Mishap

TWICE_NS = 59_000_000_000  # every 30 s, the last asset's first reading after nearly that
HEAD = """\
# Lỗi và cách nhận biết / Faults, and how they are told

Bảng này do máy tạo ra: từng lỗi được gây ra trên phần cứng mô phỏng, rồi ghi lại `commune node check` nói gì.
Tự thử: `commune sim check --fault echo:trigger-cut`.

This table is made by a machine: each fault is let happen on simulated hardware, and what `commune node check`
says is written down. A test does the same, and also looks that the reading carries the reason (`qr`), that no
false value is published, and that no other device's readings stop. Make it anew with
`commune sim faults > docs/faults.md`; practise with `commune sim check --fault echo:trigger-cut`.

| lỗi / fault | `qr` | finding | tiếng Việt | English |
| --- | --- | --- | --- | --- |
"""


class Happened(NamedTuple):
    """One fault and what came of it: the last reading of each asset, and the check of each device."""

    fault: Mishap | None
    readings: dict[str, Observation]
    found: dict[str, Checked]


def happen(fault: Mishap | None = None) -> Happened:
    """Let a fault happen on a bench of its own, read everything twice, and check; without one all is well."""
    bench = Bench()
    try:
        if fault is not None:
            fault.happens(bench)
        readings: dict[str, Observation] = {}
        config = bench.config()
        runner = Runner(config, bench.io, lambda each: readings.update({each.asset.id: each.observation}))
        runner.step(TWICE_NS)
        answers = check(config, runner, bench.machine, lang="vi")
        return Happened(fault, readings, {each.device: each for each in answers if isinstance(each, Checked)})
    finally:
        bench.close()


def table(happened: Iterable[Happened]) -> str:
    """Write the page."""
    return HEAD + "".join(_row(each.fault, each.found) for each in happened if each.fault is not None)


def _row(fault: Mishap, found: dict[str, Checked]) -> str:
    vi = found[fault.device].told[0]
    en = told(Finding(vi.code, vi.where, **vi.facts), "en")
    what = f"`{fault.full_name}`: {translator('vi')(fault.story)} / {fault.story}"
    return f"| {what} | {_code(fault.reason)} | `{vi.code}` | {_cell(vi)} | {_cell(en)} |\n"


def _code(reason: str) -> str:
    return f"`{reason}`" if reason else "-"


def _cell(told: Told) -> str:
    return f"{told.wrong}. {told.look}".replace("|", "\\|")
