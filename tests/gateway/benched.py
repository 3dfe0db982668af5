"""Because the tests of the runner need devices that answer, fail and hang as they are told."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from gateway.config import NodeConfig
from gateway.config_check import check
from gateway.runner import AssetReading, Runner
from sensors import registry, settings
from sensors.io.keeper import MemoryKeeper
from sensors.sample import Metric, Sample
from sensors.settings import Settings
from simulators.clock import PacedClock, VirtualClock

S = 1_000_000_000
DAY = 86_400 * S


@dataclass
class Bench:
    """Plays all devices: what each does when opened and read, and what was asked of it."""

    clock: Any
    acts: dict[str, Callable[[], object]] = field(default_factory=dict)
    opens: dict[str, Callable[[], object]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    readings: list[AssetReading] = field(default_factory=list)
    runners: list[Runner] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def runner(self, config: NodeConfig, emit: Callable[[AssetReading], None] | None = None) -> Runner:
        assert check(config) == []
        runner = Runner(
            config,
            SimpleNamespace(clock=self.clock, keeper=lambda _: MemoryKeeper()),
            emit or self.readings.append,
        )
        self.runners.append(runner)
        return runner

    def hang(self) -> None:
        """Behave like a driver that never returns, until the test is over."""
        self.released.wait()

    def of(self, asset: str) -> list[AssetReading]:
        return [each for each in list(self.readings) if each.asset.id == asset]

    def times_s(self, asset: str) -> list[float]:
        return [each.mono_ns / S for each in self.of(asset)]


@pytest.fixture
def bench(monkeypatch) -> Iterator[Bench]:
    yield from _bench(monkeypatch, VirtualClock())


@pytest.fixture
def live(monkeypatch) -> Iterator[Bench]:
    """The same in threads, on a clock that passes by itself, 100 times as fast."""
    clock = PacedClock(speed=100)
    yield from _bench(monkeypatch, clock)
    clock.close()


def _bench(monkeypatch, clock: VirtualClock) -> Iterator[Bench]:
    bench = Bench(clock)

    class Fake:
        class Config(Settings, frozen=True):
            name: str

        metrics: ClassVar[tuple[Metric, ...]] = (Metric("value", "C62"), Metric("other", "C62"))

        def __init__(self, config, io):
            self.name = config.name

        def open(self):
            bench.asked[f"open {self.name}"] += 1
            bench.opens.get(self.name, lambda: None)()

        def read(self):
            bench.asked[f"read {self.name}"] += 1
            said = bench.acts.get(self.name, lambda: None)()
            return [Sample("value", 1.0), Sample("other", 2.0)] if said is None else said

        def close(self):
            bench.asked[f"close {self.name}"] += 1

    monkeypatch.setattr(registry, "driver", lambda name: Fake)
    yield bench
    bench.released.set()
    for runner in bench.runners:
        runner.stop()


def commune(*assets: dict[str, Any], buses: dict[str, str] | None = None) -> NodeConfig:
    """Configure assets by id, interval and inputs; each device is alone on a bus unless told."""
    names = sorted({source.split(".")[0] for asset in assets for source in asset["inputs"].values()})
    table = {
        "site": {"province": "42", "commune": "18562", "gw": "gw-01"},
        "device": [
            {"id": name, "driver": "fake", "bus": (buses or {}).get(name, name), "config": {"name": name}}
            for name in names
        ],
        "asset": [{"type": "WaterDistributionNetwork"} | asset for asset in assets],
    }
    return settings.convert(table, NodeConfig)


def asset(name: str, every: object = 60, **inputs: str) -> dict[str, Any]:
    return {"id": name, "every": every, "inputs": inputs or {"flow": f"d-{name}.value"}}


def fail(error: Exception) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act
