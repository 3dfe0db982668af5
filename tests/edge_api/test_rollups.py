"""Because the central level steers by hours: they must be what the readings say, however these come in."""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_api.config import EdgeConfig, Site, Upstream, check
from edge_api.lineprotocol import encode, parse
from edge_api.lines import join_lines, split_lines
from edge_api.point import Point
from edge_api.relay import Relay
from edge_api.rollups.choice import Choice
from edge_api.rollups.hour import HOUR_NS
from edge_api.rollups.roller import Roller
from edge_api.rollups.settings import Rollups, Rule
from edge_api.upstream import make_sink
from gateway.spool import READINGS, Segment, Spool, span_of
from sensors.settings import Bytes, Seconds
from tests.edge_api.rig import config

HOUR = 498_725  # 2026-11-23T05:00Z
START_NS = HOUR * HOUR_NS
MINUTE_NS = 60 * 1_000_000_000
Fields = dict[str, float | str | bool | int]


def reading(seq: int, minute: float, asset: str = "bin-1", **fields: float | str) -> Point:
    """A reading so many minutes after five."""
    tags = {"province": "42", "commune": "18562", "domain": "waste", "asset": asset}
    numbered: Fields = {"gw": "gw-01", "ep": "aa", "seq": seq, "q": "good"}
    return Point("WasteContainer", tags, START_NS + round(minute * MINUTE_NS), {**numbered, **fields})


class Level:
    """An edge's spool, its roller and a clock set by hand; nothing is sent, what would be is looked at."""

    def __init__(self, folder: Path, rules: Sequence[Rule] = (), **more: object) -> None:
        self.folder, self.rules = folder, rules
        self.settings = Rollups(**more)  # type: ignore[arg-type]
        self.now_ns = START_NS
        self.open()

    def open(self) -> None:
        self.raw = Spool(self.folder / "edge.db")
        self.roller = Roller(
            self.raw,
            "central",
            Choice(self.rules),
            lambda spool: Relay(spool, "central", make_sink(config("http://127.0.0.1:1"))),
            self.settings,
            lambda: self.now_ns,
        )

    def close(self) -> None:
        self.roller.stop(0.0)
        self.raw.close()

    def again(self) -> None:
        """Stop without a word, and start."""
        self.close()
        self.open()

    def take(self, *points: Point) -> None:
        body = join_lines([encode(point).encode() for point in points])
        numbers = [("gw-01", "aa", seq) for p in points if isinstance(seq := p.fields.get("seq"), int)]
        times = [point.ts_ns for point in points]
        self.raw.append([Segment(READINGS, len(points), span_of(numbers), body, min(times), max(times))])

    def work(self, minute: float) -> None:
        self.now_ns = START_NS + round(minute * MINUTE_NS)
        self.roller.work()

    def lines(self) -> list[Point]:
        """Every line on its way to the central level, in order."""
        rows = self.roller.spool.query("SELECT body FROM segment ORDER BY id")
        return [point for (body,) in rows for point in parse(b"\n".join(split_lines(body)), "ns", 0)]

    def hours(self) -> dict[tuple[str, int], Fields]:
        """What a database holds of them in the end: a later line overwrites an earlier one of its point."""
        found: dict[tuple[str, int], Fields] = {}
        for point in self.lines():
            found.setdefault((encode(point).split(" ")[0], point.ts_ns), {}).update(point.fields)
        return found


@contextmanager
def level(folder: Path, rules: Sequence[Rule] = (), **more: object) -> Iterator[Level]:
    it = Level(folder, rules, **more)
    try:
        yield it
    finally:
        it.close()


def test_an_hour_is_told_by_hand_computed_numbers_and_doubtful_values_only_lower_its_share(
    tmp_path: Path,
) -> None:
    with level(tmp_path) as it:
        it.take(
            reading(1, 0, fillingLevel=0.25, temperature=30.0),
            reading(2, 10, fillingLevel=0.5, temperature=31.0),
            reading(3, 20, fillingLevel=1.0, q="uncertain", qr="fillingLevel:range", temperature=35.0),
            reading(4, 30, q="bad", qr="fillingLevel:no-echo", temperature=32.0),
            reading(5, 40, fillingLevel=0.75, q="uncertain", temperature=90.0),
        )
        it.work(66)
        (point,) = it.lines()
    assert point.measurement == "WasteContainerHourly"
    assert point.tags == {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}
    assert point.ts_ns == START_NS
    assert point.fields == {
        "fillingLevel_min": 0.25,
        "fillingLevel_mean": 0.375,
        "fillingLevel_max": 0.5,
        "fillingLevel_count": 2,
        "fillingLevel_good": 0.4,
        "temperature_min": 30.0,
        "temperature_mean": 32.0,
        "temperature_max": 35.0,
        "temperature_count": 4,
        "temperature_good": 0.8,
    }


