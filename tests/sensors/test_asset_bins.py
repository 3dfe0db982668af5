"""Because a bin is a shape, a fire shows by how fast it warms, and a lorry is weighed once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.assets import Moment
from sensors.assets.geometry import Geometry, level
from sensors.assets.moment import NS
from sensors.calibration import Record
from sensors.errors import ConfigError
from sensors.sample import Quality, Sample, bad
from tests.sensors.moments import DAY_NS, MIN, asset


def test_a_tapered_bin_holds_less_below_than_above():
    bin_ = Geometry(empty_m=1.0, full_m=0.0, taper=0.6)
    half = level(bin_, 0.5)
    assert half == pytest.approx((0.8**3 - 0.6**3) / (1 - 0.6**3), abs=1e-4)
    assert half < 0.5
    assert (level(bin_, 1.0), level(bin_, 0.0)) == (0.0, 1.0)


def test_a_bin_of_any_shape_follows_its_table():
    bin_ = Geometry(empty_m=1.0, full_m=0.0, shape=((0.5, 0.2), (0.8, 0.9)))
    assert [level(bin_, 1 - height) for height in (0, 0.25, 0.5, 0.8, 0.9, 1)] == [0, 0.1, 0.2, 0.9, 0.95, 1]


@given(st.floats(0.05, 1), st.lists(st.floats(-0.5, 6), min_size=2, max_size=20), st.floats(0.5, 4))
def test_nearer_waste_never_means_an_emptier_bin(taper, distances, empty_m):
    shares = [level(Geometry(empty_m=empty_m, full_m=0.1, taper=taper), d) for d in sorted(distances)]
    assert all(a >= b for a, b in pairwise(shares))
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"taper": 0.5, "shape": [[0.5, 0.4]]}, "same thing"),
        ({"shape": [[0.5, 0.4], [0.6, 0.3]]}, "both rise"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(more, said):
    with pytest.raises(ConfigError, match=said):
        asset("WasteContainer", empty_m=1.0, full_m=0.1, **more)


def test_a_bins_own_calibration_stands_over_the_file_and_its_distance_travels_along():
    it = asset("WasteContainer", empty_m=1.0, full_m=0.0)
    it.calibrate(
        Record(of="b", kind="empty-full", at="2026-01-01T00:00:00Z", by="An", gain=-2.0, offset=1.4,
               points=((0.7, 0.0), (0.2, 1.0)))
    )  # fmt: skip
    seen = it.combine({"distance": Sample("distance", 0.45)})
    assert seen.fields["fillingLevel"] == 0.5
    assert seen.raws == {"fillingLevel": 0.45}
    it.calibrate(None)
    assert it.combine({"distance": Sample("distance", 0.45)}).raws is None


def burning(*warmth, every_ns=MIN, reason=""):
    it = asset("WasteContainer", empty_m=1.0, full_m=0.1)
    found = []
    for n, celsius in enumerate(warmth):
        last = n == len(warmth) - 1
        doubt = (Quality.UNCERTAIN, reason) if reason and last else ()
        samples = {"distance": Sample("distance", 0.5), "temperature": Sample("temperature", celsius, *doubt)}
        found.append(it.combine(samples, Moment(n * every_ns)).fields["status"])
    return found


def test_a_bin_burns_when_it_warms_by_more_than_five_kelvin_a_minute():
    assert burning(30, 36, 42) == ["ok", "burning", "burning"]
    assert burning(30, 34, 38) == ["ok", "ok", "ok"]
    assert burning(30, 41, every_ns=5 * MIN) == ["ok", "ok"]
    assert burning(30, 70, every_ns=5 * MIN) == ["ok", "burning"]


def test_one_doubtful_reading_is_no_fire():
    assert burning(30, 90, reason="jump") == ["ok", "ok"]


def test_readings_a_second_apart_and_readings_of_yesterday_make_no_fire():
    assert burning(30, 31, every_ns=NS) == ["ok", "ok"]
    assert burning(10, 55, every_ns=DAY_NS) == ["ok", "ok"]


def test_a_weighing_is_gross_less_tare_whether_measured_or_registered():
    seen = asset("WasteObserved").combine({"gross": Sample("g", 5440.0), "tare": Sample("t", 4200.0)})
    assert seen.fields == {"grossWeight": 5440.0, "tareWeight": 4200.0, "weight": 1240.0}
    seen = asset("WasteObserved", tare_kg=4200).combine({"gross": Sample("g", 4100.0)})
    assert (seen.fields["weight"], seen.reasons) == (-100.0, {"weight": "range"})
    seen = asset("WasteObserved").combine({"gross": bad("g", "no-comm"), "tare": Sample("t", 4200.0)})
    assert "weight" not in seen.fields
    assert seen.bad == {"grossWeight": "no-comm", "weight": "no-comm"}


def weighings(it, grosses, **more):
    """What a bridge tells of each round: the net weight, None for silence."""
    told = []
    for gross in grosses:
        samples = {"gross": bad("g", "no-comm") if gross is None else Sample("g", float(gross))}
        samples |= {name: Sample(name, value) for name, value in more.items()}
        seen = it.worth_telling(it.combine(samples), samples)
        told.append(None if seen is None else seen.fields.get("weight", seen.quality.word))
    return told


def test_a_lorry_is_told_once_when_it_stands_still_and_an_empty_one_never():
    it = asset("WasteObserved", tare_kg=4200)
    lorry = [0, 2000, 7400, 7410, 7410, 7400, 3000, 0, 0, 4200, 4210, 4200, 0]
    assert weighings(it, lorry) == ["good"] + [None] * 2 + [3210.0] + [None] * 9
    assert weighings(it, [6000, 6000]) == [None, 1800.0]


def test_a_restart_in_the_middle_of_a_weighing_does_not_tell_it_again():
    before, after = asset("WasteObserved", tare_kg=4200), asset("WasteObserved", tare_kg=4200)
    assert weighings(before, [7400, 7400]) == ["good", 3200.0]
    after.recall(before.remember())
    assert weighings(after, [7400, 7400, 0, 7400, 7400]) == ["good"] + [None] * 3 + [3200.0]


def test_an_indicators_next_ticket_is_a_weighing_also_after_a_restart_but_not_the_first_one_ever_seen():
    it, again = asset("WasteObserved"), asset("WasteObserved")
    assert weighings(it, [7400, 7400], tare=4200.0, ticket=17.0) == ["good", None]
    assert weighings(it, [6100, 6100], tare=4200.0, ticket=18.0) == [1900.0, None]
    again.recall(it.remember())
    assert weighings(again, [6100], tare=4200.0, ticket=18.0) == ["good"]
    assert weighings(again, [6100], tare=4200.0, ticket=19.0) == [1900.0]


def test_a_bridge_that_cannot_weigh_says_so_and_says_once_that_it_can_again():
    it = asset("WasteObserved", tare_kg=4200)
    assert weighings(it, [0, None, None, 0, 0]) == ["good", "bad", "bad", "good", None]


def test_a_ticket_that_cannot_be_read_leaves_no_weight():
    seen = asset("WasteObserved").combine({"gross": Sample("g", 9.0), "ticket": bad("t", "crc")})
    assert (seen.quality.word, seen.bad) == ("bad", {"weight": "crc"})
