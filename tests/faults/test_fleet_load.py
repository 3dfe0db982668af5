"""Because a province must bear all its communes: a fleet in real time, then with the province away."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.faults.lanes import Drain, Lanes, drain_of
from tests.faults.rig import EdgeProgram, Program, mqtt_table
from tests.parts.http import ask
from tests.parts.mosquitto import Mosquitto
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until

PROVINCE = 'level = "province"\nprovince = "42"'
SHORT = (10, 30, 5.0, 15)  # communes, assets of each, seconds between readings, seconds
WHOLE = (69, 300, 60.0, 600)
PACED = (10, 100, 1.0, 30)
NODES_WITH_HOLES = "nodes_with_holes"
NEWS_S = 8.0  # within seconds: batches of a second, and a machine that does other work


@dataclass
class Watch:
    """What an edge's process and its counters say while the load lasts."""

    edge: EdgeProgram
    cpu: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)
    spool_mb: list[float] = field(default_factory=list)
    holes: int = 0

    def look(self) -> None:
        if not self.edge.running:
            return
        try:
            process = psutil.Process(self.edge.pid)
            self.cpu.append(process.cpu_percent(1.0) / 100)
            self.rss_mb.append(process.memory_info().rss / 1e6)
            text = ask(self.edge.port, "GET", "/metrics").text
        except (OSError, RuntimeError, psutil.NoSuchProcess):
            return  # it is being killed just now
        self.lag_s += values(text, "commune_relay_oldest_age_seconds") or [0.0]
        self.spool_mb += [each / 1e6 for each in values(text, "commune_spool_used_bytes")]
        self.holes = max(self.holes, sum(each > 0 for each in values(text, "commune_node_missing")))

    def facts(self) -> dict[str, float]:
        return {
            "edge_cores": round(sum(self.cpu) / max(len(self.cpu), 1), 3),
            "edge_rss_mb": round(max(self.rss_mb), 1),
            "upstream_lag_s": round(max(self.lag_s), 1),
            "spool_mb": round(max(self.spool_mb), 1),
            NODES_WITH_HOLES: self.holes,
        }


def values(text: str, name: str) -> list[float]:
    return [float(each) for each in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)]


def total(text: str, name: str) -> int:
    return round(sum(values(text, name)))


class FleetProgram(Program):
    """`commune sim fleet`, as a process of its own: its load must not be the edge's."""

    def __init__(self, folder: Path, size: tuple[int, int, float, int], where: list[str]) -> None:
        communes, assets, every, seconds = size
        words = ["sim", "fleet", "--communes", str(communes), "--assets", str(assets), "--every", f"{every}s"]
        super().__init__(folder, [*words, *where, "--for", str(seconds), "--drain", "600", "--json"])

    def ready(self) -> bool:
        return True

    def facts(self) -> dict[str, object]:
        return json.loads(self.log.splitlines()[-1])


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.5):
            watch.look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def province(
    folder: Path, broker: Mosquitto | None, rate: int = 0
) -> Iterator[tuple[EdgeProgram, VictoriaMetrics]]:
    with VictoriaMetrics() as database:
        upstream = f'[[upstream]]\nname = "store"\nurl = "http://{database.address}"\n'
        extra = (mqtt_table(broker) if broker else "") + upstream
        edge = EdgeProgram(folder / "province", PROVINCE, extra=extra)
        file = folder / "province/edge.toml"
        file.write_text(file.read_text().replace("[spool]", f"backlog_rate = {rate}\n[spool]", 1))
        with edge:
            yield edge, database


def load(
    folder: Path,
    size: tuple[int, int, float, int],
    broker: Mosquitto | None,
    away_s: float = 0,
    rate: int = 0,
) -> None:
    """Let a fleet send for a while; with `away_s` the province is killed after a fifth, for so long.

    `rate` is what it grants to backlogs over HTTP, in bytes a second.
    """
    seconds = size[3]
    with province(folder, broker, rate) as (edge, database), Lanes(edge.address) as lanes:
        where = ["--broker", broker.address] if broker else ["--http", f"http://{lanes.address}"]
        watch = Watch(edge)
        with FleetProgram(folder / "fleet", size, where) as fleet, watching(watch):
            began = time.monotonic()
            if away_s:
                until(lambda: time.monotonic() - began > seconds / 5, within_s=seconds)
                edge.kill()
                gone = time.monotonic()
                until(lambda: time.monotonic() - gone > away_s, within_s=away_s + 60)
                edge.start()
                back = time.monotonic()
            until(lambda: not fleet.running, within_s=seconds + 900, what="the fleet to drain")
            caught_up_s = round(time.monotonic() - max(back, began + seconds), 1) if away_s else 0
            facts = fleet.facts()
        text = ask(edge.port, "GET", "/metrics").text
        until(edge.drained, within_s=300, what="the province to relay all of it")
        until(lambda: rows(database) >= facts["taken"], within_s=60, what="the database to show all of it")
        print(json.dumps({**facts, **watch.facts(), "drained_after_s": caught_up_s}))
        if rate:
            judge_drain(drain_of(lanes.taken, back), rate)
        assert facts["waiting"] == 0
        assert facts["in_custody"] == facts["taken"] > 0
        assert total(text, "commune_node_committed_total") == facts["taken"]
        assert total(text, "commune_node_missing") == 0
        assert rows(database) == facts["taken"]
        if away_s:
            assert watch.holes > 0, "new readings came before the old ones: there were holes for a while"