def test_a_field_without_a_good_value_says_so_and_invents_no_number(tmp_path: Path) -> None:
    with level(tmp_path) as it:
        it.take(reading(1, 0, q="bad", qr="fillingLevel:no-echo"))
        it.work(66)
        (point,) = it.lines()
    assert point.fields == {"fillingLevel_count": 0, "fillingLevel_good": 0.0}


def test_a_running_hour_waits_and_late_readings_send_it_again_as_one_point(tmp_path: Path) -> None:
    with level(tmp_path) as it:
        it.take(reading(1, 0, fillingLevel=0.25))
        it.work(59)
        it.work(64)
        assert it.lines() == [], "the hour rests for what is still on its way"
        it.work(65)
        it.work(66)
        assert len(it.lines()) == 1, "what has not changed is not sent again"
        it.take(reading(2, 30, fillingLevel=0.75))
        it.work(600)
        first, second = it.lines()
        assert (first.tags, first.ts_ns) == (second.tags, second.ts_ns)
        assert second.fields["fillingLevel_mean"] == 0.5
        assert second.fields["fillingLevel_count"] == 2


def test_rules_choose_types_fields_and_communes(tmp_path: Path) -> None:
    rules = [Rule("WasteContainer", ["temperature"]), Rule("Streetlight", communes=["18073"])]
    with level(tmp_path, rules) as it:
        lamp = Point("Streetlight", {**reading(0, 0).tags, "asset": "lamp-1"}, START_NS, {"voltage": 220.0})
        it.take(reading(1, 0, fillingLevel=0.25, temperature=30.0), lamp)
        it.work(66)
        (point,) = it.lines()
        assert {name.partition("_")[0] for name in point.fields} == {"temperature"}
        assert not it.roller.outbox.waiting[READINGS].points, "what no rule wants does not wait either"


def test_a_node_says_nothing_of_itself_to_the_central_level(tmp_path: Path) -> None:
    with level(tmp_path) as it:
        tags = {"province": "42", "commune": "18562", "domain": "gateway", "asset": "gw-01"}
        it.take(Point("Device", tags, START_NS, {"cpuTemperature": 40.0}))
        it.work(66)
        assert it.lines() == []


def test_what_is_older_than_is_kept_or_far_ahead_is_passed_over_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with level(tmp_path, keep=Seconds(86_400)) as it:
        it.take(reading(1, -25 * 60, fillingLevel=0.5), reading(2, 26 * 60, fillingLevel=0.5))
        it.work(1)
        assert it.roller.passed_over == 2
        assert it.lines() == []
        assert "roll-ups for central: 2 readings are in no hour" in caplog.text
        caplog.clear()
        it.take(reading(3, 1, fillingLevel=0.5))
        it.work(2)
        assert caplog.text == "", "said once, not each time it looks"


