"""Lamps follow the sun, and a command only when it is permitted, in time, and new; all is written down."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gateway.commands import Lights, Surroundings
from gateway.commands.audit import KEPT, Audit
from gateway.commands.config import Commands, Lighting, Schedule, problems
from gateway.commands.schedule import by_lux, by_sun
from gateway.config import AssetConfig, DeviceConfig
from gateway.feed import Ack, from_ns
from gateway.feed.bodies import decode
from gateway.spool import Spool
from sensors.errors import BusError
from sensors.settings import Bytes

S = 1_000_000_000
LAT, LON = 18.34, 105.9
NOON = int(datetime(2026, 6, 21, 5, 0, tzinfo=UTC).timestamp()) * S  # noon in Ha Tinh
HOUR = 3600 * S
PATH = "lighting/cabinet-01/cmd"


class Bench:
    """Lamps on a table: a relay that can fail, a clock that can be unset, a link that can be down."""

    def __init__(self, folder, schedule=None, actions=("on", "off", "auto"), enabled=True):
        self.folder = folder
        self.now_ns, self.mono_ns = NOON, 0
        self.clock = self.link = True
        self.fails = None
        self.on, self.switched, self.sent = None, [], []
        self.config = Commands(enabled=enabled, audit=folder / "audit.log", audit_bytes=Bytes(1_000_000))
        self.lighting = Lighting(
            asset="cabinet-01", device="relay-01", actions=list(actions), schedule=schedule
        )
        self.start()

    def start(self):
        self.spool = Spool(self.folder / "node.db", by_seq=True, keep_s=0)
        around = Surroundings(
            now_ns=lambda: self.now_ns if self.clock else None,
            trusted=lambda: self.clock,
            monotonic_ns=lambda: self.mono_ns,
            switch=self._switch,
            say=self._say,
            lat=LAT,
            lon=LON,
        )
        self.lights = Lights(self.config, [self.lighting], "gw-01", self.spool, around)

    def again(self):
        self.spool.close()
        self.on = None
        self.start()

    def _switch(self, device, on):
        assert device == "relay-01"
        self.switched.append(on)
        if self.fails:
            raise BusError(self.fails, "it did not follow")
        self.on = on

    def _say(self, path, payload):
        if self.link:
            self.sent.append((path, decode(payload, Ack)))
        return self.link

    def pass_(self, hours):
        self.now_ns += round(hours * HOUR)
        self.mono_ns += round(hours * HOUR)
        self.lights.step()

    def tell(self, name="c-1", retained=False, expires_in=60, **more):
        body = {"v": 1, "id": name, "powerState": "on", "by": "operator-3", **more}
        body.setdefault("expires", from_ns(self.now_ns + expires_in * S))
        body = {key: value for key, value in body.items() if value is not None}
        return self.tell_raw(json.dumps(body).encode(), retained=retained)

    def tell_raw(self, payload, retained=False):
        self.lights.heard(PATH, payload, retained=retained)
        self.lights.step()
        return self.answer()

    def answer(self):
        _, ack = self.sent[-1]
        return ack.outcome, ack.reason if isinstance(ack.reason, str) else ""

    def audit(self):
        return [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.spool.close()


@pytest.fixture
def scheduled(tmp_path):
    made = Bench(tmp_path, Schedule())
    yield made
    made.spool.close()


# Commands ------------------------------------------------------------------------------------------------


def test_a_command_is_done_answered_on_its_assets_ack_and_written_down_with_who(bench):
    assert bench.tell() == ("done", "")
    assert bench.on is True
    path, ack = bench.sent[-1]
    assert (path, ack.id, ack.gw, ack.powerState) == ("lighting/cabinet-01/ack", "c-1", "gw-01", "on")
    assert [(line["outcome"], line["by"]) for line in bench.audit()] == [
        ("accepted", "operator-3"),
        ("done", "operator-3"),
    ]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"retained": True}, "retained"),
        ({"expires_in": 0}, "expired"),
        ({"expires_in": -3600}, "expired"),
        ({"expires_in": 90_000}, "malformed"),
        ({"asset": "cabinet-02"}, "wrong-asset"),
        ({"powerState": None}, "malformed"),
        ({"powerState": "low"}, "unsupported"),
        ({"illuminanceLevel": 0.4}, "unsupported"),
        ({"powerState": "bright"}, "malformed"),
        ({"expires": "soon"}, "malformed"),
        ({"until": "2020-01-01T00:00:00.000Z"}, "malformed"),
    ],
)
def test_a_command_that_may_not_be_done_is_refused_with_its_reason_and_nothing_moves(bench, more, reason):
    assert bench.tell(**more) == ("refused", reason)
    assert bench.switched == []
    assert bench.audit()[-1]["reason"] == reason


def test_a_replayed_command_is_refused_also_after_a_restart_until_it_has_expired(bench):
    fixed = from_ns(bench.now_ns + 600 * S)
    assert bench.tell(expires=fixed) == ("done", "")
    assert bench.tell(expires=fixed) == ("refused", "replayed")
    bench.again()
    assert bench.tell(expires=fixed) == ("refused", "replayed")
    bench.pass_(1)
    assert bench.tell(expires=fixed) == ("refused", "expired")


def test_without_a_clock_that_is_set_every_command_is_refused(bench):
    bench.clock = False
    assert bench.tell() == ("refused", "clock")


def test_only_permitted_actions_are_done(tmp_path):
    bench = Bench(tmp_path, actions=["off"])
    assert bench.tell("c-1") == ("refused", "not-permitted")
    assert bench.tell("c-2", powerState="off") == ("done", "")
    assert bench.tell("c-3", action="auto", powerState=None) == ("refused", "not-permitted")
    bench.spool.close()


def test_commands_are_not_even_heard_unless_they_are_enabled(tmp_path):
    bench = Bench(tmp_path, enabled=False)
    assert bench.lights.paths == []
    bench.spool.close()


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[1]", b'{"id":5}', b"null", b"x" * 100_000])
def test_what_is_no_command_is_written_down_and_has_no_answer(bench, payload):
    bench.lights.heard(PATH, payload, retained=False)
    bench.lights.step()
    assert bench.sent == []
    assert bench.audit()[-1]["reason"] == "malformed"


def test_a_relay_that_does_not_follow_fails_the_command_and_is_tried_again_but_not_hammered(bench):
    bench.fails = "not-followed"
    assert bench.tell() == ("failed", "no-feedback")
    bench.lights.step()
    assert bench.switched == [True]
    bench.fails = None
    bench.pass_(0.1)
    assert bench.on is True


def test_an_order_that_cannot_be_written_down_is_not_done(bench, monkeypatch):
    def sick(_notes):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(bench.spool, "set_notes", sick)
    assert bench.tell() == ("failed", "fault")
    assert bench.switched == []


def test_an_answer_waits_for_the_link(bench):
    bench.link = False
    bench.lights.heard(
        PATH,
        json.dumps({"v": 1, "id": "c-1", "expires": "2020-01-01T00:00:00.000Z"}).encode(),
        retained=False,
    )
    bench.lights.step()
    assert bench.sent == []
    bench.link = True
    bench.lights.step()
    assert len(bench.sent) == 1


def test_more_commands_than_lamps_can_need_are_refused(bench, monkeypatch):
    monkeypatch.setattr("gateway.commands.orders.MOST_IDS", 9)
    for number in range(9):
        assert bench.tell(f"c-{number}", powerState="on" if number % 2 else "off") == ("done", "")
    assert bench.tell("one-more") == ("refused", "not-permitted")


def test_the_audit_log_is_rotated_by_size_and_loses_no_line_while_it_has_room(tmp_path):
    audit = Audit(tmp_path / "a.log", 1000)
    for number in range(100):
        audit.write(id=f"c-{number}", by="Nguyễn Thị Lan", outcome="done")
    files = sorted(tmp_path.glob("a.log*"))
    assert len(files) == KEPT + 1
    lines = [
        json.loads(line)["id"] for file in files for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) == len(set(lines))
    assert json.loads(files[0].read_text().splitlines()[-1])["id"] == "c-99"
    assert all(file.stat().st_size <= 1000 for file in files)


# The schedule --------------------------------------------------------------------------------------------


def test_lamps_burn_from_sunset_to_sunrise_and_a_restart_finds_them_as_they_should_be(scheduled):
    burning = []
    for half in range(48):
        burning.append(scheduled.on)
        scheduled.pass_(0.5)
        if half % 5 == 0:
            scheduled.again()
            scheduled.lights.step()
    assert burning[1:13] == [False] * 12, "noon to six"
    assert all(burning[15:34])
    assert not any(burning[37:])


def test_a_command_holds_until_the_schedule_switches_next(scheduled):
    scheduled.pass_(9)  # nine in the evening
    assert scheduled.on is True
    assert scheduled.tell(powerState="off") == ("done", "")
    scheduled.pass_(1)
    scheduled.again()
    scheduled.pass_(1)
    assert scheduled.on is False
    scheduled.pass_(10)  # nine in the morning
    scheduled.pass_(12)  # and in the evening
    assert scheduled.on is True


def test_a_command_holds_until_its_time_and_auto_gives_the_lamps_back(scheduled):
    scheduled.tell("c-1", until=from_ns(scheduled.now_ns + 2 * HOUR))
    scheduled.pass_(1)
    assert scheduled.on is True
    scheduled.pass_(1.1)
    assert scheduled.on is False
    scheduled.tell("c-2")
    assert scheduled.on is True
    assert scheduled.tell("c-3", action="auto", powerState=None) == ("done", "")
    assert scheduled.on is False


def test_without_a_clock_daylight_switches_and_without_that_all_stays_as_it_was(scheduled):
    scheduled.clock = False
    scheduled.lights.step()
    assert scheduled.on is None, "nothing is known: nothing is touched"
    for lux, burns in (
        (5000.0, False),
        (25.0, False),
        (15.0, True),
        (30.0, True),
        (40.0, False),
        (3.0, True),
    ):
        scheduled.lights.seen("cabinet-01", {"illuminance": lux})
        scheduled.lights.step()
        assert scheduled.on is burns
    scheduled.pass_(3)
    assert scheduled.on is True
    scheduled.again()
    scheduled.lights.step()
    assert scheduled.on is True, "as before the power cut"


def test_the_sun_sets_when_almanacs_say_so_and_windows_are_dark():
    def turns(day, schedule):
        start = datetime(2026, *day, tzinfo=UTC) + timedelta(hours=5)
        states = [
            by_sun(schedule, LAT, LON, int((start + timedelta(minutes=m)).timestamp()) * S)
            for m in range(1440)
        ]
        return [(m, new) for m, (old, new) in enumerate(pairwise(states), 1) if old != new]

    (on, burns), (off, dark) = turns((6, 21), Schedule())
    assert (burns, dark) == (True, False)
    assert abs(on - (6 * 60 + 34)) <= 2, "18:34 on the longest day"
    assert off > on
    (early, _), _ = turns((6, 21), Schedule(sunset=-20))
    assert early == on - 20
    assert [state for _, state in turns((6, 21), Schedule(dark=[(23, 4)]))] == [True, False, True, False]
    assert by_lux(10, burning=False)
    assert not by_lux(25, burning=False)
    assert by_lux(25, burning=True)


# Configuration -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lighting", "said"),
    [
        ({"asset": "cabnet-01"}, "did you mean 'cabinet-01'?"),
        ({"asset": "bin-1"}, "it is a WasteContainer, and only lamps are switched"),
        ({"device": "relay-1"}, "did you mean 'relay-01'?"),
        ({"device": "pi"}, "driver 'pi-health' switches nothing; a relay does"),
        ({"schedule": Schedule()}, "[site] has no lat and lon"),
    ],
)
def test_wrong_lighting_is_refused_with_what_would_be_right(lighting, said):
    assets = [
        AssetConfig(id="cabinet-01", type="StreetlightControlCabinet", every=60),
        AssetConfig(id="bin-1", type="WasteContainer", every=60),
    ]
    devices = [DeviceConfig(id="relay-01", driver="relay"), DeviceConfig(id="pi", driver="pi-health")]
    right = {"asset": "cabinet-01", "device": "relay-01"}
    assert list(problems([Lighting(**right)], assets, devices, placed=False)) == []
    (found,) = problems([Lighting(**(right | lighting))], assets, devices, placed=False)
    assert said in found