def judge_drain(drain: Drain, rate: int) -> None:
    """The backlog came no faster than granted, and what was new did not wait for it."""
    print(json.dumps({**drain.facts(), "granted_bytes_per_s": rate, "above_grant_bytes": drain.above(rate)}))
    assert drain.seconds > 3, "a drain that is over at once shows no order"
    assert drain.above(rate) <= 0
    assert drain.news >= drain.communes
    assert drain.silence_s < NEWS_S
    assert drain.age_s < NEWS_S


def rows(database: VictoriaMetrics) -> int:
    """Count the numbered points of the database, each once: what is sent again it keeps beside the first."""
    return sum(len(set(row["timestamps"])) for row in database.export('{__name__=~".+_seq"}'))


@pytest.mark.parts
def test_ten_communes_over_http_arrive_whole_and_once(tmp_path: Path) -> None:
    load(tmp_path, SHORT, None)


@pytest.mark.parts
def test_every_reading_of_ten_communes_is_counted_for_its_day(tmp_path: Path) -> None:
    counted = f'[province]\npath = "{tmp_path}/province.db"\nevery = "5s"\n'
    with EdgeProgram(tmp_path / "province", PROVINCE, extra=counted) as edge:
        with FleetProgram(tmp_path / "fleet", SHORT, ["--http", f"http://{edge.address}"]) as fleet:
            until(lambda: not fleet.running, within_s=120, what="the fleet to drain")
            taken = fleet.facts()["taken"]
        until(lambda: present(edge) == taken, within_s=60, what="every reading to be counted")
        silent = json.loads(ask(edge.port, "GET", "/v1/registry?silent=true").body)
    assert silent == [], "nobody has been silent for so long that the last reading no longer counts"


@pytest.mark.parts
def test_every_reading_is_counted_for_its_day_also_when_the_edge_is_killed_with_the_newest_in_memory(
    tmp_path: Path,
) -> None:
    counted = f'[province]\npath = "{tmp_path}/province.db"\nevery = "5s"\n'
    with EdgeProgram(tmp_path / "province", PROVINCE, extra=counted) as edge:
        with FleetProgram(tmp_path / "fleet", SHORT, ["--http", f"http://{edge.address}"]) as fleet:
            until(lambda: present(edge) > 0, within_s=60, what="the first readings to be counted")
            edge.kill()
            edge.start()
            until(lambda: not fleet.running, within_s=120, what="the fleet to drain")
            taken = fleet.facts()["taken"]
        edge.kill()
        (tmp_path / "province.db").unlink()  # so that nothing that was counted before hides what is gone
        edge.start()
        until(lambda: present(edge) == taken, within_s=60, what="every reading to be counted")


def present(edge: EdgeProgram) -> int:
    """Count the readings that the indicators' keeper knows, over all communes and days."""
    days = json.loads(ask(edge.port, "GET", "/v1/completeness").body)
    return sum(day["present"] for day in days)


@pytest.mark.parts
@pytest.mark.timeout(300)
def test_ten_communes_come_back_with_news_at_once_and_backlogs_at_the_pace_that_is_granted(
    tmp_path: Path,
) -> None:
    load(tmp_path, PACED, None, away_s=6, rate=16_000)


@pytest.mark.lab
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("way", ["http", "mqtt"])
def test_all_communes_of_the_province_arrive_whole_in_real_time(tmp_path: Path, way: str) -> None:
    with Mosquitto(["max_queued_messages 0", "max_inflight_messages 0"]) as broker:
        load(tmp_path, WHOLE, broker if way == "mqtt" else None)


@pytest.mark.lab
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("way", ["http", "mqtt"])
def test_all_communes_come_back_paced_and_newest_first_after_five_minutes_away(
    tmp_path: Path, way: str
) -> None:
    with Mosquitto(["max_queued_messages 0", "max_inflight_messages 0"]) as broker:
        over_mqtt = way == "mqtt"
        load(tmp_path, WHOLE, broker if over_mqtt else None, 300, 0 if over_mqtt else 60_000)