def test_hours_that_were_lost_with_their_file_stay_upstream_as_they_are(tmp_path: Path) -> None:
    with level(tmp_path) as it:
        it.take(reading(1, 0, fillingLevel=0.25), reading(2, 1, fillingLevel=0.75))
        it.work(66)
        it.close()
        file = tmp_path / "edge-central-hours.db"
        file.write_bytes(b"no database" * 1000)
        it.open()
        it.work(70)
        it.take(reading(3, 2, fillingLevel=0.5), reading(4, 130, fillingLevel=0.5))
        it.work(200)
        assert [(p.ts_ns - START_NS) // HOUR_NS for p in it.lines()] == [0, 2]
        assert it.lines()[0].fields["fillingLevel_count"] == 2, "the hour as it was before the loss"
        assert (tmp_path / "edge-central-hours.db.damaged-1").exists()


def test_a_file_that_breaks_while_it_is_used_is_set_aside_and_nothing_waits_for_ever(tmp_path: Path) -> None:
    with level(tmp_path) as it:
        it.take(reading(1, 0, fillingLevel=0.25))
        it.work(1)
        with sqlite3.connect(tmp_path / "edge-central-hours.db") as db:
            db.execute("DROP TABLE hour")
        it.take(reading(2, 2, fillingLevel=0.25))
        with pytest.raises(sqlite3.DatabaseError):
            it.work(3)
        it.roller.outbox.back_all()
        it.work(4)
        assert not it.roller.outbox.waiting[READINGS].points


def test_hours_wait_in_their_file_while_their_spool_is_full_and_go_when_it_is_not(tmp_path: Path) -> None:
    with level(tmp_path, max_bytes=Bytes(1)) as it:
        it.take(reading(1, 0, fillingLevel=0.25))
        it.work(66)
        it.take(reading(2, 70, fillingLevel=0.25))
        it.work(130)
        assert len(it.lines()) == 1
        batch = it.roller.relay.outbox.next(1_000_000)
        assert batch is not None
        it.roller.relay.outbox.done(batch)
        it.work(131)
        assert len(it.hours()) == 2


VALUES = st.integers(0, 64).map(lambda number: number / 64)  # sums of these are exact in any order
MINUTES = st.integers(-180, 179)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    taken=st.lists(st.tuples(MINUTES, VALUES), min_size=1, max_size=30),
    ways=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 9), st.sampled_from("-krs")), max_size=12),
)
def test_no_order_no_repetition_and_no_kill_changes_what_hours_come_to(
    taken: list[tuple[int, float]],
    ways: list[tuple[int, int, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    points = [reading(seq, minute, fillingLevel=value) for seq, (minute, value) in enumerate(taken, start=1)]
    with level(tmp_path_factory.mktemp("hours")) as it:
        for first, count, way in [*ways, (0, len(points), "-")]:
            some = points[first : first + count]
            if not some:
                continue
            it.take(*some)
            with pytest.MonkeyPatch.context() as patch:
                if way in "ks":  # killed before it is known that readings, or hours, are in safety
                    name = {"k": (it.roller.outbox, "done"), "s": (it.roller._hours, "sent")}[way]
                    patch.setattr(*name, _killed)
                with suppress(InterruptedError):
                    it.work(180 + 66)
            if way in "ksr":
                it.again()
        it.work(180 + 66)
        found = it.hours()
        assert not it.roller.outbox.waiting[READINGS].points
    by_hour: dict[int, list[float]] = {}
    for minute, value in taken:
        by_hour.setdefault(minute // 60, []).append(value)
    assert {(ts_ns - START_NS) // HOUR_NS for _, ts_ns in found} == by_hour.keys()
    for (_, ts_ns), fields in found.items():
        values = by_hour[(ts_ns - START_NS) // HOUR_NS]
        assert fields["fillingLevel_count"] == len(values)
        assert fields["fillingLevel_min"] == min(values)
        assert fields["fillingLevel_max"] == max(values)
        assert math.isclose(float(fields["fillingLevel_mean"]), sum(values) / len(values))


def _killed(*_: object) -> None:
    raise InterruptedError


def test_a_reading_without_a_number_is_known_by_its_time(tmp_path: Path) -> None:
    with level(tmp_path) as it:
        point = reading(0, 3)
        plain = Point(point.measurement, point.tags, point.ts_ns, {"fillingLevel": 0.5})
        for _ in range(3):
            it.take(plain)
            it.again()
            it.work(66)
        ((_, fields),) = it.hours().items()
        assert fields["fillingLevel_count"] == 1


@pytest.mark.parametrize(
    ("upstream", "problem"),
    [
        ({"rules": [Rule("WasteContainer")]}, 'rollup: rules choose what is rolled up; add what = "rollups"'),
        (
            {"rules": [Rule("WasteContainr")], "what": "rollups"},
            "rollup 1: type: unknown type 'WasteContainr'; did you mean 'WasteContainer'?",
        ),
        (
            {"rules": [Rule("WasteContainer", ["filingLevel"])], "what": "rollups"},
            "rollup 1: fields: 'filingLevel' is no number of WasteContainer; did you mean 'fillingLevel'?",
        ),
        ({"rules": [Rule("Streetlight", communes=["99999"])], "what": "rollups"}, "rollup 1: communes: "),
    ],
)
def test_a_rule_that_cannot_work_is_named(upstream: dict[str, object], problem: str) -> None:
    broken = Upstream(name="central", url="http://127.0.0.1:1", **upstream)  # type: ignore[arg-type]
    found = check(EdgeConfig(site=Site(level="province", province="42"), upstreams=[broken]))
    assert [each for each in found if each.startswith(f"upstream central: {problem}")], found
